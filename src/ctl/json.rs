//! Answers for programs: `--json` behind status, avail, pid, version and update.
//!
//! One document on one line. Members are only ever added:
//!
//! - `status`: an array of `{"name", "group", "process", "state", "statecode", "pid",
//!   "description", "exit_code", "exit_signal", "step", "errno", "reason", "tries",
//!   "startretries", "next_try", "listener"}`; null where a thing does not apply, and all from
//!   `exit_code` on where the daemon is the original, which does not tell.
//! - `avail`: an array of `{"name", "group", "process", "inuse", "autostart", "group_priority",
//!   "process_priority"}`.
//! - `pid`: an array of `{"name", "pid"}`; without names one element, `supervisord`.
//! - `version`: `{"version"}`.
//! - `update`: an array of `{"group", "result"}`, where the result is `added`, `updated`,
//!   `removed` or `not removed`.
//!
//! A name that is unknown stands in its array as `{"name", "error"}` (`{"group", "error"}` in
//! `update`); an action that fails as a whole answers `{"error"}`. Exit codes are those of the
//! action without `--json`.

use std::fmt;

/// A value to be written as JSON.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn object<const N: usize>(members: [(&'static str, Self); N]) -> Self {
        Self::Object(members.into())
    }

    /// Whether an action's arguments begin with `--json`, and the rest of them.
    pub(super) fn is_asked(arguments: &str) -> (bool, &str) {
        match arguments.strip_prefix("--json") {
            Some("") => (true, ""),
            Some(rest) if rest.starts_with(char::is_whitespace) => (true, rest.trim_start()),
            Some(_) | None => (false, arguments),
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write_text(text, f),
            Self::Array(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}\"{name}\": {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_one_line_whatever_it_holds() {
        let document = Json::Array(vec![
            Json::object([
                ("a", Json::text("\"\\\n\r\t\u{1}\u{7f}ü\u{1F980}")),
                ("b", Json::Null),
            ]),
            Json::Int(-1),
            Json::Bool(true),
            Json::Array(vec![]),
        ]);
        assert_eq!(
            document.to_string(),
            "[{\"a\": \"\\\"\\\\\\n\\r\\t\\u0001\\u007fü\u{1F980}\", \"b\": null}, -1, true, []]"
        );
    }

    #[test]
    fn only_the_first_word_asks_for_json() {
        assert_eq!(Json::is_asked("--json"), (true, ""));
        assert_eq!(Json::is_asked("--json  a b"), (true, "a b"));
        assert_eq!(Json::is_asked("a --json"), (false, "a --json"));
        assert_eq!(Json::is_asked("--jsonx"), (false, "--jsonx"));
    }
}
