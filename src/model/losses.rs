//! How much of a log could not be kept, and when it is time to say so.
//!
//! Said at once, then at intervals that grow, and once more when it is over. A log that nothing
//! is written to says nothing, so that nobody has to wake up for it.

use std::time::{Duration, Instant};

const FIRST_INTERVAL: Duration = Duration::from_secs(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);

/// So long nothing must have been lost before it is said to be over: a reader that takes a little
/// now and then would else fill the main log with beginnings and ends.
const SETTLED: Duration = Duration::from_secs(1);

/// What one log has lost since it last could be written. Small while that is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    spell: Option<Box<Spell>>,
}

/// A time in which a log cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spell {
    lost: u64,
    latest: Instant,
    next: Instant,
    interval: Duration,
}

/// Something to say about a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It has just begun.
    Begun,
    /// It goes on; so many have been lost so far.
    Ongoing(u64),
}

impl Losses {
    /// So much more was lost at `now`. What is to be said, if it is time to say something.
    pub fn add(&mut self, count: u64, now: Instant) -> Option<Notice> {
        let Some(spell) = &mut self.spell else {
            self.spell = Some(Box::new(Spell {
                lost: count,
                latest: now,
                next: now + FIRST_INTERVAL,
                interval: FIRST_INTERVAL,
            }));
            return Some(Notice::Begun);
        };
        spell.lost = spell.lost.saturating_add(count);
        spell.latest = now;
        if now < spell.next {
            return None;
        }
        spell.interval = (spell.interval * 2).min(LONGEST_INTERVAL);
        spell.next = now + spell.interval;
        Some(Notice::Ongoing(spell.lost))
    }

    /// Something was kept at `now`: how much was lost in all, if there was a loss and it is over.
    pub fn kept(&mut self, now: Instant) -> Option<u64> {
        let spell = self.spell.as_ref()?;
        if now < spell.latest + SETTLED {
            return None;
        }
        self.end()
    }

    /// Nobody will write any more: how much was lost in all, if there was a loss.
    pub fn end(&mut self) -> Option<u64> {
        self.spell.take().map(|spell| spell.lost)
    }

    /// Whether something was lost and the end of that has not been told.
    pub const fn ongoing(&self) -> bool {
        self.spell.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One loss of a byte a second for so many seconds: the seconds in which something was said.
    fn said(seconds: u64) -> Vec<u64> {
        let (mut losses, start) = (Losses::default(), Instant::now());
        (0..seconds)
            .filter(|&second| {
                let now = start + Duration::from_secs(second);
                losses.add(1, now).is_some()
            })
            .collect()
    }

    #[test]
    fn a_loss_is_said_at_once_and_then_at_growing_intervals() {
        assert_eq!(said(700), [0, 10, 30, 70, 150, 310, 630]);
        let late = said(40_000);
        let gaps = late.windows(2).map(|pair| pair[1] - pair[0]);
        assert_eq!(gaps.max(), Some(3600));
    }

    #[test]
    fn the_sum_is_told_as_it_goes_on_and_at_its_end() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        assert_eq!(losses.end(), None);
        assert_eq!(losses.add(5, start), Some(Notice::Begun));
        assert_eq!(losses.add(2, start), None);
        assert_eq!(losses.kept(start), None);
        assert!(losses.ongoing());
        let later = start + Duration::from_secs(10);
        assert_eq!(losses.add(1, later), Some(Notice::Ongoing(8)));
        assert_eq!(losses.kept(later), None);
        let settled = later + SETTLED;
        assert_eq!(losses.kept(settled), Some(8));
        assert_eq!(losses.kept(settled), None);
        assert_eq!(losses.add(1, settled), Some(Notice::Begun));
        assert_eq!(losses.end(), Some(1));
        assert_eq!(losses.end(), None);
    }
}
