//! A Process: the shell around the machine of one process.
//!
//! It owns the machine, the child's stdin, the ways to its outputs and one timer. Everything
//! goes through `Process::drive`: step the machine, carry out its effects, tell the table,
//! answer who waits, set the timer. Two orders are kept here for the machine's sake: the birth of
//! a child is told before its death, and a death is told only when the last words are in the log
//! (or a short time is over), before anything else that time brings.

use super::fcgi;
use super::handle::{LogError, SignalError, StartError, StdinError, StopError};
use super::launching::{LOGS_PATIENCE, Launch, luck};
use super::listening::{Door, Listening};
use super::pool::Seat;
use super::reaper::{Disown, Ended, Own};
use super::spawner::{Find, NotSpawned, Spawned};
use super::stdin::{Stdin, Taken, WriteError};
use super::stream::{Stream, Way};
use super::table::{Cause, Row};
use super::turn::Turn;
use super::world::{BringDown, World};
use crate::config::{LogFile, ProcessConfig};
use crate::model::event::{Event, EventKind, StateChange};
use crate::model::process::{Change, Effect, Input, Machine, Policy, StartVerdict, State};
use crate::model::signal::Signal;
use crate::model::state::Mood;
use crate::sys::clock;
use crate::sys::command::CommandError;
use crate::sys::reap::{KillError, Owner};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message,
    ResponseActFuture, ResponseFuture, SpawnHandle, WrapFuture,
};
use futures_util::future::join_all;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long the announcement of an end waits for the last words to be in the log. A log that
/// takes longer hangs; the words are not lost then, only the order is.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The actor; see the module.
pub struct Process {
    world: Rc<World>,
    program: Arc<ProcessConfig>,
    row: Arc<Row>,
    machine: Machine,
    /// Who we are to the spawner and the reaper.
    owner: Owner,
    streams: Box<[Stream]>,
    socket: Option<fcgi::Shared>,
    /// Keeps the socket open while it is needed.
    open_socket: Option<Arc<fcgi::Open>>,
    stdin: Option<Stdin>,
    /// What it has besides if it is a listener.
    listening: Option<Box<Listening>>,
    /// An end that was heard of and is not told yet.
    death: Option<Ended>,
    /// The one timer: when it is due, and its future.
    timer: Option<(Instant, SpawnHandle)>,
    waiting: Vec<Waiting>,
    /// Why the last start came to nothing before its program ran.
    cause: Option<Arc<Cause>>,
}

/// Who waits for something to come.
enum Waiting {
    /// For a start.
    Start {
        /// Until it is RUNNING or has failed; else only until there is a child or none.
        until_up: bool,
        answer: oneshot::Sender<Result<(), StartError>>,
    },
    /// Until nothing of it runs.
    Stop(oneshot::Sender<()>),
}

/// Starts the process by request. With `wait`, answered once it is RUNNING or has failed; else
/// once it was spawned or could not be.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StartError>")]
pub struct Start {
    /// Whether to wait.
    pub wait: bool,
    /// When to make the child.
    pub turn: Turn,
}

/// Starts the process because its config says so. Not answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Autostart(pub Turn);

/// Stops the process by request. With `wait`, answered once it is gone; else once it was asked
/// to go.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), StopError>")]
pub struct Stop {
    /// Whether to wait.
    pub wait: bool,
}

/// Stops the process with its group. Answered once nothing of it runs.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StopWithGroup;

/// Starts nothing any more without being asked to. Answered at once.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Hold;

/// Sends a signal. Answered once it was sent.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), SignalError>")]
pub struct SendSignal(pub Signal);

/// Writes to the child's stdin. Answered once the bytes are written or queued.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), StdinError>")]
pub struct WriteStdin(pub Vec<u8>);

/// Bytes wait for room in a listener's stdin: they are to be written when there is some. Not
/// answered; that they cannot be written is told to the pool.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Waits;

/// Stops a listener that broke the protocol and starts it again, unless the daemon is leaving.
/// Not answered.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct RestartLost;

/// Removes the logs and begins them anew. Answered once that was done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), LogError>")]
pub struct ClearLogs;

/// Opens the logs anew at their paths. Answered once that was done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ReopenLogs;

/// Ends the actor of a process that is stopped. Answered once its logs are closed.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

