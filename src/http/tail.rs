//! An endless tail: a follower in one hand, a client in the other.
//!
//! A file tells nobody that it grew, so it is looked at a few times a second, but only while a
//! client is there, and where logs are at home: a disk that hangs holds up its tails and nothing
//! else on the edge.

use super::bounds::{OPEN_TIME, PIECE, TAIL_EAGER, TAIL_PATIENT, TAIL_START};
use super::reply::Counted;
use super::server::{Server, closed};
use crate::actors::handle::LogTail;
use bytes::Bytes;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

/// Why no tail begins.
pub(super) enum NoTail {
    /// There is no such log, or none that can be followed.
    NoLog,
    /// Its disk does not answer.
    Hung,
}

/// Begins a tail.
pub(super) async fn begin(server: &Rc<Server>, path: PathBuf) -> Result<Receiver<Bytes>, NoTail> {
    let follow = server.api.supervisor().follow_log(&path, TAIL_START);
    let tail = timeout(OPEN_TIME, follow)
        .await
        .map_err(|_| NoTail::Hung)?
        .map_err(|_| NoTail::NoLog)?;
    // One piece waits for the client while the next is being sent.
    let (sender, receiver) = channel(1);
    let counted = Counted::new(&server.tails, 1);
    let closed = closed(server);
    spawn_local(async move {
        let _counted = counted;
        let mut gone = pin!(gone(&sender));
        let mut closed = pin!(closed);
        tokio::select! {
            () = &mut gone => {}
            () = &mut closed => {}
            () = feed(tail, &sender) => {}
        }
    });
    Ok(receiver)
}

async fn gone(sender: &Sender<Bytes>) {
    sender.closed().await;
}

/// Sends what comes until the log cannot be read any more or the client is gone.
async fn feed(mut tail: LogTail, sender: &Sender<Bytes>) {
    let mut pause = TAIL_EAGER;
    while let Ok(piece) = tail.next(PIECE).await {
        if piece.is_empty() {
            sleep(pause).await;
            pause = (pause * 2).min(TAIL_PATIENT);
        } else if sender.send(piece.into()).await.is_ok() {
            pause = TAIL_EAGER;
        } else {
            return;
        }
    }
}
