//! Compressing older logs. Each is compressed into a file beside it, which takes the log's place
//! once it was read back and found to be the same.
//!
//! [`press`] takes long and belongs on a thread where nobody waits; [`oldest_plain`] and
//! [`Pressed::settle`] do not, and belong where the log is rotated, so that no backup moves while
//! they look for it.

use crate::model::logstyle::Compression;
use crate::model::rotation::{path_of, pressed_path_of};
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const PIECE: usize = 64 * 1024;

/// A backup that is not compressed.
#[derive(Debug)]
pub struct Backup {
    log: Arc<Path>,
    file: File,
    size: u64,
}

/// The oldest of a log's backups that is not compressed, if there is one.
pub fn oldest_plain(log: &Arc<Path>, backups: u32) -> Option<Backup> {
    // A gap ends the search: beyond it there is nothing that rotation has left.
    let there = (1..=backups).take_while(|&place| is_taken(log, place));
    let plain = there.filter(|&place| is_plain_file(&path_of(log, place)));
    let file = File::open(path_of(log, plain.last()?)).ok()?;
    let size = file.metadata().ok()?.len();
    Some(Backup {
        log: Arc::clone(log),
        file,
        size,
    })
}

fn is_taken(log: &Path, place: u32) -> bool {
    let pressed = |&compression: &Compression| pressed_path_of(log, place, compression).exists();
    is_plain_file(&path_of(log, place)) || Compression::ALL.iter().any(pressed)
}

fn is_plain_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Compresses a backup into a file beside it and reads that back. Ends early with `Interrupted`
/// when told to `stop`.
pub fn press(
    mut backup: Backup,
    compression: Compression,
    stop: &Arc<AtomicBool>,
) -> io::Result<Pressed> {
    let part = part_of(&backup.log);
    let done = write_part(&mut backup, &part, compression, stop)
        .and_then(|()| compare(&mut backup, &part, compression, stop));
    match done {
        Ok(()) => Ok(Pressed {
            backup,
            part,
            compression,
        }),
        Err(error) => {
            // What is left of it would be overwritten the next time.
            let _ = fs::remove_file(&part);
            Err(error)
        }
    }
}

/// Where a log's backup is compressed to: one name for each log, for one is compressed at a time.
fn part_of(log: &Path) -> PathBuf {
    let mut path = OsString::from(log);
    path.push(".part");
    PathBuf::from(path)
}

fn write_part(
    backup: &mut Backup,
    part: &Path,
    compression: Compression,
    stop: &Arc<AtomicBool>,
) -> io::Result<()> {
    let metadata = backup.file.metadata()?;
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part)?;
    backup.file.rewind()?;
    let mut source = Guarded::new(&backup.file, stop);
    match compression {
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(BufWriter::new(&out), flate2::Compression::default());
            io::copy(&mut source, &mut encoder)?;
            encoder.finish()?.flush()?;
        }
        Compression::Zstd => {
            // The encoder takes no error for an answer; both ends keep theirs.
            let mut drain = Guarded::new(BufWriter::new(&out), stop);
            compress(&mut source, &mut drain, CompressionLevel::Fastest);
            drain.finish()?.flush()?;
        }
    }
    source.finish()?;
    out.set_permissions(metadata.permissions())?;
    // Tools that remove old logs go by this.
    out.set_modified(metadata.modified()?)
}

fn compare(
    backup: &mut Backup,
    part: &Path,
    compression: Compression,
    stop: &Arc<AtomicBool>,
) -> io::Result<()> {
    backup.file.rewind()?;
    let pressed = BufReader::new(File::open(part)?);
    let mut unpressed: Box<dyn Read> = match compression {
        Compression::Gzip => Box::new(GzDecoder::new(pressed)),
        Compression::Zstd => {
            let decoder = StreamingDecoder::new(pressed);
            Box::new(decoder.map_err(|error| io::Error::other(error.to_string()))?)
        }
    };
    let (mut one, mut other) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = fill(&mut unpressed, &mut one)?;
        let same = fill(&mut backup.file, &mut other)? == count && one[..count] == other[..count];
        if !same {
            let why = "what was compressed does not read back as it was";
            return Err(io::Error::other(why));
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// Reads until the room is full or the end is reached.
fn fill(source: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match source.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A backup and its compressed form.
#[derive(Debug)]
pub struct Pressed {
    backup: Backup,
    part: PathBuf,
    compression: Compression,
}

impl Pressed {
    /// Puts the compressed form where the backup is by now and removes the backup. One that was
    /// rotated away meanwhile leaves nothing.
    pub fn settle(self, backups: u32) -> io::Result<()> {
        let settled = self.try_settle(backups);
        if settled.is_err() {
            let _ = fs::remove_file(&self.part);
        }
        settled
    }

    fn try_settle(&self, backups: u32) -> io::Result<()> {
        let log = &self.backup.log;
        let own = self.backup.file.metadata()?;
        let is_here = |place: &u32| {
            fs::metadata(path_of(log, *place))
                .is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino()))
        };
        let Some(place) = (1..=backups)
            .take_while(|&place| is_taken(log, place))
            .find(is_here)
        else {
            return fs::remove_file(&self.part);
        };
        if own.len() != self.backup.size {
            return Err(io::Error::other("somebody writes to it"));
        }
        fs::rename(&self.part, pressed_path_of(log, place, self.compression))?;
        fs::remove_file(path_of(log, place))
    }
}

/// An end that keeps its first error to itself and is told to stop; then it is at its end, or
/// takes everything.
struct Guarded<'a, T> {
    end: T,
    stop: &'a AtomicBool,
    error: Option<io::Error>,
}

