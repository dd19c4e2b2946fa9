//! The Daemon: which groups are active, what the whole is about, and how it ends.
//!
//! ```text
//!             all groups added              shutdown, restart
//!  Beginning ──────────────────► Running ─────────────────────► Leaving
//!      ▲                                                           │ nothing runs
//!      └────────────────────── restart: a new config ──────────────┴──── shutdown: over
//! ```
//!
//! Beginning and leaving are sequences. Leaving goes group by group, the last to start first;
//! the next wave begins when nothing of the one before runs. What has to be done around the
//! groups (the main log, servers, the pidfile) is the [`Stage`]'s, who is given from outside.

use super::group::{
    self, AutostartAll, Group, HoldAll, ReopenAll, SignalAll, StartAll, StopAll, StopInOrder,
};
use super::handle::{
    AddError, Outcome, RemoveError, SignalError, StartError, StopError, in_order_of_answers,
};
use super::mainlog::MainLogHandle;
use super::process::Process;
use super::source::Source;
use super::turn::Turn;
use super::world::{BringDown, World};
use crate::config::{Config, Diff, GroupConfig};
use crate::model::event::{Event, EventKind};
use crate::model::signal::Signal;
use crate::model::state::Mood;
use crate::sys::memory;
use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, MessageResult,
    ResponseActFuture, ResponseFuture, SpawnHandle, WrapFuture,
};
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

/// How often it is said whom the daemon waits for when it leaves, as in the original.
const REPORT_EVERY: Duration = Duration::from_secs(3);

/// If no group is removed for so long, that was all for now.
const CALM: Duration = Duration::from_secs(1);

/// What is around the groups, and is set up anew for each config.
pub trait Stage {
    /// Before the groups of a config are made.
    fn prepare(&self, config: Arc<Config>) -> LocalBoxFuture<'static, ()>;
    /// When the groups are there and nothing is started yet.
    fn open(&self, config: Arc<Config>) -> LocalBoxFuture<'static, ()>;
}

/// The actor; see the module.
pub struct Daemon {
    world: Rc<World>,
    stage: Rc<dyn Stage>,
    mainlog: MainLogHandle,
    source: Source,
    phase: Phase,
    /// In the order of starting.
    active: Vec<Active>,
    /// The config to begin again with, when everything is stopped.
    next: Option<Arc<Config>>,
    over: Option<oneshot::Sender<u8>>,
    /// What programs have to say that bring us down; taken when we start.
    downfall: Option<UnboundedReceiver<BringDown>>,
    /// The exit code to leave with.
    code: u8,
    /// What is to give freed memory back, while it waits.
    giving_back: Option<SpawnHandle>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Beginning,
    Running,
    Leaving,
}

struct Active {
    config: Arc<GroupConfig>,
    group: Addr<Group>,
}

/// The process of a name. Answered at once.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Option<Addr<Process>>")]
pub struct FindProcess {
    /// Its group.
    pub group: String,
    /// Its name within the group.
    pub process: String,
}

/// The group of a name. Answered at once.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Option<Addr<Group>>")]
pub struct FindGroup(pub String);

/// Starts every process that does not run. Answered when all have answered, in the order of the
/// answers.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<Outcome<StartError>>")]
pub struct StartEverything {
    /// Whether to wait until they are RUNNING.
    pub wait: bool,
}

/// Stops every process that runs. Answered when all have answered, in the order of the answers.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<Outcome<StopError>>")]
pub struct StopEverything(pub StopAll);

/// Signals every process that has a child. Answered when all have answered.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<Outcome<SignalError>>")]
pub struct SignalEverything(pub SignalAll);

/// Takes a config that was read; says what it would change. Answered at once.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Diff")]
pub struct Consider(pub Arc<Config>);

/// Makes a group of the considered config active. Answered when its processes are there and the
/// start of those that start with the daemon was asked for.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), AddError>")]
pub struct AddGroup(pub String);

