//! What the buttons of the status page do, and what the page says afterwards: the original's
//! sentences.

use crate::rpc::xml::{Fault, Value};
use crate::rpc::{Api, FaultKind};

/// Something that a button does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Shows the page again.
    Refresh,
    /// Stops every process.
    StopAll,
    /// Stops every process, then starts every one.
    RestartAll,
    /// Something with one process, by its namespec.
    One(Verb, String),
}

/// What is done with one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Starts it.
    Start,
    /// Stops it.
    Stop,
    /// Stops it, then starts it.
    Restart,
    /// Clears its logs.
    ClearLog,
}

impl Verb {
    /// The name in forms and links.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::ClearLog => "clearlog",
        }
    }

    /// What its button says.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Stop => "Stop",
            Self::Restart => "Restart",
            Self::ClearLog => "Clear Log",
        }
    }
}

impl Action {
    /// Reads the fields of a form or a link.
    pub(super) fn parse(name: &str, process: Option<&str>) -> Option<Self> {
        let verb = match name {
            "refresh" => return Some(Self::Refresh),
            "stopall" => return Some(Self::StopAll),
            "restartall" => return Some(Self::RestartAll),
            "start" => Verb::Start,
            "stop" => Verb::Stop,
            "restart" => Verb::Restart,
            "clearlog" => Verb::ClearLog,
            _ => return None,
        };
        let process = process.filter(|process| !process.is_empty())?;
        Some(Self::One(verb, process.to_owned()))
    }

    /// Does it and answers what is to be said.
    pub(super) async fn perform(&self, api: &Api) -> String {
        match self {
            Self::Refresh => format!("Page refreshed at {}", api.time()),
            Self::StopAll => {
                let done = api.perform("supervisor.stopAllProcesses", Vec::new()).await;
                all(done, "stopped", api)
            }
            Self::RestartAll => {
                let stopped = api.perform("supervisor.stopAllProcesses", Vec::new()).await;
                let started = api
                    .perform("supervisor.startAllProcesses", Vec::new())
                    .await;
                all(stopped.and(started), "restarted", api)
            }
            Self::One(_, name) if api.row(name).is_none() => {
                format!("No such process named {name}")
            }
            Self::One(verb, name) => one(*verb, name, api).await,
        }
    }
}

fn all(done: Result<(), Fault>, what: &str, api: &Api) -> String {
    match done {
        Ok(()) => format!("All {what} at {}", api.time()),
        Err(fault) => unexpected(&fault),
    }
}

async fn one(verb: Verb, name: &str, api: &Api) -> String {
    let call = async |method| api.perform(method, vec![Value::from(name)]).await;
    match verb {
        Verb::Start => match call("supervisor.startProcess").await {
            Ok(()) => format!("Process {name} started"),
            Err(fault) => format!("ERROR: Process {name}: {}", why_not_started(&fault)),
        },
        Verb::Stop => match call("supervisor.stopProcess").await {
            Ok(()) => format!("Process {name} stopped"),
            Err(fault) => unexpected(&fault),
        },
        Verb::Restart => {
            // One that does not run is only started.
            let _ = call("supervisor.stopProcess").await;
            match call("supervisor.startProcess").await {
                Ok(()) => format!("Process {name} restarted"),
                Err(fault) => format!("ERROR: Process {name}: {}", why_not_started(&fault)),
            }
        }
        Verb::ClearLog => match call("supervisor.clearProcessLogs").await {
            Ok(()) => format!("Log for {name} cleared"),
            Err(fault) => unexpected(&fault),
        },
    }
}

fn why_not_started(fault: &Fault) -> String {
    let known = [
        (FaultKind::NoFile, "no such file"),
        (FaultKind::NotExecutable, "file not executable"),
        (FaultKind::AlreadyStarted, "already started"),
        (FaultKind::SpawnError, "spawn error"),
        (FaultKind::AbnormalTermination, "abnormal termination"),
    ];
    known
        .iter()
        .find(|(kind, _)| kind.code() == fault.code)
        .map_or_else(|| unexpected(fault), |&(_, text)| text.to_owned())
}

fn unexpected(fault: &Fault) -> String {
    format!("unexpected rpc fault [{}] {}", fault.code, fault.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_form_name_an_action() {
        let check = |name, process, action| assert_eq!(Action::parse(name, process), action);
        check("refresh", None, Some(Action::Refresh));
        check("stopall", Some("x"), Some(Action::StopAll));
        check("start", None, None);
        check("start", Some(""), None);
        check("shutdown", Some("x"), None);
        for verb in [Verb::Start, Verb::Stop, Verb::Restart, Verb::ClearLog] {
            let action = Action::One(verb, "g:x".to_owned());
            check(verb.name(), Some("g:x"), Some(action));
        }
    }
}
