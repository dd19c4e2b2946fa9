//! One output stream of one process: from its pipe through filters into its log.
//!
//! The actor lives as long as its process is configured, over any number of children. For each
//! it is told to [`Open`] the log and to [`Attach`] the child's pipe; when the child is dead, to
//! [`Drain`] what it left. In between nobody needs to speak with it: the pump (`pump.rs`) reads
//! whatever comes and writes it, and no trouble with a log ever stops the reading.
//!
//! It runs on the arbiter of its log's file system, and streams that go to one path share one
//! `Target` there.

use super::bus::Bus;
use super::filters::{Asked, Filters};
use super::linelog::LineLog;
use super::logs::LogRooms;
use super::pump::{Flow, Pump};
use super::table::Row;
use super::target::{self, Policy, Reason, Shared};
use crate::model::formatter::Formatter;
use crate::model::logstyle::LogStyle;
use crate::model::state::Channel;
use crate::sys::errno;
use crate::sys::logfile;
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, ResponseFuture};
use slog::Logger;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::oneshot;

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
    pub logfile: Option<Arc<Path>>,
    /// Bytes after which the file is rotated; 0 is never.
    pub maxbytes: u64,
    /// How many rotated files are kept.
    pub backups: u32,
    /// What the file looks like, where it is not just the bytes.
    pub style: Option<Arc<LogStyle>>,
    /// Also send them to the system's log, line by line.
    pub syslog: bool,
    /// Take escape sequences out.
    pub strip_ansi: bool,
    /// Bytes kept of what stands between the capture tokens; 0: the tokens mean nothing.
    pub capture_maxbytes: u64,
    /// Publish them as `PROCESS_LOG` events.
    pub events_enabled: bool,
    /// They are a listener's answers, which its pool tells the main log of.
    pub is_protocol: bool,
}

/// Where streams tell things besides their logs. All streams share one.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The main log.
    pub log: Logger,
    /// Where events are published, if anywhere.
    pub bus: Option<Bus>,
}

/// The actor of one stream; see the module.
///
/// There are two for each process: a field here is paid for twice as often as one of a process.
pub struct Output {
    pub(super) config: OutputConfig,
    pub(super) ends: Arc<Ends>,
    /// Open while a pipe is, and from [`Open`] on.
    pub(super) target: Option<Shared>,
    pub(super) filters: Option<Box<Filters>>,
    /// Where the log is written line by line.
    pub(super) lines: Option<Box<LineLog>>,
    pub(super) flow: Flow,
    pub(super) retiring: bool,
    /// Where it is noted that the stream is not in its log.
    row: Option<Arc<Row>>,
    /// What was noted there last.
    noted: Option<Reason>,
}

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
/// events are delivered. Where somebody else still holds its pipe open, they are heard until the
/// next [`Attach`] or [`Retire`]. Without a pipe the log is closed, if it was opened for a child
/// that could not be started.
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

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        let number = errno::of(&error);
        Self {
            errno: errno::name(number).map_or_else(|| number.to_string(), str::to_owned),
        }
    }
}

/// A log could not be removed or begun anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClearError;

impl Output {
    /// Starts the actor in the room of its log. It lives until [`Retire`], or until nobody holds
    /// its address any more and its pipe is at its end. Where its log cannot be written it says
    /// so in the `row`.
    pub fn start(
        rooms: &LogRooms,
        config: OutputConfig,
        ends: Arc<Ends>,
        row: Option<Arc<Row>>,
    ) -> Addr<Self> {
        let room = rooms.for_path(config.logfile.as_deref());
        Self::start_in_arbiter(&room, move |_| Self {
            filters: filters(&config),
            config,
            ends,
            target: None,
            lines: None,
            flow: Flow::default(),
            retiring: false,
            row,
            noted: None,
        })
    }

    /// When the log is to be rotated.
    pub(super) fn policy(&self) -> Policy {
        let style = self.config.style.as_deref();
        Policy {
            maxbytes: self.config.maxbytes,
            backups: self.config.backups,
            period: style.and_then(|style| style.rotate),
            compression: style.and_then(|style| style.compress),
            lines: style.is_some_and(LogStyle::has_lines),
        }
    }

    /// Notes in the table whether what comes is kept.
    pub(super) fn note_trouble(&mut self) {
        let target = self.target.as_ref();
        let trouble = target.and_then(|target| target.borrow().trouble());
        if trouble == self.noted {
            return;
        }
        self.noted = trouble;
        if let Some(row) = &self.row {
            let why = trouble.map(|reason| Arc::from(reason.to_string()));
            row.write(|row| row.set_trouble(self.config.channel, why));
        }
    }

    fn drained(&mut self) -> ResponseFuture<()> {
        let (answer, answered) = oneshot::channel();
        self.flow.begin_to_drain(answer);
        Box::pin(async {
            // Without an answer the actor is gone, and there is nothing left to drain.
            let _ = answered.await;
        })
    }
}

fn filters(config: &OutputConfig) -> Option<Box<Filters>> {
    let asked = Asked {
        process: &config.process,
        capture_maxbytes: config.capture_maxbytes,
        strip_ansi: config.strip_ansi,
        syslog: config.syslog,
    };
    Filters::new(asked).map(Box::new)
}

impl Actor for Output {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(Pump);
    }
}

impl Handler<Open> for Output {
    type Result = Result<(), OpenError>;

    fn handle(&mut self, Open: Open, _: &mut Self::Context) -> Self::Result {
        if let Some(path) = &self.config.logfile {
            self.target = Some(target::open(path, &self.ends.log)?);
            self.flow.ended = false;
        }
        Ok(())
    }
}

impl Handler<Attach> for Output {
    type Result = ();

    fn handle(&mut self, Attach { pipe, pid }: Attach, _: &mut Self::Context) {
        self.sweep();
        if self.target.is_none()
            && let Some(path) = &self.config.logfile
        {
            self.target = Some(target::open_or_lose(path, &self.ends.log));
        }
        self.filters = filters(&self.config);
        let config = &self.config;
        let formatter = config
            .style
            .as_deref()
            .and_then(|style| Formatter::new(style, &config.process, config.channel, pid));
        self.lines = formatter.map(LineLog::new).map(Box::new);
        self.flow.attach(pipe, pid);
    }
}

impl Handler<Drain> for Output {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain: Drain, _: &mut Self::Context) -> Self::Result {
        self.drained()
    }
}

impl Handler<Clear> for Output {
    type Result = Result<(), ClearError>;

    fn handle(&mut self, Clear: Clear, _: &mut Self::Context) -> Self::Result {
        let Some(path) = &self.config.logfile else {
            return Ok(());
        };
        let cleared = match self.target.clone().or_else(|| target::find(path)) {
            Some(target) => target.borrow_mut().clear(),
            None => logfile::clear(path).map(drop),
        };
        cleared.map_err(|_| ClearError)
    }
}

impl Handler<Reopen> for Output {
    type Result = ();

    fn handle(&mut self, Reopen: Reopen, _: &mut Self::Context) {
        if let Some(target) = &self.target {
            target.borrow_mut().reopen();
        }
    }
}

impl Handler<Retire> for Output {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Retire: Retire, _: &mut Self::Context) -> Self::Result {
        self.retiring = true;
        self.drained()
    }
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
