//! A pool of listeners: the side of an `[eventlistener:x]` group that is fed events.
//!
//! The group starts and stops the processes like any others; the pool has their dialogues and
//! the buffer, all of it decided by a [`Feeder`]. Each process tells it what becomes of its child
//! and what that writes, by a [`Seat`], directly and not by way of the group: so all facts of one
//! listener arrive in the order in which they happened.
//!
//! ```text
//!   EventBus ──Delivered──► Pool ──Listener::write──► the listener's stdin
//!                             ▲
//!                           Seat ◄─── Process, and the listener's stdout
//! ```
//!
//! All of that is on one thread. So what a seat tells is a call and not a message: from the answer
//! that an ear has read to the next event in the listener's pipe, nothing is queued and no task is
//! woken. What is behind the calls, the [`Core`], calls nobody back; messages are for what has to
//! come after other messages, and for the actor's timer.
//!
//! There is one timer, for what listeners are given time to: to end after they closed a pipe, and
//! to wait before they are restarted.

use super::bus::{Bus, Delivered};
use super::mainlog::OUTPUT_TAG;
use super::vigil::Vigil;
use crate::model::envelope::Encoded;
use crate::model::event::EventMask;
use crate::model::feeder::{CLOSED_GRACE, Effect, Feeder, Sentence, Settings};
use crate::model::listener::ListenerState;
use crate::model::process::Gravity;
use crate::model::python::bytes_literal;
use crate::model::text;
use actix::{Actor, ActorContext as _, Addr, AsyncContext as _, Context, Handler, Message};
use slog::Logger;
use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Instant;

/// What a pool wants of a listener: of its process, or of its present child. None of it waits, and
/// none of it calls the pool.
pub trait Listener {
    /// Writes an event to the child's stdin; what the pipe does not take follows when it does. If
    /// that proves impossible later, [`Seat::closed`] tells it.
    fn write(&self, event: &[u8]) -> Result<(), Closed>;

    /// Stops it and starts it again.
    fn restart(&self);

    /// Where its dialogue is, for those who ask for its state.
    fn told(&self, state: ListenerState);
}

/// Nobody will ever read what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// A member's way to its pool: for its process, to tell what happens to it. A seat speaks for the
/// child that was there when it was cloned; what is told of one before the last is not heard. Nor
/// is anything that is told to a pool that has retired.
#[derive(Clone, Debug)]
pub struct Seat {
    core: Weak<RefCell<Core>>,
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
    /// It has a new child, whom this seat speaks for from now on, and who is fed by `listener`.
    pub fn started(&mut self, listener: Box<dyn Listener>) {
        self.child += 1;
        let child = self.child;
        self.tell(|core, member| core.started(member, child, listener));
    }

    /// It is RUNNING and may be fed.
    pub fn running(&self) {
        self.of_child(Core::running);
    }

    /// It is RUNNING no more; its child may still live.
    pub fn leaving(&self) {
        self.of_child(Core::leaving);
    }

    /// Its child is gone, and all that it wrote was heard. What the child had in hand comes back
    /// after all events that were published before, as in the original: where there is no room for
    /// all of them, those that waited go first.
    pub fn gone(&self) {
        let (member, child) = (self.member, self.child);
        let pool = self.pool.clone();
        self.bus.then(move || pool.do_send(Gone { member, child }));
    }

    /// It wrote to its stdout.
    pub fn heard(&self, bytes: &[u8]) {
        self.of_child(|core, member| core.heard(member, bytes));
    }

    /// A pipe of the dialogue is closed on its side.
    pub fn closed(&self, pipe: Pipe) {
        self.of_child(|core, member| core.closed(member, pipe));
    }

    /// As [`Self::tell`], if this seat's child is the member's last.
    fn of_child(&self, fact: impl FnOnce(&mut Core, usize)) {
        self.tell(|core, member| {
            if core.is_last(member, self.child) {
                fact(core, member);
            }
        });
    }

    fn tell(&self, fact: impl FnOnce(&mut Core, usize)) {
        let Some(core) = self.core.upgrade() else {
            return;
        };
        // Free: the core calls nobody who could be the caller.
        let mut core = core.borrow_mut();
        fact(&mut core, self.member);
        if core.has_new_moments {
            self.pool.do_send(Arm);
        }
    }
}

/// Ends a pool: it hears no events any more, says what it has not seen handled, and stops.
/// Answered when that is done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// The member's child is gone, and all events that were published before are here.
#[derive(Message)]
#[rtype(result = "()")]
struct Gone {
    member: usize,
    child: u64,
}

/// The timer may have to be set anew.
#[derive(Message)]
#[rtype(result = "()")]
struct Arm;

/// The timer rang. A timer that was set anew may have been too late to be stopped: what is due is
/// looked up.
#[derive(Message)]
#[rtype(result = "()")]
struct Rang;

/// The actor: it takes events off the bus, has the timer, and keeps the core alive.
pub struct Pool {
    bus: Bus,
    core: Rc<RefCell<Core>>,
    timer: Option<(Instant, actix::SpawnHandle)>,
}

