//! Listening on unix sockets.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, lchown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat};

use super::{BindError, FcgiError};
use crate::sys::errno;
use crate::sys::placed::Placed;

/// The longest path that a socket's address can hold, in bytes.
const LONGEST: usize = 107;

/// How often a stale socket is removed before we believe that somebody else wants the path as
/// much as we do.
const ATTEMPTS: usize = 10;

/// The listening socket of an HTTP server.
#[derive(Debug)]
pub struct UnixSocket {
    /// Listens, without blocking.
    pub listener: UnixListener,
    /// Removes the socket from its path when it is dropped.
    pub file: SocketFile,
    /// What was done on the way, a sentence each, for standard error.
    pub notes: Vec<String>,
}

/// The listening socket of `FastCGI` programs.
#[derive(Debug)]
pub struct FcgiUnix {
    /// Listens, and blocks in `accept`.
    pub listener: UnixListener,
    /// Removes the socket from its path when it is dropped.
    pub file: SocketFile,
}

/// A socket at its path. Dropped, it removes the socket, unless another one has taken its place.
#[derive(Debug)]
pub struct SocketFile(Option<Placed>);

impl SocketFile {
    /// Leaves the socket where it is.
    pub fn leave(mut self) {
        self.0 = None;
    }

    /// Whether the file at the path is still this socket.
    pub fn is_there(&self) -> bool {
        self.0.as_ref().is_some_and(Placed::is_there)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Some(placed) = &self.0 {
            // A path that cannot be cleaned is found stale at the next start.
            let _ = placed.remove();
        }
    }
}

/// Listens on a unix socket for an HTTP server. A socket at the path that nobody answers is
/// stale and gives way; one that is answered, and anything that is no socket, stays. The path
/// is to be absolute, or a change of directory would keep the socket from being removed.
pub fn bind_unix(
    path: &Path,
    mode: u32,
    owner: Option<(u32, Option<u32>)>,
) -> Result<UnixSocket, BindError> {
    let prepared = Prepared::new(path, mode, owner, Backlog::MAXCONN, SockFlag::SOCK_NONBLOCK)
        .map_err(|step| match (step, owner) {
            (Step::TooLong, _) => BindError::TooLong,
            (Step::Chown(libc::EPERM), Some((uid, gid))) => BindError::Chown {
                path: path.to_owned(),
                uid,
                gid,
            },
            (Step::Bind(libc::EADDRINUSE), _) => BindError::InUse,
            (Step::Bind(number) | Step::Chown(number) | Step::Chmod(number), _) => {
                BindError::System(number)
            }
        })?;
    let mut notes = Vec::new();
    for _ in 0..ATTEMPTS {
        match prepared.appear() {
            Ok(placed) => {
                return Ok(UnixSocket {
                    listener: prepared.socket.into(),
                    file: SocketFile(Some(placed)),
                    notes,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if remove_stale(path)? {
                    notes.push(format!("Unlinking stale socket {}", path.display()));
                }
            }
            Err(error) => return Err(BindError::System(errno::of(&error))),
        }
    }
    Err(BindError::InUse)
}

/// Listens on a unix socket for `FastCGI` programs. A socket at the path gives way even if it is
/// answered: it may be that of programs which outlived the daemon that started them. Anything
/// that is no socket stays. Without a backlog, or with 0, the queue is as long as the kernel
/// allows.
pub fn bind_fcgi_unix(
    path: &Path,
    mode: u32,
    owner: Option<(u32, Option<u32>)>,
    backlog: Option<u32>,
) -> Result<FcgiUnix, FcgiError> {
    let prepared =
        Prepared::new(path, mode, owner, queue(backlog), SockFlag::empty()).map_err(|step| {
            match step {
                Step::TooLong => FcgiError::TooLong,
                Step::Bind(number) => FcgiError::System(number),
                Step::Chown(number) => FcgiError::Chown(path.to_owned(), number),
                Step::Chmod(number) => FcgiError::Chmod(path.to_owned(), number),
            }
        })?;
    if look(path) == Found::Other {
        return Err(FcgiError::NotASocket(path.to_owned()));
    }
    let placed = prepared
        .replace()
        .map_err(|error| FcgiError::System(errno::of(&error)))?;
    Ok(FcgiUnix {
        listener: prepared.socket.into(),
        file: SocketFile(Some(placed)),
    })
}

/// The queue of connections for a wish. The kernel cuts it to `net.core.somaxconn`.
pub(super) fn queue(wish: Option<u32>) -> Backlog {
    match wish {
        None | Some(0) => Backlog::MAXCONN,
        Some(wish) => i32::try_from(wish)
            .ok()
            .and_then(|wish| Backlog::new(wish).ok())
            .unwrap_or(Backlog::MAXALLOWABLE),
    }
}

/// A socket that listens under its temporary name, which goes when this does.
struct Prepared<'a> {
    socket: OwnedFd,
    name: Temporary,
    path: &'a Path,
    placed: Placed,
}

/// What could not be done, with the errno.
enum Step {
    TooLong,
    Bind(i32),
    Chown(i32),
    Chmod(i32),
}

impl<'a> Prepared<'a> {
    fn new(
        path: &'a Path,
        mode: u32,
        owner: Option<(u32, Option<u32>)>,
        backlog: Backlog,
        flags: SockFlag,
    ) -> Result<Self, Step> {
        let refused = |errno: Errno| Step::Bind(errno as i32);
        if path.as_os_str().len() > LONGEST {
            return Err(Step::TooLong);
        }
        let name = Temporary(beside(path, "").ok_or(Step::TooLong)?);
        // Left by a daemon that had our pid and no time to tidy up.
        let _ = fs::remove_file(&name.0);
        let socket = bind_closed(&name.0, flags).map_err(refused)?;
        let failed = |step: fn(i32) -> Step| move |error: io::Error| step(errno::of(&error));
        let file = fs::symlink_metadata(&name.0).map_err(failed(Step::Bind))?;
        if let Some((uid, gid)) = owner {
            lchown(&name.0, Some(uid), gid).map_err(failed(Step::Chown))?;
        }
        set_mode(&name.0, mode).map_err(|errno| Step::Chmod(errno as i32))?;
        listen(&socket, backlog).map_err(refused)?;
        Ok(Self {
            socket,
            name,
            path,
            placed: Placed::new(path, &file),
        })
    }

    /// Puts the socket at its path if nothing is there.
    fn appear(&self) -> io::Result<Placed> {
        match fs::hard_link(&self.name.0, self.path) {
            Ok(()) => Ok(self.placed.clone()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Some file systems have no hard links, some not for sockets. A rename would
            // replace what is there, so look first.
            Err(_) => match look(self.path) {
                Found::Nothing => self.replace(),
                Found::Socket | Found::Other => Err(io::ErrorKind::AlreadyExists.into()),
            },
        }
    }

    /// Puts the socket at its path in the place of whatever is there.
    fn replace(&self) -> io::Result<Placed> {
        fs::rename(&self.name.0, self.path).map(|()| self.placed.clone())
    }
}

/// Binds a socket to a path at which nobody may connect to it yet: the file takes its
/// permissions from the socket, and that has none.
fn bind_closed(path: &Path, flags: SockFlag) -> Result<OwnedFd, Errno> {
    let flags = flags | SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    fchmod(&socket, Mode::empty())?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket)
}

/// A name that is gone when this is.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A name in the same directory that tells whose it is: `path.PID`, or a shorter one where that
/// would not fit into an address.
fn beside(path: &Path, suffix: &str) -> Option<PathBuf> {
    let pid = std::process::id();
    let mut long = path.as_os_str().to_owned();
    long.push(format!(".{pid}{suffix}"));
    let short = path.with_file_name(format!(".{pid}{suffix}"));
    [long.into(), short]
        .into_iter()
        .find(|name: &PathBuf| name.as_os_str().len() <= LONGEST)
}

/// Sets permissions without following a link that somebody may have put in the file's place.
fn set_mode(path: &Path, mode: u32) -> Result<(), Errno> {
    let mode = Mode::from_bits_truncate(mode);
    match fchmodat(AT_FDCWD, path, mode, FchmodatFlags::NoFollowSymlink) {
        // An old C library, or no /proc to do it with.
        Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => {
            fchmodat(AT_FDCWD, path, mode, FchmodatFlags::FollowSymlink)
        }
        result => result,
    }
}

/// What is at a path.
#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    /// A socket, or a link to one or to nowhere.
    Socket,
    Other,
}

