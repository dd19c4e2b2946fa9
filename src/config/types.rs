//! The config as it is meant, after reading, expanding and checking: what the actors work with.
//!
//! Nothing here is optional that has a default, and no text is left that would still have to be
//! understood. Where the original's words for an option are the best description, see
//! `docs/configuration.rst` of the original, section by section.

use crate::model::envelope::PayloadLength;
use crate::model::event::EventMask;
pub use crate::model::logline::LogLevel;
use crate::model::logstyle::LogStyle;
use crate::model::process::Policy;
pub use crate::model::process::{Aftermath, AutoRestart, Growth, RestartLimit, Waits};
use crate::model::signal::Signal;
use std::collections::BTreeMap;
use std::ops::BitOr as _;
use std::path::PathBuf;
use std::sync::Arc;

/// A whole config: all files of it read, expanded, checked and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `[supervisord]`, with the command line's flags laid over it.
    pub daemon: DaemonConfig,
    /// `[inet_http_server…]` and then `[unix_http_server…]`, in the order of the file.
    pub servers: Vec<ServerConfig>,
    /// Whether `[rpcinterface:supervisor]` is there: without it the `supervisor.*` methods are
    /// unknown.
    pub supervisor_rpc: bool,
    /// All groups, ascending by priority and then by name: the order of starting. Each is there
    /// once in the daemon's memory, however many parts of it look at it.
    pub groups: Vec<Arc<GroupConfig>>,
    /// What is to be said in the main log once it is open: criticals, then warnings, then infos.
    pub notes: Vec<Note>,
}

/// Something the reader of the main log should know about the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How grave it is.
    pub level: NoteLevel,
    /// One sentence.
    pub text: String,
}

/// How grave a [`Note`] is. The order is the order in which they are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteLevel {
    /// `CRIT`
    Critical,
    /// `WARN`
    Warning,
    /// `INFO`
    Info,
}

/// `[supervisord]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonConfig {
    /// The file this was read from, absolute; rereading reads it again.
    pub configfile: PathBuf,
    /// Where the main log goes.
    pub logfile: MainLogTarget,
    /// Bytes after which the main log is rotated; 0 is never.
    pub logfile_maxbytes: u64,
    /// How many rotated main logs are kept.
    pub logfile_backups: u32,
    /// What the main log leaves out.
    pub loglevel: LogLevel,
    /// The file that holds our pid, absolute.
    pub pidfile: PathBuf,
    /// The umask of the daemon once it runs in the background.
    pub umask: u32,
    /// Stay in the foreground.
    pub nodaemon: bool,
    /// In the foreground, do not print the main log.
    pub silent: bool,
    /// The least number of descriptors the daemon must be allowed.
    pub minfds: u64,
    /// The least number of processes the daemon's user must be allowed.
    pub minprocs: u64,
    /// Leave old `AUTO` logs alone at start.
    pub nocleanup: bool,
    /// Where `AUTO` logs are made.
    pub childlogdir: PathBuf,
    /// The user to become at start, by uid and primary gid.
    pub user: Option<(u32, u32)>,
    /// The directory to change to when going into the background.
    pub directory: Option<PathBuf>,
    /// Take escape sequences out of the programs' output.
    pub strip_ansi: bool,
    /// The name of this daemon among others: in events, and in the names of `AUTO` logs.
    pub identifier: String,
    /// What children find as `SUPERVISOR_SERVER_URL` unless their program sets another: the first
    /// unix server, else the first TCP one, else nothing.
    pub serverurl: Option<String>,
}

/// What flags of the command line say; each beats what the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `-n`
    pub nodaemon: Option<bool>,
    /// `-s`
    pub silent: Option<bool>,
    /// `-u`, a name or uid; it is looked up when the file has been read.
    pub user: Option<String>,
    /// `-m`
    pub umask: Option<u32>,
    /// `-d`
    pub directory: Option<PathBuf>,
    /// `-l`, a path or `syslog`; empty is as if it were not there.
    pub logfile: Option<String>,
    /// `-y`, in bytes
    pub logfile_maxbytes: Option<i64>,
    /// `-z`
    pub logfile_backups: Option<i64>,
    /// `-e`
    pub loglevel: Option<LogLevel>,
    /// `-j`; empty is as if it were not there.
    pub pidfile: Option<String>,
    /// `-i`
    pub identifier: Option<String>,
    /// `-q`
    pub childlogdir: Option<PathBuf>,
    /// `-k`
    pub nocleanup: Option<bool>,
    /// `-a`
    pub minfds: Option<i64>,
    /// `-t`
    pub strip_ansi: Option<bool>,
    /// `--minprocs`
    pub minprocs: Option<i64>,
}

