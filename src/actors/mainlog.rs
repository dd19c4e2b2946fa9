//! The daemon's own log: from anybody's `slog` call over a bounded queue to its targets.

use super::handle::LogError;
use super::logs::LogRooms;
use super::output::OpenError;
use crate::config::{LogLevel, MainLogTarget};
use std::io::{self, Write};

/// The tag of a line of the main log that carries a program's output and may therefore hold raw
/// newlines: `debug!(log, #OUTPUT_TAG, …)`. In all others they are written as `\n`.
pub const OUTPUT_TAG: &str = "OUTPUT";

/// The tag that makes a `trace!` the original's BLAT.
pub const BLATHER_TAG: &str = "BLAT";

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
pub struct MainLogFeed;

/// The handle of the main log once it is written. Clones lead to the same log.
#[derive(Clone)]
pub struct MainLogHandle;

/// A logger and its queue, before any thread exists.
pub fn new(level: LogLevel) -> (slog::Logger, MainLogFeed) {
    todo!("{level:?}")
}

impl MainLogFeed {
    /// Leaves out what is less grave than `level`, from now on.
    pub fn set_level(&self, level: LogLevel) {
        todo!("{level:?}")
    }

    /// Takes the lines that wait and writes them, formatted, to `target`: for a start that fails
    /// and has no log yet.
    pub fn flush_to(&self, target: &mut impl Write) -> io::Result<()> {
        target.flush()
    }

    /// Begins to write, on a log arbiter. Whether the file could be opened,
    /// [`MainLogHandle::opened`] tells. Must be called where an actix system runs.
    pub fn start(self, settings: MainLogSettings, rooms: &LogRooms) -> MainLogHandle {
        todo!("{settings:?}{}", std::ptr::from_ref(rooms).is_null())
    }
}

impl MainLogHandle {
    /// Answers once the target was opened, or could not be. In the latter case lines are only
    /// printed, and opening is tried again with later lines.
    pub async fn opened(&self) -> Result<(), OpenError> {
        todo!()
    }

    /// Opens the file anew at its path, for it was moved away. Answered when done or found
    /// impossible; then the old file is written to until it is possible.
    pub async fn reopen(&self) {
        todo!()
    }

    /// Removes the file and begins it anew.
    pub async fn clear(&self) -> Result<(), LogError> {
        todo!()
    }

    /// Writes elsewhere or otherwise from now on. What was logged before still goes to where it
    /// went. If the new file cannot be opened, all stays as it was.
    pub async fn reconfigure(&self, settings: MainLogSettings) -> Result<(), OpenError> {
        todo!("{settings:?}")
    }

    /// Answers once everything logged before the call is written.
    pub async fn flush(&self) {
        todo!()
    }
}
