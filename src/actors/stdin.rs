//! The stdin of a child, from our side: bytes are written at once as far as the pipe takes them,
//! the rest waits, within a bound, until the child reads.
//!
//! Its process has it and lets go of it when the child is dead. A pool that feeds the child has a
//! [`Way`] to it, which leads nowhere from then on. All bytes go through one queue, so what one
//! call takes reaches the child in one piece.

use crate::sys::pipe;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::{Rc, Weak};
use std::time::Duration;
use tokio::net::unix::pipe::Sender;

/// What waits at most for a child that does not read: enough for the largest request that a
/// client can send, little enough that a thousand such children do not matter.
pub(super) const QUEUE_BOUND: usize = 4 * 1024 * 1024;

/// How long to wait for room in a pipe that cannot be watched, since we have no descriptor left.
const NO_WATCH: Duration = Duration::from_secs(1);

/// The writing end of a child's stdin, as its process has it.
#[derive(Debug)]
pub(super) struct Stdin(Rc<RefCell<Pipe>>);

/// The way of others on this thread to a child's stdin, for as long as its process has that.
#[derive(Clone, Debug)]
pub(super) struct Way(Weak<RefCell<Pipe>>);

#[derive(Debug)]
struct Pipe {
    pipe: OwnedFd,
    queue: VecDeque<u8>,
}

/// What became of bytes that were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The pipe has them all.
    Written,
    /// Some of them wait, behind others for whom somebody waits already.
    WaitsOn,
    /// Some of them wait, and none did before: [`Stdin::flush`] is to be called when the pipe is
    /// writable.
    Waits,
}

/// Why bytes were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteError {
    /// Nobody will ever read them.
    Closed,
    /// Too much waits already; none of them was taken.
    Full,
}

impl Stdin {
    /// The writing end, which must not block.
    pub(super) fn new(pipe: OwnedFd) -> Self {
        let queue = VecDeque::new();
        Self(Rc::new(RefCell::new(Pipe { pipe, queue })))
    }

    /// A way to it.
    pub(super) fn way(&self) -> Way {
        Way(Rc::downgrade(&self.0))
    }

    /// Whether bytes wait.
    pub(super) fn is_waiting(&self) -> bool {
        !self.0.borrow().queue.is_empty()
    }

    /// Takes bytes: writes what the pipe takes and keeps the rest.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<Taken, WriteError> {
        let mut pipe = self.0.borrow_mut();
        if pipe.queue.len().saturating_add(bytes.len()) > QUEUE_BOUND {
            return Err(WriteError::Full);
        }
        pipe.take(bytes)
    }

    /// Writes what waits, as far as the pipe takes it.
    pub(super) fn flush(&self) -> Result<(), WriteError> {
        self.0.borrow_mut().flush()
    }

    /// Answers when the pipe may take more, or nobody reads it any more. Only for that time is
    /// it registered with the reactor: most children never get a byte.
    pub(super) fn writable(&self) -> impl Future<Output = ()> + 'static {
        let pipe = self.0.borrow().pipe.try_clone();
        let pipe = pipe.and_then(Sender::from_owned_fd);
        async move {
            match pipe {
                // An error shows at the next write.
                Ok(pipe) => drop(pipe.writable().await),
                // No descriptor for the watch: look again after a while.
                Err(_) => tokio::time::sleep(NO_WATCH).await,
            }
        }
    }
}

impl Way {
    /// As [`Stdin::write`], for bytes whose number is bounded elsewhere.
    pub(super) fn feed(&self, bytes: &[u8]) -> Result<Taken, WriteError> {
        let pipe = self.0.upgrade().ok_or(WriteError::Closed)?;
        pipe.borrow_mut().take(bytes)
    }
}

