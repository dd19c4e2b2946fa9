//! The pump of an [`Output`]: what it does when it is not spoken with.
//!
//! One turn reads at most a few times, so that a flood in one pipe starves no other. After a
//! read that found little it rests for some milliseconds, so that many small writes are one
//! wake-up; the ends of all rests on an arbiter fall together. While the pipe rests or floods it
//! is not registered with the reactor, or else each of the child's writes would wake this thread;
//! it is only while there is nothing to read. Then nothing happens at all.
//!
//! ```text
//!            nothing there                     readable
//!  Reading ────────────────► Watching ──────────────────────► Reading
//!     │ ▲
//!     ▼ │ after 1–5 ms
//!   resting
//! ```

use super::filters::Filtered;
use super::mainlog::OUTPUT_TAG;
use super::output::Output;
use super::target;
use super::watch::watch;
use crate::model::event::{Event, EventKind, Output as Written};
use crate::model::pace::{Next, Pace};
use crate::model::python::text_or_undecodable;
use crate::model::state::Channel;
use crate::model::text::repr;
use crate::sys::pipe;
use actix::{ActorContext, ActorFuture, Context};
use slog::{Drain as _, Level, debug, warn};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use tokio::time::Sleep;

/// As much is read at once, and written at once; as in the original, because a log may be longer
/// than its limit by that much, and an event as long as that.
const SCRATCH: usize = 128 * 1024;

/// So many reads make a turn.
const READS_A_TURN: u32 = 8;

/// A pipe that is found full is made as big as this, so that its writer need not wait for us.
const ROOMY: i32 = 1024 * 1024;

/// How long to wait before a pipe that cannot be registered with the reactor is looked at again.
const UNWATCHED: Duration = Duration::from_millis(100);

type Job = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// What all pumps on this arbiter read into, one at a time.
    static ROOM: RefCell<Room> = RefCell::default();
    /// What the ends of rests are counted from.
    static EPOCH: Instant = Instant::now();
}

#[derive(Default)]
struct Room {
    read: Vec<u8>,
    filter: Vec<u8>,
}

/// Drives an [`Output`]; see the module.
pub(super) struct Pump;

/// Where the bytes of one child come from and where they are held up.
#[derive(Default)]
pub(super) struct Flow {
    pipe: Pipe,
    pid: i32,
    /// How many bytes the pipe holds.
    capacity: usize,
    pace: Pace,
    rest: Option<Pin<Box<Sleep>>>,
    draining: Option<Box<Draining>>,
    /// The pipe has come to its end, and the log is not needed any more.
    pub(super) ended: bool,
    /// Waits until the target takes bytes again.
    clogged: Option<Job>,
    events: Option<Box<Events>>,
}

/// Events of one stream: those that wait for their turn, and the one that is on its way.
#[derive(Default)]
struct Events {
    waiting: VecDeque<Event>,
    sending: Option<Job>,
}

#[derive(Default)]
enum Pipe {
    #[default]
    None,
    Reading(OwnedFd),
    Watching(AsyncFd<OwnedFd>),
}

/// How far it is with reading what a dead child has left.
#[derive(Debug, Default)]
struct Draining {
    /// So many bytes may still be from before the draining began.
    left: usize,
    /// Those who wait for its end.
    waiters: Vec<oneshot::Sender<()>>,
}

enum Found {
    Bytes(usize),
    Nothing,
    End,
}

impl Flow {
    /// Begins with another child's pipe.
    pub(super) fn attach(&mut self, pipe: OwnedFd, pid: i32) {
        self.capacity = pipe::capacity(&pipe);
        self.pipe = Pipe::Reading(pipe);
        self.pid = pid;
        self.pace = Pace::default();
        self.rest = None;
        self.ended = false;
        // Whoever waits for the end of the child before has seen it in the sweep.
        self.drained();
    }

    /// What the pipe holds by now is to be read at once; then `waiter` hears of it.
    pub(super) fn begin_to_drain(&mut self, waiter: oneshot::Sender<()>) {
        let draining = self.draining.get_or_insert_default();
        draining.left = self.capacity.max(1);
        draining.waiters.push(waiter);
        self.rest = None;
        self.unwatch();
        // A log that was opened for a child that never came.
        self.ended |= matches!(self.pipe, Pipe::None);
    }

