//! A conversation with a daemon: which one, what was said, and how it went.

use super::actions;
use super::api::Api;
use super::ask::{Ask, AskError};
use super::code::{self, fault};
use super::json::Json;
use super::line::Line;
use super::out::Out;
use super::trouble::{Origin, Trouble, hint};
use crate::API_VERSION;
use crate::rpc::client::{ClientError, Login};
use crate::rpc::xml::Value;
use std::io::Write;

/// Whether more lines are wanted after an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// They are.
    Go,
    /// The action was to leave.
    Leave,
}

/// What an action gives back: its output is said already.
pub(super) type Done = Result<Flow, Trouble>;

/// A conversation with a daemon.
pub(super) struct Session<'a> {
    pub(super) api: &'a mut dyn Api,
    pub(super) ask: &'a mut dyn Ask,
    pub(super) out: Out<'a>,
    /// Where hints go.
    pub(super) err: &'a mut dyn Write,
    /// Somebody is there to be asked.
    pub(super) interactive: bool,
    /// Where the daemon's address came from.
    pub(super) origin: Origin,
    /// The action is to answer in JSON, its complaints included.
    pub(super) json: bool,
    /// The exit code so far.
    pub(super) status: i32,
}

impl Session<'_> {
    /// Does what a line says. Whatever goes wrong is said, and is in the exit code.
    pub(super) fn obey(&mut self, text: &str) -> Flow {
        let flow = self.try_obey(text);
        self.out.flush();
        flow
    }

    fn try_obey(&mut self, text: &str) -> Flow {
        let (name, argument) = match Line::parse(text) {
            Line::Empty => return Flow::Go,
            Line::Unknown(text) => return self.unknown(text),
            Line::Action { name, argument } => (name, argument),
        };
        let Some(action) = actions::find(name) else {
            return self.unknown(text.trim());
        };
        loop {
            self.json = false;
            let mut done = (action.run)(self, argument);
            if self.interactive && matches!(done, Err(Trouble::Client(ClientError::Unauthorized))) {
                match self.log_in() {
                    Ok(()) => continue,
                    Err(trouble) => done = Err(trouble),
                }
            }
            return match done {
                Ok(flow) => flow,
                Err(
                    Trouble::Ask(AskError::Interrupted) | Trouble::Client(ClientError::Interrupted),
                ) => {
                    self.say("");
                    self.status = code::GENERIC;
                    Flow::Leave
                }
                Err(trouble) => {
                    self.give_up(&trouble);
                    Flow::Go
                }
            };
        }
    }

    fn unknown(&mut self, text: &str) -> Flow {
        self.say(&format!("*** Unknown syntax: {text}"));
        self.status = code::GENERIC;
        Flow::Go
    }

    fn log_in(&mut self) -> Result<(), Trouble> {
        self.say("Server requires authentication");
        let username = self.ask.line("Username:", &mut self.out)?;
        let password = self.ask.secret("Password:", &mut self.out)?;
        self.say("");
        self.api.log_in(Login {
            username: Some(username),
            password: Some(password),
        });
        Ok(())
    }

    fn give_up(&mut self, trouble: &Trouble) {
        let unauthorized = matches!(trouble, Trouble::Client(ClientError::Unauthorized));
        if unauthorized && !self.json {
            self.say("Server requires authentication");
        }
        let sentence = trouble.sentence(&self.api.url());
        self.complain(&format!("error: {sentence}"));
        if let Trouble::Client(error) = trouble {
            self.hint(error);
        }
        self.status = code::GENERIC;
    }

    /// One line of output.
    pub(super) fn say(&mut self, line: &str) {
        self.out.line(line);
    }

    /// One line that says that the action failed as a whole.
    pub(super) fn complain(&mut self, line: &str) {
        if self.json {
            let text = line.strip_prefix("error: ").unwrap_or(line);
            self.out
                .line(&Json::object([("error", Json::text(text))]).to_string());
        } else {
            self.out.line(line);
        }
    }

    /// An argument that makes no sense, and the action's help.
    #[allow(clippy::unnecessary_wraps, reason = "it ends an action")]
    pub(super) fn misused(&mut self, line: &str, help: &str, status: i32) -> Done {
        self.say(line);
        self.status = status;
        self.say(help);
        Ok(Flow::Go)
    }

    fn hint(&mut self, error: &ClientError) {
        self.out.flush();
        for line in hint(error, &self.api.url(), &self.origin) {
            // Hints are an extra; nobody fails because they cannot be shown.
            let _ = writeln!(self.err, "{line}");
        }
    }

    /// Calls a method, after showing what was said so far.
    pub(super) fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        self.out.flush();
        self.api.call(method, params)
    }

    /// Whether the daemon is there and speaks our version of the interface. If not, that is said
    /// and in the exit code.
    pub(super) fn upcheck(&mut self) -> Result<bool, Trouble> {
        let url = self.api.url();
        let (line, status, error) = match self.call("getVersion", &[]) {
            Ok(Value::String(version)) if version == API_VERSION => return Ok(true),
            Ok(Value::String(version)) => {
                let line = format!(
                    "Sorry, this version of supervisorctl expects to talk to a server with \
                     API version {API_VERSION}, but the remote version is {version}."
                );
                (line, code::NOT_INSTALLED, None)
            }
            Ok(_) => return Err(ClientError::Unexpected("text").into()),
            Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::UNKNOWN_METHOD => (
                "Sorry, supervisord responded but did not recognize the supervisor namespace \
                 commands that supervisorctl uses to control it.  Please check that the \
                 [rpcinterface:supervisor] section is enabled in the configuration file \
                 (see sample.conf)."
                    .to_owned(),
                code::UNIMPLEMENTED,
                None,
            ),
            Err(error @ ClientError::Refused) => (
                format!("{url} refused connection"),
                code::INSUFFICIENT_PRIVILEGES,
                Some(error),
            ),
            Err(error @ ClientError::NoSuchFile) => (
                format!("{url} no such file"),
                code::NOT_RUNNING,
                Some(error),
            ),
            Err(error) => return Err(error.into()),
        };
        self.complain(&line);
        self.status = status;
        if let Some(error) = error {
            self.hint(&error);
        }
        Ok(false)
    }

    /// Takes what became of one process into the exit code, unless it is as good as success.
    pub(super) fn count(&mut self, status: i64, ignored: Option<i64>) {
        if status == fault::SUCCESS || Some(status) == ignored {
            return;
        }
        self.status = match status {
            fault::SPAWN_ERROR | fault::ABNORMAL_TERMINATION | fault::NOT_RUNNING => {
                code::NOT_RUNNING
            }
            _ => code::GENERIC,
        };
    }

    /// Asks whether to go on with something grave; without anybody there, it is meant.
    pub(super) fn is_sure(&mut self, question: &str) -> Result<bool, Trouble> {
        if !self.interactive {
            return Ok(true);
        }
        let answer = self.ask.line(question, &mut self.out)?;
        Ok(answer.starts_with(['y', 'Y']))
    }
}
