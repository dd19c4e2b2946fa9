//! The way to an [`Output`](super::output), for the process whose stream it is.

use super::logroom::{
    Attach, Begin, Clear, Drain, Forget, LogRoom, MakeAll, Open, Place, Reopen, Retire,
};
#[cfg(test)]
use super::logroom::{Fail, Whether};
use super::logs::LogRooms;
use super::output::{ClearError, Ends, OpenError, OutputConfig};
use actix::Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

/// The door of a room: its address, and the next free place in it. An address of an actor is
/// paid for with each clone; thousands of streams share this one.
#[derive(Debug)]
pub(super) struct Door {
    room: Addr<LogRoom>,
    next: AtomicU64,
}

impl Door {
    pub(super) fn new(room: Addr<LogRoom>) -> Self {
        Self {
            room,
            next: AtomicU64::new(0),
        }
    }

    /// Answered when all automatic logs of the room are made, that were to be.
    pub(super) fn make_all(&self) -> impl Future<Output = ()> + use<> {
        let made = self.room.send(MakeAll);
        async {
            // A room that is gone makes none.
            let _ = made.await;
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.room.connected()
    }
}

/// One stream of one process. When it is dropped, its output ends with its pipe.
#[derive(Debug)]
pub struct Stream(Way);

/// How to reach a stream's output, as long as it is there.
#[derive(Clone, Debug)]
pub(super) struct Way {
    door: Arc<Door>,
    place: Place,
}

impl Stream {
    /// A new output in the room of its log.
    pub fn new(rooms: &LogRooms, config: OutputConfig, ends: &Arc<Ends>) -> Self {
        let door = rooms.door(config.logfile.as_deref(), ends);
        let place = Place(door.next.fetch_add(1, Ordering::Relaxed));
        door.room.do_send(Begin { place, config });
        Self(Way { door, place })
    }

    /// For those who go on while the stream's owner does.
    pub(super) fn way(&self) -> Way {
        self.0.clone()
    }

    /// Begins to pump a new child's pipe, which must not block. What the pipe before it still
    /// holds is read first, then that pipe is closed.
    pub(super) fn attach(&self, pipe: OwnedFd, pid: i32) {
        let Way { door, place } = &self.0;
        let place = *place;
        door.room.do_send(Attach { place, pipe, pid });
    }

    /// Removes the log and begins it anew. Answered when that is done.
    pub(super) fn clear(&self) -> impl Future<Output = Result<(), ClearError>> + use<> {
        let cleared = self.0.door.room.send(Clear(self.0.place));
        async { cleared.await.unwrap_or(Err(ClearError)) }
    }

    /// Opens the log anew at its path, for it was moved away. Answered when that is done or was
    /// found to be impossible; then the old file is written to until it is possible.
    pub(super) fn reopen(&self) -> impl Future<Output = ()> + use<> {
        let reopened = self.0.door.room.send(Reopen(self.0.place));
        async {
            // A room that is gone has nothing open.
            let _ = reopened.await;
        }
    }

    /// Ends the stream: what the pipe holds is read and written, the log is closed, the output is
    /// gone. Answered when that is done.
    pub(super) fn retire(self) -> impl Future<Output = ()> + use<> {
        let Way { door, place } = &self.0;
        let (answer, answered) = oneshot::channel();
        let place = *place;
        door.room.do_send(Retire { place, answer });
        async {
            let _ = answered.await;
        }
    }
}

impl Way {
    /// Opens the log, or checks that the open one is still the file at its path. Answered when
    /// that is done.
    pub(super) fn open(&self) -> impl Future<Output = Result<(), OpenError>> + use<> {
        let opened = self.door.room.send(Open(self.place));
        // A room that is gone keeps nothing, and that was said when it went.
        async { opened.await.unwrap_or(Ok(())) }
    }

    /// The child is dead: answered once everything that it can have written is in the log and its
    /// events are delivered. Where somebody else still holds its pipe open, they are heard until
    /// the next [`Stream::attach`] or [`Stream::retire`]. Without a pipe the log is closed, if it was
    /// opened for a child that could not be started.
    pub(super) fn drain(&self) -> impl Future<Output = ()> + use<> {
        let Self { door, place } = self;
        let (answer, answered) = oneshot::channel();
        let place = *place;
        door.room.do_send(Drain { place, answer });
        async {
            // Without an answer the room is gone, and there is nothing left to drain.
            let _ = answered.await;
        }
    }
}

#[cfg(test)]
impl Way {
    /// Whether there is an output. Answered after what was said before.
    pub(super) async fn is_there(&self) -> bool {
        self.door
            .room
            .send(Whether(self.place))
            .await
            .unwrap_or(false)
    }

    /// Lets a defect show.
    pub(super) async fn fail(&self) {
        let _ = self.door.room.send(Fail(self.place)).await;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Way { door, place } = &self.0;
        // One that has retired is not there any more: its place is nobody else's.
        door.room.do_send(Forget(*place));
    }
}
