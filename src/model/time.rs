//! A moment as a calendar shows it. Which moment, and in which zone, was decided elsewhere.

use super::number::decimal;

/// A moment in some zone, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalTime {
    /// The year, as people write it.
    pub year: i64,
    /// 1 for January.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60: a zone with leap seconds has such a second.
    pub second: u8,
}

/// A moment in some zone, to the millisecond, and how far that zone is from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The moment to the second.
    pub time: LocalTime,
    /// Milliseconds on top of it, 0 to 999.
    pub millis: u32,
    /// Seconds that the zone is east of UTC.
    pub offset: i32,
}

impl Moment {
    /// As RFC 3339 writes it: `2026-11-20T06:52:50.123+01:00`.
    pub fn rfc3339(&self) -> String {
        let LocalTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self.time;
        let sign = if self.offset < 0 { '-' } else { '+' };
        let offset = self.offset.unsigned_abs() / 60;
        format!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}\
             {sign}{:02}:{:02}",
            self.millis,
            offset / 60,
            offset % 60
        )
    }
}

/// The short names of the months, as every `LANG=C` program writes them.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl LocalTime {
    /// The moment as `status` shows when a process ended: `Nov 20 05:37 AM`.
    pub fn short(&self) -> String {
        let month = self.month_name();
        let half = if self.hour < 12 { "AM" } else { "PM" };
        let hour = match self.hour % 12 {
            0 => 12,
            hour => hour,
        };
        format!(
            "{month} {day:02} {hour:02}:{minute:02} {half}",
            day = self.day,
            minute = self.minute
        )
    }
}

impl LocalTime {
    /// The moment in full, as C's `ctime` writes it: `Fri Nov 20 05:54:34 2026`.
    pub fn full(&self) -> String {
        format!(
            "{} {} {:2} {:02}:{:02}:{:02} {}",
            self.weekday(),
            self.month_name(),
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.year
        )
    }

    /// The day of the week, by Sakamoto's rule for the Gregorian calendar.
    fn weekday(&self) -> &'static str {
        const SHIFT: [i64; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        let month = usize::from(self.month.clamp(1, 12)) - 1;
        // January and February count to the year before, whose leap day they follow. Weekdays
        // come again after 400 years.
        let year = (self.year - i64::from(month < 2)).rem_euclid(400);
        let days = year + year / 4 - year / 100 + SHIFT[month] + i64::from(self.day);
        usize::try_from(days % 7).map_or("???", |day| NAMES[day])
    }

    fn month_name(&self) -> &'static str {
        MONTHS
            .get(usize::from(self.month).wrapping_sub(1))
            .unwrap_or(&"???")
    }
}

/// A time span as `status` shows how long a process is up, which is how Python writes one:
/// `0:03:12`, `1 day, 2:03:04`. A span below nothing is none: the clock was set back.
pub fn uptime(seconds: i64) -> String {
    let mut text = String::new();
    push_uptime(seconds, &mut text);
    text
}

/// The same behind a text. A thousand processes are told in one answer, so this is quick.
pub fn push_uptime(seconds: i64, out: &mut String) {
    let seconds = seconds.max(0);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    match days {
        0 => {}
        1 => out.push_str("1 day, "),
        days => {
            push_number(days, out);
            out.push_str(" days, ");
        }
    }
    push_number(rest / 3600, out);
    for part in [rest / 60 % 60, rest % 60] {
        out.push(':');
        out.push(digit(part / 10));
        out.push(digit(part));
    }
}

/// A whole number behind a text.
pub fn push_number(number: i64, out: &mut String) {
    decimal(number, |digits| {
        out.extend(digits.iter().copied().map(char::from));
    });
}

/// The last digit of a number that is not negative.
fn digit(number: i64) -> char {
    u32::try_from(number % 10)
        .ok()
        .and_then(|number| char::from_digit(number, 10))
        .unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_python_writes_it() {
        let check = |seconds, text| assert_eq!(uptime(seconds), text);
        check(-5, "0:00:00");
        check(0, "0:00:00");
        check(192, "0:03:12");
        check(86_399, "23:59:59");
        check(86_400, "1 day, 0:00:00");
        check(2 * 86_400 + 36_185, "2 days, 10:03:05");
        check(i64::MAX, "106751991167300 days, 15:30:07");
    }

    #[test]
    fn a_moment_of_a_zone_is_written_with_its_offset() {
        let check = |offset, expected: &str| {
            let time = LocalTime {
                year: 2026,
                month: 1,
                day: 2,
                hour: 3,
                minute: 4,
                second: 5,
            };
            let millis = 6;
            let moment = Moment {
                time,
                millis,
                offset,
            };
            assert_eq!(
                moment.rfc3339(),
                format!("2026-01-02T03:04:05.006{expected}")
            );
        };
        check(0, "+00:00");
        check(19_800, "+05:30");
        check(-12_600, "-03:30");
    }

    #[test]
    fn a_moment_in_full_has_its_weekday() {
        let check = |year, month, day, text| {
            let moment = LocalTime {
                year,
                month,
                day,
                hour: 5,
                minute: 4,
                second: 3,
            };
            assert_eq!(moment.full(), text);
        };
        check(2026, 11, 20, "Fri Nov 20 05:04:03 2026");
        check(2000, 2, 29, "Tue Feb 29 05:04:03 2000");
        check(1970, 1, 1, "Thu Jan  1 05:04:03 1970");
        check(2038, 1, 19, "Tue Jan 19 05:04:03 2038");
        check(1900, 3, 1, "Thu Mar  1 05:04:03 1900");
    }

    #[test]
    fn a_moment_is_written_with_a_clock_of_twelve_hours() {
        let check = |month, day, hour, minute, text| {
            let moment = LocalTime {
                year: 2026,
                month,
                day,
                hour,
                minute,
                second: 59,
            };
            assert_eq!(moment.short(), text);
        };
        check(11, 20, 5, 37, "Nov 20 05:37 AM");
        check(1, 1, 0, 0, "Jan 01 12:00 AM");
        check(12, 31, 12, 5, "Dec 31 12:05 PM");
        check(6, 5, 15, 16, "Jun 05 03:16 PM");
    }
}
