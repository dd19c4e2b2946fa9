//! `version`: of the daemon.

use crate::ctl::answer::whole_text;
use crate::ctl::code;
use crate::ctl::json::Json;
use crate::ctl::session::{Done, Flow, Session};

pub(super) const HELP: &str = "version\t\t\tShow the version of the remote supervisord process";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    let (json, argument) = Json::is_asked(argument);
    if !argument.is_empty() {
        return session.misused("Error: version accepts no arguments", HELP, code::GENERIC);
    }
    session.json = json;
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let value = session.call("getSupervisorVersion", &[])?;
    let version = whole_text(&value)?;
    if json {
        session.say(&Json::object([("version", Json::text(version))]).to_string());
    } else {
        session.say(version);
    }
    Ok(Flow::Go)
}