/// `[supervisorctl]`, without the flags of the command line.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// Whom to ask, `http://host:port` or `unix:///path`; the path is absolute.
    pub serverurl: String,
    /// The user name to give.
    pub username: Option<String>,
    /// The password to give.
    pub password: Option<String>,
    /// What stands before the `>` of the shell.
    pub prompt: String,
    /// Where the shell keeps its lines, absolute.
    pub history_file: Option<PathBuf>,
}

impl Default for ClientConfig {
    /// What holds where there is no config file.
    fn default() -> Self {
        Self {
            serverurl: "http://localhost:9001".to_owned(),
            username: None,
            password: None,
            prompt: "supervisor".to_owned(),
            history_file: None,
        }
    }
}

impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientConfig")
            .field("serverurl", &self.serverurl)
            .field("username", &self.username)
            .field("prompt", &self.prompt)
            .field("history_file", &self.history_file)
            .finish_non_exhaustive()
    }
}

/// Where the main log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MainLogTarget {
    /// To a file, by absolute path.
    File(PathBuf),
    /// To the system's log.
    Syslog,
}

/// `[unix_http_server]`, `[inet_http_server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The section's whole name, as messages quote it.
    pub section: String,
    /// Where it listens.
    pub address: ServerAddress,
    /// Who may ask; none means everybody who can connect.
    pub credentials: Option<Credentials>,
}

/// Where an HTTP server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// On a unix socket.
    Unix {
        /// The socket's absolute path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Its owner's uid and gid, where they are given.
        owner: Option<(u32, Option<u32>)>,
    },
    /// On a TCP port.
    Tcp {
        /// A name or address in lower case; empty means all interfaces.
        host: String,
        /// The port, 1 to 65535.
        port: u16,
    },
}

/// A user name and a password, the latter as text or as `{SHA}` and the hex digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password; it never appears in a message.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Processes that are started and stopped together: `[group:x]`, or a program on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// The group's name.
    pub name: String,
    /// Lower starts earlier and stops later.
    pub priority: i64,
    /// What kind of group it is.
    pub kind: GroupKind,
    /// The members: as a `[group:x]` lists its programs, and by name within a program.
    pub processes: Vec<Arc<ProcessConfig>>,
}

/// What a group is besides its processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Programs.
    Programs,
    /// `[eventlistener:x]`: a pool that is fed events.
    Listeners(ListenerConfig),
    /// `[fcgi-program:x]`: members share a listening socket as their descriptor 0.
    FastCgi(FcgiSocket),
}

/// What `[eventlistener:x]` has beyond a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// How many events wait at most.
    pub buffer_size: usize,
    /// The subscribed event types, upper case, sorted, each once.
    pub events: Vec<String>,
    /// The `result_handler`; only the original's default one is supported.
    pub result_handler: String,
    /// What `len:` counts in the header of an event: characters, as in the original, or with
    /// `payload_length=bytes` what its documentation promises. Ours.
    pub payload_length: PayloadLength,
    /// Start listeners anew that broke the protocol. Ours; off unless given.
    pub restart_unknown: bool,
    /// Tell more of a process's state than the original does. Ours; off unless given.
    pub event_details: bool,
}

impl ListenerConfig {
    /// The concrete types of events that are subscribed to.
    pub fn mask(&self) -> EventMask {
        let masks = self
            .events
            .iter()
            .filter_map(|name| EventMask::of_name(name));
        masks.fold(EventMask::NONE, EventMask::bitor)
    }
}

/// The shared socket of an `[fcgi-program:x]`. As in the original, two are equal if they listen
/// at the same place, whatever their owner, mode and backlog.
#[derive(Clone, Debug)]
pub struct FcgiSocket {
    /// Where it listens.
    pub address: FcgiAddress,
    /// The length of its queue of connections, where it is given.
    pub backlog: Option<u32>,
}

/// Where a `FastCGI` socket listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FcgiAddress {
    /// `unix:///path`
    Unix {
        /// The absolute path.
        path: PathBuf,
        /// Its owner, where one is given or follows from the program's user.
        owner: Option<(u32, Option<u32>)>,
        /// Its permission bits.
        mode: u32,
    },
    /// `tcp://host:port`
    Tcp {
        /// A name or address.
        host: String,
        /// The port.
        port: u16,
    },
}

impl PartialEq for FcgiSocket {
    fn eq(&self, other: &Self) -> bool {
        match (&self.address, &other.address) {
            (FcgiAddress::Unix { path, .. }, FcgiAddress::Unix { path: other, .. }) => {
                path == other
            }
            (this, other) => this == other,
        }
    }
}

impl Eq for FcgiSocket {}

