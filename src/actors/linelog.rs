//! A log that is written line by line: between a stream and its target stands a formatter. A line
//! without an end waits for the rest of it, but not longer than a second.

use super::target::{Policy, Shared};
use crate::model::formatter::Formatter;
use crate::sys::clock;
use std::time::{Duration, Instant};

/// How long a line without an end waits for it.
const UNFINISHED: Duration = Duration::from_secs(1);

/// As many bytes are written at once, where the log is not rotated before.
const AT_ONCE: u64 = 64 * 1024;

/// See the module.
pub(super) struct LineLog {
    formatter: Formatter,
    /// When the line that waits has waited long enough.
    due: Option<Instant>,
}

impl LineLog {
    pub(super) fn new(formatter: Formatter) -> Self {
        Self {
            formatter,
            due: None,
        }
    }

    /// Writes the lines that a piece completes. The log is rotated between two of them.
    pub(super) fn write(&mut self, piece: &[u8], target: &Shared, policy: Policy) {
        let mut buffer = Vec::new();
        let room = |target: &Shared| {
            let room = target.borrow().room(policy).unwrap_or(AT_ONCE);
            room.min(AT_ONCE)
        };
        let mut most = room(target);
        let waited = self.formatter.is_waiting();
        let mut take = |buffer: &mut Vec<u8>| {
            if buffer.len() as u64 >= most {
                put(buffer, target, policy);
                most = room(target);
            }
        };
        let now = clock::now_local();
        let any = self.formatter.format(piece, &now, &mut buffer, &mut take);
        put(&mut buffer, target, policy);
        if !self.formatter.is_waiting() {
            self.due = None;
        } else if any || !waited {
            self.due = Some(Instant::now() + UNFINISHED);
        }
    }

    /// When the line that waits has waited long enough.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Writes a line that has waited long enough by `now`.
    pub(super) fn look(&mut self, target: Option<&Shared>, policy: Policy, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.finish(target, policy);
        }
    }

    /// Writes a line that has no end, and will have none. Answers whether there was one.
    pub(super) fn finish(&mut self, target: Option<&Shared>, policy: Policy) -> bool {
        self.due = None;
        let mut buffer = Vec::new();
        self.formatter.flush(&mut buffer);
        let any = !buffer.is_empty();
        if let Some(target) = target {
            put(&mut buffer, target, policy);
        }
        any
    }
}

fn put(buffer: &mut Vec<u8>, target: &Shared, policy: Policy) {
    if !buffer.is_empty() {
        target.borrow_mut().write(buffer, policy, Instant::now());
        buffer.clear();
    }
}
