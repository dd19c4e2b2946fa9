//! The states that clients see, with the codes and names of the original
//! (`docs/subprocess.rst`, "Process States"; `docs/api.rst`, `getState`).

/// The state of a process as the world is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProcessState {
    /// Not started yet, or stopped on request.
    Stopped,
    /// Started, but not up for `startsecs` yet.
    Starting,
    /// Up for at least `startsecs`.
    Running,
    /// Left STARTING too early; waits for another try.
    Backoff,
    /// Asked to stop, and not gone yet.
    Stopping,
    /// Left RUNNING on its own.
    Exited,
    /// Could not be started in `startretries` tries.
    Fatal,
    /// The daemon lost control of it, e.g. it may not be signalled.
    Unknown,
}

impl ProcessState {
    /// All states, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Starting,
        Self::Running,
        Self::Backoff,
        Self::Stopping,
        Self::Exited,
        Self::Fatal,
        Self::Unknown,
    ];

    /// The number that XML-RPC answers carry.
    pub const fn code(self) -> i32 {
        match self {
            Self::Stopped => 0,
            Self::Starting => 10,
            Self::Running => 20,
            Self::Backoff => 30,
            Self::Stopping => 40,
            Self::Exited => 100,
            Self::Fatal => 200,
            Self::Unknown => 1000,
        }
    }

    /// The state of a code, if there is one.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The name in upper case, as `status` shows it and events carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Nothing runs and nothing is about to: a stop has nothing left to wait for.
    pub const fn is_stopped(self) -> bool {
        matches!(
            self,
            Self::Stopped | Self::Exited | Self::Fatal | Self::Unknown
        )
    }

    /// Runs or is on its way to: a start is refused, a stop is accepted.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Backoff | Self::Starting)
    }

    /// There is a child that a signal can be sent to.
    pub const fn is_signallable(self) -> bool {
        matches!(self, Self::Running | Self::Starting | Self::Stopping)
    }
}

/// What the daemon as a whole is about (`docs/api.rst`, `getState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mood {
    /// The daemon works as usual.
    Running,
    /// All programs are being stopped; then the config is applied anew.
    Restarting,
    /// All programs are being stopped; then the daemon leaves.
    Shutdown,
}

impl Mood {
    /// The number that `getState` answers.
    pub const fn code(self) -> i32 {
        match self {
            Self::Running => 1,
            Self::Restarting => 0,
            Self::Shutdown => -1,
        }
    }

    /// The name that `getState` answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Restarting => "RESTARTING",
            Self::Shutdown => "SHUTDOWN",
        }
    }
}

/// One of the two output streams of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Descriptor 1 of the child.
    Stdout,
    /// Descriptor 2 of the child.
    Stderr,
}

impl Channel {
    /// The name as file names, events and the main log carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// Which of two it is, where both stand side by side.
    pub const fn place(self) -> usize {
        match self {
            Self::Stdout => 0,
            Self::Stderr => 1,
        }
    }
}
