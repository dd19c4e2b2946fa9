//! One connection's clock: what it is doing, since when, and when that has lasted too long.
//!
//! hyper has one bound for reading headers; the bounds here tell an idle connection, which may
//! stay for hours, from one that sends its headers a byte at a time, which may not.

use super::bounds::{HEAD_TIME, IDLE_TIME, STALL_TIME, TAIL_STALL_TIME};
use super::head::{Flaw, HeadCheck};
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It was accepted and has sent nothing yet.
    Fresh,
    /// Between two requests.
    Idle,
    /// A request has begun and its headers are not complete.
    Head,
    /// A request is being answered.
    Busy,
    /// An endless tail is being answered.
    Tail,
}

/// Why a connection is to be ended from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The headers did not come: the client is told.
    Head,
    /// The headers are not to be taken: the client is told.
    Flawed(Flaw),
    /// Nothing is under way, or the client does not listen: it is not told.
    Silent,
}

/// The clock of one connection, shared by its stream, its answers and its server.
pub(super) struct Watch {
    phase: Cell<Phase>,
    since: Cell<Instant>,
    /// Since when the client has not taken what we have for it.
    stalled: Cell<Option<Instant>>,
    /// What is wrong with the head that came last. Nothing is read behind it.
    flaw: Cell<Option<Flaw>>,
    /// Told to end at once, to make room for another.
    pub(super) evicted: Notify,
}

impl Watch {
    /// The clock of a connection that was just accepted.
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            phase: Cell::new(Phase::Fresh),
            since: Cell::new(Instant::now()),
            stalled: Cell::new(None),
            flaw: Cell::new(None),
            evicted: Notify::new(),
        })
    }

    /// Something else is being done from now on.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(Instant::now());
    }

    /// Since when nothing was under way; none if something is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let idle = match self.phase.get() {
            Phase::Idle => self.stalled.get().is_none(),
            Phase::Fresh | Phase::Head | Phase::Busy | Phase::Tail => false,
        };
        idle.then(|| self.since.get())
    }

    /// Whether an endless tail is being answered.
    pub(super) fn is_tail(&self) -> bool {
        self.phase.get() == Phase::Tail
    }

    /// What is wrong with the head that came last, once all requests before it are answered.
    pub(super) fn flaw(&self) -> Option<Flaw> {
        match self.phase.get() {
            Phase::Fresh | Phase::Idle | Phase::Head if self.stalled.get().is_none() => {
                self.flaw.get()
            }
            Phase::Fresh | Phase::Idle | Phase::Head | Phase::Busy | Phase::Tail => None,
        }
    }

    /// When what is being done will have lasted too long, if it can.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase.get() {
            Phase::Fresh | Phase::Head => Some(self.since.get() + HEAD_TIME),
            Phase::Idle => Some(self.since.get() + IDLE_TIME),
            // How long a command takes is for the programs to say; bodies have a bound of
            // their own.
            Phase::Busy | Phase::Tail => None,
        };
        let patience = match self.phase.get() {
            Phase::Tail => TAIL_STALL_TIME,
            Phase::Fresh | Phase::Idle | Phase::Head | Phase::Busy => STALL_TIME,
        };
        let stall = self.stalled.get().map(|since| since + patience);
        phase.into_iter().chain(stall).min()
    }

    /// How to end the connection once its deadline has passed.
    pub(super) fn overdue(&self) -> Overdue {
        match self.phase.get() {
            Phase::Head if self.stalled.get().is_none() => Overdue::Head,
            Phase::Fresh | Phase::Idle | Phase::Head | Phase::Busy | Phase::Tail => Overdue::Silent,
        }
    }

    fn saw_bytes(&self) {
        match self.phase.get() {
            Phase::Fresh | Phase::Idle => self.enter(Phase::Head),
            Phase::Head | Phase::Busy | Phase::Tail => {}
        }
    }

    fn saw_write<T>(&self, result: &Poll<T>) {
        match result {
            Poll::Ready(_) => self.stalled.set(None),
            Poll::Pending if self.stalled.get().is_none() => {
                self.stalled.set(Some(Instant::now()));
            }
            Poll::Pending => {}
        }
    }
}

