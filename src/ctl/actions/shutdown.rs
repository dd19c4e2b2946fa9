//! `shutdown`: the daemon stops everything and leaves.

use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::client::ClientError;

pub(super) const HELP: &str = "shutdown \tShut the remote supervisord down.";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !argument.is_empty() {
        return session.misused("Error: shutdown accepts no arguments", HELP, code::GENERIC);
    }
    if !session.is_sure("Really shut the remote supervisord process down y/N? ")? {
        return Ok(Flow::Go);
    }
    let url = session.api.url();
    let line = match session.call("shutdown", &[]) {
        Ok(_) => "Shut down".to_owned(),
        Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::SHUTDOWN_STATE => {
            "ERROR: already shutting down".to_owned()
        }
        Err(ClientError::Refused) => {
            session.status = code::GENERIC;
            format!("ERROR: {url} refused connection (already shut down?)")
        }
        Err(ClientError::NoSuchFile) => {
            session.status = code::GENERIC;
            format!("ERROR: {url} no such file (already shut down?)")
        }
        Err(error) => return Err(error.into()),
    };
    session.say(&line);
    Ok(Flow::Go)
}
