//! Sessions against a scripted daemon: what was asked of it, what was said, and the exit code.

use super::api::{Api, Attached};
use super::ask::{Ask, AskError};
use super::out::Out;
use super::session::{Flow, Session};
use super::shell;
use super::trouble::Origin;
use crate::rpc::client::{ClientError, Followed, Login};
use crate::rpc::xml::{Fault, Value};
use std::collections::VecDeque;
use std::io;

/// Answers from a script, in its order, and panics at any other question.
pub(super) struct Script {
    steps: VecDeque<(String, Result<Value, ClientError>)>,
    url: String,
    pub(super) logins: Vec<Login>,
}

impl Script {
    /// Each step is a call as `method(param, …)`, with its answer.
    pub(super) fn new<const N: usize>(steps: [(&str, Result<Value, ClientError>); N]) -> Self {
        Self {
            steps: steps
                .into_iter()
                .map(|(call, answer)| (call.to_owned(), answer))
                .collect(),
            url: "unix:///s.sock".to_owned(),
            logins: Vec::new(),
        }
    }

    /// One more step.
    pub(super) fn push(&mut self, step: (String, Result<Value, ClientError>)) {
        self.steps.push_back(step);
    }

    fn answer(&mut self, call: &str) -> Result<Value, ClientError> {
        let (expected, answer) = self.steps.pop_front().expect(call);
        assert_eq!(call, expected);
        answer
    }
}

impl Api for Script {
    fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        let params: Vec<String> = params
            .iter()
            .map(|param| match param {
                Value::String(text) => text.clone(),
                Value::Int(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        self.answer(&format!("{method}({})", params.join(", ")))
    }

    fn follow(
        &mut self,
        path: &str,
        feed: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Followed, ClientError> {
        let log = self.answer(&format!("GET {path}"))?;
        feed(log.as_str().expect("a log is a text").as_bytes()).expect("a buffer takes all");
        Ok(Followed::Stopped)
    }

    fn attach(&mut self, path: &str) -> Attached {
        self.answer(&format!("attach {path}"))
            .expect("attaching never fails");
        Attached::default()
    }

    fn pause(&mut self) {
        self.answer("pause").expect("a pause never fails");
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn open(&mut self, url: &str) {
        url.clone_into(&mut self.url);
    }

    fn log_in(&mut self, login: Login) {
        self.logins.push(login);
    }
}

/// Types these lines, then ends.
pub(super) struct Typed(pub(super) VecDeque<&'static str>);

impl Ask for Typed {
    fn line(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError> {
        out.bytes(prompt.as_bytes()).expect("a buffer takes all");
        self.0.pop_front().map(str::to_owned).ok_or(AskError::End)
    }

    fn secret(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError> {
        self.line(prompt, out)
    }
}

/// What came of a session.
pub(super) struct Said {
    pub(super) out: String,
    pub(super) err: String,
    pub(super) status: i32,
    pub(super) flow: Flow,
}

/// Obeys one line as on a terminal that shows colours.
pub(super) fn obey_lively(line: &str, script: &mut Script) -> Said {
    converse(line, script, false, &[], true)
}

/// Obeys one line; `typed` is there to answer questions if the session is interactive.
pub(super) fn obey(
    line: &str,
    script: &mut Script,
    interactive: bool,
    typed: &[&'static str],
) -> Said {
    converse(line, script, interactive, typed, false)
}

/// A whole shell: the lines typed at its prompt, to the end of the input.
pub(super) fn converse_in_shell(script: &mut Script, lines: &[&'static str]) -> Said {
    let mut lines = Typed(lines.iter().copied().collect());
    with_session(script, true, &[], false, |session| {
        shell::run(session, "pets> ", &mut lines);
        Flow::Leave
    })
}

fn converse(
    line: &str,
    script: &mut Script,
    interactive: bool,
    typed: &[&'static str],
    lively: bool,
) -> Said {
    with_session(script, interactive, typed, lively, |session| {
        session.obey(line)
    })
}

fn with_session(
    script: &mut Script,
    interactive: bool,
    typed: &[&'static str],
    lively: bool,
    work: impl FnOnce(&mut Session<'_>) -> Flow,
) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut ask = Typed(typed.iter().copied().collect());
    let mut session = Session {
        api: script,
        ask: &mut ask,
        out: Out::new(&mut out, lively),
        err: &mut err,
        interactive,
        origin: Origin::Person,
        json: false,
        status: 0,
    };
    let flow = work(&mut session);
    let status = session.status;
    assert!(script.steps.is_empty(), "not asked: {:?}", script.steps);
    Said {
        out: String::from_utf8(out).expect("output is UTF-8"),
        err: String::from_utf8(err).expect("output is UTF-8"),
        status,
        flow,
    }
}

/// One line in, all output and the exit code out.
pub(super) fn check<const N: usize>(
    line: &str,
    steps: [(&str, Result<Value, ClientError>); N],
    out: &str,
    status: i32,
) {
    let said = obey(line, &mut Script::new(steps), false, &[]);
    assert_eq!((said.out.as_str(), said.status), (out, status), "{line}");
}

/// The same for an action that first asks for the version of the interface.
pub(super) fn check_up<const N: usize>(
    line: &str,
    steps: [(&str, Result<Value, ClientError>); N],
    out: &str,
    status: i32,
) {
    let mut script = Script::new(steps);
    script.steps.push_front(up());
    let said = obey(line, &mut script, false, &[]);
    assert_eq!((said.out.as_str(), said.status), (out, status), "{line}");
}

/// The first step of most actions.
pub(super) fn up() -> (String, Result<Value, ClientError>) {
    ("getVersion()".to_owned(), Ok("3.0".into()))
}

#[allow(clippy::unnecessary_wraps, reason = "it is an answer in a script")]
pub(super) fn ok() -> Result<Value, ClientError> {
    Ok(Value::Bool(true))
}

pub(super) fn fault(code: i32, text: &str) -> Result<Value, ClientError> {
    Err(ClientError::Fault(Fault {
        code,
        text: text.to_owned(),
    }))
}

/// A struct of texts and numbers.
pub(super) fn members<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Struct(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// A process for `getAllProcessInfo`.
pub(super) fn process(group: &str, name: &str, state: i64, pid: i64) -> Value {
    let statename = match state {
        0 => "STOPPED",
        10 => "STARTING",
        20 => "RUNNING",
        30 => "BACKOFF",
        40 => "STOPPING",
        200 => "FATAL",
        _ => "UNKNOWN",
    };
    members([
        ("group", group.into()),
        ("name", name.into()),
        ("state", state.into()),
        ("statename", statename.into()),
        ("description", "so it is".into()),
        ("pid", pid.into()),
    ])
}

/// What became of processes: `group:name code`.
#[allow(clippy::unnecessary_wraps, reason = "it is an answer in a script")]
pub(super) fn outcomes(lines: &[(&str, &str, i64)]) -> Result<Value, ClientError> {
    Ok(Value::Array(
        lines
            .iter()
            .map(|&(group, name, status)| {
                members([
                    ("group", group.into()),
                    ("name", name.into()),
                    ("status", status.into()),
                    ("description", "in words".into()),
                ])
            })
            .collect(),
    ))
}
