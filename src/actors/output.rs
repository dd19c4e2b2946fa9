//! One output stream of one process: from its pipe through filters into its log.
//!
//! A plain value in the [`LogRoom`](super::logroom) of its log's file system; the way to it is a
//! [`Stream`](super::stream). It is there as long as its process is configured, over any number of
//! children. For each its log is opened and the child's pipe attached; when the child is dead,
//! what it left is drained. In between nobody needs to speak with it: the pump (`pump.rs`) reads
//! whatever comes and writes it, and no trouble with a log ever stops the reading.
//!
//! Outputs that go to one path share one `Target`.

use super::beat;
use super::bus::Bus;
use super::filters::{Asked, Filters};
use super::linelog::LineLog;
use super::pump::Flow;
use super::table::Row;
use super::target::{self, Policy, Reason, Shared};
use crate::model::formatter::Formatter;
use crate::model::logstyle::LogStyle;
use crate::model::state::Channel;
use crate::sys::autolog;
use crate::sys::errno;
use crate::sys::logfile;
use slog::Logger;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// One stream and what is to be done with its bytes.
#[derive(Clone, Debug)]
pub struct OutputConfig {
    /// The process's row, where it is noted that the stream is not in its log.
    pub row: Arc<Row>,
    /// Which of its streams.
    pub channel: Channel,
    /// The file they are kept in, if any.
    pub logfile: Option<Arc<Path>>,
    /// That is an automatic log, whose file is still to be made.
    pub is_unmade: bool,
    /// What else is asked for; the members of a program have it in common.
    pub plan: Arc<Plan>,
}

/// What is to be done with the bytes of a stream, besides keeping them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
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
    pub log: Arc<Logger>,
    /// Where events are published, if anywhere.
    pub bus: Option<Bus>,
}

/// See the module.
///
/// There are two for each process: a field here is paid for twice as often as one of a process.
pub(super) struct Output {
    pub(super) config: OutputConfig,
    pub(super) ends: Arc<Ends>,
    /// Open while a pipe is, and from [`Output::open`] on.
    pub(super) target: Option<Shared>,
    pub(super) filters: Option<Box<Filters>>,
    /// Where the log is written line by line.
    pub(super) lines: Option<Box<LineLog>>,
    pub(super) flow: Flow,
    /// It ends when it is drained.
    pub(super) retiring: bool,
    /// What was noted in the row last.
    noted: Option<Reason>,
}

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
    /// Without a pipe, and its log not open.
    pub(super) fn new(config: OutputConfig, ends: Arc<Ends>) -> Self {
        Self {
            filters: filters(&config),
            config,
            ends,
            target: None,
            lines: None,
            flow: Flow::default(),
            retiring: false,
            noted: None,
        }
    }

    /// When the log is to be rotated.
    pub(super) fn policy(&self) -> Policy {
        let plan = &*self.config.plan;
        let style = plan.style.as_deref();
        Policy {
            maxbytes: plan.maxbytes,
            backups: plan.backups,
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
        let why = trouble.map(|reason| Arc::from(reason.to_string()));
        let OutputConfig { row, channel, .. } = &self.config;
        row.write(|row| row.set_trouble(*channel, why));
    }

    /// Makes the file of an automatic log, if that is still to be done. Where it cannot be made,
    /// there is none.
    pub(super) fn make(&mut self) {
        if !std::mem::take(&mut self.config.is_unmade) {
            return;
        }
        let OutputConfig {
            row,
            channel,
            logfile,
            ..
        } = &mut self.config;
        let Some(path) = logfile else {
            return;
        };
        let _work = beat::begin(Instant::now());
        if let Err(error) = autolog::create(path) {
            slog::error!(
                self.ends.log,
                "cannot make an automatic log for the {} of '{}' in {}: {}; it is not kept",
                channel.name(),
                row.name,
                path.parent().unwrap_or(path).display(),
                error
            );
            *logfile = None;
            row.write(|live| live.unmade[channel.place()] = true);
        }
    }

    /// Opens the target, or checks that the open one is still the file at its path.
    pub(super) fn open(&mut self) -> Result<(), OpenError> {
        self.make();
        if let Some(path) = &self.config.logfile {
            self.target = Some(target::open(path, &self.ends.log)?);
            self.flow.ended = false;
        }
        Ok(())
    }

    /// Begins with a new child's pipe, a nonblocking one. What the pipe before it still holds is
    /// read first, then that pipe is closed.
    pub(super) fn attach(&mut self, pipe: OwnedFd, pid: i32) {
        self.make();
        self.sweep();
        if self.target.is_none()
            && let Some(path) = &self.config.logfile
        {
            self.target = Some(target::open_or_lose(path, &self.ends.log));
        }
        self.filters = filters(&self.config);
        let OutputConfig { row, channel, .. } = &self.config;
        let style = self.config.plan.style.as_deref();
        let formatter = style.and_then(|style| Formatter::new(style, &row.name, *channel, pid));
        self.lines = formatter.map(LineLog::new).map(Box::new);
        self.flow.attach(pipe, pid);
    }

    /// What the pipe holds by now is to be read at once, and its events be delivered; `drained`
    /// hears when that is done. Without a pipe the log is closed.
    pub(super) fn drain(&mut self, drained: oneshot::Sender<()>) {
        self.flow.begin_to_drain(drained);
    }

    /// Removes the log and begins it anew.
    pub(super) fn clear(&mut self) -> Result<(), ClearError> {
        self.make();
        let Some(path) = &self.config.logfile else {
            return Ok(());
        };
        let cleared = match self.target.clone().or_else(|| target::find(path)) {
            Some(target) => target.borrow_mut().clear(),
            None => logfile::clear(path).map(drop),
        };
        cleared.map_err(|_| ClearError)
    }

    /// Opens the log anew at its path, for it was moved away. Where that is impossible the old
    /// file is written to until it is possible.
    pub(super) fn reopen(&self) {
        if let Some(target) = &self.target {
            target.borrow_mut().reopen();
        }
    }
}

fn filters(config: &OutputConfig) -> Option<Box<Filters>> {
    let asked = Asked {
        process: &config.row.name,
        capture_maxbytes: config.plan.capture_maxbytes,
        strip_ansi: config.plan.strip_ansi,
        syslog: config.plan.syslog,
    };
    Filters::new(asked).map(Box::new)
}
