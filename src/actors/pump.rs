//! The pump of an [`Output`]: what it does when it is not spoken with.
//!
//! One turn reads at most a few times, so that a flood in one pipe starves no other. After a
//! read that found little it rests (`model/pace.rs`), so that many small writes are one wake-up;
//! the ends of all rests of whole milliseconds on an arbiter fall together. While the pipe rests
//! or floods it is not watched, or else each of the child's writes would wake this thread; it is
//! only while there is nothing to read. Then nothing happens at all.
//!
//! ```text
//!            nothing there                     readable
//!  reading ────────────────► watched ───────────────────────► reading
//!     │ ▲
//!     ▼ │ after 1–5 ms; after 0.1 ms in a flood
//!   resting
//! ```
//!
//! A turn never waits: what it has to wait for it answers, and the [`LogRoom`](super::logroom)
//! gives it the next turn when that has come.

use super::filters::Filtered;
use super::mainlog::OUTPUT_TAG;
use super::output::Output;
use super::target::Shared;
use crate::model::event::{Event, EventKind, Output as Written};
use crate::model::pace::{self, Pace};
use crate::model::python::text_or_undecodable;
use crate::model::state::Channel;
use crate::model::text::repr;
use crate::sys::pipe;
use slog::{Drain as _, Level, debug, warn};
use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// As much is read at once, and written at once; as in the original, because a log may be longer
/// than its limit by that much, and an event as long as that.
const SCRATCH: usize = 128 * 1024;

/// As much is read at once where lines are made of it. Lines grow on their way into the log, empty
/// ones by hundreds, and where the log takes nothing now all of them wait.
const LINES: usize = 32 * 1024;

/// So many reads make a turn.
const READS_A_TURN: u32 = 8;

/// A pipe that is found full is made as big as this, so that its writer need not wait for us.
const ROOMY: i32 = 1024 * 1024;

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

/// Where the bytes of one child come from and where they are held up.
#[derive(Default)]
pub(super) struct Flow {
    pipe: Option<OwnedFd>,
    pid: i32,
    /// How many bytes the pipe holds.
    capacity: usize,
    pace: Pace,
    /// When the pipe is looked at again.
    rest: Option<Instant>,
    draining: Option<Box<Draining>>,
    /// The pipe has come to its end, and the log is not needed any more.
    pub(super) ended: bool,
    /// Events that wait for their turn.
    #[expect(clippy::box_collection, reason = "most streams never have any")]
    events: Option<Box<Vec<Event>>>,
}

/// How far it is with reading what a dead child has left.
#[derive(Debug, Default)]
struct Draining {
    /// So many bytes may still be from before the draining began.
    left: usize,
    /// Those who wait for its end.
    waiters: Vec<oneshot::Sender<()>>,
}

