//! `remove`: takes groups out whose processes are stopped.

use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::client::ClientError;

pub(super) const HELP: &str = "remove <name> [...]\tRemoves process/group from active config";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    for name in argument.split_whitespace() {
        let line = match session.call("removeProcessGroup", &[name.into()]) {
            Ok(_) => format!("{name}: removed process group"),
            Err(ClientError::Fault(failed)) => {
                session.status = code::GENERIC;
                match i64::from(failed.code) {
                    fault::STILL_RUNNING => {
                        format!("ERROR: process/group still running: {name}")
                    }
                    fault::BAD_NAME => format!("ERROR: no such process/group: {name}"),
                    _ => return Err(ClientError::Fault(failed).into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        session.say(&line);
    }
    Ok(Flow::Go)
}
