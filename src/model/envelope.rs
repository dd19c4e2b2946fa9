//! An event on its way to listeners: numbered once, encoded once, wrapped for each pool
//! (`docs/events.rst`, "Header Tokens"; `process.py`, `_eventEnvelope`).

use super::event::{Event, EventKind};
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

/// What a header has at most besides the names of server and pool.
const HEADER_MAX: usize = 160;

/// An event that at least one pool wants, with its number among all such events of this daemon.
/// Its payload is encoded when it is first asked for, and then shared by all pools.
#[derive(Debug)]
pub struct Encoded {
    serial: u64,
    event: Event,
    host: Arc<str>,
    plain: OnceLock<Payload>,
    detailed: OnceLock<Payload>,
}

/// A payload and its two lengths.
#[derive(Debug)]
pub struct Payload {
    text: String,
    chars: usize,
}

/// What `len:` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadLength {
    /// Characters, as the original does on Python 3, and as listeners need that read text.
    #[default]
    Characters,
    /// Bytes of UTF-8, as the original's documentation promises.
    Bytes,
}

/// How a pool wants its events told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// The daemon's identifier.
    pub server: Arc<str>,
    /// The pool's name.
    pub pool: Arc<str>,
    /// What `len:` counts.
    pub length: PayloadLength,
    /// Whether payloads carry details beyond the original's keys.
    pub details: bool,
}

impl Encoded {
    /// Numbers an event. `host` is this machine's name, for those who want details.
    pub fn new(serial: u64, event: Event, host: Arc<str>) -> Self {
        Self {
            serial,
            event,
            host,
            plain: OnceLock::new(),
            detailed: OnceLock::new(),
        }
    }

    /// Its number among all events of this daemon that somebody wanted.
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// The event itself.
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// Its type.
    pub const fn kind(&self) -> EventKind {
        self.event.kind()
    }

    /// Its payload, with details or without.
    pub fn payload(&self, details: bool) -> &Payload {
        // Only changes of state have details; everything else is encoded in one form.
        if details && matches!(self.event, Event::ProcessState(_)) {
            self.detailed
                .get_or_init(|| Payload::new(self.event.detailed_payload(&self.host)))
        } else {
            self.plain
                .get_or_init(|| Payload::new(self.event.payload()))
        }
    }

    /// The bytes for a listener's stdin: the header line and the payload.
    pub fn envelope(&self, style: &Style, pool_serial: u64) -> Vec<u8> {
        let payload = self.payload(style.details);
        let (server, pool, text) = (&style.server, &style.pool, payload.text());
        let length = HEADER_MAX + server.len() + pool.len() + text.len();
        let mut envelope = String::with_capacity(length);
        // Writing into a String cannot fail.
        let _ = writeln!(
            envelope,
            "ver:3.0 server:{server} serial:{} pool:{pool} poolserial:{pool_serial} eventname:{} len:{}",
            self.serial,
            self.kind().name(),
            payload.length(style.length),
        );
        envelope.push_str(text);
        envelope.into_bytes()
    }
}

impl Payload {
    fn new(text: String) -> Self {
        let chars = text.chars().count();
        Self { text, chars }
    }

    /// The payload.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How long it is.
    pub const fn length(&self, unit: PayloadLength) -> usize {
        match unit {
            PayloadLength::Characters => self.chars,
            PayloadLength::Bytes => self.text.len(),
        }
    }
}

/// Counts from 0 up as the original does, who starts anew after Python's `maxint`
/// (`process.py`, `new_serial`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Serials {
    next: u64,
}

impl Serials {
    /// Begins at 0.
    pub const fn new() -> Self {
        Self { next: 0 }
    }

    /// Goes on where another left off; `next` is the number it would have taken.
    pub const fn from_next(next: u64) -> Self {
        Self { next }
    }

    /// The number that is taken next.
    pub const fn peek(&self) -> u64 {
        self.next
    }

    /// Takes a number.
    pub const fn take(&mut self) -> u64 {
        let serial = self.next;
        self.next = if serial >= i64::MAX.unsigned_abs() {
            0
        } else {
            serial + 1
        };
        serial
    }
}

#[cfg(test)]
mod tests;
