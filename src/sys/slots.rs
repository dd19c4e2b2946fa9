//! Three places among our descriptors where a child finds its own.
//!
//! A child that gets a copy of all our descriptors pays for each of them twice, for the copy and for
//! the closing at its exec: with a thousand programs there are some five thousand. So it shares our
//! table at first, and leaves it with a copy of what stands below a certain number (`close_range(2)`
//! with `CLOSE_RANGE_UNSHARE`). What it needs is put there before, and taken away afterwards.

#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::sys::stat::Mode;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// The places. Nothing of a child stays in them.
#[derive(Debug)]
pub(super) struct Slots {
    places: [OwnedFd; 3],
    /// What is in them in between.
    nothing: OwnedFd,
}

impl Slots {
    /// Takes three places. None where the kernel does not let a child leave our table that way
    /// (before 5.9, or by a filter), or where no descriptors are to be had.
    pub(super) fn new() -> Option<Self> {
        if !can_leave() {
            return None;
        }
        let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let nothing = open("/dev/null", flags, Mode::empty()).ok()?;
        let place = || {
            // 0, 1 and 2 are where the child wants to have them in the end.
            let number = fcntl(&nothing, FcntlArg::F_DUPFD_CLOEXEC(3)).ok()?;
            // SAFETY: the call has made this descriptor, and nobody else knows of it.
            Some(unsafe { OwnedFd::from_raw_fd(number) })
        };
        Some(Self {
            places: [place()?, place()?, place()?],
            nothing,
        })
    }

    /// Puts a child's descriptors into the places, and answers their numbers there.
    pub(super) fn put(&self, ends: [RawFd; 3]) -> nix::Result<[RawFd; 3]> {
        for (end, place) in ends.into_iter().zip(&self.places) {
            if let Err(error) = replace(place, end) {
                self.clear();
                return Err(error);
            }
        }
        Ok(self.places.each_ref().map(AsRawFd::as_raw_fd))
    }

    /// Takes them away.
    pub(super) fn clear(&self) {
        for place in &self.places {
            // It fails only for descriptors that are not there.
            let _ = replace(place, self.nothing.as_raw_fd());
        }
    }

    /// The number from which on a child needs none of our descriptors.
    pub(super) fn end(&self) -> libc::c_uint {
        let highest = self.places.iter().map(AsRawFd::as_raw_fd).max();
        highest.map_or(3, |highest| highest.unsigned_abs() + 1)
    }
}

/// Makes a place lead where another descriptor does.
fn replace(place: &OwnedFd, by: RawFd) -> nix::Result<()> {
    // SAFETY: the place is ours and stays open; what it led to until now is closed. `by` is only
    // looked at.
    Errno::result(unsafe { libc::dup3(by, place.as_raw_fd(), libc::O_CLOEXEC) }).map(drop)
}

/// Leaves the table that this process or thread shares with others, with a copy of what is below
/// `end`. To be called where that is a child, or a thread that ends.
pub(super) fn leave(end: libc::c_uint) -> nix::Result<()> {
    // SAFETY: closes descriptors in a table that is the caller's own from then on.
    let left = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            end,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_UNSHARE,
        )
    };
    Errno::result(left).map(drop)
}

/// Tries it, in a thread that has nothing to lose.
fn can_leave() -> bool {
    let trial = std::thread::Builder::new().spawn(|| leave(libc::c_uint::MAX).is_ok());
    trial.is_ok_and(|trial| trial.join().unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn what_is_put_there_is_there_until_it_is_taken_away() {
        let slots = Slots::new().expect("this kernel can do it");
        let (mut reader, writer) = std::io::pipe().expect("descriptors are to be had");
        let number = writer.as_raw_fd();
        let places = slots.put([number; 3]).expect("it is open");
        drop(writer);
        for place in places {
            assert!(place >= 3 && place.unsigned_abs() < slots.end());
            let path = format!("/proc/self/fd/{place}");
            let mut file = std::fs::File::options()
                .write(true)
                .open(path)
                .expect("it leads to the pipe");
            file.write_all(b"x").expect("the pipe has room");
        }
        slots.clear();
        let mut text = String::new();
        // It ends: nobody holds the other end any more.
        reader.read_to_string(&mut text).expect("it is text");
        assert_eq!(text, "xxx");
    }

    #[test]
    fn who_leaves_takes_along_what_is_below_and_closes_nothing_of_ours() {
        let (reader, _writer) = std::io::pipe().expect("descriptors are to be had");
        let number = reader.as_raw_fd();
        let fds_there = std::thread::spawn(move || {
            leave(number.unsigned_abs()).expect("this kernel can do it");
            // SAFETY: only asks for flags; whether there is such a descriptor is the question.
            unsafe { libc::fcntl(number, libc::F_GETFD) }
        });
        assert_eq!(fds_there.join().expect("it does not fail"), -1);
        assert!(fcntl(&reader, FcntlArg::F_GETFD).is_ok());
    }
}
