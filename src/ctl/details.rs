//! What our daemon tells of its processes beyond the original's answers.

use super::answer::ProcessInfo;
use super::json::Json;
use super::session::Session;
use crate::model::state::ProcessState;
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

/// The details of all processes.
#[derive(Debug, Default)]
pub(super) struct Details(Vec<Value>);

/// The members of [`Details`] that are passed on as they are.
const MEMBERS: [&str; 9] = [
    "exit_code",
    "exit_signal",
    "step",
    "errno",
    "reason",
    "tries",
    "startretries",
    "next_try",
    "listener",
];

impl Details {
    /// Asks the daemon. One that does not know the method, as the original, tells nothing.
    pub(super) fn ask(session: &mut Session<'_>) -> Result<Self, ClientError> {
        match session.call("supervisord.getAllProcessDetails", &[]) {
            Ok(Value::Array(all)) => Ok(Self(all)),
            Ok(_) => Err(ClientError::Unexpected("list of details")),
            Err(ClientError::Fault(_)) => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn member(&self, info: &ProcessInfo, name: &str) -> Option<&Value> {
        let is =
            |value: &Value, name, text: &str| value.get(name).and_then(Value::as_str) == Some(text);
        let about =
            |value: &&Value| is(value, "name", &info.name) && is(value, "group", &info.group);
        self.0.iter().find(about)?.get(name)
    }

    fn text(&self, info: &ProcessInfo, name: &str) -> Option<&str> {
        self.member(info, name)?.as_str()
    }

    fn number(&self, info: &ProcessInfo, name: &str) -> Option<i64> {
        match self.member(info, name)? {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The members of a process's JSON.
    pub(super) fn json(&self, info: &ProcessInfo) -> impl Iterator<Item = (&'static str, Json)> {
        MEMBERS.into_iter().map(|name| {
            let value = match self.member(info, name) {
                Some(Value::Int(number)) => Json::Int(*number),
                Some(Value::String(text)) => Json::text(text),
                Some(_) | None => Json::Null,
            };
            (name, value)
        })
    }

    /// The lines that explain a state to a person; none where nothing has to be explained.
    pub(super) fn lines(&self, info: &ProcessInfo) -> Vec<String> {
        let Some(state) = info.known_state() else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        match state {
            ProcessState::Running | ProcessState::Starting | ProcessState::Stopping => {}
            ProcessState::Stopped
            | ProcessState::Exited
            | ProcessState::Fatal
            | ProcessState::Backoff
            | ProcessState::Unknown => lines.extend(self.why(info)),
        }
        if state == ProcessState::Backoff {
            lines.extend(self.next_try(info));
        }
        if let Some(listener) = self.text(info, "listener")
            && state.is_running()
        {
            lines.push(format!("listener {listener}"));
        }
        lines
    }

    fn why(&self, info: &ProcessInfo) -> Option<String> {
        if let Some(reason) = self.text(info, "reason") {
            let step = self.text(info, "step").unwrap_or("start");
            let errno = self.text(info, "errno");
            let errno = errno.map(|errno| format!(" {errno}")).unwrap_or_default();
            return Some(format!("{reason} ({step}{errno})"));
        }
        if let Some(code) = self.number(info, "exit_code") {
            return Some(format!("exit code {code}"));
        }
        let signal = self.text(info, "exit_signal")?;
        let core = self.member(info, "core_dumped") == Some(&Value::Bool(true));
        let core = if core { ", core dumped" } else { "" };
        Some(format!("ended by {signal}{core}"))
    }

    fn next_try(&self, info: &ProcessInfo) -> Option<String> {
        let next = self.number(info, "tries")?.saturating_add(1);
        let wait = self.number(info, "next_try_in")?;
        let of = match self.number(info, "startretries")? {
            -1 => String::new(),
            retries => format!(" of {}", retries.max(0).saturating_add(1)),
        };
        Some(format!("try {next}{of} in {wait} s"))
    }
}
