//! `quit`: leaves the shell.

use super::exit;
use crate::ctl::session::{Done, Session};

pub(super) const HELP: &str = "quit\tExit the supervisor shell.";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    exit::run(session, argument)
}