fn look(path: &Path) -> Found {
    match (fs::symlink_metadata(path), fs::metadata(path)) {
        (Err(_), _) => Found::Nothing,
        (Ok(_), Ok(file)) if file.file_type().is_socket() => Found::Socket,
        (Ok(link), Err(_)) if link.is_symlink() => Found::Socket,
        (Ok(_), _) => Found::Other,
    }
}

/// Removes the socket at the path if nobody answers there. Tells whether it did; if not, the
/// path has become free without us.
fn remove_stale(path: &Path) -> Result<bool, BindError> {
    match look(path) {
        Found::Nothing => return Ok(false),
        Found::Other => return Err(BindError::NotASocket(path.to_owned())),
        Found::Socket => {}
    }
    if is_answered(path)? {
        return Err(BindError::InUse);
    }
    // Another daemon may have found the same socket stale, removed it, and put its own there
    // just now. What is moved aside can be asked again without that danger, and put back.
    let aside = Temporary(beside(path, ".old").ok_or(BindError::TooLong)?);
    match fs::rename(path, &aside.0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(BindError::System(errno::of(&error))),
    }
    if is_answered(&aside.0)? {
        match fs::hard_link(&aside.0, path) {
            Ok(()) => {}
            // A third one was quicker, and has the path now.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) => {
                // No hard links here. If this fails too, the path is as free as it looks.
                let _ = fs::rename(&aside.0, path);
            }
        }
        return Err(BindError::InUse);
    }
    Ok(true)
}

/// Whether somebody listens on the socket, whether or not they are quick to accept.
fn is_answered(path: &Path) -> Result<bool, BindError> {
    let refused = |errno: Errno| BindError::System(errno as i32);
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let caller = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(refused)?;
    let address = match UnixAddr::new(path) {
        Err(Errno::ENAMETOOLONG) => return Err(BindError::TooLong),
        address => address.map_err(refused)?,
    };
    match connect(caller.as_raw_fd(), &address) {
        // The queue is full; or it is bound, but for datagrams.
        Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => Ok(true),
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => Ok(false),
        Err(errno) => Err(refused(errno)),
    }
}

#[cfg(test)]
mod tests;
