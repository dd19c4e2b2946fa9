//! Ticks: when slices of 5, 60 and 3600 seconds of wall time begin, and what to announce
//! (`supervisord.py`, `tick` and `timeslice`).
//!
//! Slices are counted from the Unix epoch, so that ticks of all machines fall on the same moments.
//! A tick says when its slice began, not when it was announced. After a jump of the clock, in
//! either direction, the slice that it is now is announced once, and those between are not.

use super::event::{Event, EventMask, Period};

/// When the slice that `now` lies in began; both in seconds of Unix time.
pub const fn slice(period: Period, now: i64) -> i64 {
    // A clock before 1970 rounds down too.
    now.saturating_sub(now.rem_euclid(period.seconds()))
}

/// The slices announced last, for those periods whose ticks somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// By [`Period::ALL`]; none while nobody wants them.
    current: [Option<i64>; 3],
}

impl Ticks {
    /// Nobody wants ticks yet.
    pub const fn new() -> Self {
        Self { current: [None; 3] }
    }

    /// Somebody wants these types, or nobody any more. A period that was not wanted before begins
    /// with the slice that it is now, which is not announced: its first tick is at the next
    /// boundary.
    pub fn want(&mut self, mask: EventMask, now: i64) {
        for (current, period) in self.current.iter_mut().zip(Period::ALL) {
            if mask.contains(period.kind()) {
                current.get_or_insert(slice(period, now));
            } else {
                *current = None;
            }
        }
    }

    /// Looks at the clock: the ticks of all slices that began since it was looked at last, in the
    /// order 5, 60, 3600.
    pub fn look(&mut self, now: i64) -> Vec<Event> {
        let mut ticks = Vec::new();
        for (current, period) in self.current.iter_mut().zip(Period::ALL) {
            let when = slice(period, now);
            if let Some(last) = current
                && *last != when
            {
                *last = when;
                ticks.push(Event::Tick { period, when });
            }
        }
        ticks
    }

    /// When the next slice begins that somebody wants to hear of, in seconds of Unix time; none if
    /// nobody wants any.
    pub fn next_boundary(&self, now: i64) -> Option<i64> {
        let wanted = self.current.iter().zip(Period::ALL);
        wanted
            .filter(|(current, _)| current.is_some())
            .map(|(_, period)| slice(period, now).saturating_add(period.seconds()))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(names: &str) -> EventMask {
        let mask = |name| EventMask::of_name(name).expect("tests name types that exist");
        names
            .split_whitespace()
            .map(mask)
            .fold(EventMask::NONE, |all, mask| all | mask)
    }

    /// Somebody wants `names` at the first time; then the clock is looked at. Claims what is
    /// announced, as the payload's `when` behind the type's number.
    fn check(names: &str, times: &[i64], expected: &str) {
        let mut ticks = Ticks::new();
        let (&start, looks) = times.split_first().expect("tests give a time to begin");
        ticks.want(mask(names), start);
        let mut told = Vec::new();
        for &now in looks {
            let announced = ticks.look(now).into_iter().map(|event| {
                let name = event.kind().name().trim_start_matches("TICK_");
                event.payload().replace("when", name)
            });
            told.extend(announced);
            assert!(ticks.look(now).is_empty(), "announced twice at {now}");
        }
        assert_eq!(told.join(" "), expected);
    }

    #[test]
    fn a_slice_begins_at_a_multiple_of_its_length() {
        for (period, now, began) in [
            (Period::Five, 0, 0),
            (Period::Five, 4, 0),
            (Period::Five, 5, 5),
            (Period::Minute, 3661, 3660),
            (Period::Hour, 7199, 3600),
            (Period::Five, -1, -5),
            (Period::Hour, i64::MIN, i64::MIN),
        ] {
            assert_eq!(slice(period, now), began, "{period:?} {now}");
        }
    }

    #[test]
    fn a_tick_is_announced_once_its_slice_has_begun() {
        check(
            "TICK_5",
            &[1002, 1003, 1004, 1005, 1006, 1012],
            "5:1005 5:1010",
        );
        check("TICK_60", &[119, 120, 121], "60:120");
        check("TICK_3600", &[3599, 3600], "3600:3600");
    }

    #[test]
    fn ticks_of_one_moment_come_shortest_first() {
        check("TICK", &[3599, 3600], "5:3600 60:3600 3600:3600");
    }

    #[test]
    fn nobody_hears_of_what_nobody_wants() {
        check("PROCESS_STATE", &[3599, 3600], "");
        check("TICK_60 PROCESS_LOG", &[3599, 3600], "60:3600");
    }

    #[test]
    fn after_a_jump_only_the_slice_that_it_is_now_is_announced() {
        check("TICK_5", &[1000, 1_000_003, 1_000_004], "5:1000000");
        check("TICK_5", &[1000, 993, 994, 995], "5:990 5:995");
    }

    #[test]
    fn the_next_boundary_is_that_of_the_shortest_wanted_period() {
        let boundary = |names, now| {
            let mut ticks = Ticks::new();
            ticks.want(mask(names), now);
            ticks.next_boundary(now)
        };
        assert_eq!(boundary("TICK", 1003), Some(1005));
        assert_eq!(boundary("TICK_60 TICK_3600", 1003), Some(1020));
        assert_eq!(boundary("TICK_3600", 3600), Some(7200));
        assert_eq!(boundary("EVENT", 1005), Some(1010));
        assert_eq!(boundary("PROCESS_STATE", 1003), None);
    }

    #[test]
    fn a_period_that_is_wanted_again_begins_anew() {
        let mut ticks = Ticks::new();
        ticks.want(mask("TICK_5"), 1000);
        ticks.want(EventMask::NONE, 1003);
        assert!(ticks.look(1007).is_empty());
        ticks.want(mask("TICK_5"), 1012);
        assert!(ticks.look(1013).is_empty());
        assert_eq!(ticks.look(1015).len(), 1);
    }

    #[test]
    fn wanting_more_does_not_forget_a_slice_that_is_still_to_be_announced() {
        let mut ticks = Ticks::new();
        ticks.want(mask("TICK_5"), 1000);
        ticks.want(mask("TICK_5 TICK_60"), 1006);
        assert_eq!(ticks.look(1006).len(), 1);
    }
}
