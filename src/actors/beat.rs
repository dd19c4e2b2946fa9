//! Whether a log's arbiter is stuck: it says when it begins something that a disk may hold up and
//! when that is done, and whoever asks for the state of a process sees how long it takes already.
//! Nobody watches in between.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// What takes longer than this hangs.
const HANGS: Duration = Duration::from_secs(2);

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

thread_local! {
    static OWN: RefCell<Option<Arc<Beat>>> = const { RefCell::new(None) };
}

/// What one arbiter is doing.
#[derive(Debug, Default)]
pub struct Beat {
    /// When it began, in milliseconds since the epoch and one more; 0 for nothing.
    begun: AtomicU64,
}

impl Beat {
    /// How long something has been going on, if that is too long.
    pub(super) fn hangs(&self, now: Instant) -> Option<Duration> {
        let begun = self.begun.load(Ordering::Relaxed).checked_sub(1)?;
        let so_far = now.saturating_duration_since(*EPOCH + Duration::from_millis(begun));
        (so_far >= HANGS).then_some(so_far)
    }
}

/// Makes a beat that of this arbiter.
pub(super) fn own(beat: Arc<Beat>) {
    OWN.with_borrow_mut(|own| *own = Some(beat));
}

/// Something begins that may be held up; it is done when the answer is dropped.
pub(super) fn begin(now: Instant) -> Work {
    let begun = now.saturating_duration_since(*EPOCH).as_millis();
    let begun = u64::try_from(begun).unwrap_or(u64::MAX - 1) + 1;
    OWN.with_borrow(|own| {
        let beat = own.as_ref();
        // What began before goes on.
        let idle = beat.filter(|beat| beat.begun.load(Ordering::Relaxed) == 0);
        if let Some(beat) = idle {
            beat.begun.store(begun, Ordering::Relaxed);
        }
        Work {
            is_outermost: idle.is_some(),
        }
    })
}

/// Something that may be held up.
#[derive(Debug)]
pub(super) struct Work {
    is_outermost: bool,
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.is_outermost {
            // A thread that ends has nobody to tell.
            let _ = OWN.try_with(|own| {
                if let Some(beat) = own.borrow().as_ref() {
                    beat.begun.store(0, Ordering::Relaxed);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_for_long_hangs_until_the_outermost_work_is_done() {
        let beat = Arc::new(Beat::default());
        own(Arc::clone(&beat));
        let now = Instant::now();
        let later = now + HANGS + Duration::from_millis(1);
        assert_eq!(beat.hangs(later), None);
        let outer = begin(now);
        drop(begin(later));
        assert_eq!(beat.hangs(now), None);
        assert!(beat.hangs(later).is_some());
        drop(outer);
        assert_eq!(beat.hangs(later), None);
    }
}
