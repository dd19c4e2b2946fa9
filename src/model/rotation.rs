//! Rotation of logs: when it is due, and which file takes which place (`loggers.py`,
//! `RotatingFileHandler`).
//!
//! `x.log` is written to, `x.log.1` was before it, and so on up to as many as are kept. Who
//! renames, and what becomes of a failure, is not decided here.

use super::logstyle::Compression;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// One renaming: from a place to the next older one. Place 0 is the log itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The place that is given up.
    pub from: u32,
    /// The place that is taken; what is there is lost.
    pub to: u32,
}

/// Whether a log that ends at `position` after a write is to be rotated. A limit of 0 is none.
pub const fn is_due(position: u64, maxbytes: u64) -> bool {
    maxbytes > 0 && position >= maxbytes
}

/// The renamings that make room for a new log, in the order in which they must happen. `places`
/// are those that may be taken, in any order; a shift from an empty place does nothing. Without
/// backups there is nothing to rename: the log is cut to nothing.
///
/// As in the original, gaps move along and are not closed, and places beyond the last kept one
/// stay as they are.
pub fn shifts(places: impl IntoIterator<Item = u32>, backups: u32) -> Vec<Shift> {
    if backups == 0 {
        return Vec::new();
    }
    let mut places: Vec<u32> = places
        .into_iter()
        .filter(|&place| (1..backups).contains(&place))
        .collect();
    places.sort_unstable();
    places.dedup();
    let older = places.into_iter().rev();
    older
        .chain([0])
        .map(|from| Shift { from, to: from + 1 })
        .collect()
}

/// The path of a place.
pub fn path_of(log: &Path, place: u32) -> PathBuf {
    if place == 0 {
        return log.to_path_buf();
    }
    let mut path = OsString::from(log);
    path.push(format!(".{place}"));
    PathBuf::from(path)
}

/// The path of a place whose log is compressed.
pub fn pressed_path_of(log: &Path, place: u32, compression: Compression) -> PathBuf {
    let mut path = OsString::from(path_of(log, place));
    path.push(compression.suffix());
    PathBuf::from(path)
}

/// The place that a file beside the log has by its name, if its name is one of those that
/// [`path_of`] and [`pressed_path_of`] give.
pub fn place_of(log_name: &OsStr, file_name: &OsStr) -> Option<u32> {
    let (log, file) = (log_name.as_encoded_bytes(), file_name.as_encoded_bytes());
    let number = file.strip_prefix(log)?.strip_prefix(b".")?;
    let plain = Compression::ALL
        .iter()
        .find_map(|compression| number.strip_suffix(compression.suffix().as_bytes()));
    let digits = plain.unwrap_or(number);
    let plain = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    if !plain {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_shifts(places: &[u32], backups: u32, expected: &[(u32, u32)]) {
        let shifts: Vec<_> = shifts(places.iter().copied(), backups)
            .into_iter()
            .map(|shift| (shift.from, shift.to))
            .collect();
        assert_eq!(shifts, expected, "{places:?} {backups}");
    }

    #[test]
    fn older_logs_make_room_first() {
        check_shifts(&[], 3, &[(0, 1)]);
        check_shifts(&[1, 2], 3, &[(2, 3), (1, 2), (0, 1)]);
        check_shifts(&[2, 1, 2], 3, &[(2, 3), (1, 2), (0, 1)]);
    }

    #[test]
    fn the_oldest_kept_log_is_overwritten_and_older_ones_stay() {
        check_shifts(&[1, 2, 3, 4], 2, &[(1, 2), (0, 1)]);
        check_shifts(&[1], 1, &[(0, 1)]);
    }

    #[test]
    fn gaps_move_along() {
        check_shifts(&[1, 3], 5, &[(3, 4), (1, 2), (0, 1)]);
    }

    #[test]
    fn without_backups_nothing_is_renamed() {
        check_shifts(&[1, 2], 0, &[]);
    }

    #[test]
    fn the_greatest_number_of_backups_does_not_overflow() {
        check_shifts(
            &[u32::MAX, u32::MAX - 1],
            u32::MAX,
            &[(u32::MAX - 1, u32::MAX), (0, 1)],
        );
    }

    #[test]
    fn rotation_is_due_when_the_limit_is_reached() {
        assert!(!is_due(99, 100));
        assert!(is_due(100, 100));
        assert!(is_due(101, 100));
        assert!(!is_due(u64::MAX, 0));
    }

    #[test]
    fn a_place_and_its_path_are_the_same_thing() {
        let log = Path::new("/var/log/x.log");
        assert_eq!(path_of(log, 0), log);
        assert_eq!(path_of(log, 12), Path::new("/var/log/x.log.12"));
        let check = |name: &str, place| {
            assert_eq!(
                place_of(OsStr::new("x.log"), OsStr::new(name)),
                place,
                "{name}"
            );
        };
        check("x.log.1", Some(1));
        check("x.log.4294967295", Some(u32::MAX));
        let pressed = pressed_path_of(log, 12, Compression::Gzip);
        assert_eq!(pressed, Path::new("/var/log/x.log.12.gz"));
        check("x.log.12.gz", Some(12));
        check("x.log.12.zst", Some(12));
        for other in [
            "x.log",
            "x.log.",
            "x.log.0",
            "x.log.01",
            "x.log.1.gz.part",
            "x.log.gz",
            "x.log.-1",
            "x.log.4294967296",
            "y.log.1",
            "xx.log.1",
        ] {
            check(other, None);
        }
    }
}
