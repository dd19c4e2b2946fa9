//! `stop`: processes, groups, or all.

use super::batch::Deed;
use super::signal;
use crate::ctl::answer::Outcome;
use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::model::state::ProcessState;

pub(super) const HELP: &str = "stop <name>\t\tStop a process\n\
    stop <gname>:*\t\tStop all processes in a group\n\
    stop <name> <name>\tStop multiple processes or groups\n\
    stop all\t\tStop all processes";

pub(super) const DEED: Deed<'static> = Deed {
    all: "stopAllProcesses",
    group: "stopProcessGroup",
    one: "stopProcess",
    extra: &[],
    render,
    ignored: Some(fault::NOT_RUNNING),
    settled: Some(settled),
    no_group: code::GENERIC,
};

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    if names.is_empty() {
        let line = "Error: stop requires a process name";
        return session.misused(line, HELP, code::GENERIC);
    }
    DEED.run(session, &names)?;
    Ok(Flow::Go)
}

fn render(outcome: &Outcome) -> Option<String> {
    signal::render_as(outcome, "stopped")
}

const fn settled(state: ProcessState) -> Option<i64> {
    if state.is_stopped() {
        Some(fault::SUCCESS)
    } else {
        None
    }
}
