//! The limits that the kernel puts on the daemon and, through it, on its children.

use std::fmt;

use nix::sys::resource::{Resource as Kernel, getrlimit, setrlimit};

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Open descriptors of this process, `minfds`.
    Descriptors,
    /// Processes of this process's user, `minprocs`.
    Processes,
}

impl Resource {
    /// What the kernel calls the limit.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "RLIMIT_NOFILE",
            Self::Processes => "RLIMIT_NPROC",
        }
    }

    const fn kernel(self) -> Kernel {
        match self {
            Self::Descriptors => Kernel::RLIMIT_NOFILE,
            Self::Processes => Kernel::RLIMIT_NPROC,
        }
    }
}

/// How [`raise`] went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// The limit was high enough, and was left alone.
    Enough,
    /// The limit is now what was asked for. Displayed: the sentence for the main log.
    Increased {
        /// What is limited.
        resource: Resource,
        /// The limit.
        to: u64,
    },
}

impl Raised {
    /// The sentence for the main log, where something was changed.
    pub fn note(self) -> Option<String> {
        match self {
            Self::Enough => None,
            Self::Increased { resource, to } => {
                Some(format!("Increased {} limit to {to}", resource.name()))
            }
        }
    }
}

/// The limit is lower than it must be and cannot be raised. Displayed: the original's sentence,
/// which names the number asked for as the one allowed, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitError {
    /// What is limited.
    pub resource: Resource,
    /// What was asked for.
    pub min: u64,
    /// What the environment allows at most.
    pub hard: u64,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let min = self.min;
        // The original overwrites the number that is allowed before it prints it, unless it
        // was high enough.
        let hard = self.hard.max(min);
        match self.resource {
            Resource::Descriptors => write!(
                f,
                "The minimum number of file descriptors required to run this process is {min} \
                 as per the \"minfds\" command-line argument or config file setting. The \
                 current environment will only allow you to open {hard} file descriptors.  \
                 Either raise the number of usable file descriptors in your environment (see \
                 README.rst) or lower the minfds setting in the config file to allow the \
                 process to start."
            ),
            Resource::Processes => write!(
                f,
                "The minimum number of available processes required to run this program is \
                 {min} as per the \"minprocs\" command-line argument or config file setting. \
                 The current environment will only allow you to open {hard} processes.  Either \
                 raise the number of usable processes in your environment (see README.rst) or \
                 lower the minprocs setting in the config file to allow the program to start."
            ),
        }
    }
}

impl std::error::Error for LimitError {}

/// Makes sure that the limit is at least `min`, raising what may not be exceeded (the hard
/// limit) too if we may. A higher limit is left alone.
pub fn raise(resource: Resource, min: u64) -> Result<Raised, LimitError> {
    // The kernel's "unlimited" is the highest number, so it needs no case of its own.
    let (soft, hard) = getrlimit(resource.kernel()).unwrap_or((0, 0));
    if soft >= min {
        return Ok(Raised::Enough);
    }
    match setrlimit(resource.kernel(), min, hard.max(min)) {
        Ok(()) => Ok(Raised::Increased { resource, to: min }),
        Err(_) => Err(LimitError {
            resource,
            min,
            hard,
        }),
    }
}

/// How many descriptors we may have open now.
pub fn current_nofile() -> u64 {
    getrlimit(Kernel::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft)
}

#[cfg(test)]
mod tests {
    use super::super::testing::alone;
    use super::*;

    #[test]
    fn a_limit_that_is_high_enough_is_left_alone() {
        let now = current_nofile();
        for min in [0, 1, now] {
            assert_eq!(raise(Resource::Descriptors, min), Ok(Raised::Enough));
        }
        assert_eq!(current_nofile(), now);
        assert_eq!(Raised::Enough.note(), None);
    }

    #[test]
    fn a_low_limit_is_raised_to_what_was_asked() {
        alone(
            "sys::limits::tests::a_low_limit_is_raised_to_what_was_asked",
            || {
                let (_, hard) = getrlimit(Kernel::RLIMIT_NOFILE).expect("it can be asked");
                setrlimit(Kernel::RLIMIT_NOFILE, 64, hard).expect("down is always allowed");
                let raised = raise(Resource::Descriptors, 100).expect("the hard limit allows it");
                assert_eq!(current_nofile(), 100);
                let note = "Increased RLIMIT_NOFILE limit to 100".to_owned();
                assert_eq!(raised.note(), Some(note));
            },
        );
    }

    #[test]
    fn more_descriptors_than_the_kernel_can_count_are_refused_to_everybody() {
        let before = getrlimit(Kernel::RLIMIT_NOFILE).expect("it can be asked");
        let min = 1 << 40;
        let refused = raise(Resource::Descriptors, min).expect_err("nobody may");
        assert_eq!((refused.min, refused.hard), (min, before.1));
        assert_eq!(getrlimit(Kernel::RLIMIT_NOFILE), Ok(before));
    }

    #[test]
    fn refusals_are_said_in_the_original_words() {
        let refused = |resource| {
            LimitError {
                resource,
                min: 5000,
                hard: 1024,
            }
            .to_string()
        };
        assert_eq!(
            refused(Resource::Descriptors),
            "The minimum number of file descriptors required to run this process is 5000 as \
             per the \"minfds\" command-line argument or config file setting. The current \
             environment will only allow you to open 5000 file descriptors.  Either raise the \
             number of usable file descriptors in your environment (see README.rst) or lower \
             the minfds setting in the config file to allow the process to start."
        );
        assert_eq!(
            refused(Resource::Processes),
            "The minimum number of available processes required to run this program is 5000 \
             as per the \"minprocs\" command-line argument or config file setting. The current \
             environment will only allow you to open 5000 processes.  Either raise the number \
             of usable processes in your environment (see README.rst) or lower the minprocs \
             setting in the config file to allow the program to start."
        );
    }
}
