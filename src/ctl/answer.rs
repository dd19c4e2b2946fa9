//! Answers of the daemon, taken out of their structs. What is missing or of another type is an
//! error of the call, not a default: the daemon may be anybody's.

use crate::model::name::DisplayName;
use crate::model::state::ProcessState;
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

/// A process as `getProcessInfo` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProcessInfo {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) state: i64,
    pub(super) statename: String,
    pub(super) description: String,
    pub(super) pid: i64,
}

impl ProcessInfo {
    pub(super) fn read(value: &Value) -> Result<Self, ClientError> {
        Ok(Self {
            group: text(value, "group")?,
            name: text(value, "name")?,
            state: number(value, "state")?,
            statename: text(value, "statename")?,
            description: text(value, "description")?,
            pid: number(value, "pid")?,
        })
    }

    /// The state, if it is one that we know.
    pub(super) fn known_state(&self) -> Option<ProcessState> {
        i32::try_from(self.state)
            .ok()
            .and_then(ProcessState::from_code)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.known_state().is_some_and(ProcessState::is_stopped)
    }

    pub(super) fn display(&self) -> String {
        display(&self.group, &self.name)
    }
}

/// A process as `getAllConfigInfo` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigInfo {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) inuse: bool,
    pub(super) autostart: bool,
    pub(super) group_prio: i64,
    pub(super) process_prio: i64,
}

impl ConfigInfo {
    pub(super) fn read(value: &Value) -> Result<Self, ClientError> {
        Ok(Self {
            group: text(value, "group")?,
            name: text(value, "name")?,
            inuse: truth(value, "inuse")?,
            autostart: truth(value, "autostart")?,
            group_prio: number(value, "group_prio")?,
            process_prio: number(value, "process_prio")?,
        })
    }

    pub(super) fn display(&self) -> String {
        display(&self.group, &self.name)
    }
}

/// What became of one process in a call that was about many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The process as output names it.
    pub(super) display: String,
    /// The code of a fault, or SUCCESS.
    pub(super) status: i64,
    /// The code in words.
    pub(super) description: String,
}

impl Outcome {
    pub(super) fn read(value: &Value) -> Result<Self, ClientError> {
        Ok(Self {
            display: display(&text(value, "group")?, &text(value, "name")?),
            status: number(value, "status")?,
            description: text(value, "description")?,
        })
    }
}

/// The groups that differ between the daemon and its config file: what `reloadConfig` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
}

impl Changes {
    pub(super) fn read(value: &Value) -> Result<Self, ClientError> {
        let Some([Value::Array(lists)]) = value.as_array() else {
            return Err(ClientError::Unexpected("list of changes"));
        };
        let [added, changed, removed] = lists.as_slice() else {
            return Err(ClientError::Unexpected("three lists of changes"));
        };
        Ok(Self {
            added: names(added)?,
            changed: names(changed)?,
            removed: names(removed)?,
        })
    }
}

fn names(value: &Value) -> Result<Vec<String>, ClientError> {
    list(value, |name| {
        name.as_str()
            .map(str::to_owned)
            .ok_or(ClientError::Unexpected("name"))
    })
}

/// Each element of an array, read by `read`.
pub(super) fn list<T>(
    value: &Value,
    read: impl Fn(&Value) -> Result<T, ClientError>,
) -> Result<Vec<T>, ClientError> {
    value
        .as_array()
        .ok_or(ClientError::Unexpected("list"))?
        .iter()
        .map(read)
        .collect()
}

/// A text that is the whole answer.
pub(super) fn whole_text(value: &Value) -> Result<&str, ClientError> {
    value.as_str().ok_or(ClientError::Unexpected("text"))
}

/// A number that is the whole answer.
pub(super) fn whole_number(value: &Value) -> Result<i64, ClientError> {
    value.as_int().ok_or(ClientError::Unexpected("number"))
}

/// A process as output names it.
pub(super) fn display(group: &str, process: &str) -> String {
    DisplayName { group, process }.to_string()
}

fn text(value: &Value, name: &'static str) -> Result<String, ClientError> {
    let found = value.get(name).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or(ClientError::Unexpected(name))
}

fn number(value: &Value, name: &'static str) -> Result<i64, ClientError> {
    let found = value.get(name).and_then(Value::as_int);
    found.ok_or(ClientError::Unexpected(name))
}

fn truth(value: &Value, name: &'static str) -> Result<bool, ClientError> {
    match value.get(name) {
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(Value::Int(number)) => Ok(*number != 0),
        _ => Err(ClientError::Unexpected(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_lacks_something_names_it() {
        let half = Value::Struct(vec![("group".to_owned(), "pets".into())]);
        assert_eq!(
            ProcessInfo::read(&half).expect_err("no name").to_string(),
            "the server's answer has no name"
        );
        for value in [
            Value::Nil,
            Value::Array(vec![]),
            Value::Array(vec![Value::Array(vec![])]),
        ] {
            assert!(Changes::read(&value).is_err(), "{value:?}");
        }
    }
}
