//! The event bus: takes what is published, numbers it, and hands it to every pool that wants it.
//!
//! Publishers anywhere look at [`Wanted`] first: an event that nobody subscribed to is never
//! built and never sent. The bus keeps no events; pools do, each as many as its config allows.
//! Global serials count the events that somebody wanted, as in the original: one that nobody
//! wants takes none.

use crate::model::envelope::{Encoded, Serials};
use crate::model::event::{Event, EventKind, EventMask};
use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The way to the bus, for publishers and pools on any thread. Clones lead to the same bus.
#[derive(Clone, Debug)]
pub struct Bus(Arc<Way>);

/// Each clone of an address has a queue entry of its own; thousands of publishers share one.
#[derive(Debug)]
struct Way {
    address: Addr<EventBus>,
    wanted: Wanted,
}

/// Something happened. Answered once every pool that wants it has it in its buffer, so that a
/// publisher who awaits the answer cannot fill memory with events on the way.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Publish(pub Event);

/// An event for a pool. Not answered; what counts is that `turn` is dropped when the event is in
/// the pool's buffer.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Delivered {
    /// The event, shared by all pools.
    pub event: Arc<Encoded>,
    /// To be dropped once the event is buffered.
    pub turn: Turn,
}

/// The types that anybody wants have changed: told to those who asked with [`Watch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct WantedChanged(pub EventMask);

/// Asks to be told which types are wanted, now and at each change. Answered at once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Watch(pub Recipient<WantedChanged>);

#[derive(Message)]
#[rtype(result = "()")]
struct Subscribe {
    mask: EventMask,
    pool: Recipient<Delivered>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Then(Box<dyn FnOnce() + Send>);

#[derive(Message)]
#[rtype(result = "()")]
struct Unsubscribe(Recipient<Delivered>);

impl Bus {
    /// Starts a bus on this arbiter. `host` is the machine's name.
    pub fn start(host: Arc<str>) -> Self {
        let wanted = Wanted::default();
        let address = EventBus {
            host,
            serials: Serials::new(),
            subscriptions: Vec::new(),
            watchers: Vec::new(),
            wanted: wanted.clone(),
        }
        .start();
        Self(Arc::new(Way { address, wanted }))
    }

    /// Whether anybody wants events of this type. Cheap: one load.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.0.wanted.wants(kind)
    }

    /// Publishes an event if anybody wants its type; else it is not even built.
    pub fn publish(&self, kind: EventKind, event: impl FnOnce() -> Event) {
        if self.wants(kind) {
            self.0.address.do_send(Publish(event()));
        }
    }

    /// Publishes an event and answers once every pool that wants it has buffered it; at once if
    /// nobody does.
    pub async fn publish_paced(&self, kind: EventKind, event: impl FnOnce() -> Event) {
        if self.wants(kind) {
            // A bus that is gone has nobody to tell.
            let _ = self.0.address.send(Publish(event())).await;
        }
    }

    /// Subscribes a pool: everything that is published after this call reaches it.
    pub fn subscribe(&self, mask: EventMask, pool: Recipient<Delivered>) {
        // First the mask, then the message: who publishes from now on sees it, and what they
        // send is behind the message in the bus's mailbox.
        self.0.wanted.add(mask);
        self.0.address.do_send(Subscribe { mask, pool });
    }

    /// Ends a subscription. Events that are on their way may still arrive.
    pub fn unsubscribe(&self, pool: Recipient<Delivered>) {
        self.0.address.do_send(Unsubscribe(pool));
    }

    /// Does something once everything that was published before is on its way to its pools, e.g.
    /// sends a pool what must come after that.
    pub fn then(&self, what: impl FnOnce() + Send + 'static) {
        self.0.address.do_send(Then(Box::new(what)));
    }

    /// The address, for those who publish through a mailbox of their own.
    pub fn address(&self) -> &Addr<EventBus> {
        &self.0.address
    }

    /// The shared mask.
    pub fn wanted(&self) -> &Wanted {
        &self.0.wanted
    }
}

/// Which types anybody wants, shared by all threads.
#[derive(Clone, Debug, Default)]
pub struct Wanted(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    mask: AtomicU32,
    /// How many subscriptions want each type.
    subscribers: Mutex<[u32; EventKind::ALL.len()]>,
}

