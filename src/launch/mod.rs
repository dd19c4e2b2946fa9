//! How a daemon comes to be, and the one place that ties the rooms together.
//!
//! The order matters. First what the process was started with is settled; then flags and config
//! are read, the user is changed and limits are raised; then the sockets and the pidfile are
//! claimed, which shows whether another daemon is at work before anything of its is touched; then
//! the process goes into the background, while it still has one thread; then come the threads,
//! the main log, and the daemon. Up to there an error is two lines on stderr and exit code 2.

#![forbid(unsafe_code)]

pub mod cli;
mod client;
mod host;
mod life;
mod pidproxy;
mod servers;
mod stage;

pub use client::supervisorctl;
pub use host::Machine;
pub use pidproxy::pidproxy;

use crate::config::{self, Config, LoadRequest, Note, NoteLevel, Overrides, ServerConfig};
use crate::sys::limits::{self, Resource};
use crate::sys::pidfile::{Pidfile, PidfileError};
use crate::sys::users::Identity;
use crate::sys::{daemonize, fds, memory, privileges, signals, users};
use cli::{Flags, Invocation, UsageError};
use servers::Bound;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Wrong usage, and a config that does not let us start.
const USAGE: u8 = 2;

/// What a process was started with.
struct Start {
    /// How we were called.
    program: String,
    /// The variables of our environment that are text.
    env: BTreeMap<String, String>,
    cwd: PathBuf,
}

/// What a daemon has in hand when it goes to work.
struct Prepared {
    config: Config,
    source: crate::actors::source::Source,
    /// Said in the main log, besides those of the config.
    notes: Vec<Note>,
    pidfile: Result<Pidfile, PidfileError>,
    servers: Vec<(ServerConfig, Bound)>,
    /// There if we are in the background.
    background: Option<daemonize::Background>,
}

/// The program `supervisord`.
pub fn supervisord() -> ExitCode {
    memory::keep_small();
    let (program, args) = command_line();
    match settle().and_then(|()| prepare(program.clone(), &args)) {
        Ok(Some(prepared)) => life::live(prepared),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", error.lines(&program));
            ExitCode::from(USAGE)
        }
    }
}

/// How we were called, as a path, and with which arguments. What is not UTF-8 is taken with
/// U+FFFD in its place.
fn command_line() -> (String, Vec<String>) {
    let mut args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let program = called_as(&args.next().unwrap_or_default());
    (program, args.collect())
}

/// The path of the executable as it was called, or as the shell found it: config files are
/// looked for beside it, links not resolved, and messages name it.
fn called_as(argv0: &str) -> String {
    if argv0.contains('/') {
        return argv0.to_owned();
    }
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&dirs)
        .map(|dir| dir.join(argv0))
        .find(|path| Path::is_file(path))
        .map_or_else(
            || argv0.to_owned(),
            |path| path.to_string_lossy().into_owned(),
        )
}

/// What we inherit must not surprise us later.
fn settle() -> Result<(), UsageError> {
    let settled = signals::settle()
        .and_then(|()| signals::hold_deaths())
        .and_then(|()| fds::open_standard())
        .and_then(|()| fds::seal_inherited());
    settled.map_err(|error| UsageError(format!("cannot settle signals and descriptors: {error}")))
}

/// Everything that can go wrong while somebody watches. None: all that was asked for is done.
fn prepare(program: String, args: &[String]) -> Result<Option<Prepared>, UsageError> {
    let cwd = std::env::current_dir()
        .map_err(|error| UsageError(format!("the working directory cannot be told: {error}")))?;
    let start = Start {
        program,
        env: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        cwd,
    };
    let around = config::Surroundings {
        cwd: &start.cwd,
        host: &Machine,
    };
    let flags = match cli::parse(&start.program, args, around)? {
        Invocation::Help(text) => {
            print(&text);
            return Ok(None);
        }
        Invocation::Version => {
            print(&format!("{}\n", crate::VERSION));
            return Ok(None);
        }
        Invocation::Run(flags) => *flags,
    };
    claim(start, flags).map(Some)
}

