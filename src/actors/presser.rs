//! Has the backups of logs compressed, one at a time for each arbiter of logs, on a thread of
//! their own: the arbiter goes on writing meanwhile, and only puts the result in its place.

use crate::model::logstyle::Compression;
use crate::sys::press::{self, Backup};
use slog::{Logger, warn};
use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

thread_local! {
    /// The logs whose backups are being compressed or wait for it.
    static AT_WORK: RefCell<HashSet<Arc<Path>>> = RefCell::default();
    /// Lets one at a time through.
    static TURN: Rc<Semaphore> = Rc::new(Semaphore::new(1));
}

/// Begins to compress a log's backups that are not compressed yet, unless that has begun already.
/// Must be called on the arbiter on which the log is rotated.
pub(super) fn begin(log_path: &Arc<Path>, backups: u32, compression: Compression, log: &Logger) {
    let is_new = AT_WORK.with_borrow_mut(|paths| paths.insert(Arc::clone(log_path)));
    if !is_new {
        return;
    }
    let (path, log) = (Arc::clone(log_path), log.clone());
    actix_rt::spawn(async move {
        let turn = TURN.with(Rc::clone);
        // The semaphore is never closed.
        let _turn = turn.acquire().await;
        while let Some(backup) = press::oldest_plain(&path, backups) {
            let done = match pressed(backup, compression).await {
                Ok(pressed) => pressed.settle(backups),
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                warn!(
                    log,
                    "cannot compress a backup of log '{}' ({error}); it stays as it is until the \
                     next rotation",
                    path.display()
                );
                break;
            }
        }
        AT_WORK.with_borrow_mut(|paths| paths.remove(&path));
    });
}

async fn pressed(backup: Backup, compression: Compression) -> io::Result<press::Pressed> {
    let stop = Arc::new(AtomicBool::new(false));
    let _stopper = Stopper(Arc::clone(&stop));
    let job = tokio::task::spawn_blocking(move || press::press(backup, compression, &stop));
    job.await
        .unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
}

/// Whoever waits for the result is gone: the daemon leaves.
struct Stopper(Arc<AtomicBool>);

impl Drop for Stopper {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
