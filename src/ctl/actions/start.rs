//! `start`: processes, groups, or all.

use super::batch::{Deed, error};
use crate::ctl::answer::Outcome;
use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::model::state::ProcessState;

pub(super) const HELP: &str = "start <name>\t\tStart a process\n\
    start <gname>:*\t\tStart all processes in a group\n\
    start <name> <name>\tStart multiple processes or groups\n\
    start all\t\tStart all processes";

pub(super) const DEED: Deed<'static> = Deed {
    all: "startAllProcesses",
    group: "startProcessGroup",
    one: "startProcess",
    extra: &[],
    render,
    ignored: Some(fault::ALREADY_STARTED),
    settled: Some(settled),
    no_group: code::INVALID_ARGS,
};

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    if names.is_empty() {
        let line = "Error: start requires a process name";
        return session.misused(line, HELP, code::INVALID_ARGS);
    }
    DEED.run(session, &names)?;
    Ok(Flow::Go)
}

fn render(outcome: &Outcome) -> Option<String> {
    let reason = match outcome.status {
        fault::SUCCESS => return Some(format!("{}: started", outcome.display)),
        fault::BAD_NAME => "no such process",
        fault::NO_FILE => "no such file",
        fault::NOT_EXECUTABLE => "file is not executable",
        fault::ALREADY_STARTED => "already started",
        fault::SPAWN_ERROR => "spawn error",
        fault::ABNORMAL_TERMINATION => "abnormal termination",
        _ => return None,
    };
    Some(error(outcome, reason))
}

/// As the original sees it: who is not on the way up and not there has failed, even if another
/// try follows.
const fn settled(state: ProcessState) -> Option<i64> {
    match state {
        ProcessState::Starting => None,
        ProcessState::Running => Some(fault::SUCCESS),
        ProcessState::Backoff | ProcessState::Fatal => Some(fault::SPAWN_ERROR),
        ProcessState::Stopped
        | ProcessState::Stopping
        | ProcessState::Exited
        | ProcessState::Unknown => Some(fault::ABNORMAL_TERMINATION),
    }
}
