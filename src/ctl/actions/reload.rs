//! `reload`: the daemon stops everything and starts anew from its config.

use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::client::ClientError;

pub(super) const HELP: &str = "reload \t\tRestart the remote supervisord.";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !argument.is_empty() {
        return session.misused("Error: reload accepts no arguments", HELP, code::GENERIC);
    }
    if !session.is_sure("Really restart the remote supervisord process y/N? ")? {
        return Ok(Flow::Go);
    }
    match session.call("restart", &[]) {
        Ok(_) => session.say("Restarted supervisord"),
        Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::SHUTDOWN_STATE => {
            session.status = code::GENERIC;
            session.say("ERROR: already shutting down");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Flow::Go)
}