/// Removes a group. Answered when its logs are closed.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), RemoveError>")]
pub struct RemoveGroup(pub String);

/// Begins to stop everything and to leave. Answered at once.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Shutdown;

/// Begins to stop everything and to begin again with this config. Answered at once. A daemon
/// that leaves for good goes on leaving.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Restart(pub Arc<Config>);

#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
struct Caught(Signal);

#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
struct Downfall(BringDown);

impl Daemon {
    /// A daemon that begins with this config as soon as it is started. `over` hears when it has
    /// left, and the exit code; `downfall` is the other end of the world's.
    pub fn new(
        world: Rc<World>,
        stage: Rc<dyn Stage>,
        mainlog: MainLogHandle,
        source: Source,
        config: Arc<Config>,
        downfall: UnboundedReceiver<BringDown>,
        over: oneshot::Sender<u8>,
    ) -> Self {
        Self {
            world,
            stage,
            mainlog,
            source,
            phase: Phase::Beginning,
            active: Vec::new(),
            next: Some(config),
            over: Some(over),
            downfall: Some(downfall),
            code: 0,
            giving_back: None,
        }
    }

    /// From no group at all to those of the config: starting is an update from the empty config.
    fn begin(&mut self, config: Arc<Config>, ctx: &mut Context<Self>) {
        self.phase = Phase::Beginning;
        self.world.table.set_config(Arc::clone(&config));
        let stage = Rc::clone(&self.stage);
        let prepare = async move {
            stage.prepare(Arc::clone(&config)).await;
            config
        };
        let begin = prepare.into_actor(self).then(|config, act, _| {
            for group in &config.groups {
                // Somebody may have added one meanwhile.
                if act.find(&group.name).is_none() {
                    act.activate(&config, group);
                }
            }
            act.stage.open(config).into_actor(act)
        });
        ctx.spawn(begin.map(|(), act, ctx| act.go(ctx)));
    }

    /// Everything is in place: start what is to be started.
    fn go(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Running;
        if self.world.table.mood() == Mood::Shutdown || self.next.is_some() {
            // To end, or to begin again, was asked for while beginning.
            return self.leave(ctx);
        }
        self.world.table.set_mood(Mood::Running);
        let kind = EventKind::SupervisorStateChangeRunning;
        self.world.bus.publish(kind, || Event::SupervisorRunning);
        let turns = Turn::default().divide(self.active.len());
        for (active, turn) in self.active.iter().zip(turns) {
            active.group.do_send(AutostartAll(turn));
        }
    }

    fn activate(&mut self, config: &Config, group: &Arc<GroupConfig>) {
        let address = Group::start(&self.world, config, group);
        let after = |other: &Active| other.config.priority <= group.priority;
        let place = self.active.partition_point(after);
        let active = Active {
            config: Arc::clone(group),
            group: address,
        };
        self.active.insert(place, active);
        let kind = EventKind::ProcessGroupAdded;
        let name = || Event::ProcessGroupAdded(group.name.as_str().into());
        self.world.bus.publish(kind, name);
    }

    fn forget(&mut self, name: &str, ctx: &mut Context<Self>) {
        self.active.retain(|active| active.config.name != name);
        self.world.table.remove(name);
        let kind = EventKind::ProcessGroupRemoved;
        let event = || Event::ProcessGroupRemoved(name.into());
        self.world.bus.publish(kind, event);
        self.give_back_soon(ctx);
    }

    /// What was freed goes back to the system, once no more is about to be.
    fn give_back_soon(&mut self, ctx: &mut Context<Self>) {
        if let Some(earlier) = self.giving_back.take() {
            ctx.cancel_future(earlier);
        }
        self.giving_back = Some(ctx.run_later(CALM, |act, _| {
            act.giving_back = None;
            memory::give_back();
        }));
    }

