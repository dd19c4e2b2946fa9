//! Descriptors that we were started with, and one kept for bad days.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;

/// Opens `/dev/null` on those of the descriptors 0, 1 and 2 that are closed, so that no file
/// or socket opened later lands there and is written to as if it were a terminal. To be called
/// before anything is opened.
pub fn open_standard() -> io::Result<()> {
    for number in 0..=2 {
        if is_open(number) {
            continue;
        }
        // The lowest free number is given out, and lower ones are open by now.
        let null = open("/dev/null", OFlag::O_RDWR, Mode::empty())?;
        std::mem::forget(null);
    }
    Ok(())
}

/// Marks every descriptor from 3 up that we were started with as close-on-exec: children get
/// nothing that we do not hand to them. The descriptors stay open for us, so a log that is
/// configured as `/dev/fd/3` can still be opened.
pub fn seal_inherited() -> io::Result<()> {
    // SAFETY: the call takes three integers and changes only the flags of descriptors. A
    // descriptor that was passed on purpose, by code that ran before us, does not exist: this
    // process was just started.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    match Errno::result(result) {
        Ok(_) => Ok(()),
        // Before Linux 5.11, or behind a filter of system calls that does not know this one.
        Err(Errno::ENOSYS | Errno::EINVAL | Errno::EPERM) => seal_one_by_one(),
        Err(errno) => Err(errno.into()),
    }
}

fn seal_one_by_one() -> io::Result<()> {
    let mut numbers: Vec<RawFd> = Vec::new();
    match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => {
            for entry in entries {
                numbers.extend(
                    entry?
                        .file_name()
                        .to_str()
                        .and_then(|name| name.parse::<RawFd>().ok()),
                );
            }
        }
        // Without /proc, look at as many as are usual; a limit of a billion must not cost
        // a minute.
        Err(_) => numbers.extend(3..65536),
    }
    for number in numbers.into_iter().filter(|&number| number > 2) {
        set_close_on_exec(number);
    }
    Ok(())
}

fn set_close_on_exec(number: RawFd) {
    // SAFETY: the call takes integers and changes only flags; it fails for a number that is not
    // open, and then there is nothing to mark.
    let _ = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
}

fn is_open(number: RawFd) -> bool {
    // SAFETY: the call takes integers and only asks; it fails for a number that is not open.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags != -1
}

/// A descriptor held for the day when there are no more: given up for a moment, it lets a
/// server accept a connection only to close it, where otherwise the connection would stay
/// "ready to be accepted" and the server would spin.
#[derive(Debug)]
pub struct Reserve(Option<File>);

impl Reserve {
    /// Sets a descriptor aside.
    pub fn new() -> io::Result<Self> {
        File::open("/dev/null").map(|file| Self(Some(file)))
    }

    /// Gives the descriptor up, does `work`, and takes one again. If `work` kept what it
    /// opened, there may be none left to take; then the next call has none to give, and tries
    /// again to take one afterwards.
    pub fn lend<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.0 = None;
        let done = work();
        self.0 = File::open("/dev/null").ok();
        done
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd, IntoRawFd};

    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    use super::super::testing::alone;
    use super::*;

    fn closes_on_exec(number: RawFd) -> bool {
        // SAFETY: the call takes integers and only asks.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        assert_ne!(flags, -1, "descriptor {number} is open");
        flags & libc::FD_CLOEXEC != 0
    }

    fn leaked() -> RawFd {
        let fd = open("/dev/null", OFlag::O_RDONLY, Mode::empty()).expect("it opens");
        let number = fd.into_raw_fd();
        assert!(!closes_on_exec(number));
        number
    }

    #[test]
    fn what_was_inherited_is_not_handed_on() {
        alone(
            "sys::fds::tests::what_was_inherited_is_not_handed_on",
            || {
                for seal in [seal_inherited, seal_one_by_one] {
                    let numbers = [leaked(), leaked()];
                    seal().expect("flags can be set");
                    assert!(numbers.iter().all(|&number| closes_on_exec(number)));
                    assert!((0..=2).all(|number| !closes_on_exec(number)));
                }
            },
        );
    }

    #[test]
    fn closed_standard_descriptors_are_opened_again() {
        alone(
            "sys::fds::tests::closed_standard_descriptors_are_opened_again",
            || {
                open_standard().expect("nothing is to be done");
                // SAFETY: nobody reads standard input in this process.
                let closed = unsafe { libc::close(0) };
                assert_eq!(closed, 0);
                assert!(!is_open(0));
                open_standard().expect("/dev/null can be opened");
                assert!(is_open(0));
                assert!(!closes_on_exec(0));
                let next = File::open("/dev/null").expect("it opens");
                assert!(next.as_raw_fd() > 2);
            },
        );
    }

    #[test]
    fn a_reserve_lends_the_last_descriptor_and_takes_it_back() {
        alone(
            "sys::fds::tests::a_reserve_lends_the_last_descriptor_and_takes_it_back",
            || {
                let mut reserve = Reserve::new().expect("there are descriptors");
                let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("it can be asked");
                setrlimit(Resource::RLIMIT_NOFILE, 40, hard).expect("down is always allowed");
                let mut all = Vec::new();
                while let Ok(file) = File::open("/dev/null") {
                    all.push(file);
                }
                for _ in 0..2 {
                    assert!(reserve.lend(|| File::open("/dev/null").is_ok()));
                    assert!(File::open("/dev/null").is_err());
                }
                let kept = reserve.lend(|| File::open("/dev/null").ok());
                assert!(kept.is_some());
                assert!(!reserve.lend(|| File::open("/dev/null").is_ok()));
                drop(kept);
                assert!(reserve.lend(|| File::open("/dev/null").is_ok()));
            },
        );
    }
}
