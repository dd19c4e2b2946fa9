//! The dialogue with one listener: what its stdout means (`docs/events.rst`, "Event Listener
//! States"; `dispatchers.py`, `PEventListenerDispatcher`).
//!
//! ```text
//!                  READY\n                 an event is sent
//!   ACKNOWLEDGED ───────────►   READY   ─────────────────────► BUSY
//!     ▲    │                      │                            │ │
//!     │    │ anything else        │ anything                   │ │ a bad result line
//!     │    ▼                      ▼                            │ ▼
//!     │  UNKNOWN ◄────────────────┴────────────────────────────┼─┘
//!     │                                                        │
//!     └────────────────────────────────────────────────────────┘
//!                         RESULT n\n and n bytes
//! ```
//!
//! Bytes go in as they were read, in whatever pieces; outcomes come out, and are the same for all
//! ways to cut the bytes. What is held between two reads is bounded whatever a listener writes.
//! The machine neither knows the event that is being handled nor writes anything.

use super::number::python_int;

/// What a listener says when it wants an event.
const READY: &[u8] = b"READY\n";

/// What a result line begins with. As in the original it is taken off by its length and not
/// compared: whatever seven bytes stand before the number will do.
const RESULT: &[u8] = b"RESULT ";

/// The result that means that an event was handled. Every other one rejects it.
const OK: &[u8] = b"OK";

/// Bytes of a result line without its newline. An honest one has a dozen; the original would
/// read for ever.
const LINE_MAX: usize = 1024;

/// Bytes that a result may have. The original would believe in terabytes and keep them.
const RESULT_MAX: i64 = 1024 * 1024;

/// How many bytes of a violation are kept for telling of it.
const QUOTED_MAX: usize = 64;

/// Where in the dialogue a listener is, as the world is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListenerState {
    /// It has yet to say that it wants an event.
    Acknowledged,
    /// It wants an event.
    Ready,
    /// It is handling an event.
    Busy,
    /// It broke the protocol and gets no events any more.
    Unknown,
}

impl ListenerState {
    /// The name in upper case, as the main log shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Ready => "READY",
            Self::Busy => "BUSY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What a listener made known by its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It wants an event: ACKNOWLEDGED → READY.
    Ready,
    /// It is done with its event: BUSY → ACKNOWLEDGED.
    Result {
        /// The event was handled; if not, it is to be sent again.
        ok: bool,
    },
    /// It broke the protocol: → UNKNOWN. If it was BUSY, its event is to be sent again.
    Violation(Violation),
}

/// How a listener broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// In ACKNOWLEDGED it said something other than `READY\n`; the bytes that stood in its place.
    NotReady(Vec<u8>),
    /// In READY it spoke without having been asked; the first of the bytes that came.
    Spoke(Vec<u8>),
    /// In BUSY it wrote a result line whose number is none, is below zero or is beyond all bounds,
    /// or that is too long to be one; the line, or the beginning of an endless one.
    BadResultLine(Vec<u8>),
}

/// The dialogue with one listener, from the start of its process to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialogue {
    phase: Phase,
}

/// The state with what is known in it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Holds less than the length of `READY\n`.
    Acknowledged {
        held: Vec<u8>,
    },
    Ready,
    /// The result line has no newline yet; holds at most `LINE_MAX`.
    AwaitsLine {
        line: Vec<u8>,
    },
    /// The result itself is being read.
    AwaitsResult {
        /// Bytes that are still to come.
        missing: usize,
        /// Whether all that came so far begins [`OK`], and how much of it came.
        matched: Option<usize>,
    },
    Unknown,
}

impl Default for Dialogue {
    fn default() -> Self {
        Self::new()
    }
}

impl Dialogue {
    /// A listener that has just been started: ACKNOWLEDGED.
    pub const fn new() -> Self {
        Self {
            phase: Phase::Acknowledged { held: Vec::new() },
        }
    }

    /// Where the dialogue is.
    pub const fn state(&self) -> ListenerState {
        match self.phase {
            Phase::Acknowledged { .. } => ListenerState::Acknowledged,
            Phase::Ready => ListenerState::Ready,
            Phase::AwaitsLine { .. } | Phase::AwaitsResult { .. } => ListenerState::Busy,
            Phase::Unknown => ListenerState::Unknown,
        }
    }

