//! How often a pipe is looked at: rarely enough that many small writes are one wake-up, often
//! enough that no writer waits for us.
//!
//! Between two looks there is a rest. It grows while little comes and shrinks while much does. A
//! flood gets the shortest ones: with none at all, reader and writer fight for the pipe at each
//! of its writes, and a read finds only the few that came since the last.

use std::time::Duration;

/// The rests, in microseconds.
const RESTS: [u16; 8] = [100, 200, 400, 1000, 2000, 3000, 4000, 5000];

/// The first of them after which a pipe without anything in it may be left until something comes.
const CALM: u8 = 3;

/// A pipe is big if it holds as many whole reads: what a flood brings in a rest has room in it.
const BIG: usize = 4;

/// The rhythm of one pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The place of the last rest among all.
    step: u8,
    /// So many bytes came since then; no more than can be counted.
    came: u32,
}

/// What to do after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read again at once: there is more, or the writer fills the pipe while we would rest.
    Again,
    /// Let the pipe fill for so long.
    Rest(Duration),
}

/// How much to read, `most` at once, for a flood that is written at this position of a file: up to
/// the next whole multiple. The page cache keeps what is written at one in one piece, and else in
/// many of odd sizes.
pub fn up_to_multiple(position: u64, most: usize) -> usize {
    let odd = position % most as u64;
    most - usize::try_from(odd).unwrap_or(0)
}

impl Default for Pace {
    /// Of a pipe in which nothing has happened yet.
    fn default() -> Self {
        Self {
            step: CALM,
            came: 0,
        }
    }
}

impl Pace {
    /// After a read of so many bytes, of `portion` at once, from a pipe that holds `capacity`. Such
    /// reads are `most` at once, where nothing else is in the way.
    pub fn after(&mut self, read: usize, portion: usize, most: usize, capacity: usize) -> Next {
        let whole = most.min(capacity);
        self.came = self
            .came
            .saturating_add(u32::try_from(read).unwrap_or(u32::MAX));
        if read >= portion.min(capacity) {
            return Next::Again;
        }
        if capacity < most.saturating_mul(BIG) {
            // No rest is short enough. In a flood a read may well find less, for the writer had
            // only just begun again; it ends with one that finds next to nothing.
            let flood = self.step == 0 && read >= whole / 16;
            if flood || self.has_come(whole / 2) {
                self.step = 0;
                self.came = 0;
                return Next::Again;
            }
            self.step = self.step.max(CALM - 1);
        }
        if self.has_come(whole) {
            self.step /= 2;
        } else if !self.has_come(whole / 2) {
            self.slow_down();
        }
        self.came = 0;
        Next::Rest(self.rest())
    }

    /// Whether much came lately.
    pub const fn is_flood(self) -> bool {
        self.step < CALM
    }

    /// Nothing was there. Answers how long to rest, if it was a flood until now and may go on;
    /// else whatever comes next is the beginning of something else.
    pub fn calm_down(&mut self) -> Option<Duration> {
        if std::mem::take(&mut self.came) > 0 {
            // It was read to its end, as it happens.
            self.step = (self.step / 2).min(CALM - 1);
        } else if self.is_flood() {
            self.slow_down();
        }
        self.is_flood().then(|| self.rest())
    }

    fn has_come(self, bytes: usize) -> bool {
        usize::try_from(self.came).is_ok_and(|came| came >= bytes)
    }

    fn slow_down(&mut self) {
        let last = RESTS.len() - 1;
        self.step = u8::try_from(last).unwrap_or(u8::MAX).min(self.step + 1);
    }

    fn rest(self) -> Duration {
        Duration::from_micros(u64::from(RESTS[usize::from(self.step)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows reads of so many bytes, of 160 at most, from a pipe of this size: `a` for
    /// again, else microseconds. Where nothing was read, `-` is for waiting until something comes.
    fn check(capacity: usize, reads: &[usize], expected: &str) {
        let mut pace = Pace::default();
        let next: Vec<_> = reads
            .iter()
            .map(|&read| match read {
                0 => pace
                    .calm_down()
                    .map_or_else(|| "-".to_owned(), |time| time.as_micros().to_string()),
                _ => match pace.after(read, 160, 160, capacity) {
                    Next::Again => "a".to_owned(),
                    Next::Rest(time) => time.as_micros().to_string(),
                },
            })
            .collect();
        assert_eq!(next.join(" "), expected, "{capacity}: {reads:?}");
    }

    #[test]
    fn a_pipe_in_which_little_happens_is_looked_at_less_and_less() {
        for capacity in [160, 1600] {
            let slower = "2000 3000 4000 5000 5000 -";
            check(capacity, &[1, 79, 1, 1, 1, 0], slower);
        }
    }

    #[test]
    fn a_flood_in_a_big_pipe_is_read_with_short_rests() {
        check(1600, &[160, 160, 10, 160, 159], "a a 200 a 100");
        check(
            1600,
            &[160, 10, 160, 1, 160, 1, 160, 1],
            "a 200 a 100 a 100 a 100",
        );
    }

    #[test]
    fn what_fills_half_a_read_keeps_its_rhythm() {
        check(1600, &[160, 10, 80, 90, 79, 80], "a 200 200 200 400 400");
    }

    #[test]
    fn reads_that_are_cut_short_by_us_count_together() {
        let mut pace = Pace::default();
        let mut after = |read, portion| pace.after(read, portion, 160, 1600);
        let rest = |micros| Next::Rest(Duration::from_micros(micros));
        // Less than a whole read has come.
        assert_eq!(after(30, 30), Next::Again);
        assert_eq!(after(60, 160), rest(1000));
        assert_eq!(after(30, 30), Next::Again);
        assert_eq!(after(40, 160), rest(2000));
        // More has.
        assert_eq!(after(100, 100), Next::Again);
        assert_eq!(after(60, 160), rest(400));
    }

    #[test]
    fn a_flood_is_read_up_to_the_next_multiple() {
        let expected = [(0, 160), (1, 159), (159, 1), (160, 160), (321, 159)];
        for (position, portion) in expected {
            assert_eq!(up_to_multiple(position, 160), portion, "{position}");
        }
    }

    #[test]
    fn much_at_once_or_soon_again_is_a_flood() {
        let mut pace = Pace::default();
        assert!(!pace.is_flood());
        assert_eq!(pace.after(160, 160, 160, 1600), Next::Again);
        assert_eq!(
            pace.after(1, 160, 160, 1600),
            Next::Rest(Duration::from_micros(200))
        );
        assert!(pace.is_flood());
        while pace.calm_down().is_some() {}
        assert!(!pace.is_flood());
    }

    #[test]
    fn a_flood_that_pauses_is_waited_for_a_little() {
        check(
            1600,
            &[160, 1, 160, 1, 160, 1, 0, 0, 0, 0],
            "a 200 a 100 a 100 200 400 - -",
        );
    }

    #[test]
    fn what_came_in_whole_reads_was_a_flood() {
        check(
            1600,
            &[1, 1, 160, 0, 160, 0, 0, 0],
            "2000 3000 a 400 a 200 400 -",
        );
        check(
            1600,
            &[160, 0, 160, 160, 0, 160, 0, 160, 0],
            "a 200 a a 100 a 100 a 100",
        );
    }

    #[test]
    fn a_flood_in_a_small_pipe_is_read_without_rests_until_it_ends() {
        check(160, &[160, 10, 80, 10, 9, 10, 10], "a a a a 1000 2000 3000");
        check(600, &[1, 1, 80, 1, 0], "2000 3000 a 1000 -");
    }
}