impl Process {
    /// A process that was never started. `policy` is that of its program; `streams` are its stdout and, unless that is
    /// redirected, its stderr, in this order; `socket` is the descriptor 0 of a FastCGI program.
    pub fn new(
        world: Rc<World>,
        program: Arc<ProcessConfig>,
        policy: Arc<Policy>,
        row: Arc<Row>,
        streams: Box<[Stream]>,
        socket: Option<fcgi::Shared>,
    ) -> Self {
        Self {
            machine: Machine::new(policy).with_luck(luck(&program.name)),
            owner: world.register.new_owner(),
            cause: None,
            world,
            program,
            row,
            streams,
            socket,
            open_socket: None,
            stdin: None,
            listening: None,
            death: None,
            timer: None,
            waiting: Vec::new(),
        }
    }

    /// Makes it a listener, with this seat in its pool. Its stdout is protocol then.
    pub(super) fn listening(mut self, seat: Seat) -> Self {
        let stdout = &self.program.stdout;
        let is_logged = stdout.logfile != LogFile::None || stdout.syslog;
        self.listening = Some(Box::new(Listening::new(seat, is_logged)));
        self
    }

    /// Takes one input through the machine and does all that follows from it.
    fn drive(&mut self, input: Input, ctx: &mut Context<Self>) {
        self.drive_in_turn(input, Turn::default(), ctx);
    }