    fn find(&self, name: &str) -> Option<&Active> {
        self.active.iter().find(|active| active.config.name == name)
    }

    fn shutdown(&mut self, ctx: &mut Context<Self>) {
        self.next = None;
        self.world.table.set_mood(Mood::Shutdown);
        if self.phase == Phase::Running {
            self.leave(ctx);
        }
    }

    /// A program ended whose end is to be ours.
    fn bring_down(&mut self, order: &BringDown, ctx: &mut Context<Self>) {
        if self.world.table.mood() == Mood::Shutdown {
            return;
        }
        let BringDown { process, code } = order;
        slog::warn!(
            self.world.log,
            "shutting down with exit code {} because of {} (on_exit, on_fatal)",
            code,
            process
        );
        self.code = *code;
        self.shutdown(ctx);
    }

    fn restart(&mut self, config: Arc<Config>, ctx: &mut Context<Self>) {
        if self.world.table.mood() == Mood::Shutdown {
            return;
        }
        self.next = Some(config);
        self.world.table.set_mood(Mood::Restarting);
        if self.phase == Phase::Running {
            self.leave(ctx);
        }
    }

    /// Stops everything, group by group.
    fn leave(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Leaving;
        for active in &self.active {
            active.group.do_send(HoldAll);
        }
        // Listeners hear of it before they are asked to go themselves.
        let bus = self.world.bus.clone();
        let tell = async move {
            let kind = EventKind::SupervisorStateChangeStopping;
            let event = || Event::SupervisorStopping;
            bus.publish_paced(kind, event).await;
        };
        ctx.spawn(tell.into_actor(self).map(|(), act, ctx| {
            let groups = act.active.iter().map(|it| it.group.clone());
            let waves: Vec<Addr<Group>> = groups.collect();
            act.next_wave(waves, ctx);
            act.report(ctx);
        }));
    }

    fn next_wave(&mut self, mut waves: Vec<Addr<Group>>, ctx: &mut Context<Self>) {
        let Some(wave) = waves.pop() else {
            return self.all_stopped(ctx);
        };
        let stopped = wave.send(StopInOrder).into_actor(self);
        ctx.spawn(stopped.map(move |_, act, ctx| act.next_wave(waves, ctx)));
    }

    /// Who of a group is not stopped, as the group lists its programs.
    fn unstopped(&self, active: &Active) -> Vec<Arc<str>> {
        let Some(group) = self.world.table.group(&active.config.name) else {
            return Vec::new();
        };
        let listed = active.config.processes.iter().enumerate();
        let places: HashMap<&str, usize> = listed
            .map(|(place, process)| (process.name.as_str(), place))
            .collect();
        let rows = group.rows.iter();
        let mut unstopped: Vec<_> = rows
            .filter(|row| !row.read().state.is_stopped())
            .map(|row| Arc::clone(&row.name))
            .collect();
        unstopped.sort_by_key(|name| places.get(&**name).copied());
        unstopped
    }

    /// Says from time to time whom we wait for.
    fn report(&self, ctx: &mut Context<Self>) {
        let names: Vec<Arc<str>> = self
            .active
            .iter()
            .flat_map(|it| self.unstopped(it))
            .collect();
        if !names.is_empty() {
            slog::info!(self.world.log, "waiting for {} to die", names.join(", "));
            ctx.run_later(REPORT_EVERY, |act, ctx| {
                if act.phase == Phase::Leaving {
                    act.report(ctx);
                }
            });
        }
    }

    fn all_stopped(&mut self, ctx: &mut Context<Self>) {
        let names: Vec<String> = self
            .active
            .iter()
            .map(|it| it.config.name.clone())
            .collect();
        let retired = join_all(self.active.iter().map(|it| it.group.send(group::Retire)));
        ctx.spawn(retired.into_actor(self).map(move |_, act, ctx| {
            for name in names {
                act.forget(&name, ctx);
            }
            match (act.next.take(), act.over.take()) {
                (Some(config), over) => {
                    act.over = over;
                    act.begin(config, ctx);
                }
                (None, Some(over)) => {
                    // Who started us may have given up waiting.
                    let _ = over.send(act.code);
                }
                (None, None) => {}
            }
        }));
    }

