//! `signal`: to processes, groups, or all.

use super::batch::{Deed, error};
use crate::ctl::answer::Outcome;
use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::xml::Value;

pub(super) const HELP: &str = "signal <signal name> <name>\t\tSignal a process\n\
    signal <signal name> <gname>:*\t\tSignal all processes in a group\n\
    signal <signal name> <name> <name>\tSignal multiple processes or groups\n\
    signal <signal name> all\t\tSignal all processes";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let [signal, names @ ..] = words.as_slice() else {
        return misused(session);
    };
    if names.is_empty() {
        return misused(session);
    }
    let deed = Deed {
        all: "signalAllProcesses",
        group: "signalProcessGroup",
        one: "signalProcess",
        extra: &[Value::from(*signal)],
        render,
        ignored: None,
        settled: None,
        no_group: code::GENERIC,
    };
    deed.run(session, names)?;
    Ok(Flow::Go)
}

fn misused(session: &mut Session<'_>) -> Done {
    let line = "Error: signal requires a signal name and a process name";
    session.misused(line, HELP, code::GENERIC)
}

fn render(outcome: &Outcome) -> Option<String> {
    render_as(outcome, "signalled")
}

/// What to say of a process that a signal was sent to, for whatever purpose.
pub(super) fn render_as(outcome: &Outcome, success: &str) -> Option<String> {
    let reason = match outcome.status {
        fault::SUCCESS => return Some(format!("{}: {success}", outcome.display)),
        fault::FAILED => return Some(outcome.description.clone()),
        fault::BAD_NAME => "no such process",
        fault::BAD_SIGNAL => "bad signal name",
        fault::NOT_RUNNING => "not running",
        _ => return None,
    };
    Some(error(outcome, reason))
}