impl Wanted {
    /// Whether anybody wants events of this type.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.mask().contains(kind)
    }

    /// All types that anybody wants.
    pub fn mask(&self) -> EventMask {
        EventMask::from_bits(self.0.mask.load(Ordering::Acquire))
    }

    fn add(&self, mask: EventMask) {
        let mut counts = self.lock();
        for kind in mask.kinds() {
            counts[kind as usize] += 1;
        }
        self.store(&counts);
    }

    fn remove(&self, mask: EventMask) {
        let mut counts = self.lock();
        for kind in mask.kinds() {
            let count = &mut counts[kind as usize];
            *count = count.saturating_sub(1);
        }
        self.store(&counts);
    }

    fn lock(&self) -> MutexGuard<'_, [u32; EventKind::ALL.len()]> {
        // Plain numbers: whoever panicked with the lock left each of them whole.
        let counts = self.0.subscribers.lock();
        counts.unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, counts: &[u32; EventKind::ALL.len()]) {
        let wanted = |kind: &EventKind| counts[*kind as usize] > 0;
        let mask: EventMask = EventKind::ALL.into_iter().filter(wanted).collect();
        self.0.mask.store(mask.bits(), Ordering::Release);
    }
}

/// A publisher's turn: when the last clone is dropped, its [`Publish`] is answered. Dropped
/// clones of pools that are gone count like any other, so nobody waits for ever.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<Waiter>);

#[derive(Debug, Default)]
struct Waiter(Mutex<Option<OneshotSender<()>>>);

impl Turn {
    fn answer_to(&self, publisher: Option<OneshotSender<()>>) {
        let mut waiting = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = publisher;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let waiting = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(publisher) = waiting.take() {
            // A publisher that no longer waits is no matter.
            let _ = publisher.send(());
        }
    }
}

impl MessageResponse<EventBus, Publish> for Turn {
    fn handle(self, _: &mut Context<EventBus>, publisher: Option<OneshotSender<()>>) {
        self.answer_to(publisher);
    }
}

/// The actor behind [`Bus`].
#[derive(Debug)]
pub struct EventBus {
    host: Arc<str>,
    serials: Serials,
    /// In the order of subscribing, which is the order of delivery.
    subscriptions: Vec<Subscription>,
    watchers: Vec<Recipient<WantedChanged>>,
    wanted: Wanted,
}

#[derive(Debug)]
struct Subscription {
    mask: EventMask,
    pool: Recipient<Delivered>,
}

impl EventBus {
    /// Ends the subscriptions that `ended` picks, and says so to those who watch.
    fn end(&mut self, ended: impl Fn(&Subscription) -> bool) {
        let wanted = &self.wanted;
        self.subscriptions.retain(|subscription| {
            let ends = ended(subscription);
            if ends {
                wanted.remove(subscription.mask);
            }
            !ends
        });
        self.tell_watchers();
    }

    fn tell_watchers(&self) {
        let mask = self.wanted.mask();
        for watcher in &self.watchers {
            watcher.do_send(WantedChanged(mask));
        }
    }
}

impl Actor for EventBus {
    type Context = Context<Self>;
}

impl Handler<Publish> for EventBus {
    type Result = Turn;

    fn handle(&mut self, Publish(event): Publish, _: &mut Context<Self>) -> Turn {
        let kind = event.kind();
        let turn = Turn::default();
        let wants = |subscription: &&Subscription| {
            subscription.mask.contains(kind) && subscription.pool.connected()
        };
        let mut pools = self.subscriptions.iter().filter(wants).peekable();
        if pools.peek().is_some() {
            let host = Arc::clone(&self.host);
            let event = Arc::new(Encoded::new(self.serials.take(), event, host));
            for subscription in pools {
                subscription.pool.do_send(Delivered {
                    event: Arc::clone(&event),
                    turn: turn.clone(),
                });
            }
        }
        turn
    }
}

impl Handler<Subscribe> for EventBus {
    type Result = ();

    fn handle(&mut self, Subscribe { mask, pool }: Subscribe, _: &mut Context<Self>) {
        // A pool that died without a word leaves its place to the next one who comes.
        self.end(|subscription| !subscription.pool.connected());
        self.subscriptions.push(Subscription { mask, pool });
        self.tell_watchers();
    }
}

impl Handler<Unsubscribe> for EventBus {
    type Result = ();

    fn handle(&mut self, Unsubscribe(pool): Unsubscribe, _: &mut Context<Self>) {
        self.end(|subscription| subscription.pool == pool);
    }
}

impl Handler<Then> for EventBus {
    type Result = ();

    fn handle(&mut self, Then(what): Then, _: &mut Context<Self>) {
        what();
    }
}

impl Handler<Watch> for EventBus {
    type Result = ();

    fn handle(&mut self, Watch(watcher): Watch, _: &mut Context<Self>) {
        watcher.do_send(WantedChanged(self.wanted.mask()));
        self.watchers.push(watcher);
    }
}

#[cfg(test)]
mod tests;
