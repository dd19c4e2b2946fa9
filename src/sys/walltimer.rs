//! A timer for moments of wall time, which also goes off when somebody sets the clock.
//!
//! Whoever waits for "the next full hour" cannot count seconds on a steady clock: the hour comes
//! sooner or later when the clock is set, or when the machine sleeps. The kernel knows both. The
//! timer only wakes; what time it is then is asked of [`super::clock`]. It is registered with no
//! runtime: it has a descriptor that is readable once it went off.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd, RawFd};

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

    /// Takes note that it went off, so that it is readable only when it does so again. False if
    /// it did not.
    pub fn acknowledge(&self) -> io::Result<bool> {
        match nix::unistd::read(self.0.as_fd(), &mut [0; 8]) {
            // Cancelled: somebody set the clock.
            Ok(_) | Err(Errno::ECANCELED) => Ok(true),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsRawFd for WallTimer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::WallTimer;
    use crate::sys::clock::now_unix;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd as _;

    /// Whether the timer goes off within these milliseconds.
    fn goes_off(timer: &WallTimer, milliseconds: u16) -> bool {
        let mut watched = [PollFd::new(timer.0.as_fd(), PollFlags::POLLIN)];
        let count = poll(&mut watched, PollTimeout::from(milliseconds));
        count.expect("polling one descriptor cannot fail") > 0
    }

    #[test]
    fn a_moment_that_is_over_goes_off_at_once_and_is_acknowledged_once() {
        let timer = WallTimer::new().expect("a timer");
        for moment in [now_unix().0 - 1, 0, -5, i64::MIN] {
            timer.set(Some(moment)).expect("set");
            assert!(goes_off(&timer, 10_000), "{moment}");
            assert!(timer.acknowledge().expect("read"), "{moment}");
            assert!(!timer.acknowledge().expect("read"), "{moment}");
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
