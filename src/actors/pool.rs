//! A pool of listeners: the side of an `[eventlistener:x]` group that is fed events.
//!
//! The group starts and stops the processes like any others; this actor has their dialogues and
//! the buffer, all of it decided by a [`Feeder`]. Each process tells it what becomes of its child
//! and what that writes, by a [`Seat`], directly and not by way of the group: so all facts of one
//! listener arrive in the order in which they happened.
//!
//! ```text
//!   EventBus ──Delivered──► Pool ──Listener::write──► Process ──► the listener's stdin
//!                             ▲                          │
//!                             └──────── Seat ◄───────────┘ ◄─── the listener's stdout
//! ```
//!
//! The pool has one timer, for what its listeners are given time to: to end after they closed a
//! pipe, and to wait before they are restarted.

use super::bus::{Bus, Delivered};
use super::mainlog::OUTPUT_TAG;
use crate::model::event::EventMask;
use crate::model::feeder::{CLOSED_GRACE, Effect, Feeder, Sentence, Settings};
use crate::model::listener::ListenerState;
use crate::model::process::Gravity;
use crate::model::python::bytes_literal;
use crate::model::text;
use actix::{Actor, ActorContext as _, Addr, AsyncContext as _, Context, Handler, Message};
use bytes::Bytes;
use slog::Logger;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// What a pool wants of the process of a listener. None of it waits.
pub trait Listener: Send {
    /// Queues an event for its stdin. That it could not be written is told by [`Seat::closed`].
    fn write(&self, event: Vec<u8>);

    /// Stops it and starts it again.
    fn restart(&self);

    /// Where its dialogue is, for those who ask for its state.
    fn told(&self, state: ListenerState);
}

/// A member's way to its pool: for its process, to tell what happens to it. A seat speaks for the
/// child that was there when it was cloned; what is told of one before the last is not heard.
#[derive(Clone, Debug)]
pub struct Seat {
    pool: Addr<Pool>,
    bus: Bus,
    member: usize,
    /// Counts the member's children.
    child: u64,
}

/// One of the two pipes of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// It takes no more events.
    Stdin,
    /// It will never answer again.
    Stdout,
}

impl Seat {
    /// Makes the process known to the pool. To be called first, and once.
    pub fn take(&self, listener: Box<dyn Listener>) {
        let member = self.member;
        self.pool.do_send(Take { member, listener });
    }

    /// It has a new child, whom this seat speaks for from now on.
    pub fn started(&mut self) {
        self.child += 1;
        self.reached(Stage::Started);
    }

    /// It is RUNNING and may be fed.
    pub fn running(&self) {
        self.reached(Stage::Running);
    }

    /// It is RUNNING no more; its child may still live.
    pub fn leaving(&self) {
        self.reached(Stage::Leaving);
    }

    /// Its child is gone, and all that it wrote was heard. What the child had in hand comes back
    /// after all events that were published before, as in the original: where there is no room for
    /// all of them, those that waited go first.
    pub fn gone(&self) {
        let seat = self.clone();
        self.bus.then(move || seat.reached(Stage::Gone));
    }

    /// It wrote to its stdout. Answered once that was understood; whoever reads should not read
    /// on before, so that a flood waits in the pipe and not in memory.
    pub async fn heard(&self, bytes: Bytes) {
        let said = self.says(bytes);
        // A pool that is gone does not listen.
        let _ = self.pool.send(said).await;
    }

    /// A pipe of the dialogue is closed on its side.
    pub fn closed(&self, pipe: Pipe) {
        self.pool.do_send(self.says(pipe));
    }

    fn reached(&self, stage: Stage) {
        self.pool.do_send(self.says(stage));
    }

    fn says<T>(&self, what: T) -> Of<T> {
        Of {
            member: self.member,
            child: self.child,
            what,
        }
    }
}

/// Ends a pool: it hears no events any more, says what it has not seen handled, and stops.
/// Answered when that is done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

#[derive(Message)]
#[rtype(result = "()")]
struct Take {
    member: usize,
    listener: Box<dyn Listener>,
}