    /// As [`Self::drive`]; a child that is made by it is made when it is its turn. Where none is,
    /// the turn is over.
    fn drive_in_turn(&mut self, input: Input, mut turn: Turn, ctx: &mut Context<Self>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.machine.step(Instant::now(), input) {
                match effect {
                    Effect::Entered(change) => self.entered(change),
                    Effect::Launch => self.launch(std::mem::take(&mut turn), ctx),
                    Effect::Kill { pid, group, signal } => {
                        inputs.extend(self.kill(pid, group, signal));
                    }
                    Effect::KillUnborn => {
                        // None there yet, or none any more: asked again at the next deadline.
                        let _ = self.world.register.kill_unborn(self.owner);
                    }
                    Effect::Say(sentence) => self.world.say(&self.program.name, &sentence),
                    Effect::BringDown { code } => {
                        let process = Arc::clone(&self.row.name);
                        self.world.bring_down(BringDown { process, code });
                    }
                }
            }
        }
        self.tell_table();
        self.answer_who_waits();
        self.set_timer(ctx);
    }

    fn entered(&self, change: Change) {
        if let Some(listening) = &self.listening {
            listening.entered(change.to);
        }
        let kind = EventKind::of_state(change.to);
        self.world.bus.publish(kind, || {
            let snapshot = self.row.read();
            let uptime = clock::now_unix().0.saturating_sub(snapshot.start);
            Event::ProcessState(StateChange {
                process: Arc::clone(&self.row.name),
                group: Arc::clone(&self.row.group),
                from: change.from,
                to: change.to,
                pid: change.pid,
                tries: change.tries,
                expected: change.expected,
                exit: self.machine.record().exit,
                uptime: change.pid.and(u64::try_from(uptime).ok()),
            })
        });
    }

    fn launch(&mut self, turn: Turn, ctx: &mut Context<Self>) {
        let now = clock::now_unix().0;
        self.row.write(|row| row.start = now);
        let launch = Launch {
            world: Rc::clone(&self.world),
            program: Arc::clone(&self.program),
            group: Arc::clone(&self.row.group),
            owner: self.owner,
            socket: self.socket.clone(),
            logs: self.streams.iter().map(Stream::way).collect(),
            turn,
        };
        let launch = launch.make();
        let launch = launch.into_actor(self);
        ctx.spawn(launch.map(|result, act, ctx| act.launched(result, ctx)));
    }

    fn launched(&mut self, result: Result<Spawned, NotSpawned>, ctx: &mut Context<Self>) {
        match result {
            Ok(Spawned {
                child,
                socket,
                cause,
            }) => {
                let pid = child.pid;
                self.cause = cause.map(Arc::new);
                self.open_socket = socket;
                self.stdin = child.stdin.map(Stdin::new);
                let stdout = match &mut self.listening {
                    None => Some(child.stdout),
                    Some(listening) => {
                        let door = Door::new(ctx.address(), &self.row, self.stdin.as_ref());
                        listening.born(child.stdout, door, &self.row.name, &self.world.log)
                    }
                };
                for (stream, pipe) in self.streams.iter().zip([stdout, child.stderr]) {
                    if let Some(pipe) = pipe {
                        stream.attach(pipe, pid);
                    }
                }
                self.drive(Input::Spawned { pid }, ctx);
                if self.death.is_some() {
                    self.await_last_words(ctx);
                }
            }
            Err(NotSpawned { reason, cause }) => {
                self.cause = Some(Arc::new(cause));
                // Logs that were opened for a child that is not there are closed again.
                for stream in &self.streams {
                    drop(stream.way().drain());
                }
                self.drive(Input::NotSpawned { reason }, ctx);
            }
        }
    }

    /// Sends a signal; what comes of it for the machine, if anything.
    fn kill(&self, pid: i32, group: bool, signal: Signal) -> Option<Input> {
        match self.world.register.kill(pid, group, signal) {
            Ok(()) => None,
            Err(KillError::Gone) => {
                slog::debug!(
                    self.world.log,
                    "unable to signal {} (pid {}), it probably just exited on its own",
                    self.program.name,
                    pid
                );
                None
            }
            Err(KillError::Refused(errno)) => Some(Input::KillRefused {
                reason: crate::sys::errno::text(errno),
            }),
        }
    }

    fn await_last_words(&mut self, ctx: &mut Context<Self>) {
        let heard = self.listening.as_mut().map(|it| it.drain());
        let ways: Vec<Way> = self.streams.iter().map(Stream::way).collect();
        let drains = async move {
            if let Some(heard) = heard {
                heard.await;
            }
            join_all(ways.iter().map(Way::drain)).await
        };
        let patience = tokio::time::timeout(LAST_WORDS, drains).into_actor(self);
        ctx.spawn(patience.map(|_, act, ctx| {
            if let Some(Ended { pid, exit }) = act.death.take() {
                act.stdin = None;
                let now = clock::now_unix().0;
                act.row.write(|row| row.stop = now);
                act.drive(Input::Ended { pid, exit }, ctx);
                if let Some(listening) = &act.listening {
                    listening.gone();
                }
            }
        }));
    }

    fn tell_table(&self) {
        let state = self.machine.state();
        let record = self.machine.record();
        self.row.write(|row| {
            row.state = state.told();
            row.pid = state.pid();
            row.spawnerr.clone_from(&record.spawnerr);
            row.exitstatus = record.exit.map(crate::model::exit::Exit::status);
            row.last_exit = self.machine.last_exit();
            row.tries = self.machine.tries();
            row.retries = self.program.common.startretries;
            row.next_try = self.machine.next_try();
            row.cause.clone_from(&self.cause);
        });
    }

    fn answer_who_waits(&mut self) {
        let verdict = self.machine.start_verdict();
        let launching = matches!(self.machine.state(), State::Launching { .. });
        let is_stopped = self.machine.state().told().is_stopped();
        for waiting in std::mem::take(&mut self.waiting) {
            // Who no longer waits is no matter.
            match waiting {
                Waiting::Start { until_up, answer } => {
                    let result = match verdict {
                        StartVerdict::Pending if launching || until_up => {
                            self.waiting.push(Waiting::Start { until_up, answer });
                            continue;
                        }
                        StartVerdict::SpawnError => Err(StartError::SpawnError),
                        StartVerdict::Abnormal if until_up => Err(StartError::AbnormalTermination),
                        StartVerdict::Up | StartVerdict::Pending | StartVerdict::Abnormal => Ok(()),
                    };
                    let _ = answer.send(result);
                }
                Waiting::Stop(answer) if is_stopped => {
                    let _ = answer.send(());
                }
                Waiting::Stop(answer) => self.waiting.push(Waiting::Stop(answer)),
            }
        }
        if is_stopped {
            self.open_socket = None;
        }
    }

    /// Keeps one timer at the machine's deadline. It is left alone where that did not change.
    fn set_timer(&mut self, ctx: &mut Context<Self>) {
        let due = self.machine.deadline();
        if self.timer.as_ref().map(|(due, _)| *due) == due {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(due) = due {
            let wait = due.saturating_duration_since(Instant::now());
            let timer = ctx.run_later(wait, |act, ctx| {
                act.timer = None;
                // A death in hand outranks the clock, and comes back here.
                if act.death.is_none() {
                    act.drive(Input::Tick, ctx);
                }
            });
            self.timer = Some((due, timer));
        }
    }

    fn start_found(
        &mut self,
        found: Result<(), StartError>,
        wait: bool,
        turn: Turn,
        ctx: &mut Context<Self>,
    ) -> Result<oneshot::Receiver<Result<(), StartError>>, StartError> {
        found?;
        let told = self.machine.state().told();
        if told.is_running() {
            return Err(StartError::AlreadyStarted);
        }
        if matches!(self.machine.state(), State::Unknown { .. }) {
            return Err(StartError::UnknownState);
        }
        let (answer, answered) = oneshot::channel();
        self.waiting.push(Waiting::Start {
            until_up: wait,
            answer,
        });
        self.drive_in_turn(Input::Start, turn, ctx);
        Ok(answered)
    }

    /// Answers when nothing of the process runs.
    fn stopped(&mut self) -> impl Future<Output = ()> + 'static {
        let (answer, answered) = oneshot::channel();
        if self.machine.state().told().is_stopped() {
            let _ = answer.send(());
        } else {
            self.waiting.push(Waiting::Stop(answer));
        }
        async move {
            // An actor that is gone runs nothing.
            let _ = answered.await;
        }
    }

    /// Waits, while bytes wait, for the child to read.
    fn pump_stdin(&mut self, ctx: &mut Context<Self>) {
        let Some(stdin) = self.stdin.as_ref().filter(|stdin| stdin.is_waiting()) else {
            return;
        };
        let writable = stdin.writable().into_actor(self);
        ctx.spawn(writable.map(|(), act, ctx| {
            // An error empties the queue: nobody is left to read it.
            match act.stdin.as_ref().map(Stdin::flush) {
                Some(Ok(())) => act.pump_stdin(ctx),
                Some(Err(_)) => act.is_deaf(),
                None => {}
            }
        }));
    }
}

