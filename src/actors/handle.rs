//! The one handle by which the world speaks with the daemon: plain methods, no addresses.
//!
//! What is true now is read from the [`Table`] without a message. Commands cross over to the
//! actors and are answered when they have happened; a command whose caller goes away is carried
//! out all the same.

use super::table::Table;
use crate::model::signal::Signal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The handle. Clones speak with the same daemon.
#[derive(Clone)]
pub struct Supervisor {
    table: Arc<Table>,
}

/// How a command ended for one process of several.
#[derive(Clone, Debug)]
pub struct Outcome<E> {
    /// The process's group.
    pub group: Arc<str>,
    /// The process's name.
    pub name: Arc<str>,
    /// Done, or why not.
    pub result: Result<(), E>,
}

/// No active group or process has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// Why a process was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// No active process has that name.
    Unknown,
    /// The command cannot be found; a sentence.
    NoFile(String),
    /// The command is there but cannot be run; a sentence.
    NotExecutable(String),
    /// It runs already, or is about to.
    AlreadyStarted,
    /// It is in the state UNKNOWN.
    UnknownState,
    /// It could not be started; `spawnerr` says why.
    SpawnError,
    /// It was started and is gone again, or on its way.
    AbnormalTermination,
    /// The daemon is shutting down.
    ShuttingDown,
}

/// Why a process was not stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopError {
    /// No active process has that name.
    Unknown,
    /// It does not run.
    NotRunning,
    /// The signal could not be sent; a sentence.
    Failed(String),
}

/// Why a signal was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalError {
    /// No active process has that name.
    Unknown,
    /// There is no child to signal.
    NotRunning,
    /// The signal could not be sent; a sentence.
    Failed(String),
}

/// Why bytes were not queued for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdinError {
    /// No active process has that name.
    Unknown,
    /// There is no child.
    NotRunning,
    /// The child closed its stdin, or it has none of ours.
    Closed,
    /// More would wait than we keep for a child that does not read.
    Full,
}

/// Why a group was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// The config that was read last has no such group.
    Unknown,
    /// It is active already.
    AlreadyAdded,
}

/// Why a group was not removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveError {
    /// No such group is active.
    Unknown,
    /// Some of its processes are not stopped.
    StillRunning,
}

/// The config could not be read; the old one stays. One sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotReread(pub String);

/// Why a log could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogError {
    /// There is no log, or its file is not there.
    NoFile,
    /// Offset and length do not go together.
    BadArguments,
    /// Reading it failed.
    Failed,
}

/// A piece from the end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where the log ends: what to ask for next.
    pub offset: i64,
    /// There was more than was asked for, and the older part was passed over.
    pub overflow: bool,
}

impl Supervisor {
    /// What is true now.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Starts a process. With `wait`, answers once it is RUNNING or has failed; else once it was
    /// spawned or could not be.
    pub async fn start(&self, group: &str, process: &str, wait: bool) -> Result<(), StartError> {
        todo!("{group}{process}{wait}")
    }

    /// Starts every process of a group that does not run, in order, and answers when all have
    /// answered as [`Self::start`] does.
    pub async fn start_group(
        &self,
        group: &str,
        wait: bool,
    ) -> Result<Vec<Outcome<StartError>>, Unknown> {
        todo!("{group}{wait}")
    }

    /// Starts every process that does not run.
    pub async fn start_all(&self, wait: bool) -> Vec<Outcome<StartError>> {
        todo!("{wait}")
    }

    /// Stops a process. With `wait`, answers once it is gone; else once it was asked to go.
    pub async fn stop(&self, group: &str, process: &str, wait: bool) -> Result<(), StopError> {
        todo!("{group}{process}{wait}")
    }

    /// Stops every process of a group that runs.
    pub async fn stop_group(
        &self,
        group: &str,
        wait: bool,
    ) -> Result<Vec<Outcome<StopError>>, Unknown> {
        todo!("{group}{wait}")
    }

    /// Stops every process that runs.
    pub async fn stop_all(&self, wait: bool) -> Vec<Outcome<StopError>> {
        todo!("{wait}")
    }

    /// Sends a signal to a process. Answers once it was sent.
    pub async fn signal(
        &self,
        group: &str,
        process: &str,
        signal: Signal,
    ) -> Result<(), SignalError> {
        todo!("{group}{process}{signal}")
    }

    /// Sends a signal to every process of a group that has a child.
    pub async fn signal_group(
        &self,
        group: &str,
        signal: Signal,
    ) -> Result<Vec<Outcome<SignalError>>, Unknown> {
        todo!("{group}{signal}")
    }

    /// Sends a signal to every process that has a child.
    pub async fn signal_all(&self, signal: Signal) -> Vec<Outcome<SignalError>> {
        todo!("{signal}")
    }

    /// Queues bytes for the stdin of a process. Answers once they were written or queued.
    pub async fn write_stdin(
        &self,
        group: &str,
        process: &str,
        bytes: Vec<u8>,
    ) -> Result<(), StdinError> {
        todo!("{group}{process}{}", bytes.len())
    }

    /// Removes the logs of a process and begins them anew. Answers once that was done.
    pub async fn clear_logs(&self, group: &str, process: &str) -> Result<(), LogError> {
        todo!("{group}{process}")
    }

    /// Removes the main log and begins it anew.
    pub async fn clear_main_log(&self) -> Result<(), LogError> {
        todo!()
    }

    /// Reads from a log: `length` bytes from `offset` on, 0 for all there is; or with a negative
    /// `offset` and no length, that many bytes from its end. Never more than an answer may hold.
    pub async fn read_log(
        &self,
        path: &Path,
        offset: i64,
        length: i64,
    ) -> Result<Vec<u8>, LogError> {
        todo!("{path:?}{offset}{length}")
    }

    /// Reads at most `length` bytes from the end of a log, of those after `offset`, with the
    /// original's arithmetic (`docs/api.rst`, `tailProcessStdoutLog`). A log that is not there
    /// is an empty one.
    pub async fn tail_log(&self, path: &Path, offset: i64, length: i64) -> Tail {
        todo!("{path:?}{offset}{length}")
    }

    /// The file of the main log; none if it goes to the system's log.
    pub fn main_log(&self) -> Option<PathBuf> {
        todo!()
    }

    /// Reads the config files again and says which groups differ from the active ones. Nothing
    /// changes but what [`Table::config`] answers.
    pub async fn reread(&self) -> Result<crate::config::Diff, CannotReread> {
        todo!()
    }

    /// Makes a group of the config that was read last active, and starts its `autostart`
    /// processes.
    pub async fn add_group(&self, name: &str) -> Result<(), AddError> {
        todo!("{name}")
    }

    /// Removes a group whose processes are all stopped.
    pub async fn remove_group(&self, name: &str) -> Result<(), RemoveError> {
        todo!("{name}")
    }

    /// Begins to stop everything and to leave. Answers at once.
    pub async fn shutdown(&self) {
        todo!()
    }

    /// Reads the config; if it is sound, begins to stop everything and to start again with it.
    /// Answers once that has begun.
    pub async fn restart(&self) -> Result<(), CannotReread> {
        todo!()
    }

    /// Publishes a `REMOTE_COMMUNICATION` event.
    pub async fn send_remote_event(&self, kind: String, data: String) {
        todo!("{kind}{data}")
    }
}

#[cfg(test)]
impl Supervisor {
    /// A handle without actors: what is read from the table works, commands do not.
    pub(crate) fn for_table(table: Table) -> Self {
        Self {
            table: Arc::new(table),
        }
    }
}
