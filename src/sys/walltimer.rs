//! A timer for moments of wall time, which also goes off when somebody sets the clock.
//!
//! Whoever waits for "the next full hour" cannot count seconds on a steady clock: the hour comes
//! sooner or later when the clock is set, or when the machine sleeps. The kernel knows both. The
//! timer only wakes; what time it is then is asked of [`super::clock`]. It is registered with no
//! runtime: it has a descriptor that is readable once it went off.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// The timer. It is off at first.
#[derive(Debug)]
pub struct WallTimer(TimerFd);

impl WallTimer {
    /// Makes a timer. Fails where there are no descriptors left.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_REALTIME, flags)?;
        Ok(Self(timer))
    }

    /// Sets it to a moment in seconds of Unix time, in place of any other; one that is over goes
    /// off at once. None turns it off.
    pub fn set(&self, moment: Option<i64>) -> io::Result<()> {
        let Some(moment) = moment else {
            return Ok(self.0.unset()?);
        };
        // Zero would turn it off, and the kernel refuses what is before.
        let moment = Expiration::OneShot(TimeSpec::new(moment.max(1), 0));
        let flags =
            TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        match self.0.set(moment, flags) {
            // It is set, and the clock was as well, since the timer was looked at last.
            Ok(()) | Err(Errno::ECANCELED) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A descriptor of its own that is readable once the timer went off, and until it was read;
    /// it does not block.
    pub fn watch(&self) -> io::Result<OwnedFd> {
        self.0.as_fd().try_clone_to_owned()
    }

    /// What reading eight bytes from [`Self::watch`] means: that the timer went off, or that it did
    /// not.
    pub fn went_off(read: io::Result<usize>) -> io::Result<bool> {
        match read {
            Ok(_) => Ok(true),
            // Somebody set the clock.
            Err(error) if error.raw_os_error() == Some(Errno::ECANCELED as i32) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WallTimer;
    use crate::sys::clock::now_unix;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::fs::File;
    use std::io::Read as _;
    use std::os::fd::AsFd as _;

    /// Whether the timer goes off within these milliseconds.
    fn goes_off(timer: &WallTimer, milliseconds: u16) -> bool {
        let mut watched = [PollFd::new(timer.0.as_fd(), PollFlags::POLLIN)];
        let count = poll(&mut watched, PollTimeout::from(milliseconds));
        count.expect("polling one descriptor cannot fail") > 0
    }

    fn read(timer: &WallTimer) -> bool {
        let watch = timer.watch().expect("a descriptor");
        let read = File::from(watch).read(&mut [0; 8]);
        WallTimer::went_off(read).expect("a timer can be read")
    }

    #[test]
    fn a_moment_that_is_over_goes_off_at_once_and_is_acknowledged_once() {
        let timer = WallTimer::new().expect("a timer");
        for moment in [now_unix().0 - 1, 0, -5, i64::MIN] {
            timer.set(Some(moment)).expect("set");
            assert!(goes_off(&timer, 10_000), "{moment}");
            assert!(read(&timer), "{moment}");
            assert!(!read(&timer), "{moment}");
        }
    }

    #[test]
    fn it_goes_off_when_the_moment_has_come_and_not_before() {
        let timer = WallTimer::new().expect("a timer");
        let moment = now_unix().0 + 1;
        timer.set(Some(moment)).expect("set");
        assert!(goes_off(&timer, 10_000));
        assert!(now_unix().0 >= moment);
    }

    #[test]
    fn a_clock_that_was_set_counts_as_having_gone_off() {
        let set = || Err(std::io::Error::from(nix::errno::Errno::ECANCELED));
        assert!(WallTimer::went_off(set()).expect("no trouble"));
        let closed = Err(std::io::Error::from(nix::errno::Errno::EBADF));
        assert!(WallTimer::went_off(closed).is_err());
    }

    #[test]
    fn it_is_off_until_it_is_set_and_when_it_is_turned_off() {
        let timer = WallTimer::new().expect("a timer");
        assert!(!goes_off(&timer, 0));
        timer.set(Some(now_unix().0 + 3600)).expect("set");
        assert!(!goes_off(&timer, 0));
        timer.set(Some(1)).expect("set");
        timer.set(None).expect("turned off");
        assert!(!goes_off(&timer, 0));
    }
}
