//! Many descriptors behind one: whoever watches thousands asks the reactor for a single one.
//!
//! Each descriptor is told of once and then not until it is watched again, so that its writer
//! wakes nobody meanwhile (`EPOLLONESHOT`, epoll(7)).

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// So many are asked for at a time.
const AT_ONCE: usize = 64;

/// A set of watched descriptors. It is readable itself when one of them is.
#[derive(Debug)]
pub struct Poller(Epoll);

impl Poller {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Tells of a descriptor, once, when it can be read or is at its end; by this token. One that
    /// was told of is watched again by the same call. It is forgotten when it is closed.
    pub fn watch(&self, descriptor: impl AsFd, token: u64) -> io::Result<()> {
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        let mut event = EpollEvent::new(flags, token);
        match self.0.modify(&descriptor, &mut event) {
            Err(Errno::ENOENT) => Ok(self.0.add(&descriptor, event)?),
            done => Ok(done?),
        }
    }

    /// Adds the tokens of all that can be read now; does not wait.
    pub fn ready(&self, tokens: &mut Vec<u64>) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); AT_ONCE];
        loop {
            let count = match self.0.wait(&mut events, EpollTimeout::ZERO) {
                Err(Errno::EINTR) => continue,
                counted => counted?,
            };
            tokens.extend(events[..count].iter().map(EpollEvent::data));
            if count < AT_ONCE {
                return Ok(());
            }
        }
    }
}

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn ready(poller: &Poller) -> Vec<u64> {
        let mut tokens = Vec::new();
        poller.ready(&mut tokens).expect("nothing is wrong with it");
        tokens.sort_unstable();
        tokens
    }

    #[test]
    fn a_descriptor_is_told_of_once_until_it_is_watched_again() {
        let poller = Poller::new().expect("descriptors are to be had");
        let (mut reader, mut writer) = io::pipe().expect("descriptors are to be had");
        poller.watch(&reader, 7).expect("it is a pipe");
        assert_eq!(ready(&poller), []);
        writer.write_all(b"ab").expect("it has room");
        assert_eq!(ready(&poller), [7]);
        writer.write_all(b"c").expect("it has room");
        assert_eq!(ready(&poller), []);
        poller.watch(&reader, 8).expect("it is a pipe");
        assert_eq!(ready(&poller), [8]);
        reader.read_exact(&mut [0; 3]).expect("they are there");
        poller.watch(&reader, 9).expect("it is a pipe");
        assert_eq!(ready(&poller), []);
        drop(writer);
        assert_eq!(ready(&poller), [9]);
        drop(reader);
        assert_eq!(ready(&poller), []);
    }

    #[test]
    fn all_that_are_ready_are_told_however_many() {
        let poller = Poller::new().expect("descriptors are to be had");
        let pipes: Vec<_> = (0..200)
            .map(|token| {
                let (reader, writer) = io::pipe().expect("descriptors are to be had");
                poller.watch(&reader, token).expect("it is a pipe");
                drop(writer);
                reader
            })
            .collect();
        assert_eq!(ready(&poller), (0..200).collect::<Vec<u64>>());
        drop(pipes);
    }
}
