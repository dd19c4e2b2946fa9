//! `maintail`: the end of the daemon's own log, or all that comes to it.

use super::tail::{Extent, follow, show_log};
use crate::ctl::code;
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::xml::Value;

pub(super) const HELP: &str = "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)\n\
    maintail -100\tlast 100 *bytes* of supervisord main log file\n\
    maintail\tlast 1600 *bytes* of supervisor main log file\n";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let extent = match *words {
        [] => Some(Extent::usual()),
        [word] => word.strip_prefix('-').and_then(Extent::parse),
        [..] => {
            return session.misused("Error: too many arguments", HELP, code::GENERIC);
        }
    };
    match extent {
        None => {
            session.say(&format!("Error: bad argument {argument}"));
            session.status = code::GENERIC;
            Ok(Flow::Go)
        }
        Some(Extent::Following) => Ok(follow(session, "/mainlogtail")),
        Some(Extent::From(offset)) => {
            let answer = session.call("readLog", &[Value::Int(offset), Value::Int(0)]);
            show_log(session, "supervisord", answer)
        }
    }
}