impl<'a, T> Guarded<'a, T> {
    fn new(end: T, stop: &'a AtomicBool) -> Self {
        Self {
            end,
            stop,
            error: None,
        }
    }

    fn finish(self) -> io::Result<T> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.end),
        }
    }

    /// Does something unless there is an error, and answers `after` when there is one.
    fn guard<A>(&mut self, after: A, job: impl FnOnce(&mut T) -> io::Result<A>) -> A {
        if self.error.is_none() && self.stop.load(Ordering::Relaxed) {
            self.error = Some(io::ErrorKind::Interrupted.into());
        }
        if self.error.is_some() {
            return after;
        }
        job(&mut self.end).unwrap_or_else(|error| {
            self.error = Some(error);
            after
        })
    }
}

impl<T: Read> Read for Guarded<'_, T> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = |end: &mut T| loop {
            match end.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        };
        Ok(self.guard(0, read))
    }
}

impl<T: Write> Write for Guarded<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len();
        Ok(self.guard(taken, |end| end.write_all(bytes).map(|()| taken)))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.guard((), Write::flush);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::logfile::LogFile;
    use crate::sys::scratch::Folder;

    fn stop() -> Arc<AtomicBool> {
        Arc::default()
    }

    fn log_in(folder: &Folder) -> Arc<Path> {
        Arc::from(folder.path().join("x.log").as_path())
    }

    fn unpressed(path: &Path, compression: Compression) -> Vec<u8> {
        let file = File::open(path).expect("it is there");
        let mut text = Vec::new();
        let read = match compression {
            Compression::Gzip => GzDecoder::new(file).read_to_end(&mut text),
            Compression::Zstd => StreamingDecoder::new(file)
                .expect("a frame")
                .read_to_end(&mut text),
        };
        read.expect("it is whole");
        text
    }

    /// Bytes of which some repeat and some do not.
    fn mixture(size: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut text = Vec::new();
        while text.len() < size {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            text.extend_from_slice(format!("line {} of a log\n", state >> 40).as_bytes());
            text.push(state.to_be_bytes()[0]);
        }
        text.truncate(size);
        text
    }

    fn press_oldest(log: &Arc<Path>, compression: Compression) -> bool {
        let Some(backup) = oldest_plain(log, 9) else {
            return false;
        };
        let pressed = press(backup, compression, &stop()).expect("it can be compressed");
        pressed.settle(9).expect("it can be put in place");
        true
    }

    #[test]
    fn backups_are_compressed_the_oldest_first_and_read_back_the_same() {
        for compression in Compression::ALL {
            for size in [0, 1, 100, 300_000] {
                let folder = Folder::new();
                let log = log_in(&folder);
                let (old, new) = (mixture(size), mixture(size + 10));
                fs::write(path_of(&log, 2), &old).expect("the folder is ours");
                fs::write(path_of(&log, 1), &new).expect("the folder is ours");
                assert!(press_oldest(&log, compression));
                assert!(!path_of(&log, 2).exists() && path_of(&log, 1).exists());
                assert!(press_oldest(&log, compression));
                assert!(!press_oldest(&log, compression));
                for (place, text) in [(1, &new), (2, &old)] {
                    let path = pressed_path_of(&log, place, compression);
                    assert_eq!(&unpressed(&path, compression), text);
                    assert!(
                        text.len() < 1000 || fs::metadata(&path).expect("there").len() < 200_000
                    );
                }
                assert!(!part_of(&log).exists());
            }
        }
    }

    #[test]
    fn a_backup_that_moves_while_it_is_compressed_is_found_again() {
        let folder = Folder::new();
        let log = log_in(&folder);
        let mut file = LogFile::open(&log).expect("the folder is ours");
        file.write(b"one").expect("it can be written");
        file.rotate(3, true).expect("it can be rotated");
        let backup = oldest_plain(&log, 3).expect("there is one");
        let pressed = press(backup, Compression::Gzip, &stop()).expect("it can be compressed");
        file.rotate(3, true).expect("it can be rotated");
        pressed.settle(3).expect("it can be put in place");
        let path = pressed_path_of(&log, 2, Compression::Gzip);
        assert_eq!(unpressed(&path, Compression::Gzip), b"one");
        // Compressed or not, backups move on and are lost in the end.
        file.rotate(3, true).expect("it can be rotated");
        let path = pressed_path_of(&log, 3, Compression::Gzip);
        assert_eq!(unpressed(&path, Compression::Gzip), b"one");
        file.rotate(3, true).expect("it can be rotated");
        assert!(!path.exists());
    }

    #[test]
    fn a_backup_that_was_rotated_away_leaves_nothing() {
        let folder = Folder::new();
        let log = log_in(&folder);
        fs::write(path_of(&log, 1), "one").expect("the folder is ours");
        let backup = oldest_plain(&log, 1).expect("there is one");
        let pressed = press(backup, Compression::Zstd, &stop()).expect("it can be compressed");
        fs::write(path_of(&log, 1), "").expect("the folder is ours");
        fs::remove_file(path_of(&log, 1)).expect("it is ours");
        pressed.settle(1).expect("nothing is to be done");
        let left = fs::read_dir(folder.path()).expect("it is ours").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn whoever_is_told_to_stop_leaves_the_backup_as_it_was() {
        for compression in Compression::ALL {
            let folder = Folder::new();
            let log = log_in(&folder);
            fs::write(path_of(&log, 1), "one").expect("the folder is ours");
            let backup = oldest_plain(&log, 1).expect("there is one");
            let told = Arc::new(AtomicBool::new(true));
            assert!(press(backup, compression, &told).is_err());
            assert_eq!(
                fs::read(path_of(&log, 1)).ok().as_deref(),
                Some(&b"one"[..])
            );
            assert!(!part_of(&log).exists());
        }
    }
}
