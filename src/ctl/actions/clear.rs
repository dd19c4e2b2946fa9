//! `clear`: empties the logs of processes.

use super::batch::error;
use crate::ctl::answer::{Outcome, display, list};
use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::ctl::trouble::Trouble;
use crate::model::name::Namespec;
use crate::rpc::client::ClientError;

pub(super) const HELP: &str = "clear <name>\t\tClear a process' log files.\n\
    clear <name> <name>\tClear multiple process' log files\n\
    clear all\t\tClear all process' log files";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    if names.is_empty() {
        let line = "Error: clear requires a process name";
        return session.misused(line, HELP, code::GENERIC);
    }
    if names.contains(&"all") {
        let outcomes = session.call("clearAllProcessLogs", &[])?;
        for outcome in list(&outcomes, Outcome::read)? {
            show(session, &outcome)?;
        }
        return Ok(Flow::Go);
    }
    for name in names {
        let (status, description) = match session.call("clearProcessLogs", &[name.into()]) {
            Ok(_) => (fault::SUCCESS, "OK".to_owned()),
            Err(ClientError::Fault(failed)) => (failed.code.into(), failed.text),
            Err(error) => return Err(error.into()),
        };
        let spec = Namespec::parse(name);
        let outcome = Outcome {
            // A whole group has no logs to clear; the answer to that names it as it was given.
            display: spec
                .process
                .map_or_else(|| name.to_owned(), |process| display(spec.group, process)),
            status,
            description,
        };
        show(session, &outcome)?;
    }
    Ok(Flow::Go)
}

fn show(session: &mut Session<'_>, outcome: &Outcome) -> Result<(), Trouble> {
    let line = match outcome.status {
        fault::SUCCESS => format!("{}: cleared", outcome.display),
        fault::BAD_NAME => error(outcome, "no such process"),
        fault::FAILED => error(outcome, "failed"),
        code => {
            return Err(Trouble::Code {
                code,
                name: outcome.display.clone(),
                text: outcome.description.clone(),
            });
        }
    };
    session.say(&line);
    session.count(outcome.status, None);
    Ok(())
}
