//! A Group: its members and their order.
//!
//! With the daemon, members are started as the group lists its programs; by request they are
//! started and stopped in ascending order of priority; the stop of the whole daemon goes in
//! descending order, all signalled at once. Of equal ones, the order is that of the list, and
//! within a program that of the names. All this is as in the original. The group does not wait
//! between members: who waits is whoever asked.

use super::fcgi;
use super::handle::{
    Outcome, Refusal, SignalError, StartError, StopError, in_order_of_answers, round_of,
};
use super::output::{OutputConfig, Plan};
use super::pool::{self, Pool, Seat};
use super::process::{
    self, Autostart, Hold, Process, ReopenLogs, SendSignal, Start, Stop, StopWithGroup,
};
use super::stream::Stream;
use super::table::{GroupRows, Row};
use super::turn::Turn;
use super::world::World;
use crate::config::{
    Config, DaemonConfig, GroupConfig, GroupKind, ListenerConfig, LogFile, ProcessConfig,
    StreamConfig,
};
use crate::model::envelope::Style;
use crate::model::feeder::Settings;
use crate::model::process::Policy;
use crate::model::signal::Signal;
use crate::model::state::{Channel, ProcessState};
use crate::sys::autolog;
use actix::{
    Actor, ActorContext, Addr, Context, Handler, MailboxError, Message, MessageResult,
    ResponseFuture,
};
use futures_util::future::join_all;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// The actor; see the module.
pub struct Group {
    world: Rc<World>,
    /// Ascending by priority.
    members: Vec<Member>,
    /// Feeds them events, if they are listeners.
    pool: Option<Addr<Pool>>,
}

struct Member {
    process: Addr<Process>,
    row: Arc<Row>,
    autostart: bool,
    priority: i64,
    /// The place in the group's list.
    place: usize,
}

/// The member of a name. Answered at once.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Option<Addr<Process>>")]
pub struct Find(pub String);

/// Starts every member that does not run, each as [`Start`] does. Answered when all have
/// answered, in the order of the answers.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Outcome<StartError>>")]
pub struct StartAll {
    /// Whether to wait until they are RUNNING.
    pub wait: bool,
    /// When to make their children.
    pub turn: Turn,
}

/// Stops every member that runs, each as [`Stop`] does. Answered when all have answered.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<Outcome<StopError>>")]
pub struct StopAll {
    /// Whether to wait until they are gone.
    pub wait: bool,
}

/// Signals every member that has a child. Answered when all have answered.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<Outcome<SignalError>>")]
pub struct SignalAll(pub Signal);

/// Starts the members that are to be started with the daemon. Not answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AutostartAll(pub Turn);

/// Starts nothing any more without being asked to. Answered at once.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct HoldAll;

/// Stops all members in reverse order. Answered once nothing of them runs.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StopInOrder;

/// Opens all logs anew. Answered when that is done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ReopenAll;

/// Ends the group, if all its members are stopped. Answered when their logs are closed.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), StillRunning>")]
pub struct Retire;

/// Some members are not stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning;

fn stream(program: &ProcessConfig, channel: Channel) -> &StreamConfig {
    match channel {
        Channel::Stdout => &program.stdout,
        Channel::Stderr => &program.stderr,
    }
}

impl Group {
    /// Starts a group and its members' actors, and enters them into the table. No program is
    /// started.
    pub fn start(world: &Rc<World>, config: &Config, group: &GroupConfig) -> Addr<Self> {
        let name: Arc<str> = group.name.as_str().into();
        let (mut socket, mut pool, mut seats) = (None, None, Vec::new().into_iter());
        match &group.kind {
            GroupKind::Programs => {}
            GroupKind::FastCgi(config) => {
                socket = Some(fcgi::Shared::new(config.clone(), world.log.clone()));
            }
            GroupKind::Listeners(listener) => {
                let (feeds, seated) = feed(world, config, group, listener);
                pool = Some(feeds);
                seats = seated.into_iter();
            }
        }
        let mut common = Common::default();
        let member = |(place, program): (usize, &Arc<ProcessConfig>)| {
            let log = |channel| match &stream(program, channel).logfile {
                LogFile::None => None,
                LogFile::Path(path) => Some(Arc::from(path.as_path())),
                LogFile::Auto => {
                    let DaemonConfig {
                        childlogdir,
                        identifier,
                        ..
                    } = &config.daemon;
                    let name = autolog::name(&program.name, identifier, channel);
                    Some(Arc::from(childlogdir.join(name)))
                }
            };
            let logs = [Channel::Stdout, Channel::Stderr].map(log);
            let row = Row::new(Arc::clone(&name), program.name.as_str().into(), logs);
            let row = Arc::new(row);
            Member {
                process: process(
                    world,
                    config,
                    program,
                    &mut common,
                    &row,
                    socket.clone(),
                    seats.next(),
                ),
                row,
                autostart: program.common.autostart,
                priority: program.common.priority,
                place,
            }
        };
        let members = group.processes.iter().enumerate().map(member);
        let mut members: Vec<Member> = members.collect();
        members.sort_by_key(|member| member.priority);
        let rows = members.iter().map(|member| Arc::clone(&member.row));
        let rows = GroupRows::new(name, group.priority, rows.collect());
        world.table.add(Arc::new(rows));
        let world = Rc::clone(world);
        Self {
            world,
            members,
            pool,
        }
        .start()
    }

