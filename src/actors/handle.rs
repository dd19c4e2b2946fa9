//! The one handle by which the world speaks with the daemon: plain methods, no addresses.
//!
//! What is true now is read from the [`Table`] without a message. Commands cross over to the
//! actors and are answered when they have happened; a command whose caller goes away is carried
//! out all the same.

use super::bus::Bus;
use super::daemon::{
    AddGroup, Consider, Daemon, FindGroup, FindProcess, RemoveGroup, Restart, Shutdown,
    SignalEverything, StartEverything, StopEverything,
};
use super::group::{Group, SignalAll, StartAll, StopAll};
use super::logs::LogRooms;
pub use super::logs::LogTail;
use super::mainlog::MainLogHandle;
use super::process::{ClearLogs, Process, SendSignal, Start, Stop, WriteStdin};
use super::source::Source;
use super::table::Table;
use super::turn::Turn;
use super::world::World;
use crate::config::{Diff, MainLogTarget};
use crate::model::event::{Event, EventKind};
use crate::model::signal::Signal;
use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The handle. Clones speak with the same daemon.
#[derive(Clone)]
pub struct Supervisor {
    table: Arc<Table>,
    rooms: LogRooms,
    /// None: the daemon is gone.
    actors: Option<Actors>,
}

#[derive(Clone)]
struct Actors {
    daemon: Addr<Daemon>,
    bus: Bus,
    mainlog: MainLogHandle,
    source: Source,
    log: slog::Logger,
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
    /// In which round the answer came; see [`in_order_of_answers`].
    pub(super) round: u128,
}

/// How long a round of answers is: as often the original looks who is done.
const ROUND: Duration = Duration::from_millis(50);

/// The round of an answer that came after this time; what was refused without being tried comes
/// before all others.
pub(super) fn round_of(after: Duration, is_refused: bool) -> u128 {
    if is_refused {
        0
    } else {
        1 + after.as_millis() / ROUND.as_millis()
    }
}

/// Puts answers into the order in which the original gives them, as the last failure decides the
/// exit code of `supervisorctl`: round by round, and in the order of asking within a round.
pub(super) fn in_order_of_answers<E>(mut outcomes: Vec<Outcome<E>>) -> Vec<Outcome<E>> {
    outcomes.sort_by_key(|outcome| outcome.round);
    outcomes
}

/// An error of one process of several.
pub(super) trait Refusal {
    /// Nothing was tried.
    fn is_refusal(&self) -> bool;
}

impl Refusal for StartError {
    fn is_refusal(&self) -> bool {
        match self {
            Self::Unknown
            | Self::NoFile(_)
            | Self::NotExecutable(_)
            | Self::AlreadyStarted
            | Self::UnknownState
            | Self::ShuttingDown => true,
            Self::SpawnError | Self::AbnormalTermination => false,
        }
    }
}

impl Refusal for StopError {
    fn is_refusal(&self) -> bool {
        true
    }
}

impl Refusal for SignalError {
    fn is_refusal(&self) -> bool {
        true
    }
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
    /// The daemon is shutting down.
    ShuttingDown,
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
    /// The handle of this daemon.
    pub fn new(
        world: &World,
        daemon: Addr<Daemon>,
        mainlog: MainLogHandle,
        source: Source,
    ) -> Self {
        Self {
            table: Arc::clone(&world.table),
            rooms: world.rooms.clone(),
            actors: Some(Actors {
                daemon,
                bus: world.bus.clone(),
                mainlog,
                source,
                log: world.log.clone(),
            }),
        }
    }

    /// What is true now.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Starts a process. With `wait`, answers once it is RUNNING or has failed; else once it was
    /// spawned or could not be.
    pub async fn start(&self, group: &str, process: &str, wait: bool) -> Result<(), StartError> {
        let process = self
            .process(group, process)
            .await
            .ok_or(StartError::Unknown)?;
        let lost = Err(StartError::UnknownState);
        ask(
            &process,
            Start {
                wait,
                turn: Turn::default(),
            },
        )
        .await
        .unwrap_or(lost)
    }

    /// Starts every process of a group that does not run, in order, and answers when all have
    /// answered as [`Self::start`] does.
    pub async fn start_group(
        &self,
        group: &str,
        wait: bool,
    ) -> Result<Vec<Outcome<StartError>>, Unknown> {
        let group = self.group(group).await.ok_or(Unknown)?;
        ask(
            &group,
            StartAll {
                wait,
                turn: Turn::default(),
            },
        )
        .await
        .ok_or(Unknown)
    }