    fn hang_up(&mut self, ctx: &mut Context<Self>) {
        let log = &self.world.log;
        if self.world.table.mood() == Mood::Shutdown {
            slog::warn!(
                log,
                "ignored SIGHUP indicating restart request (shutdown in progress)"
            );
            return;
        }
        slog::warn!(log, "received SIGHUP indicating restart request");
        let source = self.source.clone();
        let read = async move { source.read().await };
        ctx.spawn(read.into_actor(self).map(|read, act, ctx| match read {
            Ok(config) => act.restart(config, ctx),
            Err(sentence) => World::refuse_restart(&act.world.log, &sentence),
        }));
    }

    fn reopen_logs(&mut self, ctx: &mut Context<Self>) {
        let log = &self.world.log;
        slog::info!(log, "received SIGUSR2 indicating log reopen request");
        slog::info!(log, "supervisord logreopen");
        for active in &self.active {
            active.group.do_send(ReopenAll);
        }
        let mainlog = self.mainlog.clone();
        ctx.spawn(async move { mainlog.reopen().await }.into_actor(self));
    }

    /// The signals are the daemon's, and nobody else's.
    fn watch_signals(&self, ctx: &mut Context<Self>) {
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::quit(),
            SignalKind::hangup(),
            SignalKind::user_defined2(),
        ];
        for kind in kinds {
            let number = Signal(kind.as_raw_value());
            let own = ctx.address();
            match signal(kind) {
                Ok(mut caught) => drop(actix_rt::spawn(async move {
                    while caught.recv().await.is_some() {
                        own.do_send(Caught(number));
                    }
                })),
                Err(error) => slog::crit!(self.world.log, "cannot hear {}: {}", number, error),
            }
        }
    }
}

impl Actor for Daemon {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.watch_signals(ctx);
        if let Some(mut downfall) = self.downfall.take() {
            let own = ctx.address();
            actix_rt::spawn(async move {
                while let Some(order) = downfall.recv().await {
                    own.do_send(Downfall(order));
                }
            });
        }
        if let Some(config) = self.next.take() {
            self.begin(config, ctx);
        }
    }
}

impl Handler<Caught> for Daemon {
    type Result = ();

    fn handle(&mut self, Caught(signal): Caught, ctx: &mut Context<Self>) {
        const HUP: Signal = Signal(1);
        const USR2: Signal = Signal(12);
        match signal {
            HUP => self.hang_up(ctx),
            USR2 => self.reopen_logs(ctx),
            Signal(_) => {
                let log = &self.world.log;
                slog::warn!(log, "received {} indicating exit request", signal);
                self.shutdown(ctx);
            }
        }
    }
}

impl Handler<Downfall> for Daemon {
    type Result = ();

    fn handle(&mut self, Downfall(order): Downfall, ctx: &mut Context<Self>) {
        self.bring_down(&order, ctx);
    }
}

impl Handler<FindProcess> for Daemon {
    type Result = ResponseFuture<Option<Addr<Process>>>;

    fn handle(&mut self, wanted: FindProcess, _: &mut Context<Self>) -> Self::Result {
        let group = self.find(&wanted.group).map(|active| active.group.clone());
        Box::pin(async move { group?.send(group::Find(wanted.process)).await.ok()? })
    }
}

impl Handler<FindGroup> for Daemon {
    type Result = MessageResult<FindGroup>;

    fn handle(&mut self, FindGroup(name): FindGroup, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.find(&name).map(|active| active.group.clone()))
    }
}

