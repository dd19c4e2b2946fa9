//! The one door to the system. Only here stand `unsafe` and `nix`; each `unsafe` block carries
//! its proof.
//!
//! The room knows no actor and no config: it is given plain values and gives plain values back.

pub mod clock;

pub mod command;
pub mod errno;

pub mod users;

pub mod privileges;

pub mod limits;

pub mod fds;

pub mod signals;

pub mod kill;

pub mod reap;
pub mod sockets;
pub mod spawn;

pub mod pidfile;

pub mod daemonize;

mod placed;
pub mod logfile;

pub mod logread;

pub mod mounts;

pub mod autolog;

pub mod pipesize;

pub mod syslog;

#[cfg(test)]
mod alone;

#[cfg(test)]
pub(crate) mod scratch;