    /// Starts every process that does not run.
    pub async fn start_all(&self, wait: bool) -> Vec<Outcome<StartError>> {
        let order = StartEverything { wait };
        self.ask(order).await.unwrap_or_default()
    }

    /// Stops a process. With `wait`, answers once it is gone; else once it was asked to go.
    pub async fn stop(&self, group: &str, process: &str, wait: bool) -> Result<(), StopError> {
        let process = self
            .process(group, process)
            .await
            .ok_or(StopError::Unknown)?;
        let lost = Err(StopError::Unknown);
        ask(&process, Stop { wait }).await.unwrap_or(lost)
    }

    /// Stops every process of a group that runs.
    pub async fn stop_group(
        &self,
        group: &str,
        wait: bool,
    ) -> Result<Vec<Outcome<StopError>>, Unknown> {
        let group = self.group(group).await.ok_or(Unknown)?;
        ask(&group, StopAll { wait }).await.ok_or(Unknown)
    }

    /// Stops every process that runs.
    pub async fn stop_all(&self, wait: bool) -> Vec<Outcome<StopError>> {
        let order = StopEverything(StopAll { wait });
        self.ask(order).await.unwrap_or_default()
    }

    /// Sends a signal to a process. Answers once it was sent.
    pub async fn signal(
        &self,
        group: &str,
        process: &str,
        signal: Signal,
    ) -> Result<(), SignalError> {
        let process = self
            .process(group, process)
            .await
            .ok_or(SignalError::Unknown)?;
        let lost = Err(SignalError::Unknown);
        ask(&process, SendSignal(signal)).await.unwrap_or(lost)
    }

    /// Sends a signal to every process of a group that has a child.
    pub async fn signal_group(
        &self,
        group: &str,
        signal: Signal,
    ) -> Result<Vec<Outcome<SignalError>>, Unknown> {
        let group = self.group(group).await.ok_or(Unknown)?;
        ask(&group, SignalAll(signal)).await.ok_or(Unknown)
    }

    /// Sends a signal to every process that has a child.
    pub async fn signal_all(&self, signal: Signal) -> Vec<Outcome<SignalError>> {
        let order = SignalEverything(SignalAll(signal));
        self.ask(order).await.unwrap_or_default()
    }

    /// Queues bytes for the stdin of a process. Answers once they were written or queued.
    pub async fn write_stdin(
        &self,
        group: &str,
        process: &str,
        bytes: Vec<u8>,
    ) -> Result<(), StdinError> {
        let process = self
            .process(group, process)
            .await
            .ok_or(StdinError::Unknown)?;
        let lost = Err(StdinError::Unknown);
        ask(&process, WriteStdin(bytes)).await.unwrap_or(lost)
    }

    /// Removes the logs of a process and begins them anew. Answers once that was done.
    pub async fn clear_logs(&self, group: &str, process: &str) -> Result<(), LogError> {
        let process = self.process(group, process).await.ok_or(LogError::NoFile)?;
        ask(&process, ClearLogs)
            .await
            .unwrap_or(Err(LogError::Failed))
    }

    /// Removes the main log and begins it anew.
    pub async fn clear_main_log(&self) -> Result<(), LogError> {
        let actors = self.actors.as_ref().ok_or(LogError::Failed)?;
        actors.mainlog.clear().await
    }

    /// Reads from a log: `length` bytes from `offset` on, 0 for all there is; or with a negative
    /// `offset` and no length, that many bytes from its end. Never more than an answer may hold.
    pub async fn read_log(
        &self,
        path: &Path,
        offset: i64,
        length: i64,
    ) -> Result<Vec<u8>, LogError> {
        self.rooms.read(path, offset, length).await
    }

    /// Reads at most `length` bytes from the end of a log, of those after `offset`, with the
    /// original's arithmetic (`docs/api.rst`, `tailProcessStdoutLog`). A log that is not there
    /// is an empty one.
    pub async fn tail_log(&self, path: &Path, offset: i64, length: i64) -> Tail {
        self.rooms.tail(path, offset, length).await
    }

