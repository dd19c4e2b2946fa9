//! How a program's log is written where a config asks for more than the original knows: the form
//! of its lines, rotation by the calendar, and what becomes of the older ones.

use super::time::LocalTime;

/// What one stream's log looks like. As nothing is asked, it is the bytes that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStyle {
    /// The form of the lines.
    pub format: Format,
    /// Stands before each line, with a blank after it.
    pub prefix: Option<String>,
    /// Rotate at the end of each of these too, not by the size alone.
    pub rotate: Option<Period>,
    /// What the older logs are compressed with.
    pub compress: Option<Compression>,
}

impl LogStyle {
    /// Whether the log is written line by line.
    pub fn has_lines(&self) -> bool {
        self.format != Format::Raw || self.prefix.is_some()
    }
}

/// The form of a log's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The bytes as they are.
    #[default]
    Raw,
    /// Each line after the time at which it was read, and a blank.
    Timestamp,
    /// Each line as a JSON object.
    Json,
}

/// A span of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From one full hour to the next.
    Hour,
}

impl Period {
    /// Whether `now` is in a later span than `then`. A clock that was set back is in none.
    pub fn is_over(self, then: &LocalTime, now: &LocalTime) -> bool {
        self.beginning(now) > self.beginning(then)
    }

    fn beginning(self, time: &LocalTime) -> (i64, u8, u8, u8) {
        let hour = match self {
            Self::Day => 0,
            Self::Hour => time.hour,
        };
        (time.year, time.month, time.day, hour)
    }
}

/// What a file can be compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952, as `gzip` reads it.
    Gzip,
    /// RFC 8878, as `zstd` reads it.
    Zstd,
}

impl Compression {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gzip, Self::Zstd];

    /// What is added to the name of a compressed file.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(month: u8, day: u8, hour: u8, minute: u8) -> LocalTime {
        LocalTime {
            year: 2026,
            month,
            day,
            hour,
            minute,
            second: 0,
        }
    }

    #[test]
    fn a_period_is_over_when_the_calendar_says_so() {
        let check = |then: LocalTime, now: LocalTime, day: bool, hour: bool| {
            assert_eq!(Period::Day.is_over(&then, &now), day, "{then:?} {now:?}");
            assert_eq!(Period::Hour.is_over(&then, &now), hour, "{then:?} {now:?}");
        };
        check(at(11, 20, 5, 0), at(11, 20, 5, 59), false, false);
        check(at(11, 20, 5, 59), at(11, 20, 6, 0), false, true);
        check(at(11, 20, 23, 59), at(11, 21, 0, 0), true, true);
        check(at(11, 30, 23, 59), at(12, 1, 23, 59), true, true);
    }

    #[test]
    fn a_clock_that_was_set_back_ends_nothing() {
        assert!(!Period::Day.is_over(&at(11, 20, 5, 0), &at(11, 19, 5, 0)));
        assert!(!Period::Hour.is_over(&at(11, 20, 3, 0), &at(11, 20, 2, 30)));
    }
}
