//! When to try again, and when to stop trying: small policies, pure and lawful.

use super::Policy;
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// How the wait after a failed start grows with the number of failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// After the n-th failure n seconds, as in the original.
    Linear,
    /// A second, then twice as long each time.
    Exponential,
}

/// The waits between failed starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// How they grow.
    pub growth: Growth,
    /// The longest; none for as long as they grow to.
    pub longest: Option<Duration>,
    /// Take off up to half of each, by chance: what failed together does not come back together.
    pub jitter: bool,
}

impl Waits {
    /// The original's.
    pub const ORIGINAL: Self = Self {
        growth: Growth::Linear,
        longest: None,
        jitter: false,
    };

    /// How long to wait after this many failures in a row. `luck` decides what the jitter takes
    /// off: the same luck, the same waits.
    pub fn after(&self, failures: u32, luck: u64) -> Duration {
        let seconds = match self.growth {
            Growth::Linear => i64::from(failures),
            Growth::Exponential => 1_i64
                .checked_shl(failures.saturating_sub(1))
                .filter(|seconds| *seconds > 0)
                .unwrap_or(i64::MAX),
        };
        let wait = Policy::seconds(seconds);
        let wait = self.longest.map_or(wait, |longest| wait.min(longest));
        if self.jitter {
            let share = u32::try_from(mixed(luck ^ u64::from(failures)) >> 48).unwrap_or(0);
            // `share` is below 2^16: at most half is taken off.
            wait.saturating_sub(wait / 2 * share / (1 << 16))
        } else {
            wait
        }
    }
}

/// Spreads a number over all others (the finisher of `SplitMix64`).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// How often a process that left RUNNING is started again, and then no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartLimit {
    /// So many restarts …
    pub restarts: u32,
    /// … in any span of this length.
    pub within: Duration,
}

impl fmt::Display for RestartLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (restarts, within) = (self.restarts, self.within.as_secs());
        write!(
            f,
            "more than {restarts} restarts in {within} seconds (restart_limit)"
        )
    }
}

/// The restarts that count against a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Budget {
    spent: VecDeque<Instant>,
}

impl Budget {
    /// Takes one restart out of the budget; false if there is none left.
    pub(super) fn take(&mut self, now: Instant, limit: RestartLimit) -> bool {
        self.spent
            .retain(|&at| now.saturating_duration_since(at) < limit.within);
        let left = usize::try_from(limit.restarts).is_ok_and(|most| self.spent.len() < most);
        if left {
            self.spent.push_back(now);
        }
        left
    }

    /// All of it is there again.
    pub(super) fn refill(&mut self) {
        self.spent.clear();
    }

    #[cfg(test)]
    pub(super) fn map_times(&mut self, map: impl Fn(Instant) -> Instant) {
        self.spent.iter_mut().for_each(|at| *at = map(*at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(growth: Growth, longest: Option<u64>, expected: [u64; 5]) {
        let waits = Waits {
            growth,
            longest: longest.map(Duration::from_secs),
            jitter: false,
        };
        let seconds = [1, 2, 3, 4, 5].map(|failures| waits.after(failures, 7).as_secs());
        assert_eq!(seconds, expected, "{waits:?}");
    }

    #[test]
    fn waits_grow_as_they_are_told_and_to_no_more() {
        check(Growth::Linear, None, [1, 2, 3, 4, 5]);
        check(Growth::Linear, Some(3), [1, 2, 3, 3, 3]);
        check(Growth::Exponential, None, [1, 2, 4, 8, 16]);
        check(Growth::Exponential, Some(5), [1, 2, 4, 5, 5]);
    }

    #[test]
    fn no_number_of_failures_is_too_much() {
        for growth in [Growth::Linear, Growth::Exponential] {
            for jitter in [false, true] {
                let waits = Waits {
                    growth,
                    longest: None,
                    jitter,
                };
                let mut last = Duration::ZERO;
                for failures in [0, 1, 31, 32, 62, 63, 64, 65, 1000, u32::MAX] {
                    let wait = waits.after(failures, u64::MAX);
                    assert!(Instant::now().checked_add(wait).is_some(), "{failures}");
                    assert!(
                        jitter || wait >= last,
                        "{failures}: {wait:?} after {last:?}"
                    );
                    last = wait;
                }
            }
        }
    }

    #[test]
    fn jitter_takes_off_up_to_half_and_is_spread() {
        let waits = Waits {
            growth: Growth::Linear,
            longest: Some(Duration::from_secs(100)),
            jitter: true,
        };
        let all: Vec<Duration> = (0..1000).map(|luck| waits.after(200, luck)).collect();
        let (least, most) = (all.iter().min(), all.iter().max());
        let between = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
        assert!(
            between(50, 52).contains(least.expect("a thousand")),
            "{least:?}"
        );
        assert!(
            between(98, 100).contains(most.expect("a thousand")),
            "{most:?}"
        );
    }

    #[test]
    fn a_budget_is_spent_and_comes_back_with_time() {
        let begin = Instant::now();
        let limit = RestartLimit {
            restarts: 2,
            within: Duration::from_secs(10),
        };
        let mut budget = Budget::default();
        for (second, left) in [
            (0, true),
            (1, true),
            (2, false),
            (9, false),
            (10, true),
            (10, false),
            (11, true),
            (30, true),
        ] {
            let now = begin + Duration::from_secs(second);
            assert_eq!(budget.take(now, limit), left, "{second}");
        }
        budget.refill();
        assert!(budget.take(begin + Duration::from_secs(30), limit));
        let none = RestartLimit {
            restarts: 0,
            ..limit
        };
        assert!(!Budget::default().take(begin, none));
    }
}