/// Reads the config and takes possession of all that only one daemon can have.
fn claim(start: Start, flags: Flags) -> Result<Prepared, UsageError> {
    let Flags {
        configfile,
        overrides,
    } = flags;
    let path = match configfile {
        Some(path) => path,
        None => search(&start)?,
    };
    let config = load(&start, &path, &overrides)?;
    let mut notes = Vec::new();
    become_user(config.daemon.user, &mut notes)?;
    raise_limits(&config, &mut notes)?;
    let mut servers = Vec::new();
    for server in &config.servers {
        let (bound, remarks) =
            Bound::bind(&server.address).map_err(|error| UsageError(error.to_string()))?;
        for remark in remarks {
            eprintln!("{remark}");
        }
        servers.push((server.clone(), bound));
    }
    let pidfile = match Pidfile::claim(&config.daemon.pidfile) {
        Err(held @ PidfileError::Held { .. }) => return Err(UsageError(held.to_string())),
        // A daemon without a pidfile is better than none; it is said in the main log.
        claimed @ (Ok(_) | Err(PidfileError::System { .. })) => claimed,
    };
    let background = if config.daemon.nodaemon {
        None
    } else {
        let directory = config.daemon.directory.as_deref();
        let background = daemonize::daemonize(directory, config.daemon.umask);
        Some(background.map_err(|error| UsageError(format!("cannot daemonize: {error}")))?)
    };
    let source = move || {
        load(&start, &path, &overrides)
            .map_err(|UsageError(message)| config::ConfigError { message })
    };
    Ok(Prepared {
        config,
        source: crate::actors::source::Source::new(source),
        notes,
        pidfile,
        servers,
        background,
    })
}

fn search(start: &Start) -> Result<String, UsageError> {
    if users::own_uid() == 0 {
        eprintln!("UserWarning: {}", cli::ROOT_SEARCH_WARNING);
    }
    config::find_default(&start.program, &start.cwd).map_err(usage)
}

fn load(start: &Start, path: &str, overrides: &Overrides) -> Result<Config, UsageError> {
    let request = LoadRequest {
        path,
        overrides,
        env: &start.env,
        cwd: &start.cwd,
    };
    config::load(&request, &Machine).map_err(usage)
}

fn usage(error: config::ConfigError) -> UsageError {
    UsageError(error.message)
}

/// Becomes the user of `[supervisord] user`, for good.
fn become_user(user: Option<(u32, u32)>, notes: &mut Vec<Note>) -> Result<(), UsageError> {
    match user {
        Some((uid, _)) => {
            let identity = Identity::lookup(uid).map_err(UsageError)?;
            privileges::drop_to(&identity).map_err(UsageError)?;
            let text = format!("Set uid to user {uid} succeeded");
            notes.push(note(NoteLevel::Info, text));
        }
        None if users::own_uid() == 0 => {
            let text = "Supervisor is running as root.  Privileges were not dropped because no \
                        user is specified in the config file.  If you intend to run as root, you \
                        can set user=root in the config file to avoid this message.";
            notes.push(note(NoteLevel::Critical, text.to_owned()));
        }
        None => {}
    }
    Ok(())
}

fn raise_limits(config: &Config, notes: &mut Vec<Note>) -> Result<(), UsageError> {
    let wanted = [
        (Resource::Descriptors, config.daemon.minfds),
        (Resource::Processes, config.daemon.minprocs),
    ];
    for (resource, least) in wanted {
        let raised = limits::raise(resource, least);
        let raised = raised.map_err(|error| UsageError(error.to_string()))?;
        let raised = raised.note().map(|text| note(NoteLevel::Info, text));
        notes.extend(raised);
    }
    Ok(())
}

fn note(level: NoteLevel, text: String) -> Note {
    Note { level, text }
}

fn print(text: &str) {
    // Whoever read it had enough of it.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
