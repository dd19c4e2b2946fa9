//! How a pool feeds its listeners, as a machine: events and what listeners do go in, bytes for
//! their stdin and lines for the main log come out.
//!
//! ```text
//!   accept ──► buffer ──► the first listener that is RUNNING and READY ──► Write
//!                ▲                            │
//!                └── put back at the head ◄───┴── rejected, died, broke the protocol
//! ```
//!
//! Each event is in one place at any time: it waits in the buffer, or one listener has it in hand,
//! or it was handled, or it was discarded, which is counted and said. A listener has at most one
//! event in hand, so what is written to one that never reads is bounded by one event.
//!
//! The machine knows no process and no pipe: the shell says what became of each member, by its
//! place in the config, and carries out the effects, writes before the rest. It knows no clock either;
//! where something is to happen after a time, an effect says so and the shell comes back.
//!
//! Listeners that cannot be fed any more are not silence: what is known of them is said, and with
//! `restart_unknown` they are started anew, after pauses that grow while it does not help.

mod sentence;
#[cfg(test)]
mod tests;

pub use sentence::{Matter, Sentence};

use super::buffer::{Buffer, Queued};
use super::envelope::{Encoded, Style};
use super::listener::{Dialogue, ListenerState, Outcome, Violation};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// How long a listener may live on after it closed a pipe before that counts as breaking the
/// protocol. One that ends closes its pipes a moment before its death is known, and nothing is to
/// be said of that.
pub const CLOSED_GRACE: Duration = Duration::from_secs(1);

/// The longest pause before a lost listener is started anew.
const RESTART_PAUSE_MAX: u64 = 60;

/// Something for the shell to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write bytes to a member's stdin: one event.
    Write {
        /// To this member.
        member: usize,
        /// All of them, in one piece.
        bytes: Vec<u8>,
    },
    /// Write a line into the main log.
    Say(Sentence),
    /// The world is to be told of a listener's state.
    Entered {
        /// Of this member.
        member: usize,
        /// Which.
        state: ListenerState,
    },
    /// Come back with [`Feeder::outlived`] after [`CLOSED_GRACE`], if it still lives.
    Watch {
        /// This member.
        member: usize,
    },
    /// Stop the member and start it again after a pause, if it still is in UNKNOWN then.
    Restart {
        /// This member.
        member: usize,
        /// The pause.
        after: Duration,
    },
}

/// What the config says of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How events are told.
    pub style: Style,
    /// How many events wait at most.
    pub buffer_size: NonZeroUsize,
    /// Start listeners anew that are in UNKNOWN.
    pub restart_unknown: bool,
}

/// The machine of one pool. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Feeder {
    settings: Settings,
    buffer: Buffer,
    members: Vec<Member>,
    handled: u64,
}

/// One listener.
#[derive(Clone, Debug)]
struct Member {
    name: Arc<str>,
    life: Life,
    dialogue: Dialogue,
    /// The event that it is handling.
    in_hand: Option<Queued>,
    /// It closed a pipe.
    closed: bool,
    /// How often it was lost since it last handled an event.
    losses: u64,
}

/// What of a process's life matters for feeding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// There is no child.
    Absent,
    /// There is one that is not RUNNING: not yet, or not any more.
    Waiting,
    /// RUNNING: it may be fed.
    Running,
}

impl Feeder {
    /// A pool with these processes, in their order; none of them has a child yet.
    pub fn new(settings: Settings, members: impl IntoIterator<Item = Arc<str>>) -> Self {
        let buffer = Buffer::new(settings.buffer_size);
        let members = members.into_iter().map(Member::new).collect();
        Self {
            settings,
            buffer,
            members,
            handled: 0,
        }
    }

    /// An event came that this pool subscribed to.
    pub fn accept(&mut self, event: Arc<Encoded>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(discarded) = self.buffer.accept(event) {
            effects.push(self.overflowed(&discarded));
        }
        self.dispatch(&mut effects);
        effects
    }

    /// A member has a new child, whose dialogue begins.
    pub fn started(&mut self, member: usize) -> Vec<Effect> {
        let mut effects = self.gone(member);
        if let Some(listener) = self.members.get_mut(member) {
            listener.life = Life::Waiting;
            listener.dialogue = Dialogue::new();
            let state = listener.dialogue.state();
            effects.push(Effect::Entered { member, state });
        }
        effects
    }

