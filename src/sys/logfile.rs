//! A file that is logged to, whatever is at its path: a file, a pipe, a terminal, a device, or
//! one of our own descriptors.
//!
//! Nothing here waits for a reader: what is not a regular file is written without blocking, and
//! one that cannot take more answers [`io::ErrorKind::WouldBlock`]. Regular files are written
//! directly; whoever shares a thread with a slow disk shares its slowness.
//!
//! Everything is appended, so that a file cut short by somebody else goes on at its new end.

use crate::model::logstyle::Compression;
use crate::model::rotation::{Shift, path_of, place_of, pressed_path_of, shifts};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// What a new log may be used for by whom, less the umask.
const NEW_LOG_MODE: u32 = 0o666;

/// So many places are tried one by one; beyond that, the folder is read.
const FEW_PLACES: u32 = 64;

/// As much as a pipe or a terminal that says it has room takes without waiting.
const GUEST_WRITE: usize = 4096;

/// An open log.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    path: Arc<Path>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Has a size, a position, and can be rotated.
    Regular,
    /// A pipe, a terminal or a device that we opened ourselves, without waiting.
    Stream,
    /// A socket that is a descriptor of ours from the start.
    Socket,
    /// Another descriptor of ours from the start. Others share its flags, so we leave them alone
    /// and ask for room before each write.
    Guest,
}

impl LogFile {
    /// Opens the log at a path, and makes it if there is none. `/dev/stdout` and `/dev/stderr`
    /// work also where they cannot be opened by name, as with a socket or after a change of
    /// user. A FIFO need not have a reader.
    ///
    /// The errors are those of `open`; `ENXIO` also for what is no log at all, as a socket.
    pub fn open(path: &Arc<Path>) -> io::Result<Self> {
        Self::open_with_mode(path, NEW_LOG_MODE)
    }

    /// Our own standard output. Where it is not a regular file it is never waited for.
    pub fn stdout() -> io::Result<Self> {
        let name = Arc::from(Path::new("/dev/stdout"));
        Self::open(&name).or_else(|_| Self::inherited(Standard::Out, &name))
    }