    /// Makes the file system of a path hang, until what is answered is dropped.
    #[cfg(test)]
    pub(crate) fn hang(&self, path: &Path) -> std::sync::mpsc::Sender<()> {
        let (release, released) = std::sync::mpsc::channel();
        self.rooms.for_path(Some(path)).spawn(async move {
            let _ = released.recv();
        });
        release
    }

    /// Follows a log from so many bytes before its end on. Only regular files can be followed.
    pub async fn follow_log(&self, path: &Path, back: u64) -> Result<LogTail, LogError> {
        self.rooms.follow(path, back).await
    }

    /// The file of the main log; none if it goes to the system's log.
    pub fn main_log(&self) -> Option<PathBuf> {
        match &self.table.config().daemon.logfile {
            MainLogTarget::File(path) => Some(path.clone()),
            MainLogTarget::Syslog => None,
        }
    }

    /// Reads the config files again and says which groups differ from the active ones. Nothing
    /// changes but what [`Table::config`] answers.
    pub async fn reread(&self) -> Result<Diff, CannotReread> {
        let leaving = || CannotReread("the daemon is leaving".to_owned());
        let actors = self.actors.as_ref().ok_or_else(leaving)?;
        let config = actors.source.read().await.map_err(CannotReread)?;
        self.ask(Consider(config)).await.ok_or_else(leaving)
    }

    /// Makes a group of the config that was read last active, and starts its `autostart`
    /// processes.
    pub async fn add_group(&self, name: &str) -> Result<(), AddError> {
        let leaving = Err(AddError::ShuttingDown);
        let add = AddGroup(name.to_owned());
        self.ask(add).await.unwrap_or(leaving)
    }

    /// Removes a group whose processes are all stopped.
    pub async fn remove_group(&self, name: &str) -> Result<(), RemoveError> {
        let remove = RemoveGroup(name.to_owned());
        self.ask(remove).await.unwrap_or(Err(RemoveError::Unknown))
    }

    /// Begins to stop everything and to leave. Answers at once.
    pub async fn shutdown(&self) {
        // A daemon that is gone has left.
        let _ = self.ask(Shutdown).await;
    }

    /// Reads the config; if it is sound, begins to stop everything and to start again with it.
    /// Answers once that has begun.
    pub async fn restart(&self) -> Result<(), CannotReread> {
        let leaving = || CannotReread("the daemon is leaving".to_owned());
        let actors = self.actors.as_ref().ok_or_else(leaving)?;
        let config = actors.source.read().await.map_err(|sentence| {
            World::refuse_restart(&actors.log, &sentence);
            CannotReread(sentence)
        })?;
        let _ = self.ask(Restart(config)).await;
        Ok(())
    }

    /// Publishes a `REMOTE_COMMUNICATION` event.
    pub async fn send_remote_event(&self, kind: String, data: String) {
        let event = || Event::RemoteCommunication { kind, data };
        if let Some(actors) = &self.actors {
            let kind = EventKind::RemoteCommunication;
            actors.bus.publish_paced(kind, event).await;
        }
    }

    async fn ask<M>(&self, message: M) -> Option<M::Result>
    where
        Daemon: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        ask(&self.actors.as_ref()?.daemon, message).await
    }

    async fn group(&self, name: &str) -> Option<Addr<Group>> {
        self.ask(FindGroup(name.to_owned())).await?
    }

    async fn process(&self, group: &str, process: &str) -> Option<Addr<Process>> {
        let wanted = FindProcess {
            group: group.to_owned(),
            process: process.to_owned(),
        };
        self.ask(wanted).await?
    }
}

/// Asks an actor, in a task of its own: with the future of an actix request dropped, the message
/// would be taken back, and with it the command of a client that hung up. None if the actor is
/// gone.
async fn ask<A, M>(actor: &Addr<A>, message: M) -> Option<M::Result>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    let request = actor.send(message);
    actix_rt::spawn(request).await.ok()?.ok()
}

#[cfg(test)]
impl Supervisor {
    /// A handle without actors, as of a daemon that is gone: what is read from the table works,
    /// commands are not carried out.
    pub(crate) fn for_table(table: Table) -> Self {
        Self {
            table: Arc::new(table),
            rooms: LogRooms::new(),
            actors: None,
        }
    }
}

/// Runs a test of somebody who asks for logs: they are read on arbiters, which belong to a system.
#[cfg(test)]
pub(crate) fn in_system(test: impl Future<Output = ()>) {
    actix_rt::System::new().block_on(test);
}
