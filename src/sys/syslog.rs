//! The system's log, as Python's `syslog.syslog(text)` speaks with it: facility `user`, severity
//! `info`, and the daemon's name.
//!
//! Unlike the C library we never wait for it: a log that cannot take a message answers
//! `WouldBlock`.

use super::clock;
use crate::model::time::LocalTime;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, socket,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Where the system listens.
pub const SYSTEM_SOCKET: &str = "/dev/log";

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A connection to the system's log, made when it is first needed and again when it is lost.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    socket: OwnedFd,
    /// Messages run into each other and need an end.
    stream: bool,
}

impl Default for Syslog {
    fn default() -> Self {
        Self::new(Path::new(SYSTEM_SOCKET))
    }
}

impl Syslog {
    /// A log that listens at a path. Nothing is opened yet.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            connection: None,
        }
    }

    /// Sends one message, stamped with the time now. It should hold no newline.
    pub fn send(&mut self, text: &[u8]) -> io::Result<()> {
        let (now, _) = clock::now_unix();
        let mut message = header(&clock::local_time(now)).into_bytes();
        message.extend_from_slice(text);
        match self.send_once(&mut message) {
            // It was started anew since the last message.
            Err(Errno::ECONNREFUSED | Errno::ENOTCONN | Errno::ECONNRESET | Errno::EPIPE) => {
                self.connection = None;
                Ok(self.send_once(&mut message)?)
            }
            other => Ok(other?),
        }
    }

    fn send_once(&mut self, message: &mut Vec<u8>) -> Result<(), Errno> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(&self.path)?),
        };
        if connection.stream && !message.ends_with(b"\0") {
            message.push(0);
        }
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let sent = send(connection.socket.as_raw_fd(), message, flags)?;
        if sent < message.len() {
            // The rest would be taken for a message of its own.
            self.connection = None;
            return Err(Errno::EAGAIN);
        }
        Ok(())
    }
}

impl Connection {
    fn open(path: &Path) -> Result<Self, Errno> {
        match Self::open_as(path, SockType::Datagram) {
            Err(Errno::EPROTOTYPE) => Self::open_as(path, SockType::Stream),
            other => other,
        }
    }

    fn open_as(path: &Path, kind: SockType) -> Result<Self, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, kind, flags, None)?;
        connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(Self {
            socket,
            stream: kind == SockType::Stream,
        })
    }
}

fn header(time: &LocalTime) -> String {
    let month = usize::from(time.month).saturating_sub(1);
    let LocalTime {
        day,
        hour,
        minute,
        second,
        ..
    } = time;
    let month = MONTHS.get(month).unwrap_or(&MONTHS[0]);
    // 14 is facility 1, user, times 8, and severity 6, info.
    format!("<14>{month} {day:2} {hour:02}:{minute:02}:{second:02} supervisord: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Folder;
    use std::io::Read;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    fn after_header(message: &[u8]) -> &[u8] {
        &message["<14>Nov 20 05:52:17 supervisord: ".len()..]
    }

    #[test]
    fn the_header_is_that_of_the_c_library() {
        let time = LocalTime {
            year: 2026,
            month: 3,
            day: 5,
            hour: 7,
            minute: 8,
            second: 9,
        };
        assert_eq!(header(&time), "<14>Mar  5 07:08:09 supervisord: ");
    }

    #[test]
    fn messages_arrive_also_after_the_log_was_started_anew() {
        let folder = Folder::new();
        let path = folder.path().join("log");
        let mut syslog = Syslog::new(&path);
        for text in [b"first".as_slice(), b"second \xff"] {
            let receiver = UnixDatagram::bind(&path).expect("the path is free");
            syslog.send(text).expect("somebody listens");
            let mut message = [0; 200];
            let length = receiver.recv(&mut message).expect("a message was sent");
            assert_eq!(after_header(&message[..length]), text);
            drop(receiver);
            std::fs::remove_file(&path).expect("the socket was there");
        }
        assert!(syslog.send(b"nobody").is_err());
    }

    #[test]
    fn a_log_that_listens_for_streams_gets_ends_of_messages() {
        let folder = Folder::new();
        let path = folder.path().join("log");
        let listener = UnixListener::bind(&path).expect("the path is free");
        let mut syslog = Syslog::new(&path);
        syslog.send(b"one").expect("somebody listens");
        drop(syslog);
        let (mut stream, _) = listener.accept().expect("somebody connected");
        let mut message = Vec::new();
        stream
            .read_to_end(&mut message)
            .expect("the other end is closed");
        assert_eq!(after_header(&message), b"one\0");
    }

    #[test]
    fn a_log_that_does_not_read_is_not_waited_for() {
        let folder = Folder::new();
        let path = folder.path().join("log");
        let _receiver = UnixDatagram::bind(&path).expect("the path is free");
        let mut syslog = Syslog::new(&path);
        let refusal = (0..100_000).find_map(|_| syslog.send(&[b'x'; 1000]).err());
        let kind = refusal.map(|error| error.kind());
        assert_eq!(kind, Some(io::ErrorKind::WouldBlock));
    }
}
