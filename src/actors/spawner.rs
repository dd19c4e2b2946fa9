//! The Spawner: on its own arbiter, since a child can hang before its program is executed (in a
//! directory on a dead file server, say), and looking for a command asks file systems.
//!
//! It owns nothing between two children but what they inherit.

use super::fcgi;
use super::table::Cause;
use crate::config::ProcessConfig;
use crate::sys::command::{Command, CommandError};
use crate::sys::errno;
use crate::sys::reap::Owner;
use crate::sys::spawn::{Child, Exec, SpawnError, Stdin, User};
use crate::sys::{spawn, users};
use actix::{Actor, Context, Handler, Message};
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// The actor; see the module.
#[derive(Debug)]
pub struct Spawner {
    maker: spawn::Spawner,
    inheritance: Inheritance,
}

/// What every child inherits from the daemon.
#[derive(Clone, Debug, Default)]
pub struct Inheritance {
    /// The daemon's own environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// `SUPERVISOR_SERVER_URL`, where there is a server.
    pub serverurl: Option<String>,
}

/// Looks for the command of a program. Answered when it was found or not.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Command, CommandError>")]
pub struct Find(pub Arc<ProcessConfig>);

/// Makes a child. Answered when its program runs, or never will: the child is gone then, and its
/// end is reported like any other.
#[derive(Debug, Message)]
#[rtype(result = "Result<Spawned, NotSpawned>")]
pub struct Spawn {
    /// The program.
    pub program: Arc<ProcessConfig>,
    /// Its command, as [`Find`] found it.
    pub command: Command,
    /// The name of its group.
    pub group: Arc<str>,
    /// Who hears of its end.
    pub owner: Owner,
    /// The listening socket that is its descriptor 0, for a FastCGI program.
    pub socket: Option<fcgi::Shared>,
}

/// A child that was made.
#[derive(Debug)]
pub struct Spawned {
    /// It.
    pub child: Child,
    /// What keeps its listening socket open.
    pub socket: Option<Arc<fcgi::Open>>,
    /// Why its program does not run, if it does not.
    pub cause: Option<Cause>,
}

/// Changes what children inherit. Answered at once.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Inherit(pub Inheritance);

/// Why there is no child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSpawned {
    /// In the original's words.
    pub reason: String,
    /// In ours.
    pub cause: Cause,
}

impl Spawner {
    /// A spawner that makes children with `maker`.
    pub const fn new(maker: spawn::Spawner, inheritance: Inheritance) -> Self {
        Self { maker, inheritance }
    }

    /// The environment of a child: ours, then what tells it who it is, then the program's own.
    fn environment(&self, program: &ProcessConfig, group: &str) -> BTreeMap<OsString, OsString> {
        let mut environment = self.inheritance.environment.clone();
        let mut set = |name: &str, value: &str| environment.insert(name.into(), value.into());
        set("SUPERVISOR_ENABLED", "1");
        let serverurl = program.common.serverurl.as_ref();
        if let Some(url) = serverurl.or(self.inheritance.serverurl.as_ref()) {
            set("SUPERVISOR_SERVER_URL", url);
        }
        set("SUPERVISOR_PROCESS_NAME", &program.name);
        set("SUPERVISOR_GROUP_NAME", group);
        for (name, value) in &program.environment {
            set(name, value);
        }
        environment
    }

    fn exec(&self, order: &Spawn, stdin: Stdin) -> Result<Exec, NotSpawned> {
        let program = &order.program;
        let environment = self.environment(program, &order.group);
        let join = |(name, value): (&OsString, &OsString)| {
            let pair = [name.as_os_str(), value.as_os_str()].map(OsStr::as_bytes);
            c_string(&pair.join(&b'='), "an environment variable")
        };
        let argument = |word: &String| c_string(word.as_bytes(), "the command");
        let directory = program.directory.as_ref();
        let directory =
            directory.map(|path| c_string(path.as_os_str().as_bytes(), "the directory"));
        Ok(Exec {
            file: c_string(order.command.file.as_os_str().as_bytes(), "the command")?,
            argv: order
                .command
                .argv
                .iter()
                .map(argument)
                .collect::<Result<_, _>>()?,
            envp: environment.iter().map(join).collect::<Result<_, _>>()?,
            directory: directory.transpose()?,
            umask: program.common.umask,
            user: program.common.uid.map_or(User::Same, user),
            stdin,
            redirect_stderr: program.common.redirect_stderr,
        })
    }
}

