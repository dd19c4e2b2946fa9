//! Listening sockets: for the HTTP servers, and for `FastCGI` programs that share one.
//!
//! A unix socket appears at its path complete: bound, owned, permitted and listening. Until
//! then it lives beside its path under a temporary name with no permission at all. No umask is
//! changed for that, so it is safe with other threads about.

mod tcp;
mod unix;

use std::fmt;
use std::path::PathBuf;

use super::errno;
use super::users;

pub use tcp::{bind_fcgi_tcp, bind_tcp};
pub use unix::{FcgiUnix, SocketFile, UnixSocket, bind_fcgi_unix, bind_unix};

/// Why an HTTP server has no socket. Displayed: the whole sentence, in the original's words
/// where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindError {
    /// Somebody else listens there.
    InUse,
    /// The kernel refused, with this errno.
    System(i32),
    /// The path has more bytes than a socket's address can hold, 107.
    TooLong,
    /// Something that is not a socket is at the path; it is left alone.
    NotASocket(PathBuf),
    /// The host's name means nothing to the resolver.
    UnknownHost {
        /// The name.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// We may not give the socket to that owner.
    Chown {
        /// The socket.
        path: PathBuf,
        /// The owner.
        uid: u32,
        /// The group, where it was to be changed.
        gid: Option<u32>,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CANNOT: &str = "Cannot open an HTTP server:";
        match self {
            Self::InUse => f.write_str(
                "Another program is already listening on a port that one of our HTTP servers is \
                 configured to use.  Shut this program down first before starting supervisord.",
            ),
            Self::System(number) => match errno::name(*number) {
                Some(name) => write!(f, "{CANNOT} socket.error reported errno.{name} ({number})"),
                None => write!(f, "{CANNOT} socket.error reported {number}"),
            },
            Self::TooLong => write!(f, "{CANNOT} socket.error reported AF_UNIX path too long"),
            Self::NotASocket(path) => {
                write!(f, "{CANNOT} {} exists and is not a socket", path.display())
            }
            Self::UnknownHost { host, reason } => {
                write!(f, "{CANNOT} the host '{host}' is not known: {reason}")
            }
            Self::Chown { path, uid, gid } => {
                let gid = gid.map_or(-1, i64::from);
                let us = users::own_name();
                write!(
                    f,
                    "Not permitted to chown {} to uid/gid ({uid}, {gid}); adjust \"sockchown\" \
                     value in config file or on command line to values that the current user \
                     ({us}) can successfully chown",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for BindError {}

/// Why a `FastCGI` group has no socket. Displayed: what the original says after
/// `Could not create FastCGI socket URL: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FcgiError {
    /// The kernel refused, with this errno.
    System(i32),
    /// The path has more bytes than a socket's address can hold, 107.
    TooLong,
    /// Something that is not a socket is at the path; it is left alone.
    NotASocket(PathBuf),
    /// The host's name means nothing to the resolver, which says this.
    UnknownHost(String),
    /// The socket could not be given to its owner.
    Chown(PathBuf, i32),
    /// The socket could not be given its permissions.
    Chmod(PathBuf, i32),
}

impl fmt::Display for FcgiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, path, number) = match self {
            Self::System(number) => {
                return write!(f, "[Errno {number}] {}", errno::text(*number));
            }
            Self::TooLong => return f.write_str("AF_UNIX path too long"),
            Self::NotASocket(path) => {
                return write!(f, "{} exists and is not a socket", path.display());
            }
            Self::UnknownHost(reason) => return f.write_str(reason),
            Self::Chown(path, number) => ("ownership", path, number),
            Self::Chmod(path, number) => ("permissions", path, number),
        };
        write!(
            f,
            "Could not change {what} of socket file: [Errno {number}] {}: '{}'",
            errno::text(*number),
            path.display()
        )
    }
}

impl std::error::Error for FcgiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_server_without_a_socket_is_said_in_the_original_words() {
        let check = |error: BindError, expected: &str| assert_eq!(error.to_string(), expected);
        check(
            BindError::InUse,
            "Another program is already listening on a port that one of our HTTP servers is \
             configured to use.  Shut this program down first before starting supervisord.",
        );
        check(
            BindError::System(13),
            "Cannot open an HTTP server: socket.error reported errno.EACCES (13)",
        );
        check(
            BindError::System(999),
            "Cannot open an HTTP server: socket.error reported 999",
        );
        check(
            BindError::TooLong,
            "Cannot open an HTTP server: socket.error reported AF_UNIX path too long",
        );
        check(
            BindError::NotASocket("/etc/passwd".into()),
            "Cannot open an HTTP server: /etc/passwd exists and is not a socket",
        );
    }

    #[test]
    fn a_socket_that_cannot_be_given_away_names_all_who_are_concerned() {
        let us = users::own_name();
        let check = |gid, pair: &str| {
            let error = BindError::Chown {
                path: "/run/s.sock".into(),
                uid: 5,
                gid,
            };
            let expected = format!(
                "Not permitted to chown /run/s.sock to uid/gid {pair}; adjust \"sockchown\" \
                 value in config file or on command line to values that the current user \
                 ({us}) can successfully chown"
            );
            assert_eq!(error.to_string(), expected);
        };
        check(Some(6), "(5, 6)");
        check(None, "(5, -1)");
    }

    #[test]
    fn a_fastcgi_group_without_a_socket_is_said_in_the_original_words() {
        let check = |error: FcgiError, expected: &str| assert_eq!(error.to_string(), expected);
        check(FcgiError::System(13), "[Errno 13] Permission denied");
        check(FcgiError::TooLong, "AF_UNIX path too long");
        check(
            FcgiError::Chown("/s".into(), 1),
            "Could not change ownership of socket file: [Errno 1] Operation not permitted: '/s'",
        );
        check(
            FcgiError::Chmod("/s".into(), 1),
            "Could not change permissions of socket file: [Errno 1] Operation not permitted: \
             '/s'",
        );
    }
}
