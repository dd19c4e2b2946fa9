//! The stdout of a listener: protocol, read on the main arbiter and told to the pool as it comes.
//!
//! It is also kept in the listener's log, as far as one is wanted. Disks are not for this thread,
//! so the bytes go into a pipe of ours, which an Output pumps like any other. That pipe is never
//! waited for: what a stalled log does not take is counted and said, and the dialogue goes on.
//!
//! A read is told to the pool and understood there before the next: a listener that floods its
//! stdout fills its own pipe, and nothing of ours. And after each read that may not have been all
//! there is, others have their turn.

use super::pool::{Pipe, Seat};
use crate::sys;
use slog::Logger;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::{self, Receiver};
use tokio::sync::oneshot;

/// How much is read at a time. A result is some dozen bytes.
const READ: usize = 4096;

/// How often a dead listener's pipe is read before it is given up. It holds 64 KiB that were
/// written before the death; more can only come from somebody who inherited it.
const LAST_READS: usize = 32;

/// Reads a listener's stdout until its end, or until it is dropped.
#[derive(Debug)]
pub struct Ear {
    /// Asks for the last words; dropped, it ends the reading.
    last_words: oneshot::Sender<oneshot::Sender<()>>,
}

/// A way into a log that is never waited for.
#[derive(Debug)]
pub struct Relay {
    pipe: OwnedFd,
    /// The listener's name.
    name: Arc<str>,
    lost: u64,
    log: Logger,
}

impl Ear {
    /// Begins to read. `stdout` is the reading end of the listener's stdout.
    pub fn start(stdout: OwnedFd, seat: Seat, relay: Option<Relay>) -> io::Result<Self> {
        let stdout = Receiver::from_owned_fd(stdout)?;
        let (last_words, asked) = oneshot::channel();
        let hearing = Hearing {
            stdout,
            seat,
            relay,
        };
        actix_rt::spawn(hearing.run(asked));
        Ok(Self { last_words })
    }

    /// The listener is dead: answered once all that it wrote was heard and understood.
    pub async fn drain(self) {
        let (answer, answered) = oneshot::channel();
        // One that is at its end already has heard all there was.
        if self.last_words.send(answer).is_ok() {
            let _ = answered.await;
        }
    }
}

impl Relay {
    /// A relay, and the end that an Output is to read.
    pub fn new(name: Arc<str>, log: Logger) -> io::Result<(Self, OwnedFd)> {
        let (ours, outputs) = pipe::pipe()?;
        let pipe = ours.into_nonblocking_fd()?;
        let relay = Self {
            pipe,
            name,
            lost: 0,
            log,
        };
        Ok((relay, outputs.into_nonblocking_fd()?))
    }

    /// Passes bytes on, as far as the log takes them.
    fn pass(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match sys::pipe::write(&self.pipe, rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Full, or nobody reads it any more.
                Err(_) => break,
            }
        }
        if !rest.is_empty() {
            if self.lost == 0 {
                let name = &self.name;
                slog::warn!(
                    self.log,
                    "{name}: its log does not keep up, output is left out"
                );
            }
            self.lost += rest.len() as u64;
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let Self { name, lost, .. } = self;
        if *lost > 0 {
            slog::warn!(
                self.log,
                "{name}: {lost} bytes of output were left out of its log"
            );
        }
    }
}

/// What the reading task has.
struct Hearing {
    stdout: Receiver,
    seat: Seat,
    relay: Option<Relay>,
}

/// What came of a read.
enum Reading {
    /// This many bytes.
    Some(usize),
    /// There is nothing to read now.
    Nothing,
    /// There will be nothing any more.
    End,
}

impl Hearing {
    async fn run(mut self, mut asked: oneshot::Receiver<oneshot::Sender<()>>) {
        let mut buffer = [0; READ];
        loop {
            let read = tokio::select! {
                // A death is not let wait for a grandchild that floods.
                biased;
                answer = &mut asked => {
                    if let Ok(answer) = answer {
                        self.hear_the_rest();
                        // Who no longer waits is no matter.
                        let _ = answer.send(());
                    }
                    return;
                }
                read = self.stdout.read(&mut buffer) => read,
            };
            match reading(&read) {
                Reading::Some(count) => {
                    hear(&buffer[..count], &self.seat, &mut self.relay);
                    if count == READ {
                        tokio::task::yield_now().await;
                    }
                }
                Reading::Nothing => {}
                Reading::End => break,
            }
        }
        self.seat.closed(Pipe::Stdout);
    }

    /// Reads what there is, without asking the reactor, who may not have looked since it came.
    fn hear_the_rest(mut self) {
        let Ok(stdout) = self.stdout.into_nonblocking_fd() else {
            return;
        };
        let mut buffer = [0; READ];
        for _ in 0..LAST_READS {
            let read = sys::pipe::read(&stdout, &mut buffer);
            let Reading::Some(count) = reading(&read) else {
                return;
            };
            hear(&buffer[..count], &self.seat, &mut self.relay);
        }
    }
}

/// What came of a read.
fn reading(read: &io::Result<usize>) -> Reading {
    match read {
        Ok(0) => Reading::End,
        Ok(count) => Reading::Some(*count),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Reading::Nothing,
            _ => Reading::End,
        },
    }
}

/// Has what was read understood, then passes it on.
fn hear(bytes: &[u8], seat: &Seat, relay: &mut Option<Relay>) {
    seat.heard(bytes);
    if let Some(relay) = relay {
        relay.pass(bytes);
    }
}

#[cfg(test)]
mod tests;
