//! What the main log says of a pool and its listeners: in the original's words where it has any.

use crate::model::listener::ListenerState;
use crate::model::process::Gravity;
use crate::model::python::{bytes_literal, text_or_undecodable};
use std::fmt;
use std::sync::Arc;

/// A line of the main log about a listener or its pool. It is put into words only when it is
/// shown, because most of these are for a level that few people log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Whom it is about: the listener's process, or the pool.
    pub name: Arc<str>,
    /// What is said.
    pub matter: Matter,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matter {
    /// Of a listener: its dialogue went on.
    Moved {
        /// The state before.
        from: ListenerState,
        /// The state now.
        to: ListenerState,
    },
    /// Of a listener: it broke the protocol and gets no events any more.
    Lost,
    /// Of a listener: what it wrote where `READY\n` was expected, or where nothing was.
    Instead {
        /// The beginning of it.
        bytes: Vec<u8>,
        /// Whether anything was expected.
        ready_expected: bool,
    },
    /// Of a listener: its result line is none.
    BadResultLine(Vec<u8>),
    /// Of a listener: it lives, but closed the pipe that it gets events from or answers to.
    ClosedPipe,
    /// Of a listener: its event was handled.
    Processed,
    /// Of a listener: its event was rejected.
    Rejected,
    /// Of a listener: an event was written to it.
    Sent {
        /// The event's global serial.
        serial: u64,
    },
    /// Of a listener: an event could not be written to it.
    Refused {
        /// The event's global serial.
        serial: u64,
    },
    /// Of a listener: it is started anew because it was lost.
    Restarting {
        /// Seconds until then.
        after: u64,
    },
    /// Of a pool: an event comes back to the head of its buffer.
    Rebuffering {
        /// The event's global serial.
        serial: u64,
        /// How many events wait.
        waiting: usize,
        /// How many may wait.
        size: usize,
    },
    /// Of a pool: an event was discarded to make room.
    Overflowed {
        /// The event's global serial.
        serial: u64,
    },
    /// Of a pool that ends: some events have not been handled.
    Undelivered {
        /// How many.
        count: usize,
    },
}

impl Sentence {
    /// How grave it is.
    pub const fn gravity(&self) -> Gravity {
        match self.matter {
            Matter::Overflowed { .. } => Gravity::Error,
            Matter::Lost | Matter::BadResultLine(_) | Matter::Rejected => Gravity::Warning,
            Matter::Instead { .. }
            | Matter::ClosedPipe
            | Matter::Restarting { .. }
            | Matter::Undelivered { .. } => Gravity::Info,
            Matter::Moved { .. }
            | Matter::Processed
            | Matter::Sent { .. }
            | Matter::Refused { .. }
            | Matter::Rebuffering { .. } => Gravity::Debug,
        }
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.matter {
            Matter::Moved { from, to } => write!(f, "{name}: {} -> {}", from.name(), to.name()),
            Matter::Lost => write!(
                f,
                "{name}: has entered the UNKNOWN state and will no longer receive events, this \
                 usually indicates the process violated the eventlistener protocol"
            ),
            Matter::Instead {
                bytes,
                ready_expected,
            } => {
                let expected = if *ready_expected { "READY" } else { "nothing" };
                let bytes = bytes_literal(bytes);
                write!(f, "{name}: {expected} was expected on stdout, not {bytes}")
            }
            Matter::BadResultLine(line) => {
                let line = text_or_undecodable(line);
                write!(f, "{name}: bad result line: '{line}'")
            }
            Matter::ClosedPipe => write!(f, "{name}: has closed its stdin or stdout"),
            Matter::Processed => write!(f, "{name}: event was processed"),
            Matter::Rejected => write!(f, "{name}: event was rejected"),
            Matter::Sent { serial } => write!(f, "event {serial} sent to listener {name}"),
            Matter::Refused { serial } => write!(
                f,
                "epipe occurred while sending event {serial} to listener {name}, listener state \
                 unchanged"
            ),
            Matter::Restarting { after } => write!(
                f,
                "{name}: will be restarted in {after} seconds (restart_unknown)"
            ),
            Matter::Rebuffering {
                serial,
                waiting,
                size,
            } => write!(
                f,
                "rebuffering event {serial} for pool {name} (buf size={waiting}, max={size})"
            ),
            Matter::Overflowed { serial } => write!(
                f,
                "pool {name} event buffer overflowed, discarding event {serial}"
            ),
            Matter::Undelivered { count } => {
                write!(f, "pool {name} ends with {count} events not handled")
            }
        }
    }
}
