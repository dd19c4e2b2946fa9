//! Events: what happened, the tree of types that listeners subscribe to, and the payload that
//! tells of it (`docs/events.rst`, `events.py`).
//!
//! ```text
//! EVENT ─┬─ PROCESS_STATE ─ _STARTING _RUNNING _BACKOFF _STOPPING _EXITED _STOPPED _FATAL _UNKNOWN
//!        ├─ PROCESS_COMMUNICATION ─ _STDOUT _STDERR
//!        ├─ PROCESS_LOG ─ _STDOUT _STDERR
//!        ├─ REMOTE_COMMUNICATION
//!        ├─ SUPERVISOR_STATE_CHANGE ─ _RUNNING _STOPPING
//!        ├─ TICK ─ _5 _60 _3600
//!        └─ PROCESS_GROUP ─ _ADDED _REMOVED
//! ```
//!
//! An event is a plain value that holds all its payload needs, taken at the time it happened. Who
//! hears of it, and under which numbers, is not its matter: see `envelope` and `buffer`.

use super::exit::Exit;
use super::python::text_or_undecodable;
use super::state::{Channel, ProcessState};
use std::fmt::{self, Write as _};
use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process came into another state.
    ProcessState(StateChange),
    /// A process wrote to a stream whose events are enabled.
    ProcessLog(Output),
    /// A process wrote something between the capture tokens.
    ProcessCommunication(Output),
    /// A client of XML-RPC called `sendRemoteCommEvent`.
    RemoteCommunication {
        /// The caller's word for what it is.
        kind: String,
        /// What the caller says.
        data: String,
    },
    /// The daemon is up.
    SupervisorRunning,
    /// The daemon begins to stop its programs, to leave or to start anew.
    SupervisorStopping,
    /// A slice of wall time began.
    Tick {
        /// The length of the slices.
        period: Period,
        /// When the slice began, in seconds of Unix time.
        when: i64,
    },
    /// A group became active.
    ProcessGroupAdded(Arc<str>),
    /// A group is no longer active.
    ProcessGroupRemoved(Arc<str>),
}

/// A process came into another state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The process's name.
    pub process: Arc<str>,
    /// Its group's name.
    pub group: Arc<str>,
    /// The state it left.
    pub from: ProcessState,
    /// The state it came into; this decides the event's type.
    pub to: ProcessState,
    /// The pid of the child the change is about, also where that child is gone by now; none where
    /// there was no child, e.g. when a BACKOFF is given up by a stop.
    pub pid: Option<i32>,
    /// How often in a row its start has failed so far.
    pub tries: u32,
    /// For EXITED: the exit code is one the config expects.
    pub expected: bool,
    /// How the child ended, where the change is about its end.
    pub exit: Option<Exit>,
    /// Whole seconds since the child was started, where there is or was one.
    pub uptime: Option<u64>,
}

/// Bytes that a process wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The process's name.
    pub process: Arc<str>,
    /// Its group's name.
    pub group: Arc<str>,
    /// The pid of the child that wrote; none if nobody knows any more.
    pub pid: Option<i32>,
    /// The stream it wrote to.
    pub channel: Channel,
    /// What it wrote; need not be text.
    pub data: Vec<u8>,
}

/// The lengths of the slices that ticks announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// 5 seconds.
    Five,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Period {
    /// All of them, in the order in which ticks of the same moment are announced.
    pub const ALL: [Self; 3] = [Self::Five, Self::Minute, Self::Hour];

    /// Its length in seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Five => 5,
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }

    /// The type of its ticks.
    pub const fn kind(self) -> EventKind {
        match self {
            Self::Five => EventKind::Tick5,
            Self::Minute => EventKind::Tick60,
            Self::Hour => EventKind::Tick3600,
        }
    }
}

/// The concrete type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // They are their names.
#[repr(u8)]
pub enum EventKind {
    ProcessStateStarting,
    ProcessStateRunning,
    ProcessStateBackoff,
    ProcessStateStopping,
    ProcessStateExited,
    ProcessStateStopped,
    ProcessStateFatal,
    ProcessStateUnknown,
    ProcessCommunicationStdout,
    ProcessCommunicationStderr,
    ProcessLogStdout,
    ProcessLogStderr,
    RemoteCommunication,
    SupervisorStateChangeRunning,
    SupervisorStateChangeStopping,
    Tick5,
    Tick60,
    Tick3600,
    ProcessGroupAdded,
    ProcessGroupRemoved,
}

impl EventKind {
    /// All concrete types.
    pub const ALL: [Self; 20] = [
        Self::ProcessStateStarting,
        Self::ProcessStateRunning,
        Self::ProcessStateBackoff,
        Self::ProcessStateStopping,
        Self::ProcessStateExited,
        Self::ProcessStateStopped,
        Self::ProcessStateFatal,
        Self::ProcessStateUnknown,
        Self::ProcessCommunicationStdout,
        Self::ProcessCommunicationStderr,
        Self::ProcessLogStdout,
        Self::ProcessLogStderr,
        Self::RemoteCommunication,
        Self::SupervisorStateChangeRunning,
        Self::SupervisorStateChangeStopping,
        Self::Tick5,
        Self::Tick60,
        Self::Tick3600,
        Self::ProcessGroupAdded,
        Self::ProcessGroupRemoved,
    ];

