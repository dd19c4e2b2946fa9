//! The listening socket that the members of a FastCGI group share as their descriptor 0.
//!
//! It is opened when the first member is spawned, and closed when the last one has stopped; a
//! member that is about to be started again keeps it open, so that connections wait meanwhile
//! instead of being refused. It is opened on the spawner's thread, like all that may hang before
//! a child is made.

use crate::config::{FcgiAddress, FcgiSocket};
use crate::sys::sockets::{self, FcgiError, SocketFile};
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The socket of a group, open or not. Clones are of the same socket.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: FcgiSocket,
    open: Mutex<Weak<Open>>,
    log: slog::Logger,
}

/// The socket while it is open. With the last owner it closes, and its file is removed.
#[derive(Debug)]
pub struct Open {
    /// What children inherit.
    pub listener: Arc<OwnedFd>,
    _file: Option<SocketFile>,
    url: String,
    log: slog::Logger,
}

/// Why it could not be opened; shown as the original's sentence.
#[derive(Debug)]
pub struct CannotOpen {
    url: String,
    why: FcgiError,
}

impl fmt::Display for CannotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, why } = self;
        write!(f, "Could not create FastCGI socket {url}: {why}")
    }
}

impl std::error::Error for CannotOpen {}

impl Shared {
    /// A socket that nobody has opened yet.
    pub fn new(config: FcgiSocket, log: slog::Logger) -> Self {
        Self(Arc::new(Inner {
            config,
            open: Mutex::default(),
            log,
        }))
    }

    /// The open socket; it is opened if it is not. This touches a file system.
    pub fn open(&self) -> Result<Arc<Open>, CannotOpen> {
        // Whoever panicked left a weak pointer, which is whole.
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = open.upgrade() {
            return Ok(open);
        }
        let url = self.url();
        slog::info!(self.0.log, "Creating socket {}", url);
        match self.listen() {
            Ok((listener, file)) => {
                let new = Arc::new(Open {
                    listener: Arc::new(listener),
                    _file: file,
                    url,
                    log: self.0.log.clone(),
                });
                *open = Arc::downgrade(&new);
                Ok(new)
            }
            Err(why) => Err(CannotOpen { url, why }),
        }
    }

    fn listen(&self) -> Result<(OwnedFd, Option<SocketFile>), FcgiError> {
        let FcgiSocket { address, backlog } = &self.0.config;
        match address {
            FcgiAddress::Unix { path, owner, mode } => {
                let socket = sockets::bind_fcgi_unix(path, *mode, *owner, *backlog)?;
                Ok((socket.listener.into(), Some(socket.file)))
            }
            FcgiAddress::Tcp { host, port } => {
                let listener = sockets::bind_fcgi_tcp(host, *port, *backlog)?;
                Ok((listener.into(), None))
            }
        }
    }

    fn url(&self) -> String {
        match &self.0.config.address {
            FcgiAddress::Unix { path, .. } => format!("unix://{}", path.display()),
            FcgiAddress::Tcp { host, port } => format!("tcp://{host}:{port}"),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        slog::info!(self.log, "Closing socket {}", self.url);
    }
}
