//! Signals by name and number, as Linux numbers them on the common architectures.

use std::fmt;

/// A signal's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(pub i32);

/// The names that Python's `signal` module gives on Linux; where a number has two, the one it
/// prints stands first.
const NAMES: [(&str, i32); 36] = [
    ("SIGHUP", 1),
    ("SIGINT", 2),
    ("SIGQUIT", 3),
    ("SIGILL", 4),
    ("SIGTRAP", 5),
    ("SIGABRT", 6),
    ("SIGIOT", 6),
    ("SIGBUS", 7),
    ("SIGFPE", 8),
    ("SIGKILL", 9),
    ("SIGUSR1", 10),
    ("SIGSEGV", 11),
    ("SIGUSR2", 12),
    ("SIGPIPE", 13),
    ("SIGALRM", 14),
    ("SIGTERM", 15),
    ("SIGSTKFLT", 16),
    ("SIGCHLD", 17),
    ("SIGCLD", 17),
    ("SIGCONT", 18),
    ("SIGSTOP", 19),
    ("SIGTSTP", 20),
    ("SIGTTIN", 21),
    ("SIGTTOU", 22),
    ("SIGURG", 23),
    ("SIGXCPU", 24),
    ("SIGXFSZ", 25),
    ("SIGVTALRM", 26),
    ("SIGPROF", 27),
    ("SIGWINCH", 28),
    ("SIGPOLL", 29),
    ("SIGIO", 29),
    ("SIGPWR", 30),
    ("SIGSYS", 31),
    ("SIGRTMIN", 34),
    ("SIGRTMAX", 64),
];

impl Signal {
    /// Ctrl-C.
    pub const INT: Self = Self(2);
    /// A request to end that asks for a core file.
    pub const QUIT: Self = Self(3);
    /// The polite request to end.
    pub const TERM: Self = Self(15);
    /// The end.
    pub const KILL: Self = Self(9);

    /// Reads a name with or without `SIG`, in any case, or a number that has a name, or 0,
    /// which asks whether a process is there. None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(number) = super::number::python_int(text) {
            let known = number == 0 || NAMES.iter().any(|&(_, known)| i64::from(known) == number);
            return i32::try_from(number).ok().filter(|_| known).map(Self);
        }
        let mut name = text.to_uppercase();
        if !name.starts_with("SIG") {
            name.insert_str(0, "SIG");
        }
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, number)| Self(number))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|&&(_, number)| number == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_with_or_without_their_prefix() {
        for text in ["TERM", "term", "SIGTERM", "sigterm", "15", " 15 "] {
            assert_eq!(Signal::parse(text), Some(Signal::TERM), "{text}");
        }
        for text in ["", "SIG", "TERMINATE", "-1", "65", "32", "1.5"] {
            assert_eq!(Signal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_without_a_name_is_shown_as_a_number() {
        assert_eq!(Signal(9).to_string(), "SIGKILL");
        assert_eq!(Signal(6).to_string(), "SIGABRT");
        assert_eq!(Signal(40).to_string(), "signal 40");
    }
}
