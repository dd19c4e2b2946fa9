//! The numbers of the interface: exit codes, and the codes of faults that actions tell apart.

/// The action did what it should.
pub(super) const SUCCESS: i32 = 0;
/// Something failed; the output says what.
pub(super) const GENERIC: i32 = 1;
/// The arguments make no sense.
pub(super) const INVALID_ARGS: i32 = 2;
/// The daemon has no `supervisor` methods.
pub(super) const UNIMPLEMENTED: i32 = 3;
/// Nobody listens at the daemon's address.
pub(super) const INSUFFICIENT_PRIVILEGES: i32 = 4;
/// The daemon speaks another version of the interface.
pub(super) const NOT_INSTALLED: i32 = 5;
/// The program, or the daemon, does not run.
pub(super) const NOT_RUNNING: i32 = 7;
/// `status`: something that was shown does not run.
pub(super) const STATUS_NOT_RUNNING: i32 = 3;
/// `status`: a name is unknown, or the daemon cannot be asked.
pub(super) const STATUS_UNKNOWN: i32 = 4;

/// The codes of faults, as `docs/api.rst` lists them.
pub(super) mod fault {
    pub(in crate::ctl) const UNKNOWN_METHOD: i64 = 1;
    pub(in crate::ctl) const SHUTDOWN_STATE: i64 = 6;
    pub(in crate::ctl) const BAD_NAME: i64 = 10;
    pub(in crate::ctl) const BAD_SIGNAL: i64 = 11;
    pub(in crate::ctl) const NO_FILE: i64 = 20;
    pub(in crate::ctl) const NOT_EXECUTABLE: i64 = 21;
    pub(in crate::ctl) const FAILED: i64 = 30;
    pub(in crate::ctl) const ABNORMAL_TERMINATION: i64 = 40;
    pub(in crate::ctl) const SPAWN_ERROR: i64 = 50;
    pub(in crate::ctl) const ALREADY_STARTED: i64 = 60;
    pub(in crate::ctl) const NOT_RUNNING: i64 = 70;
    pub(in crate::ctl) const SUCCESS: i64 = 80;
    pub(in crate::ctl) const ALREADY_ADDED: i64 = 90;
    pub(in crate::ctl) const STILL_RUNNING: i64 = 91;
    pub(in crate::ctl) const CANT_REREAD: i64 = 92;
}
