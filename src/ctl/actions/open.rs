//! `open`: speaks with another daemon from now on.

use super::status;
use crate::ctl::code;
use crate::ctl::session::{Done, Flow, Session};
use crate::ctl::trouble::Origin;

pub(super) const HELP: &str = "open <url>\tConnect to a remote supervisord process.\n\
    \t\t(for UNIX domain socket, use unix:///socket/path)";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !is_supported(argument) {
        session.say("ERROR: url must be http:// or unix://");
        session.status = code::GENERIC;
        return Ok(Flow::Go);
    }
    session.api.open(argument);
    session.origin = Origin::Person;
    let before = session.status;
    status::run(session, "")?;
    session.status = before;
    Ok(Flow::Go)
}

fn is_supported(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("unix")
    })
}