/// What becomes of a child that is to be this user's.
fn user(uid: u32) -> User {
    let own_uid = users::own_uid();
    if own_uid == uid {
        return User::Same;
    }
    let impossible = |reason: String| User::Impossible { uid, reason };
    if own_uid != 0 {
        return impossible("Can't drop privilege as nonroot user".to_owned());
    }
    match users::Identity::lookup(uid) {
        Ok(users::Identity { gid, groups, .. }) => User::Other { uid, gid, groups },
        Err(reason) => impossible(reason),
    }
}

fn c_string(bytes: &[u8], what: &str) -> Result<CString, NotSpawned> {
    CString::new(bytes).map_err(|_| {
        let reason = format!("{what} has a null character in it");
        NotSpawned {
            cause: Cause::plain("command", reason.clone()),
            reason,
        }
    })
}

impl Actor for Spawner {
    type Context = Context<Self>;
}

impl Handler<Find> for Spawner {
    type Result = Result<Command, CommandError>;

    fn handle(&mut self, Find(program): Find, _: &mut Context<Self>) -> Self::Result {
        // A `PATH` that the program's section sets counts, as in the original.
        let own = self.inheritance.environment.get(OsStr::new("PATH"));
        let own = own.map(|path| path.to_string_lossy());
        let path = program.environment.get("PATH").map(String::as_str);
        Command::resolve(&program.command, path.or(own.as_deref()))
    }
}

impl Handler<Spawn> for Spawner {
    type Result = Result<Spawned, NotSpawned>;

    fn handle(&mut self, order: Spawn, _: &mut Context<Self>) -> Self::Result {
        let name = &order.program.name;
        let open = |socket: &fcgi::Shared| {
            socket.open().map_err(|error| NotSpawned {
                reason: error.to_string(),
                cause: Cause::plain("socket", error.to_string()),
            })
        };
        let socket = order.socket.as_ref().map(open).transpose()?;
        let stdin = match &socket {
            Some(socket) => Stdin::Socket(Arc::clone(&socket.listener)),
            None => Stdin::Pipe,
        };
        let exec = self.exec(&order, stdin)?;
        let made = self.maker.spawn(&exec, order.owner);
        let spawned = |child: Child| Spawned {
            cause: child
                .failure
                .map(|failure| Cause::of_failure(failure, &exec)),
            child,
            socket,
        };
        made.map(spawned).map_err(|error| {
            let number = |errno: i32| {
                errno::name(errno).map_or_else(|| errno.to_string(), ToOwned::to_owned)
            };
            let cause = Cause::of_spawn(error);
            let reason = match error {
                SpawnError::Pipes(errno::EMFILE) => {
                    format!("too many open files to spawn '{name}'")
                }
                SpawnError::Pipes(errno) => {
                    let errno = number(errno);
                    format!("unknown error making dispatchers for '{name}': {errno}")
                }
                SpawnError::Clone(errno::EAGAIN) => {
                    format!("Too many processes in process table to spawn '{name}'")
                }
                SpawnError::Clone(errno) => {
                    format!("unknown error during fork for '{name}': {}", number(errno))
                }
            };
            NotSpawned { reason, cause }
        })
    }
}

impl Handler<Inherit> for Spawner {
    type Result = ();

    fn handle(&mut self, Inherit(inheritance): Inherit, _: &mut Context<Self>) {
        self.inheritance = inheritance;
    }
}