    /// Asks those members whose state fits, in their order.
    fn ask<M, E, F>(
        &self,
        fits: impl Fn(ProcessState) -> bool,
        turn: Turn,
        message: impl Fn(Turn) -> M,
        lost: F,
    ) -> ResponseFuture<Vec<Outcome<E>>>
    where
        M: Message<Result = Result<(), E>> + Send + 'static,
        Process: Handler<M>,
        E: Refusal + Send + 'static,
        F: Fn() -> E + 'static,
    {
        let fitting = self.members.iter();
        let fitting: Vec<_> = fitting
            .filter(|member| fits(member.row.read().state))
            .collect();
        let turns = turn.divide(fitting.len());
        let begin = Instant::now();
        let ask = |(member, turn): (&Member, Turn)| {
            let asked = member.process.send(message(turn));
            let answered = async move { (asked.await, begin.elapsed()) };
            (Arc::clone(&member.row), answered)
        };
        let asked: Vec<_> = fitting.into_iter().zip(turns).map(ask).collect();
        let world = Rc::clone(&self.world);
        Box::pin(async move {
            let (rows, answers): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
            let answers = join_all(answers).await;
            let outcome = |(row, (answer, after)): (Arc<Row>, (Result<_, MailboxError>, _))| {
                let result: Result<(), E> = answer.unwrap_or_else(|_| {
                    mourn(&world, &row);
                    Err(lost())
                });
                let is_refused = result.as_ref().is_err_and(Refusal::is_refusal);
                Outcome {
                    group: Arc::clone(&row.group),
                    name: Arc::clone(&row.name),
                    result,
                    round: round_of(after, is_refused),
                }
            };
            in_order_of_answers(rows.into_iter().zip(answers).map(outcome).collect())
        })
    }

    /// Tells all members, in this order, and waits for their answers.
    fn tell_all<'a, M>(
        &self,
        members: impl Iterator<Item = &'a Member>,
        message: M,
    ) -> ResponseFuture<()>
    where
        M: Message<Result = ()> + Copy + Send + 'static,
        Process: Handler<M>,
    {
        let told: Vec<_> = members
            .map(|member| (Arc::clone(&member.row), member.process.send(message)))
            .collect();
        let world = Rc::clone(&self.world);
        Box::pin(async move {
            let (rows, answers): (Vec<_>, Vec<_>) = told.into_iter().unzip();
            for (row, answer) in rows.iter().zip(join_all(answers).await) {
                if answer.is_err() {
                    mourn(&world, row);
                }
            }
        })
    }
}

/// What the members of one program have in common is there once.
#[derive(Default)]
struct Common {
    policy: Last<Policy>,
    stdout: Last<Plan>,
    stderr: Last<Plan>,
}

/// The last of some values: who needs an equal one shares it.
struct Last<T>(Option<Arc<T>>);

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: PartialEq> Last<T> {
    fn of(&mut self, value: T) -> Arc<T> {
        match &self.0 {
            Some(last) if **last == value => Arc::clone(last),
            Some(_) | None => Arc::clone(self.0.insert(Arc::new(value))),
        }
    }
}

/// The actor of a process, and its streams.
fn process(
    world: &Rc<World>,
    config: &Config,
    program: &Arc<ProcessConfig>,
    common: &mut Common,
    row: &Arc<Row>,
    socket: Option<fcgi::Shared>,
    seat: Option<Seat>,
) -> Addr<Process> {
    let mut output = |channel| {
        let stream = stream(program, channel);
        let is_protocol = seat.is_some() && channel == Channel::Stdout;
        let plan = Plan {
            maxbytes: stream.maxbytes,
            backups: stream.backups,
            style: stream.style.clone(),
            syslog: stream.syslog,
            strip_ansi: config.daemon.strip_ansi,
            capture_maxbytes: if is_protocol {
                0
            } else {
                stream.capture_maxbytes
            },
            events_enabled: stream.events_enabled && !is_protocol,
            is_protocol,
        };
        let plans = match channel {
            Channel::Stdout => &mut common.stdout,
            Channel::Stderr => &mut common.stderr,
        };
        let config = OutputConfig {
            row: Arc::clone(row),
            channel,
            logfile: row.planned_logfile(channel).cloned(),
            is_unmade: stream.logfile == LogFile::Auto,
            plan: plans.of(plan),
        };
        Stream::new(&world.rooms, config, &world.ends)
    };
    let beat = |channel| {
        let path = row.planned_logfile(channel)?;
        Some(world.rooms.beat(path))
    };
    row.watch([Channel::Stdout, Channel::Stderr].map(beat));
    let mut streams = vec![output(Channel::Stdout)];
    if !program.common.redirect_stderr {
        streams.push(output(Channel::Stderr));
    }
    let streams = streams.into_boxed_slice();
    let policy = common.policy.of(program.common.policy());
    let (world, program) = (Rc::clone(world), Arc::clone(program));
    let process = Process::new(world, program, policy, Arc::clone(row), streams, socket);
    match seat {
        None => process,
        Some(seat) => process.listening(seat),
    }
    .start()
}

