//! `reread`: how the config file differs from what is active; nothing is changed.

use crate::ctl::answer::Changes;
use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::client::ClientError;
use std::collections::BTreeMap;

pub(super) const HELP: &str =
    "reread \t\t\tReload the daemon's configuration files without add/remove";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !argument.is_empty() {
        return session.misused("Error: reread accepts no arguments", HELP, code::GENERIC);
    }
    let failed = match session.call("reloadConfig", &[]) {
        Ok(value) => {
            for line in render(&Changes::read(&value)?) {
                session.say(&line);
            }
            return Ok(Flow::Go);
        }
        Err(ClientError::Fault(failed)) => failed,
        Err(error) => return Err(error.into()),
    };
    session.status = code::GENERIC;
    match i64::from(failed.code) {
        fault::SHUTDOWN_STATE => session.say("ERROR: supervisor shutting down"),
        fault::CANT_REREAD => session.say(&format!("ERROR: {}", failed.text)),
        _ => return Err(ClientError::Fault(failed).into()),
    }
    Ok(Flow::Go)
}

/// One line for each group that differs, in the order of the names.
fn render(changes: &Changes) -> Vec<String> {
    let mut words = BTreeMap::new();
    for (names, word) in [
        (&changes.added, "available"),
        (&changes.changed, "changed"),
        (&changes.removed, "disappeared"),
    ] {
        words.extend(names.iter().map(|name| (name, word)));
    }
    if words.is_empty() {
        return vec!["No config updates to processes".to_owned()];
    }
    let line = |(name, word)| format!("{name}: {word}");
    words.into_iter().map(line).collect()
}