    /// Nothing is left to be drained, if anything was.
    fn drained(&mut self) {
        if let Some(draining) = &mut self.draining {
            draining.left = 0;
        }
    }

    fn unwatch(&mut self) {
        self.pipe = match std::mem::take(&mut self.pipe) {
            Pipe::Watching(watched) => Pipe::Reading(watched.into_inner()),
            other @ (Pipe::None | Pipe::Reading(_)) => other,
        };
    }

    /// Waits until the pipe is readable or at its end.
    fn poll_watch(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        self.pipe = match std::mem::take(&mut self.pipe) {
            Pipe::Reading(pipe) => match watch(pipe, Interest::READABLE) {
                Ok(watched) => Pipe::Watching(watched),
                Err((pipe, _)) => {
                    self.pipe = Pipe::Reading(pipe);
                    self.rest_for(UNWATCHED);
                    return self.poll_rest(cx);
                }
            },
            other @ (Pipe::None | Pipe::Watching(_)) => other,
        };
        if let Pipe::Watching(watched) = &self.pipe {
            // An error means that the reactor is going away, and so are we.
            let _ = ready!(watched.poll_read_ready(cx));
        }
        self.unwatch();
        Poll::Ready(())
    }

    fn rest_for(&mut self, time: Duration) {
        let end = tokio::time::Instant::from_std(aligned(Instant::now(), time));
        match &mut self.rest {
            Some(rest) => rest.as_mut().reset(end),
            none => *none = Some(Box::pin(tokio::time::sleep_until(end))),
        }
    }

