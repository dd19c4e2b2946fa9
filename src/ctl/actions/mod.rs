//! The actions, one file each, and the one table that dispatch, help and completion read.
//!
//! Each file has the action's help, `run`, and apart from it what can be done without a daemon:
//! understanding the words, and turning answers into lines.

mod add;
mod avail;
mod batch;
mod clear;
mod exit;
mod fg;
mod help;
mod maintail;
mod open;
mod pid;
mod quit;
mod reload;
mod remove;
mod reread;
mod restart;
mod shutdown;
mod signal;
mod start;
mod status;
mod stop;
mod tail;
mod update;
mod version;

use super::session::{Done, Session};

/// Something that can be done by name.
pub(super) struct Action {
    /// The word that it begins with.
    pub(super) name: &'static str,
    /// What `help NAME` says, without the last line feed; nothing if it has no help.
    pub(super) help: &'static str,
    /// Does it, with the words that follow the name.
    pub(super) run: fn(&mut Session<'_>, &str) -> Done,
    /// What its words may be completed to.
    pub(super) words: Words,
}

/// What the words behind an action's name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Nothing that could be completed.
    Free,
    /// Names of actions.
    Actions,
    /// Names of groups.
    Groups,
    /// Names of processes and of whole groups.
    Processes,
}

macro_rules! action {
    ($module:ident, $words:ident) => {
        Action {
            name: stringify!($module),
            help: $module::HELP,
            run: $module::run,
            words: Words::$words,
        }
    };
}

/// All actions, in the order of their names.
pub(super) static ACTIONS: [Action; 22] = [
    action!(add, Groups),
    action!(avail, Free),
    action!(clear, Processes),
    action!(exit, Free),
    action!(fg, Processes),
    action!(help, Actions),
    action!(maintail, Free),
    action!(open, Free),
    action!(pid, Processes),
    action!(quit, Free),
    action!(reload, Free),
    action!(remove, Groups),
    action!(reread, Free),
    action!(restart, Processes),
    action!(shutdown, Free),
    action!(signal, Processes),
    action!(start, Processes),
    action!(status, Processes),
    action!(stop, Processes),
    action!(tail, Processes),
    action!(update, Groups),
    action!(version, Free),
];

/// What the end of the input does, in a shell; it may be typed, too.
static END: Action = Action {
    name: "EOF",
    help: "",
    run: exit::run,
    words: Words::Free,
};

/// The action of a name.
pub(super) fn find(name: &str) -> Option<&'static Action> {
    ACTIONS
        .iter()
        .chain([&END])
        .find(|action| action.name == name)
}
