//! How a child ended.

use super::signal::Signal;
use std::fmt;

/// How a child ended, as `wait` tells it. Shown in the words of the main log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It left with this code.
    Code(u8),
    /// A signal ended it.
    Signal {
        /// Which one.
        signal: Signal,
        /// Whether a core file was written.
        core: bool,
    },
}

impl Exit {
    /// The number that `exitstatus` carries: the code, or -1 for a signal.
    pub const fn status(self) -> i32 {
        match self {
            Self::Code(code) => code as i32,
            Self::Signal { .. } => -1,
        }
    }

    /// The exit code that a shell would leave with: the code, or 128 and the signal's number.
    pub fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal { signal, .. } => {
                u8::try_from(signal.0.saturating_add(128)).unwrap_or(u8::MAX)
            }
        }
    }

    /// Whether the config calls this exit expected. A signal never is.
    pub fn is_expected(self, exitcodes: &[u8]) -> bool {
        match self {
            Self::Code(code) => exitcodes.contains(&code),
            Self::Signal { .. } => false,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal { signal, core } => {
                write!(f, "terminated by {signal}")?;
                if *core {
                    f.write_str(" (core dumped)")?;
                }
                Ok(())
            }
        }
    }
}
