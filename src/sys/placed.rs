//! A file of ours at a path of everyone's: removed at the end, but only if it is still ours.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A path, and which file was put there.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Placed {
    pub(super) fn new(path: &Path, file: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            device: file.dev(),
            inode: file.ino(),
        }
    }

    /// Whether the path still leads to the file that was put there.
    pub(super) fn is_there(&self) -> bool {
        fs::metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode)
    }

    /// Removes the file unless another has taken its place; one that is gone is fine.
    pub(super) fn remove(&self) -> io::Result<()> {
        if !self.is_there() {
            return Ok(());
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
