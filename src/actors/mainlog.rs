//! The daemon's own log: from anybody's `slog` call over a bounded queue to its targets.
//!
//! Whoever logs formats the line, puts it into the queue and goes on; nobody waits for a disk or
//! a terminal. A writer on a log arbiter takes what is in the queue, stamps it and writes it. The
//! queue exists before any thread does: lines of the start wait in it until the log is opened, or
//! are printed if it never is.
//!
//! A line of the log is a line: newlines and other control characters in a message are escaped,
//! so that no name or argument can forge an entry. Only the echo of a program's output, which is
//! tagged [`OUTPUT_TAG`], is written as it is.

use super::handle::LogError;
use super::logs::LogRooms;
use super::mainlog_writer::{Answer, Order, Writer};
use super::output::OpenError;
use crate::config::{LogLevel, MainLogTarget};
use crate::model::logline;
use crate::sys::clock;
use slog::{Drain, Level, Logger, Never, OwnedKVList, Record, o};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// The tag of a line of the main log that carries a program's output and may therefore hold raw
/// newlines: `debug!(log, #OUTPUT_TAG, …)`. In all others they are written as `\n`.
pub const OUTPUT_TAG: &str = "OUTPUT";

/// The tag that makes a `trace!` the original's BLAT.
pub const BLATHER_TAG: &str = "BLAT";

/// As many bytes of lines wait to be written at most; further lines are dropped and counted.
const LONGEST_QUEUE: usize = 4 * 1024 * 1024;

/// What a line takes in the queue besides its text.
const LINE_OVERHEAD: usize = 64;

/// Where the main log goes and what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainLogSettings {
    /// The file, or the system's log.
    pub target: MainLogTarget,
    /// Bytes after which the file is rotated; 0 is never.
    pub maxbytes: u64,
    /// How many rotated files are kept.
    pub backups: u32,
    /// Print it as well.
    pub stdout: bool,
    /// What is less grave than this is left out.
    pub level: LogLevel,
}

/// The end of the queue that is read: lines wait in it until somebody writes them.
pub struct MainLogFeed {
    queue: Arc<Queue>,
    log: Logger,
}

/// The handle of the main log once it is written. Clones lead to the same log.
#[derive(Clone)]
pub struct MainLogHandle {
    queue: Arc<Queue>,
}

/// A logger and its queue, before any thread exists.
pub fn new(level: LogLevel) -> (Logger, MainLogFeed) {
    let queue = Arc::new(Queue {
        level: AtomicU8::new(level as u8),
        waiting: Mutex::default(),
        news: Notify::new(),
    });
    let log = Logger::root(Feeder(Arc::clone(&queue)), o!());
    let feed = MainLogFeed {
        queue,
        log: log.clone(),
    };
    (log, feed)
}

impl MainLogFeed {
    /// Leaves out what is less grave than `level`, from now on.
    pub fn set_level(&self, level: LogLevel) {
        self.queue.set_level(level);
    }

    /// Takes the lines that wait and writes them, formatted, to `target`: for a start that fails
    /// and has no log yet.
    pub fn flush_to(&self, target: &mut impl Write) -> io::Result<()> {
        let waiting = self.queue.take();
        for item in &waiting.items {
            if let Some(text) = item.text() {
                target.write_all(&text)?;
            }
        }
        target.flush()
    }

    /// Begins to write, on a log arbiter. Whether the file could be opened,
    /// [`MainLogHandle::opened`] tells. Must be called where an actix system runs.
    pub fn start(self, settings: MainLogSettings, rooms: &LogRooms) -> MainLogHandle {
        let Self { queue, log } = self;
        queue.set_level(settings.level);
        let room = match &settings.target {
            MainLogTarget::File(path) => rooms.for_path(Some(path)),
            MainLogTarget::Syslog => rooms.for_path(None),
        };
        let handle = MainLogHandle {
            queue: Arc::clone(&queue),
        };
        room.spawn_fn(move || {
            actix_rt::spawn(Writer::new(queue, Arc::new(log), settings).run());
        });
        handle
    }
}

impl MainLogHandle {
    /// Answers once the target was opened, or could not be. In the latter case lines are only
    /// printed, and opening is tried again with later lines.
    pub async fn opened(&self) -> Result<(), OpenError> {
        self.order(Order::Opened).await.unwrap_or(Ok(()))
    }

    /// Opens the file anew at its path, for it was moved away. Answered when done or found
    /// impossible; then the old file is written to until it is possible.
    pub async fn reopen(&self) {
        self.order(Order::Reopen).await.unwrap_or(());
    }

    /// Removes the file and begins it anew.
    pub async fn clear(&self) -> Result<(), LogError> {
        self.order(Order::Clear)
            .await
            .unwrap_or(Err(LogError::Failed))
    }

