//! The system's log, for all streams of this arbiter and for the main log.

use crate::model::losses::{Losses, Notice};
use crate::sys::errno;
use crate::sys::syslog::Syslog;
use slog::{Logger, error, warn};
use std::cell::RefCell;
use std::time::Instant;

thread_local! {
    static SYSLOG: RefCell<Syslogger> = RefCell::default();
}

/// A connection to the system's log and what it did not take.
#[derive(Debug, Default)]
pub(super) struct Syslogger {
    syslog: Syslog,
    losses: Losses,
}

/// Sends a message over this arbiter's connection. What the log does not take is counted, and
/// said in `log`.
pub(super) fn send(text: &[u8], log: &Logger) {
    SYSLOG.with_borrow_mut(|syslog| syslog.send(text, log));
}

impl Syslogger {
    /// Sends a message. What the log does not take is counted, and said in `log`.
    pub(super) fn send(&mut self, text: &[u8], log: &Logger) {
        let now = Instant::now();
        match self.syslog.send(text) {
            Ok(()) => {
                if let Some(lost) = self.losses.kept(now) {
                    warn!(
                        log,
                        "the system's log takes messages again; {lost} were dropped"
                    );
                }
            }
            Err(error) => {
                let number = errno::of(&error);
                let reason = errno::text(number);
                match self.losses.add(1, now) {
                    None => {}
                    Some(Notice::Begun) => error!(
                        log,
                        "cannot send to the system's log ({reason}); messages are dropped"
                    ),
                    Some(Notice::Ongoing(lost)) => error!(
                        log,
                        "still cannot send to the system's log ({reason}); \
                         {lost} messages were dropped so far"
                    ),
                }
            }
        }
    }
}
