//! Logs with names of our own: `AUTO` in the config. They are named when a program becomes
//! active and made soon after, and those of earlier lives of the daemon are removed at its start (`options.py`,
//! `get_autochildlog_name` and `clear_autochildlogdir`).

use crate::model::state::Channel;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the random part of a name is made of.
const LETTERS: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789_";

/// Why old logs were not removed; each is a sentence for the main log at level WARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CleanError {
    /// The folder cannot be listed.
    Folder,
    /// This file is to go and cannot be removed.
    File(PathBuf),
}

/// A name for the log of a stream of a process, unlike any other's by its random part:
/// `PROCESS-stdout---IDENTIFIER-xxxxxxxx.log`.
pub fn name(process: &str, identifier: &str, channel: Channel) -> String {
    let (channel, random) = (channel.name(), random_letters());
    format!("{process}-{channel}---{identifier}-{random}.log")
}

/// Makes an empty log, for its owner alone. Where there is something already, that is an error:
/// it was put there by somebody who guessed the name.
pub fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).map(drop)
}

/// Removes the logs that daemons of this name have made in `folder`, with their rotated ones, and
/// answers what could not be done.
pub fn clean(folder: &Path, identifier: &str) -> Vec<CleanError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return vec![CleanError::Folder];
    };
    let mut errors = Vec::new();
    for entry in entries {
        let Ok(entry) = entry else {
            errors.push(CleanError::Folder);
            break;
        };
        if is_automatic(&entry.file_name(), identifier) && fs::remove_file(entry.path()).is_err() {
            errors.push(CleanError::File(entry.path()));
        }
    }
    errors
}

/// Whether a file has a name as [`name`] gives it, with anything behind: the original removes
/// whatever matches `.+?---IDENTIFIER-\S+\.log` from the start of the name.
fn is_automatic(name: &OsStr, identifier: &str) -> bool {
    let name = name.as_bytes();
    let middle = format!("---{identifier}-");
    let places = name.windows(middle.len()).enumerate();
    places
        .filter(|&(at, window)| at > 0 && window == middle.as_bytes())
        .any(|(at, _)| has_random_part(&name[at + middle.len()..]))
}

fn has_random_part(rest: &[u8]) -> bool {
    let solid = rest
        .iter()
        .take_while(|byte| !byte.is_ascii_whitespace())
        .count();
    // At least one letter stands before the ending.
    rest[..solid]
        .get(1..)
        .is_some_and(|rest| rest.windows(4).any(|window| window == b".log"))
}

fn random_letters() -> String {
    // The standard library seeds its hash maps from the system; good enough where a name that is
    // taken is never used and nothing is secret.
    let mut random = RandomState::new().hash_one(std::process::id());
    let mut letters = String::new();
    for _ in 0..8 {
        let letter = random % LETTERS.len() as u64;
        random /= LETTERS.len() as u64;
        let letter = usize::try_from(letter).unwrap_or(0);
        letters.push(char::from(LETTERS[letter]));
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Folder;
    use std::os::unix::fs::MetadataExt;

    fn check(name: &str, automatic: bool) {
        assert_eq!(
            is_automatic(OsStr::new(name), "supervisor"),
            automatic,
            "{name}"
        );
    }

    #[test]
    fn only_logs_with_a_name_of_ours_are_removed() {
        check("cat-stdout---supervisor-Ab_9x8yz.log", true);
        check("cat-stdout---supervisor-x.log", true);
        check("cat-stdout---supervisor-x.log.1", true);
        check("cat-stdout---supervisor-x.log.12345", true);
        check("cat-stdout---supervisor-x.log.bak", true);
        check("a name with spaces---supervisor-x.log", true);
        check("cat---supervisor----supervisor-x.log", true);
        check("cat-stdout---supervisor-.log", false);
        check("cat-stdout---supervisor-x y.log", false);
        check("cat-stdout---supervisor2-x.log", false);
        check("---supervisor-x.log", false);
        check("cat-stdout-supervisor-x.log", false);
        check("supervisord.log", false);
        check("", false);
    }

    #[test]
    fn a_log_is_made_for_its_owner_alone_and_cleaned_away() {
        let folder = Folder::new();
        let path = folder
            .path()
            .join(name("cat", "supervisor", Channel::Stderr));
        create(&path).expect("the folder can be written");
        let mode = fs::metadata(&path).expect("it was made").mode();
        assert_eq!(mode & 0o7777, 0o600);
        let refused = create(&path).expect_err("there is one");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        let name = path
            .file_name()
            .and_then(OsStr::to_str)
            .expect("it has a name");
        assert!(name.starts_with("cat-stderr---supervisor-"), "{name}");
        assert_eq!(
            name.len(),
            "cat-stderr---supervisor-xxxxxxxx.log".len(),
            "{name}"
        );

        let other = folder.path().join("other.log");
        fs::write(&other, "").expect("the folder can be written");
        fs::write(path.with_extension("log.3"), "").expect("the folder can be written");
        assert_eq!(clean(folder.path(), "supervisor"), []);
        let left: Vec<_> = fs::read_dir(folder.path())
            .expect("the folder can be read")
            .map(|entry| entry.expect("the folder can be read").path())
            .collect();
        assert_eq!(left, [other]);
    }

    #[test]
    fn two_logs_of_one_stream_have_different_names() {
        let make = || name("cat", "supervisor", Channel::Stdout);
        assert_ne!(make(), make());
    }

    #[test]
    fn what_cannot_be_removed_is_named() {
        let folder = Folder::new();
        let stubborn = folder.path().join("cat-stdout---supervisor-x.log");
        fs::create_dir(&stubborn).expect("the folder can be written");
        let file = CleanError::File(stubborn);
        assert_eq!(clean(folder.path(), "supervisor"), [file]);
        let missing = folder.path().join("missing");
        assert_eq!(clean(&missing, "supervisor"), [CleanError::Folder]);
    }
}
