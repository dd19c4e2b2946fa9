//! A room of logs: the actor that has the streams of all programs whose logs are on one file
//! system, each an [`Output`].
//!
//! Each stream by itself is a plain value, for there are two a process: an actor, a task and an
//! entry with the reactor for each would be more than all the rest of a process. So the room keeps
//! for all of them one list of those whose turn it is, one timer, and one [`Poller`].
//!
//! A defect that shows in one stream ends what that one does; the others go on.

use super::output::{ClearError, Ends, OpenError, Output, OutputConfig};
use super::pump::Next;
use super::target;
use super::watch::watch;
use crate::sys::poller::Poller;
use actix::{Actor, ActorContext as _, ActorFuture, AsyncContext as _, Context, Handler, Message};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

/// So many turns are taken before messages and others on the arbiter are heard again.
const TURNS: usize = 8;

/// How long before a pipe that cannot be watched is looked at again.
const UNWATCHED: Duration = Duration::from_millis(100);

/// What comes sooner than this is not left to the reactor's clock.
const SOON: Duration = Duration::from_millis(1);

/// One stream of a room. No two that ever were there have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place(pub(super) u64);

/// The actor; see the module.
pub(super) struct LogRoom {
    ends: Arc<Ends>,
    seats: HashMap<Place, Box<Seat>>,
    /// Those whose turn it is, in this order.
    queue: VecDeque<Place>,
    /// When others are due by the clock.
    alarms: BTreeSet<(Instant, Place)>,
    /// Rings at the first of them.
    timer: Option<Pin<Box<Sleep>>>,
    /// When the poller's alarm rings, in its stead.
    ringing: Option<Instant>,
    /// None where no descriptor was to be had for it.
    poller: Option<AsyncFd<Poller>>,
    /// Where it is told that what a stream waited for has come.
    come: mpsc::UnboundedSender<Place>,
    coming: mpsc::UnboundedReceiver<Place>,
}

/// A stream and what the room knows of it.
struct Seat {
    output: Output,
    /// It is in the queue.
    is_queued: bool,
    /// It has no turn before something that it waits for has come.
    is_waiting: bool,
    /// Nobody will say anything any more: it ends with its pipe.
    is_forgotten: bool,
    /// Its place among the alarms.
    alarm: Option<Instant>,
}

/// A new stream. Not answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Begin {
    pub(super) place: Place,
    pub(super) config: OutputConfig,
}

/// See `Way::open`.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), OpenError>")]
pub(super) struct Open(pub(super) Place);

/// See `Stream::attach`. Not answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Attach {
    pub(super) place: Place,
    pub(super) pipe: OwnedFd,
    pub(super) pid: i32,
}

/// See `Stream::drain`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain {
    pub(super) place: Place,
    pub(super) answer: oneshot::Sender<()>,
}

/// See `Stream::clear`.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), ClearError>")]
pub(super) struct Clear(pub(super) Place);

/// See `Stream::reopen`.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Reopen(pub(super) Place);

/// See `Stream::retire`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Retire {
    pub(super) place: Place,
    pub(super) answer: oneshot::Sender<()>,
}

/// Makes all automatic logs that are still to be made: somebody wants to read one. Answered when
/// that is done.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct MakeAll;

/// The owner of a stream is gone. Not answered.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Forget(pub(super) Place);

impl LogRoom {
    pub(super) fn new(ends: Arc<Ends>) -> Self {
        let (come, coming) = mpsc::unbounded_channel();
        Self {
            ends,
            seats: HashMap::new(),
            queue: VecDeque::new(),
            alarms: BTreeSet::new(),
            timer: None,
            ringing: None,
            poller: None,
            come,
            coming,
        }
    }

    /// Lets a stream do something, if it is there, and gives it a turn.
    fn tell<T>(&mut self, place: Place, what: impl FnOnce(&mut Seat) -> T) -> Option<T> {
        let done = self.with(place, what);
        self.enqueue(place);
        done
    }

    /// Lets a stream do something, if it is there. If a defect shows, it begins anew.
    fn with<T>(&mut self, place: Place, what: impl FnOnce(&mut Seat) -> T) -> Option<T> {
        let seat = self.seats.get_mut(&place)?;
        // What a panic left behind is thrown away.
        let done = catch_unwind(AssertUnwindSafe(|| what(seat)));
        if done.is_err() {
            let config = seat.output.config.clone();
            slog::crit!(
                self.ends.log,
                "the {} of '{}' is not read any more before its next start; restart it",
                config.channel.name(),
                config.row.name
            );
            config
                .row
                .write(|row| row.set_trouble(config.channel, None));
            let retiring = seat.output.retiring;
            seat.output = Output::new(config, Arc::clone(&self.ends));
            seat.output.retiring = retiring;
            // It may have been about to end.
            self.enqueue(place);
        }
        done.ok()
    }

    fn enqueue(&mut self, place: Place) {
        if let Some(seat) = self.seats.get_mut(&place)
            && !seat.is_queued
        {
            seat.is_queued = true;
            self.queue.push_back(place);
        }
    }

