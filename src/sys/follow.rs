//! Following a log file through growth, truncation and rotation: what to send next.
//!
//! A rotated log is finished before the next is begun, through as many rotations as happened
//! meanwhile, so that no line is lost and none comes twice (the original jumps to the newest
//! file). That works because the file that was being read stays open, and is found among its
//! backups by its identity. Reads block: callers keep this off the threads that must not wait.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What is said where a log got shorter, in the original's words.
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

/// `O_NONBLOCK` of Linux: a FIFO must not hold us up when it is opened; it is not followed.
const NONBLOCK: i32 = 0o4000;

/// The most backups that are looked through for the file that was being read. Who keeps more
/// loses nothing unless the log was rotated that often between two looks.
const MAX_BACKUPS: u32 = 1000;

/// A log that is being followed.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: File,
    at: u64,
}

impl Follower {
    /// Begins so many bytes before the end of a log. Only regular files can be followed.
    pub fn open(path: &Path, back: u64) -> io::Result<Self> {
        let file = open(path)?;
        let at = file.metadata()?.len().saturating_sub(back);
        Ok(Self {
            path: path.to_owned(),
            file,
            at,
        })
    }

    /// What came since, at most `most` bytes; empty for nothing yet. An error ends the tail.
    pub fn next(&mut self, most: usize) -> io::Result<Vec<u8>> {
        loop {
            let length = self.file.metadata()?.len();
            if length < self.at {
                self.at = 0;
                return Ok(TRUNCATED.to_vec());
            }
            let piece = self.read(most)?;
            if !piece.is_empty() {
                return Ok(piece);
            }
            let Some(next) = self.successor()? else {
                return Ok(Vec::new());
            };
            // What was written between the read and the rotation is still to be sent.
            let piece = self.read(most)?;
            if !piece.is_empty() {
                return Ok(piece);
            }
            self.file = next;
            self.at = 0;
        }
    }