impl Process {
    /// If it is a listener, its pool has to know that its stdin takes no more.
    fn is_deaf(&self) {
        if let Some(listening) = &self.listening {
            listening.deaf();
        }
    }
}

impl Actor for Process {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // The reaper reads this before it can hear of any child that is made later.
        self.world.reaper.do_send(Own {
            owner: self.owner,
            recipient: ctx.address().recipient(),
        });
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.world.reaper.do_send(Disown(self.owner));
    }
}

impl Handler<Start> for Process {
    type Result = ResponseActFuture<Self, Result<(), StartError>>;

    fn handle(&mut self, Start { wait, turn }: Start, _: &mut Context<Self>) -> Self::Result {
        // What cannot be executed is told before what runs already, as in the original.
        let find = self.world.spawner.send(Find(Arc::clone(&self.program)));
        let found = async move {
            match find.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error @ CommandError::NotFound(_))) => {
                    Err(StartError::NoFile(error.to_string()))
                }
                Ok(Err(error)) => Err(StartError::NotExecutable(error.to_string())),
                Err(_) => Err(StartError::SpawnError),
            }
        };
        let start = found
            .into_actor(self)
            .then(move |found, act: &mut Self, ctx| {
                let started = act.start_found(found, wait, turn, ctx);
                let answered = async move {
                    // An actor that goes away meanwhile leaves no child.
                    started?
                        .await
                        .unwrap_or(Err(StartError::AbnormalTermination))
                };
                answered.into_actor(act)
            });
        Box::pin(start)
    }
}

impl Handler<Autostart> for Process {
    type Result = ();

    fn handle(&mut self, Autostart(turn): Autostart, ctx: &mut Context<Self>) {
        self.drive_in_turn(Input::Start, turn, ctx);
    }
}

impl Handler<Stop> for Process {
    type Result = ResponseFuture<Result<(), StopError>>;

    fn handle(&mut self, Stop { wait }: Stop, ctx: &mut Context<Self>) -> Self::Result {
        if !self.machine.state().told().is_running() {
            return Box::pin(async { Err(StopError::NotRunning) });
        }
        self.drive(Input::Stop { watched: wait }, ctx);
        if matches!(self.machine.state(), State::Unknown { .. }) {
            let name = &self.program.name;
            let failed = StopError::Failed(format!("unknown problem killing {name}"));
            return Box::pin(async { Err(failed) });
        }
        let stopped = self.stopped();
        Box::pin(async move {
            if wait {
                stopped.await;
            }
            Ok(())
        })
    }
}