/// One process: `[program:x]` (or its kin) after `numprocs` was multiplied out. There may be
/// thousands: what they have in common is there once.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// The process's name within its group.
    pub name: String,
    /// The command line, expanded and not yet split into words: a command that cannot be split
    /// is a spawn error of this process and not an error of the config.
    pub command: String,
    /// The working directory.
    pub directory: Option<PathBuf>,
    /// Variables set for the child: those of `[supervisord]`, then the program's own.
    pub environment: BTreeMap<String, String>,
    /// Descriptor 1.
    pub stdout: Arc<StreamConfig>,
    /// Descriptor 2; without a log of its own if `redirect_stderr`.
    pub stderr: Arc<StreamConfig>,
    /// What all processes of the section have in common.
    pub common: Arc<ProgramConfig>,
}

/// What the processes of one section have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramConfig {
    /// The umask, where it differs from the daemon's.
    pub umask: Option<u32>,
    /// Lower starts earlier and stops later.
    pub priority: i64,
    /// Start it with the daemon.
    pub autostart: bool,
    /// What to do when it left RUNNING on its own.
    pub autorestart: AutoRestart,
    /// Seconds it must stay up to count as started; 0 and less: it counts at once.
    pub startsecs: i64,
    /// How many failed starts are followed by another.
    pub startretries: i64,
    /// How long the waits after failed starts are: `restart_backoff` and its kin.
    pub waits: Waits,
    /// How often it is started again after it was RUNNING.
    pub restart_limit: Option<RestartLimit>,
    /// What follows when it is EXITED and stays so.
    pub on_exit: Aftermath,
    /// What follows when it is FATAL.
    pub on_fatal: Aftermath,
    /// The uid to run as.
    pub uid: Option<u32>,
    /// The signal that asks it to stop.
    pub stopsignal: Signal,
    /// Seconds between that signal and SIGKILL.
    pub stopwaitsecs: i64,
    /// Send the stop signal to its whole process group.
    pub stopasgroup: bool,
    /// Send SIGKILL to its whole process group.
    pub killasgroup: bool,
    /// Exit codes that are expected, in the order given.
    pub exitcodes: Vec<u8>,
    /// Send descriptor 2 where descriptor 1 goes.
    pub redirect_stderr: bool,
    /// `SUPERVISOR_SERVER_URL` for the children, where it differs from the daemon's.
    pub serverurl: Option<String>,
}

/// What becomes of one output stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamConfig {
    /// Where it is kept.
    pub logfile: LogFile,
    /// Bytes after which the file is rotated; 0 is never.
    pub maxbytes: u64,
    /// How many rotated files are kept.
    pub backups: u32,
    /// Bytes kept of what stands between the capture tokens; 0: the tokens mean nothing.
    pub capture_maxbytes: u64,
    /// Publish what is written as `PROCESS_LOG` events.
    pub events_enabled: bool,
    /// Also send it to the system's log, line by line.
    pub syslog: bool,
    /// What the log looks like, where it is not just the bytes.
    pub style: Option<Arc<LogStyle>>,
}

/// Where an output stream is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFile {
    /// Nowhere.
    None,
    /// In a file named by us, removed at the next start.
    Auto,
    /// In this file, `~` expanded, relative to the daemon's working directory if not absolute.
    Path(PathBuf),
}

impl ProgramConfig {
    /// What it says about the life of a process.
    pub fn policy(&self) -> Policy {
        Policy {
            startsecs: Policy::seconds(self.startsecs),
            startretries: self.startretries,
            waits: self.waits,
            restart_limit: self.restart_limit,
            on_exit: self.on_exit,
            on_fatal: self.on_fatal,
            autorestart: self.autorestart,
            exitcodes: self.exitcodes.clone(),
            stopsignal: self.stopsignal,
            stopwait: Policy::seconds(self.stopwaitsecs),
            stopasgroup: self.stopasgroup,
            killasgroup: self.killasgroup,
        }
    }
}

impl PartialEq for ProcessConfig {
    /// Whether a running process needs no change to become the other. As in the original, an
    /// automatic log on either side is as good as any other.
    fn eq(&self, other: &Self) -> bool {
        let Self {
            name,
            command,
            directory,
            environment,
            stdout,
            stderr,
            common,
        } = self;
        *name == other.name
            && *command == other.command
            && *directory == other.directory
            && *environment == other.environment
            && stdout.is_interchangeable_with(&other.stdout)
            && stderr.is_interchangeable_with(&other.stderr)
            && *common == other.common
    }
}

impl Eq for ProcessConfig {}

impl StreamConfig {
    fn is_interchangeable_with(&self, other: &Self) -> bool {
        let automatic = self.logfile == LogFile::Auto || other.logfile == LogFile::Auto;
        let logfile = if automatic {
            &self.logfile
        } else {
            &other.logfile
        };
        *self
            == Self {
                logfile: logfile.clone(),
                ..other.clone()
            }
    }
}