    /// A member is RUNNING and may be fed.
    pub fn running(&mut self, member: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(listener) = self.alive(member) {
            listener.life = Life::Running;
            self.dispatch(&mut effects);
        }
        effects
    }

    /// A member is RUNNING no more, but its child may still live: it is not fed, and heard on.
    pub fn leaving(&mut self, member: usize) {
        if let Some(listener) = self.alive(member) {
            listener.life = Life::Waiting;
        }
    }

    /// A member wrote to its stdout.
    pub fn output(&mut self, member: usize, mut bytes: &[u8]) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(listener) = self.alive(member) {
            let from = listener.dialogue.state();
            let Some(outcome) = listener.dialogue.feed(&mut bytes) else {
                break;
            };
            self.understood(member, from, outcome, &mut effects);
        }
        self.dispatch(&mut effects);
        effects
    }

    /// A member's stdin refused an event, or the rest of one. It is not fed any more. An event that
    /// it has in hand stays there until it answers or its end is known.
    pub fn deaf(&mut self, member: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(listener) = self.alive(member) {
            if let Some(queued) = &listener.in_hand {
                let serial = queued.event.serial();
                effects.push(listener.say(Matter::Refused { serial }));
            }
            effects.extend(listener.closed_a_pipe(member));
        }
        effects
    }

    /// A member's stdout is at its end: it will never answer. What it has in hand goes back.
    pub fn mute(&mut self, member: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(listener) = self.alive(member) {
            effects.extend(listener.closed_a_pipe(member));
            self.put_back(member, &mut effects);
            self.dispatch(&mut effects);
        }
        effects
    }

    /// [`CLOSED_GRACE`] is over since [`Effect::Watch`], and the child lives.
    pub fn outlived(&mut self, member: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        let closed = |listener: &&mut Member| listener.closed;
        if let Some(listener) = self.alive(member).filter(closed) {
            let from = listener.dialogue.state();
            if from != ListenerState::Unknown {
                listener.dialogue.give_up();
                effects.push(listener.say(Matter::ClosedPipe));
                self.lost(member, from, &mut effects);
                self.put_back(member, &mut effects);
                self.dispatch(&mut effects);
            }
        }
        effects
    }

    /// A member's child ended, and all it wrote was told before. What it had in hand goes back.
    pub fn gone(&mut self, member: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(listener) = self.alive(member) {
            listener.life = Life::Absent;
            listener.closed = false;
            self.put_back(member, &mut effects);
            self.dispatch(&mut effects);
        }
        effects
    }

    /// The pool ends: says how many events it has not seen handled.
    pub fn retire(&self) -> Option<Sentence> {
        let count = self.unhandled();
        let name = Arc::clone(&self.settings.style.pool);
        let matter = Matter::Undelivered { count };
        (count > 0).then_some(Sentence { name, matter })
    }

    /// Where a member's dialogue is.
    pub fn state(&self, member: usize) -> Option<ListenerState> {
        let listener = self.members.get(member)?;
        Some(listener.dialogue.state())
    }

    /// How many events wait or are in hand.
    pub fn unhandled(&self) -> usize {
        let in_hand = |listener: &&Member| listener.in_hand.is_some();
        self.buffer.len() + self.members.iter().filter(in_hand).count()
    }

    /// Whether at least so many listeners have an event in hand.
    pub fn are_busy(&self, count: usize) -> bool {
        let busy = self.members.iter().filter(|it| it.in_hand.is_some());
        busy.take(count).count() == count
    }

    /// How many events were handled.
    pub const fn handled(&self) -> u64 {
        self.handled
    }

    /// How many events were discarded to make room.
    pub const fn dropped(&self) -> u64 {
        self.buffer.dropped()
    }

    /// The member, if it has a child.
    fn alive(&mut self, member: usize) -> Option<&mut Member> {
        let listener = self.members.get_mut(member)?;
        (listener.life != Life::Absent).then_some(listener)
    }

    /// Sends events for as long as there are events and listeners that want one.
    fn dispatch(&mut self, effects: &mut Vec<Effect>) {
        while !self.buffer.is_empty() {
            let wants = |listener: &mut Member| listener.is_fed() && listener.dialogue.sent();
            let Some(member) = self.members.iter_mut().position(wants) else {
                return;
            };
            let Some(queued) = self.buffer.take() else {
                return;
            };
            let listener = &mut self.members[member];
            let serial = queued.event.serial();
            let style = &self.settings.style;
            let bytes = queued.event.envelope(style, queued.pool_serial);
            listener.in_hand = Some(queued);
            let state = listener.dialogue.state();
            effects.push(Effect::Write { member, bytes });
            effects.push(listener.say(Matter::Sent { serial }));
            effects.push(Effect::Entered { member, state });
        }
    }

    fn understood(
        &mut self,
        member: usize,
        from: ListenerState,
        outcome: Outcome,
        effects: &mut Vec<Effect>,
    ) {
        let Some(listener) = self.members.get_mut(member) else {
            return;
        };
        match outcome {
            Outcome::Ready => listener.moved(member, from, effects),
            Outcome::Result { ok: true } => {
                // It went back already if it came after the end of stdout.
                let handled = listener.in_hand.take().is_some();
                listener.losses = 0;
                self.handled += u64::from(handled);
                effects.push(listener.say(Matter::Processed));
                listener.moved(member, from, effects);
            }
            Outcome::Result { ok: false } => {
                effects.push(listener.say(Matter::Rejected));
                listener.moved(member, from, effects);
                self.put_back(member, effects);
            }
            Outcome::Violation(violation) => {
                let matter = match violation {
                    Violation::NotReady(bytes) => Matter::Instead {
                        bytes,
                        ready_expected: true,
                    },
                    Violation::Spoke(bytes) => Matter::Instead {
                        bytes,
                        ready_expected: false,
                    },
                    Violation::BadResultLine(line) => Matter::BadResultLine(line),
                };
                effects.push(listener.say(matter));
                self.lost(member, from, effects);
                self.put_back(member, effects);
            }
        }
    }

    /// A member came into UNKNOWN.
    fn lost(&mut self, member: usize, from: ListenerState, effects: &mut Vec<Effect>) {
        let restarts = self.settings.restart_unknown;
        let Some(listener) = self.members.get_mut(member) else {
            return;
        };
        listener.moved(member, from, effects);
        effects.push(listener.say(Matter::Lost));
        if restarts {
            listener.losses += 1;
            let after = listener.losses.min(RESTART_PAUSE_MAX);
            effects.push(listener.say(Matter::Restarting { after }));
            let after = Duration::from_secs(after);
            effects.push(Effect::Restart { member, after });
        }
    }

    /// What a member has in hand, if anything, is the next to be sent.
    fn put_back(&mut self, member: usize, effects: &mut Vec<Effect>) {
        let listener = self.members.get_mut(member);
        let Some(queued) = listener.and_then(|listener| listener.in_hand.take()) else {
            return;
        };
        effects.push(self.say(Matter::Rebuffering {
            serial: queued.event.serial(),
            waiting: self.buffer.len(),
            size: self.buffer.size(),
        }));
        if let Some(discarded) = self.buffer.put_back(queued) {
            effects.push(self.overflowed(&discarded));
        }
    }

    fn overflowed(&self, discarded: &Queued) -> Effect {
        let serial = discarded.event.serial();
        self.say(Matter::Overflowed { serial })
    }

    fn say(&self, matter: Matter) -> Effect {
        let name = Arc::clone(&self.settings.style.pool);
        Effect::Say(Sentence { name, matter })
    }
}

impl Member {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            life: Life::Absent,
            dialogue: Dialogue::new(),
            in_hand: None,
            closed: false,
            losses: 0,
        }
    }

    /// Whether it is sent an event when it is READY.
    fn is_fed(&self) -> bool {
        self.life == Life::Running && !self.closed
    }

    /// The first time that a pipe is found closed, somebody has to look whether it lives on.
    fn closed_a_pipe(&mut self, member: usize) -> Option<Effect> {
        let first = !self.closed;
        self.closed = true;
        first.then_some(Effect::Watch { member })
    }

    fn moved(&self, member: usize, from: ListenerState, effects: &mut Vec<Effect>) {
        let to = self.dialogue.state();
        effects.push(self.say(Matter::Moved { from, to }));
        effects.push(Effect::Entered { member, state: to });
    }

    fn say(&self, matter: Matter) -> Effect {
        let name = Arc::clone(&self.name);
        Effect::Say(Sentence { name, matter })
    }
}