/// Something that happened to a child of a member.
#[derive(Message)]
#[rtype(result = "()")]
struct Of<T> {
    member: usize,
    child: u64,
    what: T,
}

/// What of a child's life its pool has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Started,
    Running,
    Leaving,
    Gone,
}

/// The timer rang. A timer that was set anew may have been too late to be stopped: what is due is
/// looked up.
#[derive(Message)]
#[rtype(result = "()")]
struct Rang;

/// The actor.
pub struct Pool {
    bus: Bus,
    feeder: Feeder,
    members: Vec<Member>,
    timer: Option<(Instant, actix::SpawnHandle)>,
    log: Logger,
}

/// What the pool keeps of a member besides its dialogue.
struct Member {
    name: Arc<str>,
    /// Counts its children.
    child: u64,
    listener: Option<Box<dyn Listener>>,
    /// When it has had time enough to end after it closed a pipe.
    watch: Option<Instant>,
    /// When it is restarted, if it still is in UNKNOWN.
    restart: Option<Instant>,
}

impl Pool {
    /// Starts the pool on this arbiter and subscribes it: what is published after this call is
    /// buffered, whenever the first listener is ready. One seat for each member, in their order.
    pub fn start(
        bus: &Bus,
        mask: EventMask,
        settings: Settings,
        names: &[Arc<str>],
        log: Logger,
    ) -> (Addr<Self>, Vec<Seat>) {
        let pool = Actor::start(Self {
            bus: bus.clone(),
            feeder: Feeder::new(settings, names.iter().cloned()),
            members: names.iter().cloned().map(Member::new).collect(),
            timer: None,
            log,
        });
        bus.subscribe(mask, pool.clone().recipient());
        let seat = |member| Seat {
            pool: pool.clone(),
            bus: bus.clone(),
            member,
            child: 0,
        };
        let seats = (0..names.len()).map(seat).collect();
        (pool, seats)
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Write { member, bytes } => {
                    if let Some(listener) = self.listener(member) {
                        listener.write(bytes);
                    }
                }
                Effect::Say(sentence) => self.say(&sentence),
                Effect::Entered { member, state } => {
                    if let Some(listener) = self.listener(member) {
                        listener.told(state);
                    }
                }
                Effect::Watch { member } => {
                    if let Some(member) = self.members.get_mut(member) {
                        member.watch = Some(Instant::now() + CLOSED_GRACE);
                    }
                }
                Effect::Restart { member, after } => {
                    if let Some(member) = self.members.get_mut(member) {
                        member.restart = Some(Instant::now() + after);
                    }
                }
            }
        }
        self.arm(ctx);
    }

    fn listener(&self, member: usize) -> Option<&dyn Listener> {
        self.members.get(member)?.listener.as_deref()
    }

    /// The member, if it is its last child that something happened to.
    fn current<T>(&self, fact: &Of<T>) -> Option<&Member> {
        let member = self.members.get(fact.member)?;
        (member.child == fact.child).then_some(member)
    }

    /// Sets the timer for what is due next, unless it is set for that already.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let due = self.members.iter().filter_map(Member::due).min();
        if self.timer.map(|(due, _)| due) == due {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = due.map(|due| {
            let after = due.saturating_duration_since(Instant::now());
            (due, ctx.notify_later(Rang, after))
        });
    }

    fn say(&self, sentence: &Sentence) {
        let log = &self.log;
        match sentence.gravity() {
            Gravity::Critical => slog::crit!(log, "{sentence}"),
            Gravity::Error => slog::error!(log, "{sentence}"),
            Gravity::Warning => slog::warn!(log, "{sentence}"),
            Gravity::Info => slog::info!(log, "{sentence}"),
            Gravity::Debug => slog::debug!(log, "{sentence}"),
        }
    }
}

impl Member {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            child: 0,
            listener: None,
            watch: None,
            restart: None,
        }
    }

    /// What one child is given time for does not concern the next, and what is being stopped is
    /// not to be restarted.
    fn reached(&mut self, stage: Stage) {
        match stage {
            Stage::Started | Stage::Gone => {
                self.watch = None;
                self.restart = None;
            }
            Stage::Leaving => self.restart = None,
            Stage::Running => {}
        }
    }

    fn due(&self) -> Option<Instant> {
        self.watch.into_iter().chain(self.restart).min()
    }
}

