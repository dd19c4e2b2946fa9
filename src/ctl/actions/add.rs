//! `add`: activates groups that the config has.

use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::client::ClientError;

pub(super) const HELP: &str = "add <name> [...]\tActivates any updates in config for process/group";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    for name in argument.split_whitespace() {
        let (line, status) = match session.call("addProcessGroup", &[name.into()]) {
            Ok(_) => (format!("{name}: added process group"), None),
            Err(ClientError::Fault(failed)) => match i64::from(failed.code) {
                fault::SHUTDOWN_STATE => ("ERROR: shutting down".to_owned(), Some(code::GENERIC)),
                fault::ALREADY_ADDED => ("ERROR: process group already active".to_owned(), None),
                fault::BAD_NAME => (
                    format!("ERROR: no such process/group: {name}"),
                    Some(code::GENERIC),
                ),
                _ => return Err(ClientError::Fault(failed).into()),
            },
            Err(error) => return Err(error.into()),
        };
        session.say(&line);
        session.status = status.unwrap_or(session.status);
    }
    Ok(Flow::Go)
}
