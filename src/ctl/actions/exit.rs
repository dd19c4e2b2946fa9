//! `exit`: leaves the shell.

use crate::ctl::session::{Done, Flow, Session};

pub(super) const HELP: &str = "exit\tExit the supervisor shell.";

#[allow(clippy::unnecessary_wraps, reason = "all actions have one signature")]
pub(super) fn run(session: &mut Session<'_>, _: &str) -> Done {
    session.say("");
    Ok(Flow::Leave)
}
