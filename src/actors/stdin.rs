//! The stdin of a child, from our side: bytes are written at once as far as the pipe takes them,
//! the rest waits, within a bound, until the child reads.

use crate::sys::pipe;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::net::unix::pipe::Sender;

/// What waits at most for a child that does not read: enough for the largest request that a
/// client can send, little enough that a thousand such children do not matter.
pub(super) const QUEUE_BOUND: usize = 4 * 1024 * 1024;

/// How long to wait for room in a pipe that cannot be watched, since we have no descriptor left.
const NO_WATCH: Duration = Duration::from_secs(1);

/// The writing end of a child's stdin.
#[derive(Debug)]
pub(super) struct Stdin {
    pipe: OwnedFd,
    queue: VecDeque<u8>,
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
        Self {
            pipe,
            queue: VecDeque::new(),
        }
    }

    /// Whether bytes wait.
    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Takes bytes: writes what the pipe takes and keeps the rest.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if self.queue.len().saturating_add(bytes.len()) > QUEUE_BOUND {
            return Err(WriteError::Full);
        }
        self.feed(bytes)
    }

    /// As [`Self::write`], for bytes whose number is bounded elsewhere.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.queue.extend(bytes);
        self.flush()
    }

    /// Writes what waits, as far as the pipe takes it.
    pub(super) fn flush(&mut self) -> Result<(), WriteError> {
        while !self.queue.is_empty() {
            match pipe::write(&self.pipe, self.queue.as_slices().0) {
                Ok(written) => drop(self.queue.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.queue = VecDeque::new();
                    return Err(WriteError::Closed);
                }
            }
        }
        Ok(())
    }

    /// Answers when the pipe may take more, or nobody reads it any more. Only for that time is
    /// it registered with the reactor: most children never get a byte.
    pub(super) fn writable(&self) -> impl Future<Output = ()> + 'static {
        let pipe = self.pipe.try_clone().and_then(Sender::from_owned_fd);
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
