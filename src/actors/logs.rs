//! The rooms of the logs: one arbiter for each file system that is logged to.

use super::handle::{LogError, Tail};
use actix_rt::ArbiterHandle;
use std::path::Path;

/// The arbiters on which logs are written and read. Clones share them.
#[derive(Clone)]
pub struct LogRooms;

impl Default for LogRooms {
    fn default() -> Self {
        Self::new()
    }
}

impl LogRooms {
    /// No arbiter yet: each is made when it is first used.
    pub fn new() -> Self {
        Self
    }

    /// The arbiter for what is written to `path`; for none, one where nothing can stall. Must be
    /// called where an actix system runs.
    pub fn for_path(&self, path: Option<&Path>) -> ArbiterHandle {
        todo!("{path:?}")
    }

    /// Reads from a log as `readFile` of the original does (`options.py`), at most an answer's
    /// worth: `length` bytes from `offset`, 0 for all there is; or with a negative `offset` and
    /// no length, that many bytes from its end.
    pub async fn read(&self, path: &Path, offset: i64, length: i64) -> Result<Vec<u8>, LogError> {
        todo!("{path:?}{offset}{length}")
    }

    /// Reads the end of a log as `tailFile` of the original does (`options.py`). A log that
    /// cannot be read is an empty one.
    pub async fn tail(&self, path: &Path, offset: i64, length: i64) -> Tail {
        todo!("{path:?}{offset}{length}")
    }
}