    fn poll_rest(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        match &mut self.rest {
            Some(rest) => rest.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<Found> {
        let Pipe::Reading(descriptor) = &self.pipe else {
            return Ok(Found::Nothing);
        };
        loop {
            return match pipe::read(descriptor, room) {
                Ok(0) => Ok(Found::End),
                Ok(count) => Ok(Found::Bytes(count)),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::WouldBlock => Ok(Found::Nothing),
                    _ => Err(error),
                },
            };
        }
    }
}

/// The end of a rest that begins now and lasts about so long, at a moment that others of the same
/// length on this arbiter share.
fn aligned(now: Instant, time: Duration) -> Instant {
    let epoch = EPOCH.with(|epoch| *epoch);
    let millis = time.as_millis().max(1);
    let since = now.saturating_duration_since(epoch).as_millis();
    let end = (since / millis + 1) * millis;
    epoch + Duration::from_millis(u64::try_from(end).unwrap_or(u64::MAX))
}

impl ActorFuture<Output> for Pump {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        output: &mut Output,
        context: &mut Context<Output>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        let turn = output.turn(cx);
        output.note_trouble();
        if turn.is_ready() {
            let forgotten = !context.connected();
            if output.retiring || forgotten {
                output.close();
                context.stop();
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl Output {
    /// Does what can be done now. Ready if nothing is left to be done until somebody says
    /// something, for there is no pipe or the actor retires and has drained it.
    fn turn(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        let mut reads = 0;
        loop {
            ready!(self.poll_events(cx));
            ready!(self.poll_clogged(cx));
            self.poll_unfinished(cx);
            if self.flow.draining.as_ref().is_some_and(|it| it.left == 0) {
                if self.finish_filters() {
                    // What they held back may have met a full pipe or be an event.
                    continue;
                }
                for waiter in self
                    .flow
                    .draining
                    .take()
                    .into_iter()
                    .flat_map(|it| it.waiters)
                {
                    let _ = waiter.send(());
                }
                if self.retiring {
                    return Poll::Ready(());
                }
            }
            if matches!(self.flow.pipe, Pipe::None) {
                if self.flow.draining.is_some() {
                    self.flow.drained();
                    continue;
                }
                if std::mem::take(&mut self.flow.ended) {
                    self.target = None;
                }
                return Poll::Ready(());
            }
            if reads == READS_A_TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            ready!(self.flow.poll_rest(cx));
            if matches!(self.flow.pipe, Pipe::Watching(_)) {
                ready!(self.flow.poll_watch(cx));
            }
            reads += 1;
            match self.read_and_write() {
                Found::Bytes(count) => self.after_bytes(count),
                Found::Nothing => {
                    self.flow.rest = None;
                    self.flow.pace.calm_down();
                    if self.flow.draining.is_none() {
                        ready!(self.flow.poll_watch(cx));
                    } else {
                        self.flow.drained();
                    }
                }
                Found::End => self.end_pipe(),
            }
        }
    }

    fn after_bytes(&mut self, count: usize) {
        let flow = &mut self.flow;
        if let Some(draining) = &mut flow.draining {
            draining.left = draining.left.saturating_sub(count);
            return;
        }
        match flow.pace.after(count, flow.capacity.min(SCRATCH)) {
            Next::Again => {
                flow.rest = None;
                self.make_roomy(count);
            }
            Next::Rest(time) => flow.rest_for(time),
        }
    }

    fn make_roomy(&mut self, count: usize) {
        let flow = &mut self.flow;
        let roomy = usize::try_from(ROOMY).unwrap_or(0);
        if count >= flow.capacity
            && flow.capacity < roomy
            && let Pipe::Reading(pipe) = &flow.pipe
        {
            flow.capacity = pipe::grow(pipe.as_fd(), ROOMY).max(flow.capacity);
        }
    }

    fn read_and_write(&mut self) -> Found {
        ROOM.with_borrow_mut(|room| {
            if room.read.is_empty() {
                room.read = vec![0; SCRATCH];
            }
            let found = match self.flow.read(&mut room.read) {
                Ok(found) => found,
                Err(error) => {
                    let (process, channel) =
                        (repr(&self.config.process), self.config.channel.name());
                    warn!(
                        self.ends.log,
                        "{process} {channel} cannot be read any more: {error}"
                    );
                    Found::End
                }
            };
            if let Found::Bytes(count) = found {
                self.digest(&room.read[..count], &mut room.filter);
            }
            found
        })
    }

    /// Brings what was read to where it belongs.
    fn digest(&mut self, bytes: &[u8], room: &mut Vec<u8>) {
        match self.filters.take() {
            None => self.pass(Filtered::Text(bytes)),
            Some(mut filters) => {
                filters.filter(bytes, room, &mut |filtered| self.pass(filtered));
                self.filters = Some(filters);
            }
        }
    }

    /// Writes a line whose end did not come for a while.
    fn poll_unfinished(&mut self, cx: &mut task::Context<'_>) {
        let policy = self.policy();
        if let Some(lines) = &mut self.lines {
            lines.poll(self.target.as_ref(), policy, cx);
        }
    }

    /// Lets everything go of what it holds back. Answers whether that was anything.
    fn finish_filters(&mut self) -> bool {
        let filtered = self.finish_filtering();
        let policy = self.policy();
        let lines = self.lines.as_mut();
        let ended = lines.is_some_and(|lines| lines.finish(self.target.as_ref(), policy));
        filtered || ended
    }

    fn finish_filtering(&mut self) -> bool {
        let Some(mut filters) = self.filters.take() else {
            return false;
        };
        let mut any = false;
        let open = ROOM.with_borrow_mut(|room| {
            filters.finish(&mut room.filter, &mut |filtered| {
                any = true;
                self.pass(filtered);
            })
        });
        self.filters = Some(filters);
        if open {
            let (process, channel) = (repr(&self.config.process), self.config.channel.name());
            debug!(
                self.ends.log,
                "{process} {channel} ended within a comm event, which is dropped"
            );
        }
        any
    }

    fn pass(&mut self, filtered: Filtered<'_>) {
        match filtered {
            Filtered::Text(bytes) => {
                let policy = self.policy();
                if let Some(target) = &self.target {
                    match &mut self.lines {
                        None => target.borrow_mut().write(bytes, policy, Instant::now()),
                        Some(lines) => lines.write(bytes, target, policy),
                    }
                }
                self.tell(bytes);
            }
            Filtered::Captured(bytes) => self.tell(bytes),
            Filtered::Complete(bytes) => {
                let kind = match self.config.channel {
                    Channel::Stdout => EventKind::ProcessCommunicationStdout,
                    Channel::Stderr => EventKind::ProcessCommunicationStderr,
                };
                self.publish(kind, bytes, Event::ProcessCommunication);
                let (process, channel) = (repr(&self.config.process), self.config.channel.name());
                debug!(self.ends.log, "{process} {channel} emitted a comm event");
            }
            Filtered::Line(line) => super::syslogger::send(line, &self.ends.log),
        }
    }

    /// Tells the main log and the listeners of output, where they want to know.
    fn tell(&mut self, bytes: &[u8]) {
        if self.ends.log.is_enabled(Level::Debug) && !self.config.is_protocol {
            let (process, channel) = (repr(&self.config.process), self.config.channel.name());
            let text = text_or_undecodable(bytes);
            debug!(self.ends.log, #OUTPUT_TAG, "{process} {channel} output:\n{text}");
        }
        if self.config.events_enabled {
            let kind = match self.config.channel {
                Channel::Stdout => EventKind::ProcessLogStdout,
                Channel::Stderr => EventKind::ProcessLogStderr,
            };
            self.publish(kind, bytes, Event::ProcessLog);
        }
    }

    fn publish(&mut self, kind: EventKind, bytes: &[u8], event: fn(Written) -> Event) {
        if !self.ends.bus.as_ref().is_some_and(|bus| bus.wants(kind)) {
            return;
        }
        let config = &self.config;
        let event = event(Written {
            process: Arc::clone(&config.process),
            group: Arc::clone(&config.group),
            pid: Some(self.flow.pid),
            channel: config.channel,
            data: bytes.to_vec(),
        });
        let events = self.flow.events.get_or_insert_default();
        events.waiting.push_back(event);
    }

    /// Sends one event after another. Ready when all are delivered.
    fn poll_events(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        let Some(events) = &mut self.flow.events else {
            return Poll::Ready(());
        };
        loop {
            if let Some(sending) = &mut events.sending {
                ready!(sending.as_mut().poll(cx));
                events.sending = None;
            }
            let (Some(event), Some(bus)) = (events.waiting.pop_front(), &self.ends.bus) else {
                return Poll::Ready(());
            };
            let bus = bus.clone();
            events.sending = Some(Box::pin(async move {
                bus.publish_paced(event.kind(), || event).await;
            }));
        }
    }

    /// Ready when the target has room.
    fn poll_clogged(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        loop {
            if let Some(clogged) = &mut self.flow.clogged {
                ready!(clogged.as_mut().poll(cx));
                self.flow.clogged = None;
            }
            match &self.target {
                Some(target) if target.borrow().is_clogged() => {
                    self.flow.clogged = Some(Box::pin(target::unclog(target.clone())));
                }
                Some(_) | None => return Poll::Ready(()),
            }
        }
    }

    /// The pipe has ended, and so has what was in the filters.
    fn end_pipe(&mut self) {
        self.finish_filters();
        if let Pipe::Reading(pipe) = &self.flow.pipe {
            let (number, process) = (pipe.as_raw_fd(), repr(&self.config.process));
            let channel = self.config.channel.name();
            debug!(
                self.ends.log,
                "fd {number} closed, stopped monitoring <Output for {process} ({channel})>"
            );
        }
        self.flow.pipe = Pipe::None;
        self.flow.rest = None;
        self.flow.ended = true;
    }

    /// Reads what is left in the pipe of a child that was replaced, at most as much as it held,
    /// and closes it.
    pub(super) fn sweep(&mut self) {
        self.flow.unwatch();
        let mut left = self.flow.capacity;
        while left > 0 && !matches!(self.flow.pipe, Pipe::None) {
            match self.read_and_write() {
                Found::Bytes(count) => left = left.saturating_sub(count),
                Found::Nothing => break,
                Found::End => self.end_pipe(),
            }
        }
        self.finish_filters();
        self.flow.pipe = Pipe::None;
    }

    fn close(&mut self) {
        self.flow.pipe = Pipe::None;
        self.target = None;
    }
}