    fn open_with_mode(path: &Arc<Path>, mode: u32) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options
            .append(true)
            .create(true)
            .mode(mode)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        match options.open(path) {
            Ok(file) => Self::from_file(file, path),
            Err(error) => {
                let standard = Standard::of_path(path);
                let number = error.raw_os_error();
                if let Some(standard) = standard {
                    // ENXIO: a socket, or a pipe whose reader is gone. EACCES: it belongs to the
                    // user we were.
                    if matches!(number, Some(libc::ENXIO | libc::EACCES)) {
                        return Self::inherited(standard, path);
                    }
                } else if number == Some(libc::ENXIO) && fs::metadata(path)?.file_type().is_fifo() {
                    // Nobody reads it yet. With an end to read from of our own it keeps what fits
                    // until somebody does.
                    let file = options.read(true).open(path)?;
                    return Self::from_file(file, path);
                }
                Err(error)
            }
        }
    }

    fn from_file(file: File, path: &Arc<Path>) -> io::Result<Self> {
        let kind = if file.metadata()?.is_file() {
            Kind::Regular
        } else {
            Kind::Stream
        };
        Ok(Self {
            file,
            path: Arc::clone(path),
            kind,
        })
    }

    fn inherited(standard: Standard, path: &Arc<Path>) -> io::Result<Self> {
        let file = File::from(standard.duplicate()?);
        let file_type = file.metadata()?.file_type();
        let kind = if file_type.is_file() {
            Kind::Regular
        } else if file_type.is_socket() {
            Kind::Socket
        } else {
            Kind::Guest
        };
        Ok(Self {
            file,
            path: Arc::clone(path),
            kind,
        })
    }

    /// Whether it can be rotated and be cut.
    pub fn is_regular(&self) -> bool {
        self.kind == Kind::Regular
    }

    /// Writes once, and answers how many bytes were taken. `WouldBlock` if it cannot take any
    /// without waiting.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Regular | Kind::Stream => (&self.file).write(bytes),
            Kind::Socket => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                Ok(send(self.file.as_raw_fd(), bytes, flags)?)
            }
            Kind::Guest => {
                let mut asked = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut asked, PollTimeout::ZERO)? == 0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                (&self.file).write(&bytes[..bytes.len().min(GUEST_WRITE)])
            }
        }
    }

    /// Whether it can be rotated. One that stands among the devices or descriptors is a file by
    /// redirection, and its name is not ours to move.
    pub fn may_be_rotated(&self) -> bool {
        let borrowed = self.path.starts_with("/dev") || self.path.starts_with("/proc");
        self.is_regular() && !borrowed
    }

    /// When it was last written to, in seconds of Unix time; none if it is empty.
    pub fn written_at(&self) -> Option<i64> {
        let metadata = self.file.metadata().ok()?;
        (self.is_regular() && metadata.len() > 0).then(|| metadata.mtime())
    }

    /// Where the last write ended; for a regular file.
    pub fn position(&self) -> io::Result<u64> {
        (&self.file).stream_position()
    }

    /// Another descriptor for the same log, to wait until it can take more.
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        self.file.as_fd().try_clone_to_owned()
    }

    /// Whether its path still leads to it.
    pub fn is_at_its_path(&self) -> bool {
        match (self.file.metadata(), fs::metadata(&self.path)) {
            (Ok(open), Ok(named)) => identity(&open) == identity(&named),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
        }
    }

    /// Whether it has no name any more: what is written to it will never be read.
    pub fn is_removed(&self) -> bool {
        let links = self.file.metadata().map(|metadata| metadata.nlink());
        self.is_regular() && links.is_ok_and(|links| links == 0)
    }

    /// Makes room at its path as [`shifts`] says and begins a new log there, with the old one's
    /// permissions. Compressed logs move along where they are `pressed`; else they stay. After
    /// an error it is still open where it was, and [`Self::is_at_its_path`] tells whether it has
    /// been moved away.
    pub fn rotate(&mut self, backups: u32, pressed: bool) -> io::Result<()> {
        let mode = self.file.metadata()?.mode() & 0o777;
        for shift in shifts(self.places(backups)?, backups) {
            if pressed {
                self.shift_pressed(shift)?;
            }
            let (from, to) = (
                path_of(&self.path, shift.from),
                path_of(&self.path, shift.to),
            );
            unless_missing(fs::rename(from, to))?;
        }
        let fresh = Self::open_with_mode(&self.path, mode)?;
        if fresh.is_regular() {
            fresh.file.set_len(0)?;
        }
        *self = fresh;
        Ok(())
    }

    /// Clears a place of what is there in whatever form, and moves a compressed log to it.
    fn shift_pressed(&self, Shift { from, to }: Shift) -> io::Result<()> {
        for compression in Compression::ALL {
            let path = |place| pressed_path_of(&self.path, place, compression);
            unless_missing(fs::remove_file(path(to)))?;
            if from == 0 {
                continue;
            }
            match fs::rename(path(from), path(to)) {
                // The place's other form is older than the log that takes it.
                Ok(()) => unless_missing(fs::remove_file(path_of(&self.path, to)))?,
                missing @ Err(_) => unless_missing(missing)?,
            }
        }
        Ok(())
    }

    fn places(&self, backups: u32) -> io::Result<Vec<u32>> {
        if backups <= FEW_PLACES {
            return Ok((1..backups).collect());
        }
        let Some(name) = self.path.file_name() else {
            return Ok(Vec::new());
        };
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        let mut places = Vec::new();
        for entry in fs::read_dir(folder)? {
            places.extend(place_of(name, &entry?.file_name()));
        }
        Ok(places)
    }
}

/// Removes the log at a path as [`remove`] does and opens a new one, with the old one's
/// permissions if there was one.
pub fn clear(path: &Arc<Path>) -> io::Result<LogFile> {
    let mode = match fs::metadata(path) {
        Ok(old) if old.is_file() => old.mode() & 0o777,
        Ok(_) | Err(_) => NEW_LOG_MODE,
    };
    remove(path)?;
    LogFile::open_with_mode(path, mode)
}

