//! How often a pipe is looked at: rarely enough that many small writes are one wake-up, often
//! enough that no writer waits for us.

use std::time::Duration;

/// After a flood, and at first, a pipe is looked at again after so many milliseconds.
const SHORTEST: u8 = 1;

/// A pipe in which little happens is looked at again after so many milliseconds.
const LONGEST: u8 = 5;

/// The rhythm of one pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds of the last rest; 0 in a flood.
    rest: u8,
}

/// What to do after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read again at once: the writer fills the pipe while we would rest.
    Again,
    /// Let the pipe fill for so long.
    Rest(Duration),
}

impl Pace {
    /// After a read of so many bytes, of `full` that it might have been at most.
    ///
    /// Half of that makes it a flood. It ends with a read that finds next to nothing: in between
    /// a read may well find less, for the writer had only just begun again.
    pub fn after(&mut self, read: usize, full: usize) -> Next {
        let flood = self.rest == 0 && read >= full / 16;
        if flood || read >= full / 2 {
            self.rest = 0;
            return Next::Again;
        }
        self.rest = (self.rest + 1).clamp(SHORTEST, LONGEST);
        Next::Rest(Duration::from_millis(u64::from(self.rest)))
    }

    /// Nothing was there: whatever comes next is the beginning of something else.
    pub fn calm_down(&mut self) {
        self.rest = self.rest.max(SHORTEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows reads of so many bytes, of 160 at most: `a` for again, else milliseconds.
    fn check(reads: &[usize], expected: &str) {
        let mut pace = Pace::default();
        pace.calm_down();
        let next: Vec<_> = reads
            .iter()
            .map(|&read| match pace.after(read, 160) {
                Next::Again => "a".to_owned(),
                Next::Rest(time) => time.as_millis().to_string(),
            })
            .collect();
        assert_eq!(next.join(" "), expected, "{reads:?}");
    }

    #[test]
    fn a_pipe_in_which_little_happens_is_looked_at_less_and_less() {
        check(&[1, 1, 79, 1, 1, 1], "2 3 4 5 5 5");
    }

    #[test]
    fn a_flood_is_read_until_it_ends() {
        check(&[160, 10, 80, 9, 10, 10], "a a a 1 2 3");
        check(&[1, 1, 80, 1], "2 3 a 1");
    }
}
