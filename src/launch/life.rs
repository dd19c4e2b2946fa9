//! The life of a daemon: its threads, its actors, and what is left to do when it is over.

use super::servers::Servers;
use super::stage::{self, Stage, State};
use super::{Prepared, USAGE};
use crate::actors::Supervisor;
use crate::actors::bus::Bus;
use crate::actors::daemon::Daemon;
use crate::actors::launching::Gate;
use crate::actors::logs::LogRooms;
use crate::actors::mainlog::{self, MainLogFeed};
use crate::actors::output::Ends;
use crate::actors::reaper::Reaper;
use crate::actors::spawner::Spawner;
use crate::actors::table::Table;
use crate::actors::ticker::Ticker;
use crate::actors::vigil::Vigil;
use crate::actors::world::World;
use crate::sys::{spawn, users};
use actix::{Actor, Context};
use actix_rt::{Arbiter, System};
use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long the last lines of the main log may take.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Lives until the daemon has left.
pub(super) fn live(prepared: Prepared) -> ExitCode {
    let (log, feed) = mainlog::new(prepared.config.daemon.loglevel);
    tell_of_panics(log.clone());
    System::new().block_on(run(prepared, log, feed))
}

/// A panic is a defect. It ends one actor or one request, and is said where people look.
fn tell_of_panics(log: slog::Logger) {
    std::panic::set_hook(Box::new(move |panic| {
        slog::crit!(
            log,
            "a part of the daemon failed, which is a defect: {}",
            panic
        );
    }));
}

async fn run(prepared: Prepared, log: slog::Logger, feed: MainLogFeed) -> ExitCode {
    let Prepared {
        config,
        source,
        notes,
        pidfile,
        servers,
        background,
    } = prepared;
    let config = Arc::new(config);
    let rooms = LogRooms::new();
    let mainlog = feed.start(stage::mainlog_settings(&config), &rooms);
    if let Err(error) = mainlog.opened().await {
        let sentence = format!(
            "Error: the log file {:?} cannot be opened: {error}",
            config.daemon.logfile
        );
        match background {
            Some(background) => background.ready.tell_failed(USAGE, &sentence),
            None => eprintln!("{sentence}"),
        }
        return ExitCode::from(USAGE);
    }

    let (maker, register) = spawn::Spawner::new();
    let inheritance = stage::inheritance(&config);
    let spawner_room = Arbiter::new();
    let spawner = Spawner::start_in_arbiter(&spawner_room.handle(), move |_| {
        Spawner::new(maker, inheritance)
    });
    let edge = Arbiter::new();
    let (bring_down, downfall) = mpsc::unbounded_channel();
    let bus = Bus::start(users::node_name().into());
    let ends = Arc::new(Ends {
        log: Arc::new(log.clone()),
        bus: Some(bus.clone()),
    });
    let world = Rc::new(World {
        log: log.clone(),
        bus,
        ends,
        rooms: rooms.clone(),
        spawner: spawner.clone(),
        register: Arc::clone(&register),
        reaper: Reaper::new(register, log.clone()).start(),
        gate: Gate::default(),
        vigil: Vigil::start(),
        table: Arc::new(Table::new(Arc::clone(&config))),
        downfall: bring_down,
    });
    if let Err(error) = Ticker::start(world.bus.clone(), log.clone()) {
        slog::error!(log, "there will be no TICK events: {}", error);
    }
    let servers = Servers::new(edge.handle(), log.clone(), servers);
    let shared = Rc::new(RefCell::new(State {
        notes,
        pidfile,
        servers: Some(servers),
        background,
        is_first: true,
    }));

    let (over, is_over) = oneshot::channel();
    let kept = Rc::clone(&shared);
    let handle = mainlog.clone();
    Daemon::create(move |ctx: &mut Context<Daemon>| {
        let address = actix::AsyncContext::address(ctx);
        let supervisor = Supervisor::new(&world, address, handle.clone(), source.clone());
        let stage = Rc::new(Stage {
            log,
            mainlog: handle.clone(),
            rooms,
            spawner,
            supervisor,
            state: shared,
        });
        Daemon::new(world, stage, handle, source, config, downfall, over)
    });
    // It fails only if the daemon is gone without having said so.
    let left = is_over.await;
    // Servers close and remove their sockets, then the pidfile goes: who finds none can start.
    let servers = kept.borrow_mut().servers.take();
    if let Some(servers) = servers {
        servers.close().await;
    }
    // A disk that hangs does not keep us.
    let _ = tokio::time::timeout(LAST_LINES, mainlog.flush()).await;
    drop(kept);
    left.map_or(ExitCode::FAILURE, ExitCode::from)
}