/// What the actor and the seats share.
struct Core {
    feeder: Feeder,
    members: Vec<Member>,
    /// Something is due at another time than before.
    has_new_moments: bool,
    vigil: Vigil,
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
        vigil: Vigil,
        log: Logger,
    ) -> (Addr<Self>, Vec<Seat>) {
        let core = Rc::new(RefCell::new(Core {
            feeder: Feeder::new(settings, names.iter().cloned()),
            members: names.iter().cloned().map(Member::new).collect(),
            has_new_moments: false,
            vigil,
            log,
        }));
        let way = Rc::downgrade(&core);
        let pool = Actor::start(Self {
            bus: bus.clone(),
            core,
            timer: None,
        });
        bus.subscribe(mask, pool.clone().recipient());
        let seat = |member| Seat {
            core: Weak::clone(&way),
            pool: pool.clone(),
            bus: bus.clone(),
            member,
            child: 0,
        };
        let seats = (0..names.len()).map(seat).collect();
        (pool, seats)
    }

    /// Takes something through the core, and sets the timer for what is due next, unless it is set
    /// for that already.
    fn drive(&mut self, fact: impl FnOnce(&mut Core), ctx: &mut Context<Self>) {
        let mut core = self.core.borrow_mut();
        fact(&mut core);
        if !std::mem::take(&mut core.has_new_moments) {
            return;
        }
        let due = core.members.iter().filter_map(Member::due).min();
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
}

impl Core {
    /// Whether this is the member's last child.
    fn is_last(&self, member: usize, child: u64) -> bool {
        let member = self.members.get(member);
        member.is_some_and(|member| member.child == child)
    }

    fn accept(&mut self, event: Arc<Encoded>) {
        let effects = self.feeder.accept(event);
        self.carry_out(effects);
    }

    fn started(&mut self, member: usize, child: u64, listener: Box<dyn Listener>) {
        if let Some(member) = self.members.get_mut(member) {
            member.child = child;
            member.listener = Some(listener);
        }
        self.forget_moments(member);
        let effects = self.feeder.started(member);
        self.carry_out(effects);
    }

    fn running(&mut self, member: usize) {
        let effects = self.feeder.running(member);
        self.carry_out(effects);
    }

    fn leaving(&mut self, member: usize) {
        if let Some(member) = self.members.get_mut(member) {
            // What is being stopped is not to be restarted.
            self.has_new_moments |= member.restart.take().is_some();
        }
        self.feeder.leaving(member);
    }

    fn gone(&mut self, member: usize) {
        self.forget_moments(member);
        let effects = self.feeder.gone(member);
        self.carry_out(effects);
    }

    fn heard(&mut self, member: usize, bytes: &[u8]) {
        self.vigil.answered();
        let effects = self.feeder.output(member, bytes);
        if let Some(member) = self.members.get(member) {
            let said = Said(&member.name, bytes);
            slog::debug!(self.log, #OUTPUT_TAG, "{said}");
        }
        self.carry_out(effects);
    }

    fn closed(&mut self, member: usize, pipe: Pipe) {
        let effects = match pipe {
            Pipe::Stdin => self.feeder.deaf(member),
            Pipe::Stdout => self.feeder.mute(member),
        };
        self.carry_out(effects);
    }

    /// The timer rang.
    fn rang(&mut self) {
        self.has_new_moments = true;
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
        self.carry_out(effects);
    }

    /// What one child is given time for does not concern the next.
    fn forget_moments(&mut self, member: usize) {
        if let Some(member) = self.members.get_mut(member) {
            self.has_new_moments |= member.due().is_some();
            (member.watch, member.restart) = (None, None);
        }
    }

    /// Events are written first: while their listeners wake up and read, there is time for the rest.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut deaf = Vec::new();
        let mut has_asked = false;
        for effect in &effects {
            if let Effect::Write { member, bytes } = effect
                && let Some(listener) = self.listener(*member)
            {
                match listener.write(bytes) {
                    Ok(()) => has_asked = true,
                    Err(Closed) => deaf.push(*member),
                }
            }
        }
        if has_asked && !self.feeder.are_busy(self.vigil.others() + 1) {
            self.vigil.asked();
        }
        for effect in effects {
            match effect {
                Effect::Write { .. } => {}
                Effect::Say(sentence) => self.say(&sentence),
                Effect::Entered { member, state } => {
                    if let Some(listener) = self.listener(member) {
                        listener.told(state);
                    }
                }
                Effect::Watch { member } => {
                    if let Some(member) = self.members.get_mut(member) {
                        member.watch = Some(Instant::now() + CLOSED_GRACE);
                        self.has_new_moments = true;
                    }
                }
                Effect::Restart { member, after } => {
                    if let Some(member) = self.members.get_mut(member) {
                        member.restart = Some(Instant::now() + after);
                        self.has_new_moments = true;
                    }
                }
            }
        }
        // A member is deaf once at most: it is not fed after that.
        for member in deaf {
            self.closed(member, Pipe::Stdin);
        }
    }

    fn listener(&self, member: usize) -> Option<&dyn Listener> {
        self.members.get(member)?.listener.as_deref()
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
        self.drive(|core| core.accept(event), ctx);
        // It is buffered or on its way to a listener: its publisher may go on.
        drop(turn);
    }
}

impl Handler<Gone> for Pool {
    type Result = ();

    fn handle(&mut self, Gone { member, child }: Gone, ctx: &mut Context<Self>) {
        let gone = |core: &mut Core| {
            if core.is_last(member, child) {
                core.gone(member);
            }
        };
        self.drive(gone, ctx);
    }
}

impl Handler<Arm> for Pool {
    type Result = ();

    fn handle(&mut self, Arm: Arm, ctx: &mut Context<Self>) {
        self.drive(|_| {}, ctx);
    }
}

impl Handler<Rang> for Pool {
    type Result = ();

    fn handle(&mut self, _: Rang, ctx: &mut Context<Self>) {
        self.timer = None;
        self.drive(Core::rang, ctx);
    }
}

impl Handler<Retire> for Pool {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        self.bus.unsubscribe(ctx.address().recipient());
        let core = self.core.borrow();
        if let Some(sentence) = core.feeder.retire() {
            core.say(&sentence);
        }
        ctx.stop();
    }
}

#[cfg(test)]
pub(super) mod tests;
