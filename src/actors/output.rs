//! One output stream of one process: from its pipe through filters into its log.

use super::bus::Bus;
use super::logs::LogRooms;
use crate::model::state::Channel;
use actix::{Actor, Addr, Context, Handler, Message, ResponseFuture};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// What is to be done with the bytes of one stream.
#[derive(Clone, Debug)]
pub struct OutputConfig {
    /// The process's name.
    pub process: Arc<str>,
    /// Its group's name.
    pub group: Arc<str>,
    /// Which of its streams.
    pub channel: Channel,
    /// The file they are kept in, if any.
    pub logfile: Option<PathBuf>,
    /// Bytes after which the file is rotated; 0 is never.
    pub maxbytes: u64,
    /// How many rotated files are kept.
    pub backups: u32,
    /// Also send them to the system's log, line by line.
    pub syslog: bool,
    /// Take escape sequences out.
    pub strip_ansi: bool,
    /// Bytes kept of what stands between the capture tokens; 0: the tokens mean nothing.
    pub capture_maxbytes: u64,
    /// Publish them as `PROCESS_LOG` events.
    pub events_enabled: bool,
}

/// The actor of one stream; see the module.
pub struct Output;

/// Opens the target, or checks that the open one is still the file at its path. Answered when
/// that is done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), OpenError>")]
pub struct Open;

/// Begins to pump a new child's pipe. What the pipe before it still holds is read first, then
/// that pipe is closed. Answered at once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Attach {
    /// The end to read from, nonblocking.
    pub pipe: OwnedFd,
    /// The child's pid.
    pub pid: i32,
}

/// The child is dead: answered once everything that it can have written is in the log and its
/// events are delivered.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Removes the log and begins it anew. Answered when that is done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), ClearError>")]
pub struct Clear;

/// Opens the log anew at its path, for it was moved away. Answered when that is done or was
/// found to be impossible; then the old file is written to until it is possible.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Reopen;

/// Ends the stream: what the pipe holds is read and written, the log is closed, the actor stops.
/// Answered when that is done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// A log could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError {
    /// The name of the error number, e.g. `EISDIR`.
    pub errno: String,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.errno)
    }
}

impl std::error::Error for OpenError {}

/// A log could not be removed or begun anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClearError;

impl Output {
    /// Starts the actor in the room of its log. It lives until [`Retire`], or until nobody holds
    /// its address any more and its pipe is at its end.
    pub fn start(
        rooms: &LogRooms,
        config: OutputConfig,
        log: slog::Logger,
        bus: Option<Bus>,
    ) -> Addr<Self> {
        let room = rooms.for_path(config.logfile.as_deref());
        Self::start_in_arbiter(&room, move |_| {
            drop((config, log, bus));
            Self
        })
    }
}

impl Actor for Output {
    type Context = Context<Self>;
}

impl Handler<Open> for Output {
    type Result = Result<(), OpenError>;
    fn handle(&mut self, Open: Open, _: &mut Self::Context) -> Self::Result {
        todo!()
    }
}

impl Handler<Attach> for Output {
    type Result = ();
    fn handle(&mut self, _: Attach, _: &mut Self::Context) -> Self::Result {
        todo!()
    }
}

impl Handler<Drain> for Output {
    type Result = ResponseFuture<()>;
    fn handle(&mut self, Drain: Drain, _: &mut Self::Context) -> Self::Result {
        todo!()
    }
}

impl Handler<Clear> for Output {
    type Result = Result<(), ClearError>;
    fn handle(&mut self, Clear: Clear, _: &mut Self::Context) -> Self::Result {
        todo!()
    }
}

impl Handler<Reopen> for Output {
    type Result = ();
    fn handle(&mut self, Reopen: Reopen, _: &mut Self::Context) -> Self::Result {
        todo!()
    }
}

impl Handler<Retire> for Output {
    type Result = ResponseFuture<()>;
    fn handle(&mut self, Retire: Retire, _: &mut Self::Context) -> Self::Result {
        todo!()
    }
}