/// A stream that keeps its connection's clock, checks the heads that pass, and is lent out to
/// whoever looks after it.
pub(super) struct Watched<S> {
    stream: Rc<RefCell<S>>,
    watch: Rc<Watch>,
    check: HeadCheck,
}

impl<S> Watched<S> {
    /// Puts a clock to a stream.
    pub(super) fn new(stream: &Rc<RefCell<S>>, watch: &Rc<Watch>) -> Self {
        Self {
            stream: Rc::clone(stream),
            watch: Rc::clone(watch),
            check: HeadCheck::new(),
        }
    }
}

/// Whether the client of an endless tail has left, or talks on although nobody listens: what it
/// sends is thrown away, up to `patience` bytes. hyper does not look once it holds something that
/// came behind the request, and `supervisorctl` sends an empty line there.
pub(super) fn poll_left<S: AsyncRead + Unpin>(
    stream: &RefCell<S>,
    patience: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let mut bytes = [0; 512];
    while *patience > 0 {
        let mut buffer = ReadBuf::new(&mut bytes);
        let mut stream = stream.borrow_mut();
        match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => break,
            Ok(()) => *patience = patience.saturating_sub(buffer.filled().len()),
            Err(_) => break,
        }
    }
    Poll::Ready(())
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.watch.flaw.get().is_some() {
            // Whoever drives the connection sees the flaw after each step; nobody wakes us.
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut *this.stream.borrow_mut()).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            this.watch.saw_bytes();
        }
        if let Err((good, flaw)) = this.check.feed(&buffer.filled()[before..]) {
            this.watch.flaw.set(Some(flaw));
            buffer.set_filled(before + good);
            if good == 0 {
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut *this.stream.borrow_mut()).poll_write(cx, bytes);
        this.watch.saw_write(&result);
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut *this.stream.borrow_mut()).poll_write_vectored(cx, pieces);
        this.watch.saw_write(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().stream.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().stream.borrow_mut()).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn in_runtime(test: impl FnOnce()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime without I/O needs nothing");
        let _inside = runtime.enter();
        test();
    }

    fn check(phase: Phase, expected: Option<Duration>) {
        let watch = Watch::new();
        watch.enter(phase);
        let left = watch
            .deadline()
            .map(|deadline| deadline - watch.since.get());
        assert_eq!(left, expected, "{phase:?}");
    }

    #[test]
    fn each_phase_has_its_own_patience() {
        in_runtime(|| {
            check(Phase::Fresh, Some(HEAD_TIME));
            check(Phase::Head, Some(HEAD_TIME));
            check(Phase::Idle, Some(IDLE_TIME));
            check(Phase::Busy, None);
            check(Phase::Tail, None);
        });
    }

    #[test]
    fn a_byte_begins_a_request_and_more_bytes_do_not_begin_it_anew() {
        in_runtime(|| {
            let watch = Watch::new();
            watch.enter(Phase::Idle);
            assert!(watch.idle_since().is_some());
            watch.saw_bytes();
            assert_eq!(watch.phase.get(), Phase::Head);
            let since = watch.since.get();
            watch.saw_bytes();
            assert_eq!(watch.since.get(), since);
            assert!(watch.idle_since().is_none());
            assert_eq!(watch.overdue(), Overdue::Head);
        });
    }

    #[test]
    fn a_client_that_takes_nothing_is_overdue_until_it_takes_something() {
        in_runtime(|| {
            let watch = Watch::new();
            watch.enter(Phase::Busy);
            watch.saw_write::<()>(&Poll::Pending);
            assert!(watch.deadline().is_some());
            assert_eq!(watch.overdue(), Overdue::Silent);
            watch.saw_write(&Poll::Ready(()));
            assert_eq!(watch.deadline(), None);
        });
    }
}
