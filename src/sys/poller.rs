//! Many descriptors behind one: whoever watches thousands asks the reactor for a single one.
//!
//! Each descriptor is told of once and then not until it is watched again, so that its writer
//! wakes nobody meanwhile (`EPOLLONESHOT`, epoll(7)). It should be taken out as well: as long as it
//! is in the set each write to it asks the set, which makes small ones a fifth slower.
//!
//! It has an alarm as well, for rests that are shorter than the millisecond which the reactor's
//! own clock counts in.

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::cell::OnceCell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

/// So many are asked for at a time.
const AT_ONCE: usize = 64;

/// The token of the alarm.
const ALARM: u64 = u64::MAX;

/// A set of watched descriptors. It is readable itself when one of them is, or the alarm rings.
#[derive(Debug)]
pub struct Poller {
    set: Epoll,
    /// Made when it is needed first.
    alarm: OnceCell<TimerFd>,
}

impl Poller {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            set: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            alarm: OnceCell::new(),
        })
    }

    /// Tells of a descriptor, once, when it can be read or is at its end; by this token, which is
    /// not the greatest of all. Watching it again makes it tell again. It is forgotten when it is
    /// closed.
    pub fn watch(&self, descriptor: impl AsFd, token: u64) -> io::Result<()> {
        let mut event = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT, token);
        match self.set.add(&descriptor, event) {
            Err(Errno::EEXIST) => Ok(self.set.modify(&descriptor, &mut event)?),
            done => Ok(done?),
        }
    }

    /// Takes a descriptor out.
    pub fn forget(&self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(self.set.delete(&descriptor)?)
    }

    /// Lets the alarm ring once, so long from now; not when it was to ring before. Fails where
    /// no descriptor is left for it.
    pub fn ring_in(&self, time: Duration) -> io::Result<()> {
        let alarm = if let Some(alarm) = self.alarm.get() {
            alarm
        } else {
            let alarm = self.new_alarm()?;
            self.alarm.get_or_init(|| alarm)
        };
        // Zero would turn it off.
        let time = TimeSpec::from_duration(time.max(Duration::from_nanos(1)));
        Ok(alarm.set(Expiration::OneShot(time), TimerSetTimeFlags::empty())?)
    }

    fn new_alarm(&self) -> io::Result<TimerFd> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let alarm = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        // Nobody reads it: it is told of each time it rings (`EPOLLET`).
        let event = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, ALARM);
        self.set.add(&alarm, event)?;
        Ok(alarm)
    }

    /// Adds the tokens of all that can be read now; does not wait. The alarm has none.
    pub fn ready(&self, tokens: &mut Vec<u64>) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); AT_ONCE];
        loop {
            let count = match self.set.wait(&mut events, EpollTimeout::ZERO) {
                Err(Errno::EINTR) => continue,
                counted => counted?,
            };
            let told = events[..count].iter().map(EpollEvent::data);
            tokens.extend(told.filter(|&token| token != ALARM));
            if count < AT_ONCE {
                return Ok(());
            }
        }
    }
}

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.set.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::io::{Read, Write};
    use std::time::Instant;

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
        poller.forget(&reader).expect("it is there");
        drop(writer);
        assert_eq!(ready(&poller), []);
        poller.watch(&reader, 10).expect("it is a pipe");
        assert_eq!(ready(&poller), [10]);
        drop(reader);
        assert_eq!(ready(&poller), []);
    }

    /// Waits until the set itself is readable.
    fn await_ready(poller: &Poller) {
        let limit = PollTimeout::from(30_000_u16);
        // It is borrowed for as long.
        let set = [PollFd::new(poller.set.0.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut { set }, limit), Ok(1));
    }

    #[test]
    fn the_alarm_makes_the_set_readable_each_time() {
        let poller = Poller::new().expect("descriptors are to be had");
        for time in [
            Duration::from_micros(100),
            Duration::ZERO,
            Duration::from_millis(2),
        ] {
            let start = Instant::now();
            poller.ring_in(time).expect("descriptors are to be had");
            await_ready(&poller);
            assert!(start.elapsed() >= time);
            assert_eq!(ready(&poller), []);
        }
        // Then it is silent.
        let set = [PollFd::new(poller.set.0.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut { set }, PollTimeout::ZERO), Ok(0));
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
