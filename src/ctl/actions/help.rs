//! `help`: what can be done, or one thing in more words.

use super::find;
use crate::ctl::session::{Done, Flow, Session};

pub(super) const HELP: &str = "help\t\tPrint a list of available actions\n\
    help <action>\tPrint help for <action>";

/// All actions but `help`, in columns.
const LIST: &str = "\n\
    default commands (type help <topic>):\n\
    =====================================\n\
    add    exit      open  reload  restart   start   tail   \n\
    avail  fg        pid   remove  shutdown  status  update \n\
    clear  maintail  quit  reread  signal    stop    version\n";

#[allow(clippy::unnecessary_wraps, reason = "all actions have one signature")]
pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    match find(argument).map(|action| action.help) {
        _ if argument.is_empty() => session.say(LIST),
        None | Some("") => session.say(&format!("*** No help on {argument}")),
        Some(help) => session.say(help),
    }
    Ok(Flow::Go)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::actions::ACTIONS;

    #[test]
    fn the_list_has_all_actions_and_no_others() {
        let mut listed: Vec<&str> = LIST
            .lines()
            .skip(3)
            .flat_map(str::split_whitespace)
            .collect();
        listed.sort_unstable();
        let known: Vec<&str> = ACTIONS
            .iter()
            .map(|action| action.name)
            .filter(|&name| name != "help")
            .collect();
        assert_eq!(listed, known);
    }
}
