//! `restart`: stop, then start.

use super::{start, stop};
use crate::ctl::code;
use crate::ctl::session::{Done, Flow, Session};

pub(super) const HELP: &str = "restart <name>\t\tRestart a process\n\
    restart <gname>:*\tRestart all processes in a group\n\
    restart <name> <name>\tRestart multiple processes or groups\n\
    restart all\t\tRestart all processes\n\
    Note: restart does not reread config files. For that, see reread and update.";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    if argument.is_empty() {
        let line = "Error: restart requires a process name";
        return session.misused(line, HELP, code::GENERIC);
    }
    stop::run(session, argument)?;
    start::run(session, argument)
}
