//! How often a pipe is looked at: rarely enough that many small writes are one wake-up, often
//! enough that no writer waits for us.

use std::time::Duration;

/// The rhythm of one pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds between two looks.
    rest: u8,
}

/// What to do after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read again: the writer fills the pipe faster than we rest.
    Again,
    /// Let the pipe fill for so long.
    Rest(Duration),
}

const SHORTEST: u8 = 1;
const LONGEST: u8 = 5;

impl Default for Pace {
    fn default() -> Self {
        Self { rest: LONGEST }
    }
}

impl Pace {
    /// After a read of so many bytes from a pipe that holds so many.
    pub fn after(&mut self, read: usize, capacity: usize) -> Next {
        if read >= capacity / 2 {
            self.rest = SHORTEST;
            return Next::Again;
        }
        let rest = self.rest;
        self.rest = if read >= capacity / 8 {
            SHORTEST
        } else {
            (rest + 1).min(LONGEST)
        };
        Next::Rest(Duration::from_millis(u64::from(rest)))
    }
}
