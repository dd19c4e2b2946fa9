//! Waiting for descriptors with the arbiter's reactor.

use std::fs::File;
use std::io;
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdRegisterError};

/// Registers a file with the reactor, until it is taken out of what comes back. Where that is
/// refused, as when too much is watched already, the file comes back as it was.
#[expect(
    deprecated,
    reason = "its successor is unsafe, for types whose descriptor may change or be closed under \
              them; a `File` owns one descriptor as long as it lives"
)]
pub(super) fn watch(file: File, interest: Interest) -> Result<AsyncFd<File>, (File, io::Error)> {
    AsyncFd::try_with_interest(file, interest).map_err(AsyncFdRegisterError::into_parts)
}
