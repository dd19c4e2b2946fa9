//! The life of one process, as a machine that knows no clock and touches no child.
//!
//! ```text
//!               start                 up for startsecs
//!   STOPPED ───────────► STARTING ───────────────────► RUNNING
//!      ▲ ▲                │    ▲                         │  │
//!      │ │   died early   │    │ tried again        died │  │ stop
//!      │ │   or no child  ▼    │                         ▼  ▼
//!      │ └──────────── BACKOFF ┘                    EXITED  STOPPING
//!      │    stop          │ too many tries            │ ▲      │ gone
//!      │                  ▼                           └─┘      │
//!      │                FATAL             autorestart: to      │
//!      └──────────────────────────────────STARTING again ──────┘
//! ```
//!
//! With a limit on restarts, one too many of them leads from EXITED to FATAL.
//!
//! The shell calls [`Machine::step`] with what happened and the time, and carries out the effects
//! in their order. Launching and killing are effects whose results come back as inputs. The shell
//! keeps one timer, set to [`Machine::deadline`], that comes back as [`Input::Tick`].
//!
//! Two things are not as in the drawing of the original's documentation. Between the decision to
//! start and the child's pid lies [`State::Launching`], because the child is made on another
//! thread; the world is told STARTING. And a stop that comes in that time is remembered and
//! carried out as soon as there is a child, so that none is lost.
//!
//! The shell tells of a child's birth before it tells of its death, in whichever order it hears
//! of them. What arrived is handled before the clock: a death that is already known outranks a SIGKILL
//! that is due, or a stranger with the same pid would get it. The shell keeps that order by
//! stepping with what it holds before it steps with a tick.

mod machine;
mod retry;
mod sentence;
#[cfg(test)]
mod stories_tests;
#[cfg(test)]
mod tests;

pub use machine::Machine;
pub use retry::{Growth, RestartLimit, Waits};
pub use sentence::{Gravity, Sentence};

use super::exit::Exit;
use super::signal::Signal;
use super::state::ProcessState;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A child's process id: above 1, or it would not be a child.
pub type Pid = i32;

/// When a process that left RUNNING on its own is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoRestart {
    /// Never.
    Never,
    /// If its exit code is not among the expected ones.
    Unexpected,
    /// Always.
    Always,
}

/// What follows for the whole daemon when a process is not started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aftermath {
    /// Nothing.
    #[default]
    Stay,
    /// It stops all programs and leaves.
    Shutdown,
}

/// What the config says about the life of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long it must stay up to count as started.
    pub startsecs: Duration,
    /// How many failed starts are followed by another: [`Policy::FOREVER`] for each; what is
    /// less is as 0.
    pub startretries: i64,
    /// How long the waits after failed starts are.
    pub waits: Waits,
    /// What to do when it left RUNNING on its own.
    pub autorestart: AutoRestart,
    /// How often that is done; none for without end.
    pub restart_limit: Option<RestartLimit>,
    /// What follows when it is EXITED and stays so.
    pub on_exit: Aftermath,
    /// What follows when it is FATAL.
    pub on_fatal: Aftermath,
    /// Exit codes that are expected.
    pub exitcodes: Vec<u8>,
    /// The signal that asks it to stop.
    pub stopsignal: Signal,
    /// How long it may take to stop before it is killed.
    pub stopwait: Duration,
    /// Send the stop signal to its process group.
    pub stopasgroup: bool,
    /// Send SIGKILL to its process group.
    pub killasgroup: bool,
}

impl Policy {
    /// `startretries` without end.
    pub const FOREVER: i64 = -1;

    /// Seconds of the config as a duration: less than none is none, and more than a century is a
    /// century, so that no sum of times can overflow.
    pub fn seconds(value: i64) -> Duration {
        const CENTURY: u32 = 100 * 366 * 24 * 60 * 60;
        let value = u32::try_from(value.max(0)).unwrap_or(CENTURY);
        Duration::from_secs(u64::from(value.min(CENTURY)))
    }
}

