//! The ways in which a call can fail: the original's numbers and names (`docs/api.rst`).

use super::xml::Fault;
use std::fmt::Display;

/// What kind of failure a fault tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no such method.
    UnknownMethod,
    /// The number or the types of the arguments are wrong.
    IncorrectParameters,
    /// The arguments do not go together.
    BadArguments,
    /// No such method to describe.
    SignatureUnsupported,
    /// The daemon is stopping or starting again and takes no more commands.
    ShutdownState,
    /// No process or group has that name.
    BadName,
    /// There is no such signal.
    BadSignal,
    /// A file is not there.
    NoFile,
    /// A file cannot be run.
    NotExecutable,
    /// Something else went wrong; the text says what.
    Failed,
    /// The process ended while somebody waited for it to start.
    AbnormalTermination,
    /// The process could not be started.
    SpawnError,
    /// The process runs already.
    AlreadyStarted,
    /// The process does not run.
    NotRunning,
    /// Not a failure: the status of those in a list that went well.
    Success,
    /// The group is active already.
    AlreadyAdded,
    /// Processes of the group still run.
    StillRunning,
    /// The config cannot be read.
    CantReread,
}

impl FaultKind {
    /// The number.
    pub const fn code(self) -> i32 {
        self.facts().0
    }

    /// The name, with which every text of such a fault begins.
    pub const fn name(self) -> &'static str {
        self.facts().1
    }

    /// The fault with nothing but its name as text.
    pub fn plain(self) -> Fault {
        Fault {
            code: self.code(),
            text: self.name().to_owned(),
        }
    }

    /// The fault that also says which thing it is about.
    pub fn about(self, what: impl Display) -> Fault {
        Fault {
            code: self.code(),
            text: format!("{}: {what}", self.name()),
        }
    }

    const fn facts(self) -> (i32, &'static str) {
        match self {
            Self::UnknownMethod => (1, "UNKNOWN_METHOD"),
            Self::IncorrectParameters => (2, "INCORRECT_PARAMETERS"),
            Self::BadArguments => (3, "BAD_ARGUMENTS"),
            Self::SignatureUnsupported => (4, "SIGNATURE_UNSUPPORTED"),
            Self::ShutdownState => (6, "SHUTDOWN_STATE"),
            Self::BadName => (10, "BAD_NAME"),
            Self::BadSignal => (11, "BAD_SIGNAL"),
            Self::NoFile => (20, "NO_FILE"),
            Self::NotExecutable => (21, "NOT_EXECUTABLE"),
            Self::Failed => (30, "FAILED"),
            Self::AbnormalTermination => (40, "ABNORMAL_TERMINATION"),
            Self::SpawnError => (50, "SPAWN_ERROR"),
            Self::AlreadyStarted => (60, "ALREADY_STARTED"),
            Self::NotRunning => (70, "NOT_RUNNING"),
            Self::Success => (80, "SUCCESS"),
            Self::AlreadyAdded => (90, "ALREADY_ADDED"),
            Self::StillRunning => (91, "STILL_RUNNING"),
            Self::CantReread => (92, "CANT_REREAD"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_fault_begins_with_its_name() {
        assert_eq!(FaultKind::NoFile.plain().text, "NO_FILE");
        assert_eq!(FaultKind::BadName.about("cat").text, "BAD_NAME: cat");
        assert_eq!(FaultKind::BadName.about("cat").code, 10);
    }
}