/// Removes the log at a path, so that it can be begun anew. No log is removed already. A symbolic
/// link stays, and the file behind it is emptied. What is not a file, as `/dev/null`, is left
/// alone.
pub fn remove(path: &Path) -> io::Result<()> {
    let there = fs::symlink_metadata(path).and_then(|named| {
        if named.is_symlink() {
            fs::metadata(path).map(|behind| (behind, true))
        } else {
            Ok((named, false))
        }
    });
    match there {
        Ok((file, true)) if file.is_file() => {
            let emptied = OpenOptions::new().write(true).truncate(true).open(path);
            emptied.map(drop)
        }
        Ok((file, false)) if file.is_file() || file.is_dir() => match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        },
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// That a file is not there, or was removed just now, is no error.
fn unless_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The descriptors that a path may name although they are ours already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standard {
    Out,
    Err,
}

impl Standard {
    fn of_path(path: &Path) -> Option<Self> {
        let path = path.to_str()?;
        // In containers people write `/proc/1/fd/1`.
        let ours = format!("/proc/{}/fd/", std::process::id());
        let number = ["/proc/self/fd/", "/dev/fd/", &ours]
            .iter()
            .find_map(|folder| path.strip_prefix(folder));
        match (path, number) {
            ("/dev/stdout", _) | (_, Some("1")) => Some(Self::Out),
            ("/dev/stderr", _) | (_, Some("2")) => Some(Self::Err),
            _ => None,
        }
    }

    fn duplicate(self) -> io::Result<OwnedFd> {
        match self {
            Self::Out => io::stdout().as_fd().try_clone_to_owned(),
            Self::Err => io::stderr().as_fd().try_clone_to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Folder;
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn open(path: &Path) -> LogFile {
        LogFile::open(&Arc::from(path)).expect("the log can be opened")
    }

    fn write(log: &LogFile, text: &str) {
        assert_eq!(
            log.write(text.as_bytes()).expect("it can be written"),
            text.len()
        );
    }

    fn rotate(log: &mut LogFile, backups: u32) {
        log.rotate(backups, false).expect("it can be rotated");
    }

    /// The contents of a log and its older ones, up to the first that is missing.
    fn contents(path: &Path) -> Vec<String> {
        (0..)
            .map_while(|place| fs::read_to_string(path_of(path, place)).ok())
            .collect()
    }

    #[test]
    fn rotated_logs_take_the_places_after_each_other() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        let mut log = open(&path);
        for text in ["one", "two", "three", "four"] {
            write(&log, text);
            rotate(&mut log, 2);
        }
        assert_eq!(contents(&path), ["", "four", "three"]);
        assert!(log.is_at_its_path());
        assert_eq!(log.position().ok(), Some(0));
    }

    #[test]
    fn so_many_backups_that_the_folder_is_read_are_rotated_the_same() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        let mut log = open(&path);
        for text in ["one", "two", "three"] {
            write(&log, text);
            rotate(&mut log, u32::MAX);
        }
        assert_eq!(contents(&path), ["", "three", "two", "one"]);
    }

    #[test]
    fn without_backups_the_log_is_cut() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        let mut log = open(&path);
        write(&log, "one");
        rotate(&mut log, 0);
        write(&log, "two");
        assert_eq!(contents(&path), ["two"]);
    }

    #[test]
    fn a_private_log_stays_private() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        let mut log = open(&path);
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("it is ours");
        let mode = || fs::metadata(&path).map(|metadata| metadata.mode() & 0o777);
        rotate(&mut log, 1);
        assert_eq!(mode().ok(), Some(0o600));
        clear(&Arc::from(path.as_path())).expect("it is ours");
        assert_eq!(mode().ok(), Some(0o600));
    }

    #[test]
    fn a_log_cut_by_somebody_else_has_no_hole_even_after_a_rotation() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        let mut log = open(&path);
        write(&log, "before");
        rotate(&mut log, 1);
        write(&log, "lost");
        fs::write(&path, "").expect("it can be cut");
        write(&log, "kept");
        assert_eq!(contents(&path), ["kept", "before"]);
        assert_eq!(log.position().ok(), Some(4));
    }

    #[test]
    fn an_existing_log_is_continued() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        write(&open(&path), "one");
        let log = open(&path);
        write(&log, "two");
        assert_eq!(contents(&path), ["onetwo"]);
        assert_eq!(log.position().ok(), Some(6));
    }

    #[test]
    fn a_rotation_that_cannot_be_done_leaves_the_log_open() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        let mut log = open(&path);
        fs::create_dir(path_of(&path, 1)).expect("the name is free");
        assert!(log.rotate(1, false).is_err());
        write(&log, "one");
        assert!(log.is_at_its_path());
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), Some("one"));
    }

    #[test]
    fn a_log_that_was_moved_or_removed_is_noticed() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        let log = open(&path);
        assert!(log.is_at_its_path() && !log.is_removed());
        fs::rename(&path, folder.path().join("y.log")).expect("it can be renamed");
        assert!(!log.is_at_its_path() && !log.is_removed());
        fs::remove_dir_all(folder.path()).expect("it is ours");
        assert!(!log.is_at_its_path() && log.is_removed());
    }

    #[test]
    fn a_fifo_without_a_reader_keeps_what_fits_and_does_not_block() {
        let folder = Folder::new();
        let path = folder.fifo("fifo");
        let log = open(&path);
        write(&log, "first");
        assert!(!log.is_regular() && log.is_at_its_path());
        let refusal = (0..1000).find_map(|_| log.write(&[b'x'; 4096]).err());
        let kind = refusal.map(|error| error.kind());
        assert_eq!(kind, Some(io::ErrorKind::WouldBlock));
        let mut reader = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path)
            .expect("it is there");
        let mut text = [0; 5];
        reader.read_exact(&mut text).expect("it holds something");
        assert_eq!(&text, b"first");
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let folder = Folder::new();
        let check = |path: &Path, number| {
            let error = LogFile::open(&Arc::from(path))
                .err()
                .and_then(|e| e.raw_os_error());
            assert_eq!(error, Some(number), "{}", path.display());
        };
        check(folder.path(), libc::EISDIR);
        check(&folder.path().join("missing/x.log"), libc::ENOENT);
        let file = folder.path().join("file");
        fs::write(&file, "").expect("the folder can be written");
        check(&file.join("x.log"), libc::ENOTDIR);
    }

    #[test]
    fn our_own_descriptors_are_known_by_all_their_names() {
        let check = |path: &str, standard| {
            assert_eq!(Standard::of_path(Path::new(path)), standard, "{path}");
        };
        check("/dev/stdout", Some(Standard::Out));
        check("/dev/fd/2", Some(Standard::Err));
        check(
            &format!("/proc/{}/fd/1", std::process::id()),
            Some(Standard::Out),
        );
        check("/proc/0/fd/1", None);
        check("/dev/fd/3", None);
    }

    #[test]
    fn a_full_device_says_so() {
        let log = open(Path::new("/dev/full"));
        let error = log.write(b"x").err().and_then(|e| e.raw_os_error());
        assert_eq!(error, Some(libc::ENOSPC));
    }

    #[test]
    fn removing_leaves_alone_what_is_no_file() {
        let folder = Folder::new();
        let path = folder.path().join("x.log");
        fs::write(&path, "one").expect("the folder can be written");
        let link = folder.path().join("link");
        symlink(&path, &link).expect("the name is free");
        let null = folder.path().join("null");
        symlink("/dev/null", &null).expect("the name is free");
        let fifo = folder.fifo("fifo");

        for path in [&link, &null, &fifo] {
            remove(path).expect("there is nothing to fail");
            assert!(fs::symlink_metadata(path).is_ok(), "{}", path.display());
        }
        assert_eq!(contents(&path), [""]);
        remove(&path).expect("it is ours");
        assert!(!path.exists());
        remove(&path).expect("it is gone already");
        assert!(remove(folder.path()).is_err());
    }
}