/// Where in its life a process is, with what is known there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Never started, or stopped on request.
    Stopped,
    /// A child was asked for and there is no answer yet.
    Launching {
        /// When it was asked for.
        since: Instant,
        /// A stop came meanwhile.
        stop: Option<PendingStop>,
    },
    /// There is a child, not up for `startsecs` yet.
    Starting {
        /// The child.
        pid: Pid,
        /// When it was asked for.
        since: Instant,
    },
    /// The child is up.
    Running {
        /// The child.
        pid: Pid,
    },
    /// A start failed; the next try waits.
    Backoff {
        /// When it comes.
        until: Instant,
    },
    /// The child was asked to stop.
    Stopping {
        /// The child.
        pid: Pid,
        /// When it is killed, or killed again.
        kill_at: Instant,
        /// When to say again that somebody waits for it.
        report_at: Option<Instant>,
    },
    /// The child left RUNNING on its own.
    Exited,
    /// It could not be started, and is not tried again.
    Fatal,
    /// The child may not be signalled: what becomes of it is out of our hands.
    Unknown {
        /// The child.
        pid: Pid,
    },
}

/// A stop that waits for a child to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingStop {
    /// When whatever there is of the child is killed.
    pub kill_at: Instant,
    /// Somebody waits for it and wants to read of it in the log.
    pub watched: bool,
}

impl State {
    /// The state as the world is told.
    pub const fn told(&self) -> ProcessState {
        match self {
            Self::Stopped => ProcessState::Stopped,
            Self::Launching { .. } | Self::Starting { .. } => ProcessState::Starting,
            Self::Running { .. } => ProcessState::Running,
            Self::Backoff { .. } => ProcessState::Backoff,
            Self::Stopping { .. } => ProcessState::Stopping,
            Self::Exited => ProcessState::Exited,
            Self::Fatal => ProcessState::Fatal,
            Self::Unknown { .. } => ProcessState::Unknown,
        }
    }

    /// The living child, once its pid is known.
    pub const fn pid(&self) -> Option<Pid> {
        match self {
            Self::Starting { pid, .. }
            | Self::Running { pid }
            | Self::Stopping { pid, .. }
            | Self::Unknown { pid } => Some(*pid),
            Self::Stopped
            | Self::Launching { .. }
            | Self::Backoff { .. }
            | Self::Exited
            | Self::Fatal => None,
        }
    }
}

/// Something that happened, or that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Start, by request or because the config says so.
    Start,
    /// [`Effect::Launch`] made a child.
    Spawned {
        /// It.
        pid: Pid,
    },
    /// [`Effect::Launch`] made none.
    NotSpawned {
        /// Why, in the original's words.
        reason: String,
    },
    /// A child of ours ended.
    Ended {
        /// Which.
        pid: Pid,
        /// How.
        exit: Exit,
    },
    /// Stop, by request.
    Stop {
        /// Somebody waits for it and wants to read of it in the log.
        watched: bool,
    },
    /// Stop with the whole group: as [`Self::Stop`], but what waits for another try is FATAL
    /// afterwards, as in the original.
    StopWithGroup,
    /// Send a signal, whatever it does.
    Signal(Signal),
    /// [`Effect::Kill`] was refused, not because the child is gone.
    KillRefused {
        /// Why.
        reason: String,
    },
    /// The daemon is about to leave: start nothing any more on your own.
    Hold,
    /// Time passed.
    Tick,
}

/// Something for the shell to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The world is to be told of a state.
    Entered(Change),
    /// Make a child; comes back as [`Input::Spawned`] or [`Input::NotSpawned`].
    Launch,
    /// Send a signal; comes back as [`Input::KillRefused`] if it may not be sent.
    Kill {
        /// To the child.
        pid: Pid,
        /// To its whole process group.
        group: bool,
        /// Which.
        signal: Signal,
    },
    /// Kill the child that was asked for and is stuck before its program runs, if there is one.
    KillUnborn,
    /// Write a line into the main log.
    Say(Sentence),
    /// Let the daemon stop all programs and leave with this exit code.
    BringDown {
        /// The program's own: its exit code, or 128 and the number of the signal that ended it.
        code: u8,
    },
}

/// A change of the state that the world is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The state before.
    pub from: ProcessState,
    /// The state now.
    pub to: ProcessState,
    /// How often a start has failed in a row.
    pub tries: u32,
    /// The child it is about; a child that just ended is still named.
    pub pid: Option<Pid>,
    /// For EXITED: whether the exit was expected.
    pub expected: bool,
}

/// How a start went, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartVerdict {
    /// It is RUNNING.
    Up,
    /// It is too early to tell.
    Pending,
    /// It failed, and `spawnerr` says why.
    SpawnError,
    /// It is on its way out, or gone.
    Abnormal,
}

/// What is known of the last start and the last end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Why the last start failed or the last end was bad, in the original's words.
    pub spawnerr: Option<Arc<str>>,
    /// How the last child ended. None while one lives, and after an end that came too early, as
    /// in the original.
    pub exit: Option<Exit>,
}