impl Pipe {
    fn take(&mut self, bytes: &[u8]) -> Result<Taken, WriteError> {
        if !self.queue.is_empty() {
            self.queue.extend(bytes);
            self.flush()?;
            return Ok(if self.queue.is_empty() {
                Taken::Written
            } else {
                Taken::WaitsOn
            });
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.offer(rest)? {
                0 => {
                    self.queue.extend(rest);
                    return Ok(Taken::Waits);
                }
                written => rest = &rest[written..],
            }
        }
        Ok(Taken::Written)
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        while !self.queue.is_empty() {
            match self.offer(self.queue.as_slices().0) {
                Ok(0) => return Ok(()),
                Ok(written) => drop(self.queue.drain(..written)),
                Err(error) => {
                    self.queue = VecDeque::new();
                    return Err(error);
                }
            }
        }
        // It is seldom that bytes wait; no room is kept for that.
        self.queue = VecDeque::new();
        Ok(())
    }

    /// Writes once; how much the pipe took.
    fn offer(&self, bytes: &[u8]) -> Result<usize, WriteError> {
        loop {
            return match pipe::write(&self.pipe, bytes) {
                Ok(written) => Ok(written),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::WouldBlock => Ok(0),
                    _ => Err(WriteError::Closed),
                },
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{PipeReader, Read as _};

    /// A child's stdin from both sides.
    fn pair() -> (Stdin, PipeReader) {
        let (child, ours) = std::io::pipe().expect("descriptors are to be had");
        let ours = Sender::from_owned_fd(ours.into()).expect("it is a pipe");
        let ours = ours.into_nonblocking_fd().expect("nobody else has it");
        (Stdin::new(ours), child)
    }

    /// Reads so many bytes, as a child does that reads now and then.
    fn read(stdin: &Stdin, mut child: &PipeReader, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 1000];
        while bytes.len() < count {
            stdin.flush().expect("the child lives");
            let count = child.read(&mut buffer).expect("there is something");
            bytes.extend(&buffer[..count]);
        }
        bytes
    }

    #[actix::test]
    async fn what_a_pipe_does_not_take_follows_in_the_order_of_the_calls() {
        let (stdin, child) = pair();
        let event = vec![b'e'; 100_001];
        assert_eq!(stdin.write(b"<"), Ok(Taken::Written));
        assert_eq!(stdin.way().feed(&event), Ok(Taken::Waits));
        assert_eq!(stdin.write(b">"), Ok(Taken::WaitsOn));
        assert_eq!(stdin.way().feed(&event), Ok(Taken::WaitsOn));
        let all = [b"<", &event[..], b">", &event[..]].concat();
        assert!(read(&stdin, &child, all.len()) == all);
        assert_eq!(stdin.write(b"!"), Ok(Taken::Written));
    }

    #[actix::test]
    async fn a_way_ends_with_the_process_s_hold_and_not_before() {
        let (stdin, child) = pair();
        let way = stdin.way();
        assert_eq!(way.feed(b"a"), Ok(Taken::Written));
        drop(stdin);
        assert_eq!(way.feed(b"b"), Err(WriteError::Closed));
        let mut bytes = Vec::new();
        (&child).read_to_end(&mut bytes).expect("it is at its end");
        assert_eq!(bytes, b"a");
    }

    #[actix::test]
    async fn a_child_that_reads_no_more_is_noticed() {
        let (stdin, child) = pair();
        assert_eq!(stdin.way().feed(&vec![b'e'; 100_000]), Ok(Taken::Waits));
        drop(child);
        assert_eq!(stdin.flush(), Err(WriteError::Closed));
        assert!(!stdin.is_waiting());
        assert_eq!(stdin.way().feed(b"e"), Err(WriteError::Closed));
    }

    #[actix::test]
    async fn a_client_cannot_have_more_wait_than_the_bound_but_an_event_may() {
        let (stdin, _child) = pair();
        let event = vec![b'e'; QUEUE_BOUND + 100_000];
        assert_eq!(stdin.write(&event), Err(WriteError::Full));
        assert!(!stdin.is_waiting());
        assert_eq!(stdin.way().feed(&event), Ok(Taken::Waits));
        assert_eq!(stdin.write(b"e"), Err(WriteError::Full));
    }
}
