//! Reading of logs by others than their writer.

use nix::libc;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// A log open for reading.
#[derive(Debug)]
pub struct LogReader {
    file: File,
    size: u64,
}

impl LogReader {
    /// Opens the log at a path. What is no file has no bytes to be read, and fails if it has no
    /// place to read from either, as a pipe. A FIFO or a terminal is not waited for.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::from_raw_os_error(libc::EISDIR));
        }
        let size = if metadata.is_file() {
            metadata.len()
        } else {
            file.seek(SeekFrom::End(0)).map(|_| 0)?
        };
        Ok(Self { file, size })
    }

    /// How many bytes it had when it was opened.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Reads at a place into `room`, and answers how many bytes; 0 at its end.
    pub fn read_at(&self, room: &mut [u8], place: u64) -> io::Result<usize> {
        loop {
            match self.file.read_at(room, place) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}
