//! From the wish for a child to the child: look for the command, open the logs, make it.

use super::fcgi;
use super::spawner::{Find, NotSpawned, Spawn, Spawned};
use super::stream::Way;
use super::table::Cause;
use super::turn::Turn;
use super::world::World;
use crate::config::ProcessConfig;
use crate::sys::reap::Owner;
use futures_util::future::join_all;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a start or the end of a process waits for logs whose disk hangs.
pub(super) const LOGS_PATIENCE: Duration = Duration::from_secs(2);

/// So many children are on their way at a time. What each needs for that would else be there for
/// thousands at once and leave the heap full of holes; nor is anything gained by more.
const ON_THE_WAY: usize = 32;

/// Who takes longer than this for a step lets another onto the way.
const QUICK: Duration = Duration::from_millis(100);

/// How many children may be on their way. They go in the order in which they asked.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ON_THE_WAY)))
    }
}

/// What is to be made.
pub(super) struct Launch {
    pub(super) world: Rc<World>,
    pub(super) program: Arc<ProcessConfig>,
    pub(super) group: Arc<str>,
    pub(super) owner: Owner,
    pub(super) socket: Option<fcgi::Shared>,
    pub(super) logs: Vec<Way>,
    pub(super) turn: Turn,
}

impl Launch {
    /// Makes it as soon as the gate lets it through.
    pub(super) async fn make(self) -> Result<Spawned, NotSpawned> {
        // It is not closed, and whoever waits needs little.
        let permit = Arc::clone(&self.world.gate.0).acquire_owned().await.ok();
        Box::pin(self.go(permit)).await
    }

    /// In this order: an error of the command is told before one of the logs, as in the original.
    async fn go(mut self, mut permit: Option<OwnedSemaphorePermit>) -> Result<Spawned, NotSpawned> {
        let lost = |_| NotSpawned {
            reason: "the daemon's spawner is gone".to_owned(),
            cause: Cause::plain("fork", "a part of the daemon failed; restart the daemon"),
        };
        let find = self.world.spawner.send(Find(Arc::clone(&self.program)));
        let command = find.await.map_err(lost)?.map_err(|error| NotSpawned {
            reason: error.to_string(),
            cause: Cause::of_command(&error),
        })?;
        // A disk that hangs holds up its log, not its program: that goes on without it.
        let opens = join_all(self.logs.iter().map(Way::open));
        let opens = tokio::time::timeout(LOGS_PATIENCE, opens);
        let opened = quick(opens, &mut permit).await;
        for opened in opened.unwrap_or_default() {
            if let Err(error) = opened {
                let name = &self.program.name;
                return Err(NotSpawned {
                    reason: format!("unknown error making dispatchers for '{name}': {error}"),
                    cause: Cause::plain("log", format!("a log cannot be opened: {error}")),
                });
            }
        }
        let order = Spawn {
            program: self.program,
            command,
            group: self.group,
            owner: self.owner,
            socket: self.socket,
        };
        quick(self.turn.begin(), &mut permit).await;
        let child = self.world.spawner.send(order);
        drop(self.turn);
        child.await.map_err(lost)?
    }
}

/// Waits for a step; gives the permit back meanwhile if that takes long.
async fn quick<T>(step: impl Future<Output = T>, permit: &mut Option<OwnedSemaphorePermit>) -> T {
    let mut step = pin!(step);
    if let Ok(done) = tokio::time::timeout(QUICK, step.as_mut()).await {
        return done;
    }
    drop(permit.take());
    step.await
}

/// What the jitter of waits is decided by: another number for each process and each daemon.
pub(super) fn luck(name: &str) -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), name)
}