/// What has to come before the next turn.
pub(super) enum Next {
    /// Others had theirs.
    Others,
    /// The end of a rest, or somebody says something.
    Rest,
    /// There is something to read, or the end of the pipe.
    Readable,
    /// These are delivered.
    Delivered(Vec<Event>),
    /// The target takes bytes again.
    Unclogged(Shared),
    /// Somebody says something: there is no pipe, and nothing waits.
    Nothing,
    /// None comes: the stream has retired.
    Over,
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
        self.pipe = Some(pipe);
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
        // A log that was opened for a child that never came.
        self.ended |= self.pipe.is_none();
    }

    /// The pipe, while there is one.
    pub(super) const fn pipe(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    /// When a turn is due without anything else.
    pub(super) const fn rest(&self) -> Option<Instant> {
        self.rest
    }

    /// Lets the pipe be for about so long.
    pub(super) fn rest_for(&mut self, time: Duration) {
        self.rest = Some(aligned(Instant::now(), time));
    }

    /// Nothing is left to be drained, if anything was.
    fn drained(&mut self) {
        if let Some(draining) = &mut self.draining {
            draining.left = 0;
        }
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<Found> {
        let Some(descriptor) = &self.pipe else {
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
/// length on this arbiter share; but of one that is shorter than a millisecond its very end.
fn aligned(now: Instant, time: Duration) -> Instant {
    let epoch = EPOCH.with(|epoch| *epoch);
    let millis = time.as_millis();
    if millis == 0 {
        return now + time;
    }
    let since = now.saturating_duration_since(epoch).as_millis();
    let end = (since / millis + 1) * millis;
    epoch + Duration::from_millis(u64::try_from(end).unwrap_or(u64::MAX))
}

impl Output {
    /// Does what can be done now, and answers what has to come before there is more to do.
    pub(super) fn turn(&mut self) -> Next {
        self.make();
        let mut reads = 0;
        loop {
            if let Some(events) = self.flow.events.take() {
                return Next::Delivered(*events);
            }
            if let Some(target) = &self.target
                && target.borrow().is_clogged()
            {
                return Next::Unclogged(target.clone());
            }
            self.finish_line();
            if self.flow.draining.as_ref().is_some_and(|it| it.left == 0) {
                if self.finish_filters() {
                    // What they held back may have met a full pipe or be an event.
                    continue;
                }
                let drained = self.flow.draining.take();
                if self.retiring {
                    self.flow.pipe = None;
                    self.flow.ended = true;
                }
                self.close_if_ended();
                for waiter in drained.into_iter().flat_map(|it| it.waiters) {
                    // Who no longer waits is no matter.
                    let _ = waiter.send(());
                }
                if self.retiring {
                    return Next::Over;
                }
            }
            if self.flow.pipe.is_none() {
                if self.flow.draining.is_some() {
                    self.flow.drained();
                    continue;
                }
                self.close_if_ended();
                return if self.retiring {
                    Next::Over
                } else {
                    Next::Nothing
                };
            }
            if reads == READS_A_TURN {
                return Next::Others;
            }
            if self.flow.rest.is_some_and(|end| Instant::now() < end) {
                return Next::Rest;
            }
            reads += 1;
            let portion = self.portion();
            match self.read_and_write(portion) {
                Found::Bytes(count) => self.after_bytes(count, portion),
                Found::Nothing => {
                    self.flow.rest = None;
                    if self.flow.draining.is_some() {
                        self.flow.drained();
                        continue;
                    }
                    match self.flow.pace.calm_down() {
                        None => return Next::Readable,
                        Some(time) => self.flow.rest_for(time),
                    }
                }
                Found::End => self.end_pipe(),
            }
        }
    }

    /// Closes the log if there is nothing more to come, for now.
    fn close_if_ended(&mut self) {
        if self.flow.pipe.is_none() && std::mem::take(&mut self.flow.ended) {
            self.target = None;
        }
    }

    /// When a turn is due by the clock.
    pub(super) fn alarm(&self) -> Option<Instant> {
        let line = self.lines.as_ref().and_then(|lines| lines.due());
        self.flow.rest().into_iter().chain(line).min()
    }

    /// How much is read at once.
    fn most(&self) -> usize {
        if self.lines.is_some() { LINES } else { SCRATCH }
    }

    /// How much is to be read now.
    fn portion(&self) -> usize {
        let most = self.most();
        let is_even = self.lines.is_none() && self.flow.pace.is_flood();
        let target = self.target.as_ref().filter(|_| is_even);
        let position = target.and_then(|it| it.borrow().position());
        pace::up_to_multiple(position.unwrap_or(0), most)
    }

    fn after_bytes(&mut self, count: usize, portion: usize) {
        let most = self.most();
        let flow = &mut self.flow;
        if let Some(draining) = &mut flow.draining {
            draining.left = draining.left.saturating_sub(count);
            return;
        }
        match flow.pace.after(count, portion, most, flow.capacity) {
            pace::Next::Again => {
                flow.rest = None;
                self.make_roomy(count);
            }
            pace::Next::Rest(time) => flow.rest_for(time),
        }
    }

    fn make_roomy(&mut self, count: usize) {
        let flow = &mut self.flow;
        let roomy = usize::try_from(ROOMY).unwrap_or(0);
        if count >= flow.capacity
            && flow.capacity < roomy
            && let Some(pipe) = &flow.pipe
        {
            flow.capacity = pipe::grow(pipe.as_fd(), ROOMY).max(flow.capacity);
        }
    }

    fn read_and_write(&mut self, portion: usize) -> Found {
        ROOM.with_borrow_mut(|room| {
            if room.read.is_empty() {
                room.read = vec![0; SCRATCH];
            }
            let found = match self.flow.read(&mut room.read[..portion]) {
                Ok(found) => found,
                Err(error) => {
                    let (process, channel) =
                        (repr(&self.config.row.name), self.config.channel.name());
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
    fn finish_line(&mut self) {
        let policy = self.policy();
        if let Some(lines) = &mut self.lines {
            lines.look(self.target.as_ref(), policy, Instant::now());
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
            let (process, channel) = (repr(&self.config.row.name), self.config.channel.name());
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
                let (process, channel) = (repr(&self.config.row.name), self.config.channel.name());
                debug!(self.ends.log, "{process} {channel} emitted a comm event");
            }
            Filtered::Line(line) => super::syslogger::send(line, &self.ends.log),
        }
    }

    /// Tells the main log and the listeners of output, where they want to know.
    fn tell(&mut self, bytes: &[u8]) {
        if self.ends.log.is_enabled(Level::Debug) && !self.config.plan.is_protocol {
            let (process, channel) = (repr(&self.config.row.name), self.config.channel.name());
            let text = text_or_undecodable(bytes);
            debug!(self.ends.log, #OUTPUT_TAG, "{process} {channel} output:\n{text}");
        }
        if self.config.plan.events_enabled {
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
            process: Arc::clone(&config.row.name),
            group: Arc::clone(&config.row.group),
            pid: Some(self.flow.pid),
            channel: config.channel,
            data: bytes.to_vec(),
        });
        self.flow.events.get_or_insert_default().push(event);
    }

    /// The pipe has ended, and so has what was in the filters.
    fn end_pipe(&mut self) {
        self.finish_filters();
        if let Some(pipe) = &self.flow.pipe {
            let (number, process) = (pipe.as_raw_fd(), repr(&self.config.row.name));
            let channel = self.config.channel.name();
            debug!(
                self.ends.log,
                "fd {number} closed, stopped monitoring <Output for {process} ({channel})>"
            );
        }
        self.flow.pipe = None;
        self.flow.rest = None;
        self.flow.ended = true;
    }

    /// Reads what is left in the pipe of a child that was replaced, at most as much as it held,
    /// and closes it.
    pub(super) fn sweep(&mut self) {
        let mut left = self.flow.capacity;
        while left > 0 && self.flow.pipe.is_some() {
            match self.read_and_write(self.most()) {
                Found::Bytes(count) => left = left.saturating_sub(count),
                Found::Nothing => break,
                Found::End => self.end_pipe(),
            }
        }
        self.finish_filters();
        self.flow.pipe = None;
    }
}