    /// The name that configs and headers carry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProcessStateStarting => "PROCESS_STATE_STARTING",
            Self::ProcessStateRunning => "PROCESS_STATE_RUNNING",
            Self::ProcessStateBackoff => "PROCESS_STATE_BACKOFF",
            Self::ProcessStateStopping => "PROCESS_STATE_STOPPING",
            Self::ProcessStateExited => "PROCESS_STATE_EXITED",
            Self::ProcessStateStopped => "PROCESS_STATE_STOPPED",
            Self::ProcessStateFatal => "PROCESS_STATE_FATAL",
            Self::ProcessStateUnknown => "PROCESS_STATE_UNKNOWN",
            Self::ProcessCommunicationStdout => "PROCESS_COMMUNICATION_STDOUT",
            Self::ProcessCommunicationStderr => "PROCESS_COMMUNICATION_STDERR",
            Self::ProcessLogStdout => "PROCESS_LOG_STDOUT",
            Self::ProcessLogStderr => "PROCESS_LOG_STDERR",
            Self::RemoteCommunication => "REMOTE_COMMUNICATION",
            Self::SupervisorStateChangeRunning => "SUPERVISOR_STATE_CHANGE_RUNNING",
            Self::SupervisorStateChangeStopping => "SUPERVISOR_STATE_CHANGE_STOPPING",
            Self::Tick5 => "TICK_5",
            Self::Tick60 => "TICK_60",
            Self::Tick3600 => "TICK_3600",
            Self::ProcessGroupAdded => "PROCESS_GROUP_ADDED",
            Self::ProcessGroupRemoved => "PROCESS_GROUP_REMOVED",
        }
    }

    /// The type that announces that a process came into `state`.
    pub const fn of_state(state: ProcessState) -> Self {
        match state {
            ProcessState::Starting => Self::ProcessStateStarting,
            ProcessState::Running => Self::ProcessStateRunning,
            ProcessState::Backoff => Self::ProcessStateBackoff,
            ProcessState::Stopping => Self::ProcessStateStopping,
            ProcessState::Exited => Self::ProcessStateExited,
            ProcessState::Stopped => Self::ProcessStateStopped,
            ProcessState::Fatal => Self::ProcessStateFatal,
            ProcessState::Unknown => Self::ProcessStateUnknown,
        }
    }

    /// The type of a log event of a stream.
    pub const fn log_of(channel: Channel) -> Self {
        match channel {
            Channel::Stdout => Self::ProcessLogStdout,
            Channel::Stderr => Self::ProcessLogStderr,
        }
    }

    /// The type of a communication captured on a stream.
    pub const fn communication_of(channel: Channel) -> Self {
        match channel {
            Channel::Stdout => Self::ProcessCommunicationStdout,
            Channel::Stderr => Self::ProcessCommunicationStderr,
        }
    }
}

/// A set of concrete types, one bit each: what somebody subscribed to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EventMask(u32);

impl EventMask {
    /// No type.
    pub const NONE: Self = Self(0);

    /// All types.
    pub const ALL: Self = Self((1 << EventKind::ALL.len()) - 1);

    /// One type.
    pub const fn of(kind: EventKind) -> Self {
        Self(1 << kind as u32)
    }

    /// What a name in `events=` subscribes to: itself, or for an abstract type all types below
    /// it. Case does not matter. None for a name that nothing has.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        if name == "EVENT" {
            return Some(Self::ALL);
        }
        let concrete = EventKind::ALL.into_iter().find(|kind| kind.name() == name);
        if let Some(kind) = concrete {
            return Some(Self::of(kind));
        }
        ABSTRACT.contains(&&*name).then(|| {
            let below = |kind: &EventKind| {
                let rest = kind.name().strip_prefix(&*name);
                rest.is_some_and(|rest| rest.starts_with('_'))
            };
            EventKind::ALL.into_iter().filter(below).collect()
        })
    }

    /// Whether the type is in the set.
    pub const fn contains(self, kind: EventKind) -> bool {
        self.0 & Self::of(kind).0 != 0
    }

    /// Whether the two have a type in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as a number, for sharing it between threads.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set of such a number. Bits that stand for nothing are dropped.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The types in it.
    pub fn kinds(self) -> impl Iterator<Item = EventKind> {
        EventKind::ALL
            .into_iter()
            .filter(move |&kind| self.contains(kind))
    }
}