impl Daemon {
    /// Asks all groups in the order of starting, and puts their answers together.
    fn ask_all<M, E>(&self, message: impl Fn(Turn) -> M) -> ResponseFuture<Vec<Outcome<E>>>
    where
        M: Message<Result = Vec<Outcome<E>>> + Send + 'static,
        Group: Handler<M>,
        E: Send + 'static,
    {
        let turns = Turn::default().divide(self.active.len());
        let asked = self.active.iter().zip(turns);
        let asked = asked.map(|(active, turn)| active.group.send(message(turn)));
        let asked = join_all(asked);
        // A group that is gone meanwhile has nothing left to answer for.
        let answered = async move { asked.await.into_iter().flatten().flatten().collect() };
        Box::pin(answered.map(in_order_of_answers))
    }
}

impl Handler<StartEverything> for Daemon {
    type Result = ResponseFuture<Vec<Outcome<StartError>>>;

    fn handle(&mut self, order: StartEverything, _: &mut Context<Self>) -> Self::Result {
        let StartEverything { wait } = order;
        self.ask_all(|turn| StartAll { wait, turn })
    }
}

impl Handler<StopEverything> for Daemon {
    type Result = ResponseFuture<Vec<Outcome<StopError>>>;

    fn handle(&mut self, order: StopEverything, _: &mut Context<Self>) -> Self::Result {
        self.ask_all(|_| order.0)
    }
}

impl Handler<SignalEverything> for Daemon {
    type Result = ResponseFuture<Vec<Outcome<SignalError>>>;

    fn handle(&mut self, order: SignalEverything, _: &mut Context<Self>) -> Self::Result {
        self.ask_all(|_| order.0)
    }
}

impl Handler<Consider> for Daemon {
    type Result = MessageResult<Consider>;

    fn handle(&mut self, Consider(config): Consider, _: &mut Context<Self>) -> Self::Result {
        let active = self.active.iter().map(|active| &*active.config);
        let diff = Diff::between(active, &config);
        self.world.table.set_config(config);
        MessageResult(diff)
    }
}

impl Handler<AddGroup> for Daemon {
    type Result = Result<(), AddError>;

    fn handle(&mut self, AddGroup(name): AddGroup, _: &mut Context<Self>) -> Self::Result {
        let config = self.world.table.config();
        let group = config.groups.iter().find(|group| group.name == name);
        let group = group.ok_or(AddError::Unknown)?;
        if self.find(&name).is_some() {
            return Err(AddError::AlreadyAdded);
        }
        if self.phase == Phase::Leaving {
            return Err(AddError::ShuttingDown);
        }
        self.activate(&config, group);
        if let Some(active) = self.find(&name) {
            active.group.do_send(AutostartAll(Turn::default()));
        }
        Ok(())
    }
}

impl Handler<RemoveGroup> for Daemon {
    type Result = ResponseActFuture<Self, Result<(), RemoveError>>;

    fn handle(&mut self, RemoveGroup(name): RemoveGroup, _: &mut Context<Self>) -> Self::Result {
        let retire = self
            .find(&name)
            .map(|active| active.group.send(group::Retire));
        let retire = async move {
            match retire.ok_or(RemoveError::Unknown)?.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(group::StillRunning)) => Err(RemoveError::StillRunning),
                // Somebody else removed it meanwhile.
                Err(_) => Err(RemoveError::Unknown),
            }
        };
        Box::pin(retire.into_actor(self).map(move |retired, act, ctx| {
            if retired.is_ok() {
                act.forget(&name, ctx);
            }
            retired
        }))
    }
}

impl Handler<Shutdown> for Daemon {
    type Result = ();

    fn handle(&mut self, Shutdown: Shutdown, ctx: &mut Context<Self>) {
        self.shutdown(ctx);
    }
}

impl Handler<Restart> for Daemon {
    type Result = ();

    fn handle(&mut self, Restart(config): Restart, ctx: &mut Context<Self>) {
        self.restart(config, ctx);
    }
}
