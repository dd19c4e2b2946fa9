//! What a process has besides, where it is a listener: its seat in the pool, and an ear for what
//! it answers. The process tells what happens to its child; what follows is the pool's matter.

use super::ear::{Ear, Relay};
use super::pool::{Closed, Listener, Pipe, Seat};
use super::process::{Process, RestartLost, Waits};
use super::stdin::{Stdin, Taken, Way};
use super::table::Row;
use crate::model::listener::ListenerState;
use crate::model::state::ProcessState;
use actix::Addr;
use slog::Logger;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// See the module.
#[derive(Debug)]
pub(super) struct Listening {
    seat: Seat,
    ear: Option<Ear>,
    /// Whether what is heard is also kept in a log.
    is_logged: bool,
}

impl Listening {
    pub(super) fn new(seat: Seat, is_logged: bool) -> Self {
        Self {
            seat,
            ear: None,
            is_logged,
        }
    }

    /// There is a new child: it is fed through the door, and its stdout is listened to, from now
    /// on. What comes back is for its Output to read, if there is one.
    pub(super) fn born(
        &mut self,
        stdout: OwnedFd,
        door: Door,
        name: &Arc<str>,
        log: &Logger,
    ) -> Option<OwnedFd> {
        self.seat.started(Box::new(door));
        let relay = self
            .is_logged
            .then(|| Relay::new(Arc::clone(name), log.clone()));
        let (relay, output) = match relay {
            None => (None, None),
            Some(Ok((relay, output))) => (Some(relay), Some(output)),
            Some(Err(error)) => {
                slog::error!(log, "{name}: its stdout is not logged: {error}");
                (None, None)
            }
        };
        match Ear::start(stdout, self.seat.clone(), relay) {
            Ok(ear) => self.ear = Some(ear),
            Err(error) => {
                slog::error!(log, "{name}: its stdout cannot be read: {error}");
                self.seat.closed(Pipe::Stdout);
            }
        }
        output
    }

    /// The process came into another state.
    pub(super) fn entered(&self, state: ProcessState) {
        match state {
            ProcessState::Running => self.seat.running(),
            ProcessState::Stopping
            | ProcessState::Stopped
            | ProcessState::Exited
            | ProcessState::Backoff
            | ProcessState::Fatal
            | ProcessState::Unknown => self.seat.leaving(),
            // Its child, if there is one, is told of by itself.
            ProcessState::Starting => {}
        }
    }

    /// Its stdin takes no more.
    pub(super) fn deaf(&self) {
        self.seat.closed(Pipe::Stdin);
    }

    /// The child is dead: answered when all that it wrote was heard.
    pub(super) fn drain(&mut self) -> impl Future<Output = ()> + 'static {
        let ear = self.ear.take();
        async move {
            if let Some(ear) = ear {
                ear.drain().await;
            }
        }
    }

    /// The end of the child was told to the world.
    pub(super) fn gone(&self) {
        self.seat.gone();
    }
}

/// The pool's way to the process and its child.
pub(super) struct Door {
    process: Addr<Process>,
    row: Arc<Row>,
    stdin: Option<Way>,
}

impl Door {
    /// To this process, whose child has this stdin, if it has one.
    pub(super) fn new(process: Addr<Process>, row: &Arc<Row>, stdin: Option<&Stdin>) -> Self {
        Self {
            process,
            row: Arc::clone(row),
            stdin: stdin.map(Stdin::way),
        }
    }
}

impl Listener for Door {
    fn write(&self, event: &[u8]) -> Result<(), Closed> {
        let stdin = self.stdin.as_ref().ok_or(Closed)?;
        match stdin.feed(event) {
            // For the room in the pipe somebody waits already.
            Ok(Taken::Written | Taken::WaitsOn) => Ok(()),
            Ok(Taken::Waits) => {
                self.process.do_send(Waits);
                Ok(())
            }
            Err(_) => Err(Closed),
        }
    }

    fn restart(&self) {
        self.process.do_send(RestartLost);
    }

    fn told(&self, state: ListenerState) {
        self.row.write(|row| row.listener = Some(state));
    }
}