/// The names of the abstract types below EVENT.
const ABSTRACT: [&str; 6] = [
    "PROCESS_STATE",
    "PROCESS_COMMUNICATION",
    "PROCESS_LOG",
    "SUPERVISOR_STATE_CHANGE",
    "TICK",
    "PROCESS_GROUP",
];

impl BitOr for EventMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for EventMask {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl FromIterator<EventKind> for EventMask {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        let add = |mask, kind| mask | Self::of(kind);
        kinds.into_iter().fold(Self::NONE, add)
    }
}

impl fmt::Debug for EventMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.kinds().map(EventKind::name))
            .finish()
    }
}

impl Event {
    /// Its concrete type.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::ProcessState(change) => EventKind::of_state(change.to),
            Self::ProcessLog(output) => EventKind::log_of(output.channel),
            Self::ProcessCommunication(output) => EventKind::communication_of(output.channel),
            Self::RemoteCommunication { .. } => EventKind::RemoteCommunication,
            Self::SupervisorRunning => EventKind::SupervisorStateChangeRunning,
            Self::SupervisorStopping => EventKind::SupervisorStateChangeStopping,
            Self::Tick { period, .. } => period.kind(),
            Self::ProcessGroupAdded(_) => EventKind::ProcessGroupAdded,
            Self::ProcessGroupRemoved(_) => EventKind::ProcessGroupRemoved,
        }
    }

    /// The payload, character by character the original's.
    pub fn payload(&self) -> String {
        match self {
            Self::ProcessState(change) => change.payload(),
            Self::ProcessLog(output) => format!(
                "{output} channel:{}\n{}",
                output.channel.name(),
                text_or_undecodable(&output.data)
            ),
            Self::ProcessCommunication(output) => {
                format!("{output}\n{}", text_or_undecodable(&output.data))
            }
            Self::RemoteCommunication { kind, data } => format!("type:{kind}\n{data}"),
            Self::SupervisorRunning | Self::SupervisorStopping => String::new(),
            Self::Tick { when, .. } => format!("when:{when}"),
            Self::ProcessGroupAdded(group) | Self::ProcessGroupRemoved(group) => {
                format!("groupname:{group}\n")
            }
        }
    }

    /// The payload with what `event_details=true` adds to it: for changes of a process's state,
    /// after the original's keys, `exitcode`, `signal`, `uptime`, `tries` and `host`. Each is
    /// always there, and empty where nothing is known; `tries` is not said twice. Payloads of
    /// other types stay as they are.
    pub fn detailed_payload(&self, host: &str) -> String {
        match self {
            Self::ProcessState(change) => change.detailed_payload(host),
            Self::ProcessLog(_)
            | Self::ProcessCommunication(_)
            | Self::RemoteCommunication { .. }
            | Self::SupervisorRunning
            | Self::SupervisorStopping
            | Self::Tick { .. }
            | Self::ProcessGroupAdded(_)
            | Self::ProcessGroupRemoved(_) => self.payload(),
        }
    }
}

impl StateChange {
    fn payload(&self) -> String {
        let mut text = format!(
            "processname:{} groupname:{} from_state:{}",
            self.process,
            self.group,
            self.from.name()
        );
        let pid = self.pid.unwrap_or(0);
        // Writing into a String cannot fail.
        let _ = match self.to {
            ProcessState::Fatal | ProcessState::Unknown => Ok(()),
            ProcessState::Starting | ProcessState::Backoff => write!(text, " tries:{}", self.tries),
            ProcessState::Exited => {
                write!(text, " expected:{} pid:{pid}", i32::from(self.expected))
            }
            ProcessState::Running | ProcessState::Stopping | ProcessState::Stopped => {
                write!(text, " pid:{pid}")
            }
        };
        text
    }

    fn detailed_payload(&self, host: &str) -> String {
        let mut text = self.payload();
        let (code, signal) = match self.exit {
            None => (String::new(), String::new()),
            Some(Exit::Code(code)) => (code.to_string(), String::new()),
            Some(Exit::Signal { signal, .. }) => (String::new(), without_spaces(signal)),
        };
        let uptime = self.uptime.map(|seconds| seconds.to_string());
        let uptime = uptime.unwrap_or_default();
        // Writing into a String cannot fail.
        let _ = write!(text, " exitcode:{code} signal:{signal} uptime:{uptime}");
        if !matches!(self.to, ProcessState::Starting | ProcessState::Backoff) {
            let _ = write!(text, " tries:{}", self.tries);
        }
        let _ = write!(text, " host:{host}");
        text
    }
}

/// A value of a `key:value` list may not hold a space; signals without a name are shown with one.
fn without_spaces(value: impl fmt::Display) -> String {
    value.to_string().replace(' ', "")
}

impl fmt::Display for Output {
    /// Whose output it is, as payloads begin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, group, .. } = self;
        // What the original says where it knows no pid.
        let pid = self.pid.unwrap_or(0);
        write!(f, "processname:{process} groupname:{group} pid:{pid}")
    }
}

#[cfg(test)]
mod tests;