    /// Writes elsewhere or otherwise from now on. What was logged before still goes to where it
    /// went. If the new file cannot be opened, all stays as it was.
    pub async fn reconfigure(&self, settings: MainLogSettings) -> Result<(), OpenError> {
        let level = settings.level;
        let done = self
            .order(|answer| Order::Reconfigure(settings, answer))
            .await
            .unwrap_or(Ok(()));
        if done.is_ok() {
            self.queue.set_level(level);
        }
        done
    }

    /// Answers once everything logged before the call is written.
    pub async fn flush(&self) {
        self.order(Order::Flush).await.unwrap_or(());
    }

    /// None if the writer is gone.
    async fn order<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.queue.put_order(order(answer));
        answered.await.ok()
    }
}

/// Lines and orders on their way to the writer.
pub(super) struct Queue {
    /// The number of the least grave [`LogLevel`] that is written.
    level: AtomicU8,
    waiting: Mutex<Waiting>,
    pub(super) news: Notify,
}

/// What waits to be written.
#[derive(Default)]
pub(super) struct Waiting {
    pub items: VecDeque<Item>,
    bytes: usize,
    /// The writer is gone, and nobody will carry out an order.
    closed: bool,
}

/// Something for the writer, in the order in which it was asked for.
pub(super) enum Item {
    Line(Line),
    /// Here so many lines did not fit.
    Gap(u64),
    Order(Order),
}

impl Item {
    /// What it leaves in the log.
    pub(super) fn text(&self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        match self {
            Self::Line(line) => line.write_to(&mut text),
            Self::Gap(lines) => {
                let sentence = format!(
                    "{lines} lines of this log came faster than they could be written, \
                     and are missing"
                );
                Line::new(LogLevel::Warn, sentence).write_to(&mut text);
            }
            Self::Order(_) => return None,
        }
        Some(text)
    }
}

/// A line that was logged.
pub(super) struct Line {
    seconds: i64,
    nanos: u32,
    severity: LogLevel,
    text: String,
}

impl Queue {
    /// Takes all that waits.
    pub(super) fn take(&self) -> Waiting {
        std::mem::take(&mut *self.lock())
    }

    /// Takes all that waits, and from now on no order, for nobody carries it out.
    pub(super) fn close(&self) -> Waiting {
        let mut waiting = self.lock();
        let last = std::mem::take(&mut *waiting);
        waiting.closed = true;
        last
    }

    fn set_level(&self, level: LogLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// Whether lines as grave as this are written.
    pub(super) fn has(&self, severity: LogLevel) -> bool {
        severity as u8 <= self.level.load(Ordering::Relaxed)
    }

    fn put_line(&self, line: Line) {
        let mut waiting = self.lock();
        let bytes = waiting.bytes + line.text.len() + LINE_OVERHEAD;
        if bytes > LONGEST_QUEUE {
            if let Some(Item::Gap(lines)) = waiting.items.back_mut() {
                *lines += 1;
            } else {
                waiting.items.push_back(Item::Gap(1));
            }
            return;
        }
        waiting.bytes = bytes;
        waiting.items.push_back(Item::Line(line));
        drop(waiting);
        self.news.notify_one();
    }

    fn put_order(&self, order: Order) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        waiting.items.push_back(Item::Order(order));
        drop(waiting);
        self.news.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Whoever panicked meanwhile has left a whole queue behind.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    pub(super) fn new(severity: LogLevel, text: String) -> Self {
        let (seconds, nanos) = clock::now_unix();
        Self {
            seconds,
            nanos,
            severity,
            text,
        }
    }

    /// Appends the line with its stamp, its level and its newline.
    pub(super) fn write_to(&self, text: &mut Vec<u8>) {
        let time = clock::local_time(self.seconds);
        logline::write(
            text,
            &time,
            self.nanos / 1_000_000,
            self.severity,
            &self.text,
        );
    }
}

/// The end of the queue that everybody has.
struct Feeder(Arc<Queue>);

impl Drain for Feeder {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), Never> {
        let severity = match record.level() {
            Level::Critical => LogLevel::Critical,
            Level::Error => LogLevel::Error,
            Level::Warning => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
            Level::Trace if record.tag() == BLATHER_TAG => LogLevel::Blather,
            Level::Trace => LogLevel::Trace,
        };
        if !self.0.has(severity) {
            return Ok(());
        }
        let message = record.msg().to_string();
        let text = if record.tag() == OUTPUT_TAG {
            message
        } else {
            logline::on_one_line(message)
        };
        self.0.put_line(Line::new(severity, text));
        Ok(())
    }

    fn is_enabled(&self, level: Level) -> bool {
        self.0.has(match level {
            Level::Critical => LogLevel::Critical,
            Level::Error => LogLevel::Error,
            Level::Warning => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
            // Whether it is BLAT, the record will tell.
            Level::Trace => LogLevel::Trace,
        })
    }
}

#[cfg(test)]
#[path = "mainlog_tests.rs"]
mod tests;