/// The pool of a group of listeners, and a seat for each of them.
fn feed(
    world: &World,
    config: &Config,
    group: &GroupConfig,
    listener: &ListenerConfig,
) -> (Addr<Pool>, Vec<Seat>) {
    let settings = Settings {
        style: Style {
            server: config.daemon.identifier.as_str().into(),
            pool: group.name.as_str().into(),
            length: listener.payload_length,
            details: listener.event_details,
        },
        buffer_size: NonZeroUsize::new(listener.buffer_size).unwrap_or(NonZeroUsize::MIN),
        restart_unknown: listener.restart_unknown,
    };
    let names = group.processes.iter();
    let names: Vec<Arc<str>> = names.map(|program| program.name.as_str().into()).collect();
    Pool::start(
        &world.bus,
        listener.mask(),
        settings,
        &names,
        world.vigil.clone(),
        world.log.clone(),
    )
}

/// An actor that is gone without having been retired has panicked: nobody knows what becomes of
/// its process any more, and that is said.
fn mourn(world: &World, row: &Row) {
    if row.read().state != ProcessState::Unknown {
        row.write(|row| row.state = ProcessState::Unknown);
        slog::crit!(
            world.log,
            "lost control of '{}': its part of the daemon failed, which is a defect; \
             restart the daemon to get it back",
            row.name
        );
    }
}

impl Actor for Group {
    type Context = Context<Self>;
}

impl Handler<Find> for Group {
    type Result = MessageResult<Find>;

    fn handle(&mut self, Find(name): Find, _: &mut Context<Self>) -> Self::Result {
        let member = self.members.iter().find(|member| *member.row.name == *name);
        MessageResult(member.map(|member| member.process.clone()))
    }
}

impl Handler<StartAll> for Group {
    type Result = ResponseFuture<Vec<Outcome<StartError>>>;

    fn handle(&mut self, StartAll { wait, turn }: StartAll, _: &mut Context<Self>) -> Self::Result {
        let lost = || StartError::UnknownState;
        let start = |turn| Start { wait, turn };
        self.ask(|state| !state.is_running(), turn, start, lost)
    }
}

impl Handler<StopAll> for Group {
    type Result = ResponseFuture<Vec<Outcome<StopError>>>;

    fn handle(&mut self, StopAll { wait }: StopAll, _: &mut Context<Self>) -> Self::Result {
        let lost = || StopError::Failed("the daemon lost control of it".to_owned());
        self.ask(
            ProcessState::is_running,
            Turn::default(),
            |_| Stop { wait },
            lost,
        )
    }
}

impl Handler<SignalAll> for Group {
    type Result = ResponseFuture<Vec<Outcome<SignalError>>>;

    fn handle(&mut self, SignalAll(signal): SignalAll, _: &mut Context<Self>) -> Self::Result {
        let lost = || SignalError::Failed("the daemon lost control of it".to_owned());
        let send = |_| SendSignal(signal);
        self.ask(ProcessState::is_signallable, Turn::default(), send, lost)
    }
}

impl Handler<AutostartAll> for Group {
    type Result = ();

    fn handle(&mut self, AutostartAll(turn): AutostartAll, _: &mut Context<Self>) {
        let mut members: Vec<&Member> = self.members.iter().filter(|it| it.autostart).collect();
        members.sort_by_key(|member| member.place);
        let turns = turn.divide(members.len());
        for (member, turn) in members.into_iter().zip(turns) {
            member.process.do_send(Autostart(turn));
        }
    }
}

impl Handler<HoldAll> for Group {
    type Result = ();

    fn handle(&mut self, HoldAll: HoldAll, _: &mut Context<Self>) {
        for member in &self.members {
            member.process.do_send(Hold);
        }
    }
}

impl Handler<StopInOrder> for Group {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, StopInOrder: StopInOrder, _: &mut Context<Self>) -> Self::Result {
        self.tell_all(self.members.iter().rev(), StopWithGroup)
    }
}

impl Handler<ReopenAll> for Group {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, ReopenAll: ReopenAll, _: &mut Context<Self>) -> Self::Result {
        self.tell_all(self.members.iter(), ReopenLogs)
    }
}

impl Handler<Retire> for Group {
    type Result = ResponseFuture<Result<(), StillRunning>>;

    fn handle(&mut self, Retire: Retire, ctx: &mut Context<Self>) -> Self::Result {
        let is_stopped = |member: &Member| member.row.read().state.is_stopped();
        if !self.members.iter().all(is_stopped) {
            return Box::pin(async { Err(StillRunning) });
        }
        let retired = self.tell_all(self.members.iter(), process::Retire);
        let pool = self.pool.take();
        ctx.stop();
        Box::pin(async move {
            retired.await;
            if let Some(pool) = pool {
                // One that is gone feeds nobody.
                let _ = pool.send(pool::Retire).await;
            }
            Ok(())
        })
    }
}
