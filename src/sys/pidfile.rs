//! The file that holds our pid, and the lock on it that keeps a second daemon out.
//!
//! A claim is a lock on the open file, which ends with the process however it ends, and goes
//! through a fork to the child: the file is claimed before the daemon goes into the background,
//! and written after, when its pid is known. Where a file system has no locks, everybody may
//! claim, as with the original.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::errno;
use super::placed::Placed;

/// How often the file may be replaced under our hands before that is called an error.
const ATTEMPTS: usize = 10;

/// Why there is no pidfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PidfileError {
    /// Another daemon runs with this file. Displayed: one sentence.
    Held {
        /// The file.
        path: PathBuf,
        /// The pid in it, if there is one.
        pid: Option<i32>,
    },
    /// It could not be written, with this errno. Displayed: the original's sentence.
    System {
        /// The file.
        path: PathBuf,
        /// The errno.
        errno: i32,
    },
}

impl fmt::Display for PidfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, pid } => {
                f.write_str("Another supervisord ")?;
                if let Some(pid) = pid {
                    write!(f, "with pid {pid} ")?;
                }
                write!(
                    f,
                    "is already running and holds the pidfile {}.  Shut it down first before \
                     starting supervisord.",
                    path.display()
                )
            }
            Self::System { path, .. } => {
                write!(f, "could not write pidfile {}", path.display())
            }
        }
    }
}

impl std::error::Error for PidfileError {}

/// A pidfile that is ours. Dropped, it removes the file, unless another has taken its place or
/// we only found it there and never wrote to it.
#[derive(Debug)]
pub struct Pidfile {
    file: File,
    placed: Placed,
    path: PathBuf,
    removed_at_end: bool,
}

impl Pidfile {
    /// Opens or makes the file and locks it; what is in it stays for now. A file that exists
    /// is only taken from a daemon that is gone. The file is readable by everybody, but for
    /// the umask.
    ///
    /// A process that has claimed the file cannot claim it a second time: it must drop the
    /// first claim, or keep it.
    pub fn claim(path: &Path) -> Result<Self, PidfileError> {
        let system = |error: io::Error| PidfileError::System {
            path: path.to_owned(),
            errno: errno::of(&error),
        };
        for _ in 0..ATTEMPTS {
            let (file, made) = open(path).map_err(system)?;
            let found = file.metadata().map_err(system)?;
            let placed = Placed::new(path, &found);
            // Something like /dev/null is everybody's.
            if found.is_file() {
                if is_held(&file) {
                    return Err(PidfileError::Held {
                        path: path.to_owned(),
                        pid: pid_in(path),
                    });
                }
                // Its last owner may have removed it between our opening and our locking it.
                if !placed.is_there() {
                    continue;
                }
            }
            return Ok(Self {
                file,
                placed,
                path: path.to_owned(),
                removed_at_end: made,
            });
        }
        Err(system(io::Error::from(Errno::EAGAIN)))
    }

    /// Writes our pid and a line's end in the place of what was there.
    pub fn write(&mut self) -> Result<(), PidfileError> {
        match self.try_write() {
            Ok(regular) => {
                self.removed_at_end = regular;
                Ok(())
            }
            Err(error) => Err(PidfileError::System {
                path: self.path.clone(),
                errno: errno::of(&error),
            }),
        }
    }

    fn try_write(&mut self) -> io::Result<bool> {
        let regular = self.file.metadata()?.is_file();
        if regular {
            self.file.set_len(0)?;
            self.file.rewind()?;
        }
        // One write, so that a reader sees all of it or nothing.
        let line = format!("{}\n", std::process::id());
        self.file.write_all(line.as_bytes())?;
        Ok(regular)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        if self.removed_at_end {
            // A file that cannot be removed is found stale at the next start.
            let _ = self.placed.remove();
        }
    }
}

/// Opens the file for writing, or makes it. Tells whether it made it.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .mode(0o644)
        // A FIFO without a reader is an error and not a wait.
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    // What is there is not opened with O_CREAT: in a directory like /tmp the kernel would
    // refuse that even to root if the file is another user's.
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result.map(|file| (file, false)),
    }
    options.create(true).open(path).map(|file| (file, true))
}

/// Tries to lock the file; whether somebody else has it locked. A lock of the open file, not of
/// the process, so that it goes through a fork, and of the kind that `flock(1)` does not use,
/// so that a script which serialises our starts with that does not lock us out.
fn is_held(file: &File) -> bool {
    let whole_file = libc::flock {
        l_type: libc::c_short::try_from(libc::F_WRLCK).unwrap_or_default(),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let locked = fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file));
    matches!(locked, Err(Errno::EAGAIN | Errno::EACCES))
}

