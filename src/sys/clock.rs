//! What time it is, for people to read. Whatever waits or measures uses
//! [`std::time::Instant`]: the clock asked here may jump, and nothing is decided by it.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::libc;

use crate::model::time::{LocalTime, Moment};

/// The time since 1970-01-01 00:00:00 UTC in whole seconds and the nanoseconds on top of them
/// (0 to 999 999 999). A clock that was set before 1970 gives negative seconds.
pub fn now_unix() -> (i64, u32) {
    since_epoch(SystemTime::now())
}

/// The moment in the machine's own zone, `TZ` or `/etc/localtime`. The zone is read once, at
/// the first call. A moment so far off that its year does not fit is shown as 1970-01-01
/// 00:00:00.
pub fn local_time(unix_secs: i64) -> LocalTime {
    in_local_zone(unix_secs).0
}

/// Now, in the machine's own zone.
pub fn now_local() -> Moment {
    let (seconds, nanos) = now_unix();
    let (time, offset) = in_local_zone(seconds);
    Moment {
        time,
        millis: nanos / 1_000_000,
        offset,
    }
}

/// A moment as the zone shows it, and how many seconds the zone is east of UTC then.
fn in_local_zone(unix_secs: i64) -> (LocalTime, i32) {
    let mut broken_down = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live values of the right types, and `localtime_r` keeps
    // neither. All zeroes is a valid `tm`, so the value may be read even where the call failed.
    // The call reads `TZ`, which nobody changes once there are threads.
    let (filled, tm) = unsafe {
        let filled = libc::localtime_r(&raw const unix_secs, broken_down.as_mut_ptr());
        (!filled.is_null(), broken_down.assume_init())
    };
    if !filled {
        let beginning = LocalTime {
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
        };
        return (beginning, 0);
    }
    let small = |field: i32| u8::try_from(field).unwrap_or(0);
    let time = LocalTime {
        year: i64::from(tm.tm_year) + 1900,
        month: small(tm.tm_mon + 1),
        day: small(tm.tm_mday),
        hour: small(tm.tm_hour),
        minute: small(tm.tm_min),
        second: small(tm.tm_sec),
    };
    (time, i32::try_from(tm.tm_gmtoff).unwrap_or(0))
}

fn since_epoch(moment: SystemTime) -> (i64, u32) {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => (
            i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            after.subsec_nanos(),
        ),
        Err(before) => {
            // Seconds are counted down to the one before, so that nanoseconds still add.
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            match before.subsec_nanos() {
                0 => (-whole, 0),
                nanos => (-whole - 1, 1_000_000_000 - nanos),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nanoseconds_add_to_the_seconds_on_both_sides_of_1970() {
        let check = |moment, expected| assert_eq!(since_epoch(moment), expected);
        check(UNIX_EPOCH, (0, 0));
        check(UNIX_EPOCH + Duration::from_millis(1500), (1, 500_000_000));
        check(UNIX_EPOCH - Duration::from_secs(2), (-2, 0));
        check(UNIX_EPOCH - Duration::from_millis(1500), (-2, 500_000_000));
    }

    #[test]
    fn a_day_in_the_middle_of_a_month_is_that_day_in_every_zone() {
        // 2024-06-15 12:00:00 UTC; zones reach from 12 hours behind to 14 ahead.
        let noon = local_time(1_718_452_800);
        assert_eq!((noon.year, noon.month), (2024, 6));
        assert!((15..=16).contains(&noon.day), "{noon:?}");
    }

    #[test]
    fn a_second_later_is_a_second_later() {
        let (now, later) = (local_time(1_718_452_800), local_time(1_718_452_801));
        assert_eq!(now.second, 0);
        assert_eq!(later.second, 1);
        assert!(now < later);
    }

    #[test]
    fn moments_beyond_any_calendar_do_not_panic() {
        for secs in [i64::MIN, -1, 0, i64::MAX] {
            let shown = local_time(secs);
            assert!((1..=12).contains(&shown.month), "{secs}: {shown:?}");
            assert!((1..=31).contains(&shown.day), "{secs}: {shown:?}");
        }
    }
}