/// What a listener wrote, as the original logs it. It is put into words only if it is shown.
struct Said<'a>(&'a str, &'a [u8]);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, bytes) = self;
        let (name, bytes) = (text::repr(name), bytes_literal(bytes));
        write!(f, "{name} stdout output:\n{bytes}")
    }
}

/// Takes a moment out of its place if it has come.
fn come(moment: &mut Option<Instant>, now: Instant) -> bool {
    moment.take_if(|moment| *moment <= now).is_some()
}

impl Actor for Pool {
    type Context = Context<Self>;
}

impl Handler<Delivered> for Pool {
    type Result = ();

    fn handle(&mut self, Delivered { event, turn }: Delivered, ctx: &mut Context<Self>) {
        let effects = self.feeder.accept(event);
        self.carry_out(effects, ctx);
        // It is buffered or on its way to a listener: its publisher may go on.
        drop(turn);
    }
}

impl Handler<Take> for Pool {
    type Result = ();

    fn handle(&mut self, Take { member, listener }: Take, _: &mut Context<Self>) {
        if let Some(member) = self.members.get_mut(member) {
            member.listener = Some(listener);
        }
    }
}

impl Handler<Of<Stage>> for Pool {
    type Result = ();

    fn handle(&mut self, stage: Of<Stage>, ctx: &mut Context<Self>) {
        let Some(member) = self.members.get_mut(stage.member) else {
            return;
        };
        if stage.what == Stage::Started {
            member.child = stage.child;
        }
        if member.child != stage.child {
            return;
        }
        member.reached(stage.what);
        let effects = match stage.what {
            Stage::Started => self.feeder.started(stage.member),
            Stage::Running => self.feeder.running(stage.member),
            Stage::Leaving => {
                self.feeder.leaving(stage.member);
                Vec::new()
            }
            Stage::Gone => self.feeder.gone(stage.member),
        };
        self.carry_out(effects, ctx);
    }
}

impl Handler<Of<Bytes>> for Pool {
    type Result = ();

    fn handle(&mut self, heard: Of<Bytes>, ctx: &mut Context<Self>) {
        let Some(member) = self.current(&heard) else {
            return;
        };
        let said = Said(&member.name, &heard.what);
        slog::debug!(self.log, #OUTPUT_TAG, "{said}");
        let effects = self.feeder.output(heard.member, &heard.what);
        self.carry_out(effects, ctx);
    }
}

impl Handler<Of<Pipe>> for Pool {
    type Result = ();

    fn handle(&mut self, closed: Of<Pipe>, ctx: &mut Context<Self>) {
        if self.current(&closed).is_none() {
            return;
        }
        let effects = match closed.what {
            Pipe::Stdin => self.feeder.deaf(closed.member),
            Pipe::Stdout => self.feeder.mute(closed.member),
        };
        self.carry_out(effects, ctx);
    }
}

impl Handler<Rang> for Pool {
    type Result = ();

    fn handle(&mut self, _: Rang, ctx: &mut Context<Self>) {
        self.timer = None;
        let now = Instant::now();
        let mut effects = Vec::new();
        for (index, member) in self.members.iter_mut().enumerate() {
            if come(&mut member.watch, now) {
                effects.extend(self.feeder.outlived(index));
            }
            let lost = self.feeder.state(index) == Some(ListenerState::Unknown);
            if come(&mut member.restart, now)
                && lost
                && let Some(listener) = &member.listener
            {
                listener.restart();
            }
        }
        self.carry_out(effects, ctx);
    }
}

impl Handler<Retire> for Pool {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        self.bus.unsubscribe(ctx.address().recipient());
        if let Some(sentence) = self.feeder.retire() {
            self.say(&sentence);
        }
        ctx.stop();
    }
}

#[cfg(test)]
pub(super) mod tests;