/// The pid that stands in a pidfile.
fn pid_in(path: &Path) -> Option<i32> {
    let mut text = String::new();
    // More digits than a pid has are no pid.
    File::open(path)
        .ok()?
        .take(20)
        .read_to_string(&mut text)
        .ok()?;
    text.trim().parse().ok().filter(|&pid| pid > 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::sys::scratch::Folder;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).expect("it is there")
    }

    fn own_line() -> String {
        format!("{}\n", std::process::id())
    }

    #[test]
    fn a_pidfile_holds_our_pid_and_goes_with_us() {
        let dir = Folder::new();
        let path = dir.path().join("daemon.pid");
        let mut pidfile = Pidfile::claim(&path).expect("the path is free");
        pidfile.write().expect("it can be written");
        assert_eq!(text(&path), own_line());
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o644, mode & 0o777, "no more than 0644");
        drop(pidfile);
        assert!(!path.exists());
    }

    #[test]
    fn a_second_daemon_is_refused_and_leaves_the_file_alone() {
        let dir = Folder::new();
        let path = dir.path().join("daemon.pid");
        let mut first = Pidfile::claim(&path).expect("the path is free");
        let held = |pid| PidfileError::Held {
            path: path.clone(),
            pid,
        };
        assert_eq!(Pidfile::claim(&path).err(), Some(held(None)));
        first.write().expect("it can be written");
        let pid = i32::try_from(std::process::id()).ok();
        assert_eq!(Pidfile::claim(&path).err(), Some(held(pid)));
        assert_eq!(text(&path), own_line());
        drop(first);
        assert!(Pidfile::claim(&path).is_ok());
    }

    #[test]
    fn what_a_dead_daemon_left_is_written_over() {
        let dir = Folder::new();
        let path = dir.path().join("daemon.pid");
        // Longer than ours, so that a rest of it would show.
        fs::write(&path, "999999999999\nand more\n").expect("it can be written");
        let mut pidfile = Pidfile::claim(&path).expect("nobody holds it");
        pidfile.write().expect("it can be written");
        pidfile.write().expect("it can be written again");
        assert_eq!(text(&path), own_line());
    }

    #[test]
    fn a_claim_that_came_to_nothing_leaves_things_as_they_were() {
        let dir = Folder::new();
        let path = dir.path().join("daemon.pid");
        drop(Pidfile::claim(&path).expect("the path is free"));
        assert!(!path.exists());
        fs::write(&path, "123\n").expect("it can be written");
        drop(Pidfile::claim(&path).expect("nobody holds it"));
        assert_eq!(text(&path), "123\n");
    }

    #[test]
    fn a_file_that_took_our_place_stays() {
        let dir = Folder::new();
        let path = dir.path().join("daemon.pid");
        let mut first = Pidfile::claim(&path).expect("the path is free");
        first.write().expect("it can be written");
        fs::remove_file(&path).expect("it is there");
        let mut second = Pidfile::claim(&path).expect("the path is free again");
        second.write().expect("it can be written");
        drop(first);
        assert_eq!(text(&path), own_line());
    }

    #[test]
    fn a_link_is_written_through_and_removed() {
        let dir = Folder::new();
        let path = dir.path().join("daemon.pid");
        let target = dir.path().join("target");
        fs::write(&target, "").expect("it can be written");
        symlink(&target, &path).expect("it can be made");
        let mut pidfile = Pidfile::claim(&path).expect("nobody holds it");
        pidfile.write().expect("it can be written");
        assert_eq!(text(&target), own_line());
        drop(pidfile);
        assert!(fs::symlink_metadata(&path).is_err());
        assert!(target.exists());
    }

    #[test]
    fn a_device_is_everybodys() {
        let null = Path::new("/dev/null");
        let mut first = Pidfile::claim(null).expect("it can be opened");
        let mut second = Pidfile::claim(null).expect("it can be opened twice");
        assert_eq!(first.write(), Ok(()));
        assert_eq!(second.write(), Ok(()));
        drop((first, second));
        assert!(null.exists());
    }

    #[test]
    fn a_path_that_cannot_be_written_is_said_in_the_original_words() {
        let dir = Folder::new();
        let path = dir.path().join("missing/daemon.pid");
        let error = Pidfile::claim(&path).expect_err("there is no directory");
        assert_eq!(
            error.to_string(),
            format!("could not write pidfile {}", path.display())
        );
        let errno = libc::ENOENT;
        assert_eq!(error, PidfileError::System { path, errno });
    }

    #[test]
    fn a_running_daemon_is_named() {
        let held = |pid| PidfileError::Held {
            path: "/run/s.pid".into(),
            pid,
        };
        assert_eq!(
            held(Some(12)).to_string(),
            "Another supervisord with pid 12 is already running and holds the pidfile \
             /run/s.pid.  Shut it down first before starting supervisord."
        );
        assert_eq!(
            held(None).to_string(),
            "Another supervisord is already running and holds the pidfile /run/s.pid.  Shut it \
             down first before starting supervisord."
        );
    }
}
