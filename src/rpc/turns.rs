//! Turns for reading logs: how much of them is in memory at a time, and how long a disk may take.
//!
//! A read holds its bytes and then its answer. Small reads are many and come from those who
//! watch; a whole log is rare and up to a thousand times as big. Each kind has turns of its own,
//! so that neither a whole log nor a disk that does not answer makes a small read of another
//! disk wait for long.

use std::future::Future;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Bytes of a small read; pages, `supervisorctl tail` and agents ask for a few thousand. As many
/// clients as may be connected may each have one in the answer that they do not take.
const SMALL: i64 = 256 << 10;

/// Small reads at the same time: several times [`SMALL`] each, as bytes and as XML.
const SMALL_READS: usize = 32;

/// Other reads at the same time. Each may be of 64 MiB, and its XML some times that.
const LARGE_READS: usize = 1;

/// After so long a small read is given up: a disk that takes longer does not answer.
const SMALL_TIME: Duration = Duration::from_secs(10);

/// After so long any read is given up: 64 MiB from a slow network disk take half of it.
const LARGE_TIME: Duration = Duration::from_secs(60);

/// Who may read now.
pub(super) struct Turns {
    small: Semaphore,
    large: Semaphore,
}

/// Whether so many bytes take one of the few turns for large reads.
pub(super) const fn is_large(bytes: i64) -> bool {
    bytes > SMALL
}

/// A turn; held for as long as what was read is in memory.
pub(super) type Turn<'a> = SemaphorePermit<'a>;

/// A disk did not answer, or too many reads came before.
#[derive(Debug)]
pub(super) struct TooSlow;

impl Turns {
    /// Nobody reads yet.
    pub(super) fn new() -> Self {
        Self {
            small: Semaphore::new(SMALL_READS),
            large: Semaphore::new(LARGE_READS),
        }
    }

    /// Reads what may have so many bytes when it is its turn, unless that takes too long.
    pub(super) async fn read<T>(
        &self,
        bytes: i64,
        read: impl Future<Output = T>,
    ) -> Result<(Turn<'_>, T), TooSlow> {
        let (turns, time) = if is_large(bytes) {
            (&self.large, LARGE_TIME)
        } else {
            (&self.small, SMALL_TIME)
        };
        let turn_and_read = async {
            let turn = turns.acquire().await.map_err(|_| TooSlow)?;
            Ok((turn, read.await))
        };
        timeout(time, turn_and_read).await.unwrap_or(Err(TooSlow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_large_read_that_hangs_holds_up_no_small_one() {
        let turns = Turns::new();
        let hung = async { turns.read(SMALL + 1, pending::<()>()).await.is_err() };
        let other = async {
            let (_turn, answer) = turns.read(SMALL, ready(7)).await.expect("a turn is free");
            answer
        };
        let begun = tokio::time::Instant::now();
        assert_eq!(tokio::join!(hung, other), (true, 7));
        assert_eq!(begun.elapsed().as_secs(), LARGE_TIME.as_secs());
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn whoever_waits_too_long_for_a_turn_is_told() {
        let turns = Turns::new();
        let (_turn, ()) = turns.read(i64::MAX, ready(())).await.expect("nobody reads");
        assert!(turns.read(i64::MAX, ready(())).await.is_err());
    }
}