    fn read(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; most];
        let count = loop {
            match self.file.read_at(&mut piece, self.at) {
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        piece.truncate(count);
        self.at += count as u64;
        Ok(piece)
    }

    /// The file that follows the one that was being read; none while that one is the newest, or
    /// while nothing was written to the newer one: with `logrotate`, the daemon goes on writing
    /// to the old file for a while after the new one was made.
    fn successor(&self) -> io::Result<Option<File>> {
        let own = identity(&self.file.metadata()?);
        let Some((newest, of_newest)) = try_open(&self.path)? else {
            return Ok(None);
        };
        if identity(&of_newest) == own {
            return Ok(None);
        }
        if let Some(next) = self.newer_backup(own)? {
            return Ok(Some(next));
        }
        Ok((of_newest.len() > 0).then_some(newest))
    }

    /// The backup that is one newer than the file with this identity. None if it is the newest
    /// backup itself, or gone: then the log was cleared, and older backups are no part of it.
    fn newer_backup(&self, own: (u64, u64)) -> io::Result<Option<File>> {
        let mut newer = None;
        let mut gaps = 0;
        for number in 1..=MAX_BACKUPS {
            let mut path = self.path.clone().into_os_string();
            path.push(format!(".{number}"));
            match try_open(Path::new(&path))? {
                // One number is missing while a rotation is under way.
                None if gaps == 0 => gaps += 1,
                None => break,
                Some((_, facts)) if identity(&facts) == own => return Ok(newer),
                Some((file, _)) => newer = Some(file),
            }
        }
        Ok(None)
    }
}

fn identity(facts: &Metadata) -> (u64, u64) {
    (facts.dev(), facts.ino())
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(NONBLOCK)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// None if there is no such file now: it may be in the middle of being rotated.
fn try_open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    match open(path) {
        Ok(file) => {
            let facts = file.metadata()?;
            Ok(Some((file, facts)))
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    /// A log in a directory of its own.
    struct Log {
        dir: PathBuf,
        path: PathBuf,
    }

    impl Log {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("follow-{}-{name}", std::process::id()));
            fs::create_dir_all(&dir).expect("the temporary directory is writable");
            let path = dir.join("x.log");
            fs::write(&path, "").expect("the directory was just made");
            Self { dir, path }
        }

        fn say(&self, text: &str) {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(&self.path);
            file.and_then(|mut file| file.write_all(text.as_bytes()))
                .expect("the directory is writable");
        }

        fn backup(&self, number: u32) -> PathBuf {
            self.dir.join(format!("x.log.{number}"))
        }

        fn rotate(&self, backups: u32) {
            for number in (1..backups).rev() {
                let _ = fs::rename(self.backup(number), self.backup(number + 1));
            }
            fs::rename(&self.path, self.backup(1)).expect("the log is there");
            fs::write(&self.path, "").expect("the directory is writable");
        }

        fn follow(&self, back: u64) -> Follower {
            Follower::open(&self.path, back).expect("the log is there")
        }
    }

    impl Drop for Log {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }

    fn check(follower: &mut Follower, expected: &str) {
        let mut seen = Vec::new();
        loop {
            let piece = follower.next(4).expect("the file can be read");
            if piece.is_empty() {
                break;
            }
            seen.extend(piece);
        }
        assert_eq!(String::from_utf8_lossy(&seen), expected);
    }

    #[test]
    fn a_tail_begins_a_little_before_the_end_and_grows() {
        let log = Log::new("grow");
        log.say("0123456789");
        let mut follower = log.follow(4);
        check(&mut follower, "6789");
        check(&mut follower, "");
        log.say("ab");
        check(&mut follower, "ab");
        check(&mut log.follow(1024), "0123456789ab");
    }

    #[test]
    fn a_truncated_log_is_said_to_be_and_begun_again() {
        let log = Log::new("truncate");
        log.say("0123456789");
        let mut follower = log.follow(2);
        check(&mut follower, "89");
        fs::write(&log.path, "new").expect("the directory is writable");
        check(&mut follower, "==> File truncated <==\nnew");
    }

    #[test]
    fn a_rotated_log_is_finished_before_the_next_is_begun() {
        let log = Log::new("rotate");
        log.say("a");
        let mut follower = log.follow(9);
        log.say("b");
        log.rotate(9);
        log.say("c");
        check(&mut follower, "abc");
    }

    #[test]
    fn no_line_is_lost_or_repeated_through_many_rotations() {
        let log = Log::new("many");
        log.say("old\n");
        log.rotate(9);
        log.say("0\n");
        let mut follower = log.follow(1024);
        check(&mut follower, "0\n");
        let mut expected = String::new();
        for number in 1..8 {
            log.say(&format!("{number}\n"));
            expected = format!("{expected}{number}\n");
            log.rotate(9);
        }
        log.say("end\n");
        check(&mut follower, &(expected + "end\n"));
    }

    #[test]
    fn a_cleared_log_goes_on_without_its_backups() {
        let log = Log::new("clear");
        log.say("backup");
        log.rotate(9);
        log.say("a");
        let mut follower = log.follow(9);
        check(&mut follower, "a");
        fs::remove_file(&log.path).expect("the log is there");
        check(&mut follower, "");
        log.say("b");
        check(&mut follower, "b");
    }

    #[test]
    fn a_writer_that_keeps_the_old_file_for_a_while_is_still_heard() {
        let log = Log::new("late");
        log.say("a");
        let mut writer = OpenOptions::new()
            .append(true)
            .open(&log.path)
            .expect("the log is there");
        let mut follower = log.follow(9);
        check(&mut follower, "a");
        log.rotate(9);
        check(&mut follower, "");
        writer.write_all(b"late").expect("the old file is open");
        check(&mut follower, "late");
        log.say("new");
        check(&mut follower, "new");
    }

    #[test]
    fn only_regular_files_are_followed() {
        assert!(Follower::open(Path::new("/dev/null"), 0).is_err());
        assert!(Follower::open(Path::new("/tmp"), 0).is_err());
        assert!(Follower::open(Path::new("/nonexistent"), 0).is_err());
    }
}
