//! What the tests of this room share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own for one test, gone afterwards.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("supervisord-config-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the folder for temporary files is writable");
        Self(path.canonicalize().expect("the folder was just made"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and its folder if need be.
    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        let folder = path.parent().expect("a file in a folder has a parent");
        fs::create_dir_all(folder).expect("the folder is ours");
        fs::write(path, content).expect("the folder is ours");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