    /// An event was sent to the listener: READY → BUSY. False, and nothing changes, if it is not
    /// READY.
    pub fn sent(&mut self) -> bool {
        let ready = matches!(self.phase, Phase::Ready);
        if ready {
            self.phase = Phase::AwaitsLine { line: Vec::new() };
        }
        ready
    }

    /// The listener can take no part in the dialogue any more, e.g. because it closed a pipe:
    /// → UNKNOWN, whatever it was.
    pub fn give_up(&mut self) {
        self.phase = Phase::Unknown;
    }

    /// Takes bytes from the front of what a listener wrote, up to the next outcome. None when all
    /// bytes are taken and nothing came of the last of them; so call it until then.
    pub fn feed(&mut self, bytes: &mut &[u8]) -> Option<Outcome> {
        let outcome = match &mut self.phase {
            Phase::Acknowledged { held } => await_ready(held, bytes)?,
            Phase::Ready => spoke(bytes)?,
            Phase::AwaitsLine { line } => match await_line(line, bytes)? {
                Ok(missing) => {
                    let matched = Some(0);
                    self.phase = Phase::AwaitsResult { missing, matched };
                    // An empty result is complete already.
                    return self.feed(bytes);
                }
                Err(violation) => Outcome::Violation(violation),
            },
            Phase::AwaitsResult { missing, matched } => await_result(missing, matched, bytes)?,
            Phase::Unknown => {
                *bytes = &[];
                return None;
            }
        };
        self.phase = match outcome {
            Outcome::Ready => Phase::Ready,
            Outcome::Result { .. } => Phase::Acknowledged { held: Vec::new() },
            Outcome::Violation(_) => {
                // Nothing that follows can be understood.
                *bytes = &[];
                Phase::Unknown
            }
        };
        Some(outcome)
    }
}

/// Completes `READY\n`, or as many bytes that are not that.
fn await_ready(held: &mut Vec<u8>, bytes: &mut &[u8]) -> Option<Outcome> {
    held.extend_from_slice(take(bytes, READY.len() - held.len()));
    if held.len() < READY.len() {
        return None;
    }
    if held == READY {
        return Some(Outcome::Ready);
    }
    let instead = std::mem::take(held);
    Some(Outcome::Violation(Violation::NotReady(instead)))
}

/// Whatever is said in READY should not have been.
fn spoke(bytes: &[u8]) -> Option<Outcome> {
    let quoted = &bytes[..bytes.len().min(QUOTED_MAX)];
    let violation = Violation::Spoke(quoted.to_vec());
    (!bytes.is_empty()).then_some(Outcome::Violation(violation))
}

/// Completes a result line: the length that it announces, or that it is none.
fn await_line(line: &mut Vec<u8>, bytes: &mut &[u8]) -> Option<Result<usize, Violation>> {
    let room = &bytes[..bytes.len().min(LINE_MAX + 1 - line.len())];
    let end = room.iter().position(|&byte| byte == b'\n');
    line.extend_from_slice(take(bytes, end.unwrap_or(room.len())));
    let endless = line.len() > LINE_MAX;
    if endless {
        line.truncate(LINE_MAX);
    } else {
        end?;
        take(bytes, 1);
    }
    let line = std::mem::take(line);
    let length = result_length(&line).filter(|_| !endless);
    Some(length.ok_or(Violation::BadResultLine(line)))
}

/// Completes a result, which is compared while it comes and not kept.
fn await_result(
    missing: &mut usize,
    matched: &mut Option<usize>,
    bytes: &mut &[u8],
) -> Option<Outcome> {
    let taken = take(bytes, *missing);
    *missing -= taken.len();
    *matched = matched.and_then(|matched| {
        let fits = OK[matched..].starts_with(taken);
        fits.then_some(matched + taken.len())
    });
    let ok = *matched == Some(OK.len());
    (*missing == 0).then_some(Outcome::Result { ok })
}

/// Takes at most `count` bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count.min(bytes.len()));
    *bytes = rest;
    taken
}

/// The length that a result line announces.
fn result_length(line: &[u8]) -> Option<usize> {
    let number = line.get(RESULT.len()..)?;
    // Python reads only ASCII digits and white space from bytes.
    let number = std::str::from_utf8(number).ok().filter(|n| n.is_ascii())?;
    let length = python_int(number).filter(|length| (0..=RESULT_MAX).contains(length))?;
    usize::try_from(length).ok()
}

#[cfg(test)]
mod tests;
