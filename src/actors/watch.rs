//! Waiting for descriptors with the arbiter's reactor.

use std::io;
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdRegisterError};

/// Registers a descriptor with the reactor, until it is taken out of what comes back. Where that is
/// refused, as when too much is watched already, it comes back as it was.
#[expect(
    deprecated,
    reason = "its successor may be called by sys alone, for types whose descriptor may change or be closed under \
              them; this one owns itself as long as it lives"
)]
pub(super) fn watch<T: AsRawFd>(
    descriptor: T,
    interest: Interest,
) -> Result<AsyncFd<T>, (T, io::Error)> {
    AsyncFd::try_with_interest(descriptor, interest).map_err(AsyncFdRegisterError::into_parts)
}
