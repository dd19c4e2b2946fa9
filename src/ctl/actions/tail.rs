//! `tail`: the end of a process's log, or all that comes to it.

use crate::ctl::answer::whole_text;
use crate::ctl::api::refusal;
use crate::ctl::code::{self, fault};
use crate::ctl::session::{Done, Flow, Session};
use crate::model::number::python_int;
use crate::model::state::Channel;
use crate::model::text::repr;
use crate::rpc::client::{ClientError, Followed};
use crate::rpc::xml::Value;

pub(super) const HELP: &str = "tail [-f] <name> [stdout|stderr] (default stdout)\n\
    Ex:\n\
    tail -f <name>\t\tContinuous tail of named process stdout\n\
    \t\t\tCtrl-C to exit.\n\
    tail -100 <name>\tlast 100 *bytes* of process stdout\n\
    tail <name> stderr\tlast 1600 *bytes* of process stderr";

/// How many bytes are shown where no number is given.
const USUAL: i64 = 1600;

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    match Request::parse(&words) {
        Ok(request) => show(session, &request),
        Err(wrong) => {
            session.say(&wrong.line);
            session.status = code::GENERIC;
            if wrong.with_help {
                session.say(HELP);
            }
            Ok(Flow::Go)
        }
    }
}

/// What of which log is wanted.
#[derive(Debug, PartialEq, Eq)]
struct Request<'a> {
    name: &'a str,
    channel: Channel,
    extent: Extent,
}

/// How much of a log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that comes from now on.
    Following,
    /// The part that begins at this offset; a negative one counts from the end.
    From(i64),
}

impl Extent {
    /// Reads what stands behind the dash. None if it is neither `f` nor a number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "f" {
            return Some(Self::Following);
        }
        python_int(text)?.checked_neg().map(Self::From)
    }

    pub(super) const fn usual() -> Self {
        Self::From(-USUAL)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    line: String,
    with_help: bool,
}

impl<'a> Request<'a> {
    fn parse(words: &[&'a str]) -> Result<Self, Wrong> {
        let wrong = |line: String, with_help| Wrong { line, with_help };
        if words.is_empty() {
            return Err(wrong("Error: too few arguments".to_owned(), true));
        }
        if words.len() > 3 {
            return Err(wrong("Error: too many arguments".to_owned(), true));
        }
        let (modifier, words) = match words {
            [first, rest @ ..] if first.starts_with('-') => (Some(*first), rest),
            words => (None, words),
        };
        let (name, channel) = match *words {
            [] => return Err(wrong("Error: tail requires process name".to_owned(), false)),
            [name] => (name, Channel::Stdout),
            [name, .., channel] => match channel.to_lowercase().as_str() {
                "stdout" => (name, Channel::Stdout),
                "stderr" => (name, Channel::Stderr),
                other => {
                    return Err(wrong(format!("Error: bad channel {}", repr(other)), false));
                }
            },
        };
        let extent = match modifier {
            None => Extent::usual(),
            Some(modifier) => Extent::parse(&modifier[1..])
                .ok_or_else(|| wrong(format!("Error: bad argument {modifier}"), false))?,
        };
        Ok(Self {
            name,
            channel,
            extent,
        })
    }
}

fn show(session: &mut Session<'_>, request: &Request<'_>) -> Done {
    let Request { name, channel, .. } = request;
    let offset = match request.extent {
        Extent::Following => {
            let path = format!("/logtail/{}/{}", escape(name), channel.name());
            return Ok(follow(session, &path));
        }
        Extent::From(offset) => offset,
    };
    let method = match channel {
        Channel::Stdout => "readProcessStdoutLog",
        Channel::Stderr => "readProcessStderrLog",
    };
    let params = [(*name).into(), Value::Int(offset), Value::Int(0)];
    let answer = session.call(method, &params);
    show_log(session, name, answer)
}

/// Says what a log holds, or why that cannot be said.
pub(super) fn show_log(
    session: &mut Session<'_>,
    name: &str,
    answer: Result<Value, ClientError>,
) -> Done {
    let failed = match answer {
        Ok(value) => {
            session.say(whole_text(&value)?);
            return Ok(Flow::Go);
        }
        Err(ClientError::Fault(failed)) => failed,
        Err(error) => return Err(error.into()),
    };
    session.status = code::GENERIC;
    let reason = match i64::from(failed.code) {
        fault::NO_FILE => "no log file",
        fault::FAILED => "unknown error reading log",
        fault::BAD_NAME => "no such process name",
        _ => return Err(ClientError::Fault(failed).into()),
    };
    session.say(&format!("{name}: ERROR ({reason})"));
    Ok(Flow::Go)
}

/// Shows what comes from a path until Ctrl-C. That the server refuses is said on standard error
/// and is no failure, as in the original.
pub(super) fn follow(session: &mut Session<'_>, path: &str) -> Flow {
    session.say("==> Press Ctrl-C to exit <==");
    session.out.flush();
    let Session { api, out, .. } = session;
    match api.follow(path, &mut |bytes| out.bytes(bytes)) {
        Ok(Followed::Ended) => {}
        Ok(Followed::Stopped) => session.say(""),
        Err(error) => {
            let line = refusal(&session.api.url(), path, &error);
            // Standard error may be closed; there is no third place to say so.
            let _ = writeln!(session.err, "{line}");
        }
    }
    Flow::Go
}

/// A name as it may stand in a path.
pub(super) fn escape(name: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("writing to a String never fails");
        }
    }
    escaped
}
