//! `fg`: a process's output on the terminal, and the keyboard for its input.

use super::tail::escape;
use crate::ctl::answer::ProcessInfo;
use crate::ctl::ask::AskError;
use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::ctl::trouble::Trouble;
use crate::model::state::ProcessState;
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

pub(super) const HELP: &str = "fg <process>\tConnect to a process in foreground mode\n\
    \t\tCtrl-C to exit";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let name = match *words {
        [] => {
            let line = "ERROR: no process name supplied";
            return session.misused(line, HELP, code::GENERIC);
        }
        [name] => name,
        [..] => {
            session.status = code::GENERIC;
            session.say("ERROR: too many process names supplied");
            return Ok(Flow::Go);
        }
    };
    match is_running(session, name) {
        Ok(true) => {}
        Ok(false) => {
            session.status = code::GENERIC;
            session.say("ERROR: process not running");
            return Ok(Flow::Go);
        }
        Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::BAD_NAME => {
            session.status = code::GENERIC;
            session.say("ERROR: bad process name supplied");
            return Ok(Flow::Go);
        }
        Err(ClientError::Fault(failed)) => {
            session.say(&format!("ERROR: {failed}"));
            return Ok(Flow::Go);
        }
        Err(error) => return Err(error.into()),
    }
    session.say("==> Press Ctrl-C to exit <==");
    session.out.flush();
    let path = format!("/logtail/{}", escape(name));
    let output = session.api.attach(&format!("{path}/stdout"));
    let errors = session.api.attach(&format!("{path}/stderr"));
    let ended = pass_lines(session, name);
    drop((output, errors));
    for line in ended? {
        session.say(&line);
    }
    Ok(Flow::Go)
}

fn is_running(session: &mut Session<'_>, name: &str) -> Result<bool, ClientError> {
    let info = ProcessInfo::read(&session.call("getProcessInfo", &[name.into()])?)?;
    Ok(info.known_state() == Some(ProcessState::Running))
}

/// Passes lines to the process until it or the person has enough; what to say then.
fn pass_lines(session: &mut Session<'_>, name: &str) -> Result<Vec<String>, Trouble> {
    let leaving = "Exiting foreground".to_owned();
    let killed = "Process got killed".to_owned();
    loop {
        let line = match session.ask.line("", &mut session.out) {
            Ok(line) => line + "\n",
            Err(AskError::End | AskError::Interrupted) => return Ok(vec![leaving]),
            Err(error @ AskError::Unreadable(_)) => return Err(error.into()),
        };
        match session.call("sendProcessStdin", &[name.into(), Value::String(line)]) {
            Ok(_) => {}
            Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::NOT_RUNNING => {
                return Ok(vec![killed, leaving]);
            }
            Err(ClientError::Fault(failed)) => {
                return Ok(vec![format!("ERROR: {failed}"), leaving]);
            }
            Err(error) => return Err(error.into()),
        }
        if !is_running(session, name)? {
            return Ok(vec![killed, leaving]);
        }
    }
}