impl Handler<StopWithGroup> for Process {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, StopWithGroup: StopWithGroup, ctx: &mut Context<Self>) -> Self::Result {
        self.drive(Input::StopWithGroup, ctx);
        Box::pin(self.stopped())
    }
}

impl Handler<Hold> for Process {
    type Result = ();

    fn handle(&mut self, Hold: Hold, ctx: &mut Context<Self>) {
        self.drive(Input::Hold, ctx);
    }
}

impl Handler<SendSignal> for Process {
    type Result = Result<(), SignalError>;

    fn handle(&mut self, SendSignal(signal): SendSignal, ctx: &mut Context<Self>) -> Self::Result {
        if self.machine.state().pid().is_none() || !self.machine.state().told().is_signallable() {
            return Err(SignalError::NotRunning);
        }
        self.drive(Input::Signal(signal), ctx);
        if matches!(self.machine.state(), State::Unknown { .. }) {
            let name = &self.program.name;
            let words = format!("unknown problem sending sig {signal} to {name}");
            return Err(SignalError::Failed(words));
        }
        Ok(())
    }
}

impl Handler<WriteStdin> for Process {
    type Result = Result<(), StdinError>;

    fn handle(&mut self, WriteStdin(bytes): WriteStdin, ctx: &mut Context<Self>) -> Self::Result {
        match self.machine.state() {
            State::Starting { .. } | State::Running { .. } => {}
            State::Stopped
            | State::Launching { .. }
            | State::Backoff { .. }
            | State::Stopping { .. }
            | State::Exited
            | State::Fatal
            | State::Unknown { .. } => return Err(StdinError::NotRunning),
        }
        let stdin = self.stdin.as_ref().ok_or(StdinError::Closed)?;
        let taken = stdin.write(&bytes).map_err(|error| match error {
            WriteError::Closed => StdinError::Closed,
            WriteError::Full => StdinError::Full,
        })?;
        if taken == Taken::Waits {
            self.pump_stdin(ctx);
        }
        Ok(())
    }
}

impl Handler<Waits> for Process {
    type Result = ();

    fn handle(&mut self, Waits: Waits, ctx: &mut Context<Self>) {
        self.pump_stdin(ctx);
    }
}

impl Handler<RestartLost> for Process {
    type Result = ();

    fn handle(&mut self, RestartLost: RestartLost, ctx: &mut Context<Self>) {
        self.drive(Input::Stop { watched: false }, ctx);
        let stopped = self.stopped().into_actor(self);
        ctx.spawn(stopped.map(|(), act, ctx| {
            if act.world.table.mood() == Mood::Running {
                act.drive(Input::Start, ctx);
            }
        }));
    }
}

impl Handler<Ended> for Process {
    type Result = ();

    fn handle(&mut self, ended: Ended, ctx: &mut Context<Self>) {
        self.death = Some(ended);
        // Before its birth is told, the child's death has to wait.
        if !matches!(self.machine.state(), State::Launching { .. }) {
            self.await_last_words(ctx);
        }
    }
}

impl Handler<ClearLogs> for Process {
    type Result = ResponseFuture<Result<(), LogError>>;

    fn handle(&mut self, ClearLogs: ClearLogs, _: &mut Context<Self>) -> Self::Result {
        let clears = join_all(self.streams.iter().map(Stream::clear));
        Box::pin(async move {
            if clears.await.iter().all(Result::is_ok) {
                Ok(())
            } else {
                Err(LogError::Failed)
            }
        })
    }
}

impl Handler<ReopenLogs> for Process {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, ReopenLogs: ReopenLogs, _: &mut Context<Self>) -> Self::Result {
        let reopens = join_all(self.streams.iter().map(Stream::reopen));
        Box::pin(async move { drop(reopens.await) })
    }
}

impl Handler<Retire> for Process {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Retire: Retire, ctx: &mut Context<Self>) -> Self::Result {
        let streams = std::mem::take(&mut self.streams).into_vec();
        ctx.stop();
        Box::pin(async move {
            let retired = join_all(streams.into_iter().map(Stream::retire));
            // A log whose disk hangs closes by itself when that is over.
            drop(tokio::time::timeout(LOGS_PATIENCE, retired).await);
        })
    }
}