    /// Gives a stream its turn, and sees to it that the next one comes.
    fn turn(&mut self, place: Place) {
        let next = self.with(place, |seat| {
            seat.is_queued = false;
            let next = (!seat.is_waiting).then(|| seat.output.turn());
            seat.output.note_trouble();
            next
        });
        match next.flatten() {
            None | Some(Next::Rest) => {}
            Some(Next::Others) => self.enqueue(place),
            Some(Next::Readable) => self.watch(place),
            Some(Next::Delivered(events)) => {
                let bus = self.ends.bus.clone();
                self.wait_for(place, async move {
                    for event in events {
                        if let Some(bus) = &bus {
                            bus.publish_paced(event.kind(), || event).await;
                        }
                    }
                });
            }
            Some(Next::Unclogged(target)) => self.wait_for(place, target::unclog(target)),
            Some(Next::Nothing) => self.end_if_forgotten(place),
            Some(Next::Over) => self.end(place),
        }
        self.set_alarm(place);
    }

    /// The stream has no turn until this is done.
    fn wait_for(&mut self, place: Place, what: impl Future<Output = ()> + 'static) {
        if let Some(seat) = self.seats.get_mut(&place) {
            seat.is_waiting = true;
            let come = Come {
                come: self.come.clone(),
                place,
            };
            actix_rt::spawn(async move {
                what.await;
                drop(come);
            });
        }
    }

    /// The stream has a turn when its pipe can be read.
    fn watch(&mut self, place: Place) {
        if self.poller.is_none() {
            let poller = Poller::new().ok();
            self.poller = poller.and_then(|it| watch(it, Interest::READABLE).ok());
        }
        let Some(seat) = self.seats.get_mut(&place) else {
            return;
        };
        let Some(pipe) = seat.output.flow.pipe() else {
            return;
        };
        let poller = self.poller.as_ref();
        let is_watched = poller.is_some_and(|it| it.get_ref().watch(pipe, place.0).is_ok());
        if !is_watched {
            seat.output.flow.rest_for(UNWATCHED);
        }
    }

    fn unwatch(&self, place: Place) {
        let seat = self.seats.get(&place);
        let pipe = seat.and_then(|it| it.output.flow.pipe());
        if let (Some(pipe), Some(poller)) = (pipe, &self.poller) {
            // It may be another pipe by now, which nobody watches yet.
            let _ = poller.get_ref().forget(pipe);
        }
    }

    fn set_alarm(&mut self, place: Place) {
        let Some(seat) = self.seats.get_mut(&place) else {
            return;
        };
        // One that waits has its turn when that is over.
        let alarm = seat.output.alarm().filter(|_| !seat.is_waiting);
        if alarm != seat.alarm {
            if let Some(before) = seat.alarm {
                self.alarms.remove(&(before, place));
            }
            if let Some(alarm) = alarm {
                self.alarms.insert((alarm, place));
            }
            seat.alarm = alarm;
        }
    }

    fn end_if_forgotten(&mut self, place: Place) {
        if self.seats.get(&place).is_some_and(|it| it.is_forgotten) {
            self.end(place);
        }
    }

    fn end(&mut self, place: Place) {
        if let Some(seat) = self.seats.remove(&place)
            && let Some(alarm) = seat.alarm
        {
            self.alarms.remove(&(alarm, place));
        }
    }

    /// Puts all into the queue whose turn has come, and will hear of the next.
    fn listen(&mut self, cx: &mut task::Context<'_>) {
        let is_busy = !self.queue.is_empty();
        while let Poll::Ready(Some(place)) = self.coming.poll_recv(cx) {
            if let Some(seat) = self.seats.get_mut(&place) {
                seat.is_waiting = false;
            }
            self.enqueue(place);
        }
        self.listen_to_pipes(cx, is_busy);
        self.listen_to_clock(cx);
    }

    fn listen_to_pipes(&mut self, cx: &mut task::Context<'_>, is_busy: bool) {
        let mut readable = Vec::new();
        if let Some(poller) = &self.poller {
            if is_busy {
                // The reactor has not had its turn.
                let _ = poller.get_ref().ready(&mut readable);
            }
            while let Poll::Ready(Ok(mut ready)) = poller.poll_read_ready(cx) {
                // What comes meanwhile makes it ready anew.
                ready.clear_ready();
                if poller.get_ref().ready(&mut readable).is_err() {
                    break;
                }
            }
        }
        for place in readable.into_iter().map(Place) {
            self.unwatch(place);
            self.enqueue(place);
        }
    }

    fn listen_to_clock(&mut self, cx: &mut task::Context<'_>) {
        let now = Instant::now();
        while let Some(&(alarm, place)) = self.alarms.first() {
            if alarm > now {
                if self.ring_soon(alarm, now) {
                    return;
                }
                let end = tokio::time::Instant::from_std(alarm);
                let timer = self
                    .timer
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
                if timer.deadline() != end {
                    timer.as_mut().reset(end);
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return;
                }
                // It was nearly time.
            }
            self.alarms.pop_first();
            if let Some(seat) = self.seats.get_mut(&place) {
                seat.alarm = None;
            }
            self.enqueue(place);
        }
    }

