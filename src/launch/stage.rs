//! What is around the groups: main log, automatic logs, servers, pidfile.

use super::servers::Servers;
use crate::actors::Supervisor;
use crate::actors::daemon;
use crate::actors::logs::LogRooms;
use crate::actors::mainlog::{MainLogHandle, MainLogSettings};
use crate::actors::spawner::{Inherit, Inheritance, Spawner};
use crate::config::{Config, Note, NoteLevel};
use crate::model::text::repr;
use crate::sys::autolog::{self, CleanError};
use crate::sys::daemonize::Background;
use crate::sys::pidfile::{Pidfile, PidfileError};
use actix::Addr;
use futures_util::future::LocalBoxFuture;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::rc::Rc;
use std::sync::Arc;

/// The daemon's surroundings; clones share them.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) log: slog::Logger,
    pub(super) mainlog: MainLogHandle,
    pub(super) rooms: LogRooms,
    pub(super) spawner: Addr<Spawner>,
    pub(super) supervisor: Supervisor,
    pub(super) state: Rc<RefCell<State>>,
}

/// What changes from one beginning to the next.
pub(super) struct State {
    /// To be said at the next beginning.
    pub(super) notes: Vec<Note>,
    pub(super) pidfile: Result<Pidfile, PidfileError>,
    /// Taken out while servers are begun.
    pub(super) servers: Option<Servers>,
    /// There until the first beginning, if we are in the background.
    pub(super) background: Option<Background>,
    pub(super) is_first: bool,
}

/// Where the main log of a config goes.
pub(super) fn mainlog_settings(config: &Config) -> MainLogSettings {
    let daemon = &config.daemon;
    MainLogSettings {
        target: daemon.logfile.clone(),
        maxbytes: daemon.logfile_maxbytes,
        backups: daemon.logfile_backups,
        stdout: daemon.nodaemon && !daemon.silent,
        level: daemon.loglevel,
    }
}

/// What children of a config inherit.
pub(super) fn inheritance(config: &Config) -> Inheritance {
    let environment: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    Inheritance {
        environment,
        serverurl: config.daemon.serverurl.clone(),
    }
}

impl daemon::Stage for Stage {
    fn prepare(&self, config: Arc<Config>) -> LocalBoxFuture<'static, ()> {
        let stage = self.clone();
        Box::pin(async move { stage.prepare(&config).await })
    }

    fn open(&self, config: Arc<Config>) -> LocalBoxFuture<'static, ()> {
        let stage = self.clone();
        Box::pin(async move { stage.open(&config).await })
    }
}

impl Stage {
    async fn prepare(&self, config: &Config) {
        let (notes, is_first) = {
            let mut state = self.state.borrow_mut();
            let notes = state.notes.clone();
            // What was done at the start is over; what is critical is so still.
            state.notes.retain(|note| note.level == NoteLevel::Critical);
            (notes, state.is_first)
        };
        if !is_first {
            let settings = mainlog_settings(config);
            if let Err(error) = self.mainlog.reconfigure(settings).await {
                slog::error!(
                    self.log,
                    "the main log stays where it was, the new one cannot be opened: {}",
                    error
                );
            }
        }
        self.say(notes.into_iter().chain(config.notes.iter().cloned()));
        if !config.daemon.nocleanup {
            self.clean_auto_logs(config).await;
        }
        // It answers at once, or is gone with the daemon.
        let _ = self.spawner.send(Inherit(inheritance(config))).await;
    }

    /// Criticals first, then warnings, then the rest, as in the original.
    fn say(&self, notes: impl Iterator<Item = Note>) {
        let mut notes: Vec<Note> = notes.collect();
        notes.sort_by_key(|note| note.level);
        for note in notes {
            match note.level {
                NoteLevel::Critical => slog::crit!(self.log, "{}", note.text),
                NoteLevel::Warning => slog::warn!(self.log, "{}", note.text),
                NoteLevel::Info => slog::info!(self.log, "{}", note.text),
            }
        }
    }

    async fn clean_auto_logs(&self, config: &Config) {
        let directory = config.daemon.childlogdir.clone();
        let identifier = config.daemon.identifier.clone();
        let room = directory.clone();
        let clean = async move { autolog::clean(&directory, &identifier) };
        for error in self.rooms.run(&room, clean).await.unwrap_or_default() {
            match error {
                CleanError::Folder => slog::warn!(self.log, "Could not clear childlog dir"),
                CleanError::File(path) => {
                    let path = repr(&path.to_string_lossy());
                    slog::warn!(self.log, "Failed to clean up {}", path);
                }
            }
        }
    }

    async fn open(&self, config: &Config) {
        let servers = self.state.borrow_mut().servers.take();
        if let Some(mut servers) = servers {
            servers.serve(&config.servers, &self.supervisor).await;
            self.state.borrow_mut().servers = Some(servers);
        }
        let mut state = self.state.borrow_mut();
        let background = state.background.take();
        if let Some(background) = &background {
            self.tell_of_background(config, background);
        }
        self.write_pidfile(config, &mut state);
        state.is_first = false;
        if let Some(background) = background {
            background.ready.tell_ok();
        }
    }

    fn tell_of_background(&self, config: &Config, background: &Background) {
        slog::info!(self.log, "daemonizing the supervisord process");
        let directory = config.daemon.directory.as_deref();
        let directory = directory.map(|path| repr(&path.to_string_lossy()));
        let directory = directory.unwrap_or_default();
        match &background.directory {
            Some(Ok(())) => slog::info!(self.log, "set current directory: {}", directory),
            Some(Err(error)) => {
                slog::crit!(self.log, "can't chdir into {}: {}", directory, error);
            }
            None => {}
        }
    }

    fn write_pidfile(&self, config: &Config, state: &mut State) {
        let path = &config.daemon.pidfile;
        if state
            .pidfile
            .as_ref()
            .is_ok_and(|pidfile| pidfile.path() != path)
        {
            state.pidfile = Pidfile::claim(path);
        }
        let written = match &mut state.pidfile {
            Ok(pidfile) => pidfile.write(),
            Err(error) => Err(error.clone()),
        };
        match written {
            Ok(()) => {
                slog::info!(
                    self.log,
                    "supervisord started with pid {}",
                    std::process::id()
                );
            }
            Err(error) => slog::crit!(self.log, "{}", error),
        }
    }
}
