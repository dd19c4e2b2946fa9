//! What the main log says of a process, in the original's words: people grep for them.

use super::{Pid, RestartLimit};
use crate::model::exit::Exit;
use crate::model::signal::Signal;
use std::fmt;

/// A line of the main log about one process, which is named when it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sentence {
    /// A child was made.
    Spawned(Pid),
    /// No child could be made.
    SpawnError(String),
    /// It is up.
    Success {
        /// The seconds it had to stay up.
        startsecs: u64,
    },
    /// It ended without having been asked to.
    Exited {
        /// How.
        exit: Exit,
        /// Whether that was expected.
        expected: bool,
    },
    /// It ended as asked.
    Stopped {
        /// How.
        exit: Exit,
        /// Whether its exit code is among the expected ones.
        expected: bool,
    },
    /// It failed too often.
    GaveUp,
    /// It was restarted as often as its limit allows, and fell again.
    RestartedTooOften(RestartLimit),
    /// Somebody waits for its end.
    WaitingToStop,
    /// A signal is about to be sent to stop it.
    Killing {
        /// To this child.
        pid: Pid,
        /// To its whole process group.
        group: bool,
        /// Which.
        signal: Signal,
    },
    /// Its time to stop is over.
    KillingForGood(Pid),
    /// A stop while it waits for another try.
    StoppedInBackoff,
    /// A signal is about to be sent for its own sake.
    Signalling {
        /// To this child.
        pid: Pid,
        /// Which.
        signal: Signal,
    },
    /// A signal could not be sent.
    CannotKill {
        /// To this child.
        pid: Pid,
        /// Why.
        reason: String,
    },
    /// A start while the last child is not gone.
    AlreadyRunning,
}

/// How grave a line of the main log is, as in the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    /// `CRIT`
    Critical,
    /// `ERRO`
    Error,
    /// `WARN`
    Warning,
    /// `INFO`
    Info,
    /// `DEBG`
    Debug,
}

impl Sentence {
    /// How grave it is.
    pub const fn gravity(&self) -> Gravity {
        match self {
            Self::CannotKill { .. } => Gravity::Critical,
            Self::Exited {
                expected: false, ..
            }
            | Self::Stopped {
                expected: false, ..
            }
            | Self::KillingForGood(_)
            | Self::AlreadyRunning => Gravity::Warning,
            Self::Spawned(_)
            | Self::SpawnError(_)
            | Self::Success { .. }
            | Self::Exited { expected: true, .. }
            | Self::Stopped { expected: true, .. }
            | Self::GaveUp
            | Self::RestartedTooOften(_)
            | Self::WaitingToStop => Gravity::Info,
            Self::Killing { .. } | Self::StoppedInBackoff | Self::Signalling { .. } => {
                Gravity::Debug
            }
        }
    }

    /// The sentence about the process of this name.
    pub fn about<'a>(&'a self, name: &'a str) -> impl fmt::Display + 'a {
        About {
            sentence: self,
            name,
        }
    }
}

struct About<'a> {
    sentence: &'a Sentence,
    name: &'a str,
}

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match self.sentence {
            Sentence::Spawned(pid) => write!(f, "spawned: '{name}' with pid {pid}"),
            Sentence::SpawnError(reason) => write!(f, "spawnerr: {reason}"),
            Sentence::Success { startsecs } => write!(
                f,
                "success: {name} entered RUNNING state, process has stayed up for \
                 > than {startsecs} seconds (startsecs)"
            ),
            Sentence::Exited { exit, expected } => {
                let word = if *expected {
                    "expected"
                } else {
                    "not expected"
                };
                write!(f, "exited: {name} ({exit}; {word})")
            }
            Sentence::Stopped { exit, .. } => write!(f, "stopped: {name} ({exit})"),
            Sentence::GaveUp => write!(
                f,
                "gave up: {name} entered FATAL state, too many start retries too quickly"
            ),
            Sentence::RestartedTooOften(limit) => {
                write!(f, "gave up: {name} entered FATAL state, {limit}")
            }
            Sentence::WaitingToStop => write!(f, "waiting for {name} to stop"),
            Sentence::Killing { pid, group, signal } => {
                let group = if *group { "process group " } else { "" };
                write!(f, "killing {name} (pid {pid}) {group}with signal {signal}")
            }
            Sentence::KillingForGood(pid) => write!(f, "killing '{name}' ({pid}) with SIGKILL"),
            Sentence::StoppedInBackoff => {
                write!(f, "Attempted to kill {name}, which is in BACKOFF state.")
            }
            Sentence::Signalling { pid, signal } => {
                write!(f, "sending {name} (pid {pid}) sig {signal}")
            }
            Sentence::CannotKill { pid, reason } => {
                write!(f, "unknown problem killing {name} ({pid}):{reason}")
            }
            Sentence::AlreadyRunning => write!(f, "process '{name}' already running"),
        }
    }
}