    /// Whether the poller's alarm will ring at that moment: where the timer, which counts in whole
    /// milliseconds, would be too late.
    fn ring_soon(&mut self, end: Instant, now: Instant) -> bool {
        if self.ringing == Some(end) {
            return true;
        }
        let time = end.saturating_duration_since(now);
        let poller = self.poller.as_ref().filter(|_| time < SOON);
        let is_set = poller.is_some_and(|it| it.get_ref().ring_in(time).is_ok());
        self.ringing = is_set.then_some(end);
        is_set
    }
}

/// Tells the room that a stream waits no more, however that ended.
struct Come {
    come: mpsc::UnboundedSender<Place>,
    place: Place,
}

impl Drop for Come {
    fn drop(&mut self) {
        // A room that is gone waits for nothing.
        let _ = self.come.send(self.place);
    }
}

/// Gives the streams of a room their turns.
struct Turns;

impl ActorFuture<LogRoom> for Turns {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        room: &mut LogRoom,
        context: &mut Context<LogRoom>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        for _ in 0..TURNS {
            if room.queue.is_empty() {
                room.listen(cx);
            }
            let Some(place) = room.queue.pop_front() else {
                if room.seats.is_empty() && !context.connected() {
                    context.stop();
                    return Poll::Ready(());
                }
                return Poll::Pending;
            };
            room.turn(place);
        }
        room.listen(cx);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Actor for LogRoom {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(Turns);
    }
}

impl Handler<Begin> for LogRoom {
    type Result = ();

    fn handle(&mut self, Begin { place, config }: Begin, _: &mut Self::Context) {
        let output = Output::new(config, Arc::clone(&self.ends));
        let seat = Seat {
            output,
            is_queued: false,
            is_waiting: false,
            is_forgotten: false,
            alarm: None,
        };
        // Its log is made when others had their turns: who waits for a log goes first.
        let is_unmade = seat.output.config.is_unmade;
        self.seats.insert(place, Box::new(seat));
        if is_unmade {
            self.enqueue(place);
        }
    }
}

impl Handler<MakeAll> for LogRoom {
    type Result = ();

    fn handle(&mut self, MakeAll: MakeAll, _: &mut Self::Context) {
        let seats = self.seats.iter();
        let unmade = seats.filter(|(_, seat)| seat.output.config.is_unmade);
        let unmade: Vec<Place> = unmade.map(|(&place, _)| place).collect();
        for place in unmade {
            self.with(place, |seat| seat.output.make());
        }
    }
}

impl Handler<Open> for LogRoom {
    type Result = Result<(), OpenError>;

    fn handle(&mut self, Open(place): Open, _: &mut Self::Context) -> Self::Result {
        self.with(place, |seat| seat.output.open())
            .unwrap_or(Ok(()))
    }
}

impl Handler<Attach> for LogRoom {
    type Result = ();

    fn handle(&mut self, attach: Attach, _: &mut Self::Context) {
        let Attach { place, pipe, pid } = attach;
        self.tell(place, |seat| seat.output.attach(pipe, pid));
    }
}

impl Handler<Drain> for LogRoom {
    type Result = ();

    fn handle(&mut self, Drain { place, answer }: Drain, _: &mut Self::Context) {
        self.tell(place, |seat| seat.output.drain(answer));
    }
}

impl Handler<Clear> for LogRoom {
    type Result = Result<(), ClearError>;

    fn handle(&mut self, Clear(place): Clear, _: &mut Self::Context) -> Self::Result {
        self.with(place, |seat| seat.output.clear())
            .unwrap_or(Err(ClearError))
    }
}

impl Handler<Reopen> for LogRoom {
    type Result = ();

    fn handle(&mut self, Reopen(place): Reopen, _: &mut Self::Context) {
        self.with(place, |seat| seat.output.reopen());
    }
}

impl Handler<Retire> for LogRoom {
    type Result = ();

    fn handle(&mut self, Retire { place, answer }: Retire, _: &mut Self::Context) {
        self.tell(place, |seat| {
            seat.output.retiring = true;
            seat.output.drain(answer);
        });
    }
}

impl Handler<Forget> for LogRoom {
    type Result = ();

    fn handle(&mut self, Forget(place): Forget, _: &mut Self::Context) {
        self.tell(place, |seat| seat.is_forgotten = true);
    }
}

/// Whether a stream is there.
#[cfg(test)]
#[derive(Message)]
#[rtype(result = "bool")]
pub(super) struct Whether(pub(super) Place);

#[cfg(test)]
impl Handler<Whether> for LogRoom {
    type Result = bool;

    fn handle(&mut self, Whether(place): Whether, _: &mut Self::Context) -> bool {
        self.seats.contains_key(&place)
    }
}

/// A defect shows in a stream.
#[cfg(test)]
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Fail(pub(super) Place);

#[cfg(test)]
impl Handler<Fail> for LogRoom {
    type Result = ();

    fn handle(&mut self, Fail(place): Fail, _: &mut Self::Context) {
        self.tell(place, |_| panic!("this is on purpose"));
    }
}

#[cfg(test)]
mod tests;
