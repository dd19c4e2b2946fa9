//! What the daemon does about signals for itself. Who reacts to which signal is the actors'
//! business; their waiting goes through tokio, but for the deaths of children: a signal that runs
//! a handler disturbs some thread, and tokio's wakes every other that it has, for each death.

#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Puts the process into a known state, whatever it was started with; to be called first of
/// all, while there is one thread.
///
/// A write to a closed pipe or beyond the file size limit becomes an error instead of our end
/// (`SIGPIPE` and `SIGXFSZ` are ignored). A parent that ignored `SIGCHLD` would have had our
/// children vanish unseen: it is at its default. Nothing is blocked, or a parent's mask would
/// have kept us from ever hearing a `SIGTERM`.
pub fn settle() -> io::Result<()> {
    for (number, handler) in [
        (Signal::SIGPIPE, SigHandler::SigIgn),
        (Signal::SIGXFSZ, SigHandler::SigIgn),
        (Signal::SIGCHLD, SigHandler::SigDfl),
    ] {
        // SAFETY: no code of ours is installed to be run by a signal, only dispositions of
        // the kernel's, and nobody has relied on other ones yet.
        unsafe { signal(number, handler) }?;
    }
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
}

/// From now on `SIGCHLD` disturbs neither this thread nor any that it starts, but waits for whoever
/// asks [`deaths`]. To be called while there is one thread: any other that does not block it would
/// take it and throw it away.
pub fn hold_deaths() -> io::Result<()> {
    let deaths = SigSet::from(Signal::SIGCHLD);
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&deaths), None)?;
    Ok(())
}

/// A descriptor that can be read when children ended, also before it was made but since
/// [`hold_deaths`]. It does not block.
pub fn deaths() -> io::Result<OwnedFd> {
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    let told = SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), flags)?;
    Ok(told.into())
}

/// Whether children ended since it was asked last; several are told as one.
pub fn take_death(deaths: &OwnedFd) -> io::Result<bool> {
    // What is told is one struct; less is never read.
    let mut told = [0; size_of::<nix::sys::signalfd::siginfo>()];
    match nix::unistd::read(deaths, &mut told) {
        Ok(read) => Ok(read > 0),
        Err(Errno::EAGAIN) => Ok(false),
        // To look once too often does no harm.
        Err(Errno::EINTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// While it lives, this thread hears no signal, nor does any thread that it starts, even after.
/// The signals wait, or go to a thread that hears them.
#[derive(Debug)]
pub struct Blocked {
    before: SigSet,
    // A mask belongs to a thread; restoring it on another would be wrong.
    on_this_thread: PhantomData<*const ()>,
}

impl Blocked {
    /// Blocks every signal that can be blocked.
    pub fn all() -> io::Result<Self> {
        let mut before = SigSet::empty();
        pthread_sigmask(
            SigmaskHow::SIG_SETMASK,
            Some(&SigSet::all()),
            Some(&mut before),
        )?;
        Ok(Self {
            before,
            on_this_thread: PhantomData,
        })
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // It can fail only for a bad first argument, and this one is good.
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::alone;
    use super::*;

    fn hears(signal: Signal) -> bool {
        let mask = SigSet::thread_get_mask().expect("it can be asked");
        !mask.contains(signal)
    }

    #[test]
    fn a_thread_is_deaf_while_blocked_and_so_are_its_children() {
        // Masks belong to threads; the harness's are left alone.
        let test = std::thread::spawn(|| {
            assert!(hears(Signal::SIGTERM));
            let blocked = Blocked::all().expect("masks can be set");
            assert!(!hears(Signal::SIGTERM));
            let child = std::thread::spawn(|| hears(Signal::SIGTERM));
            assert!(!child.join().expect("it does not panic"));
            drop(blocked);
            assert!(hears(Signal::SIGTERM));
        });
        test.join().expect("no assertion failed");
    }

    #[test]
    fn a_death_is_told_once_to_who_asks_and_disturbs_nobody() {
        alone(
            "sys::signals::tests::a_death_is_told_once_to_who_asks_and_disturbs_nobody",
            || {
                // The harness has a thread that throws the signal away, so it is sent to this one.
                hold_deaths().expect("masks can be set");
                let deaths = deaths().expect("there are descriptors left");
                let is_told = || take_death(&deaths).expect("it can be read");
                assert!(!is_told());
                for _ in 0..2 {
                    nix::sys::signal::raise(Signal::SIGCHLD).expect("it may be sent");
                }
                assert!(is_told());
                assert!(!is_told());
                let child = std::thread::spawn(|| hears(Signal::SIGCHLD));
                assert!(!child.join().expect("it does not panic"));
            },
        );
    }

    #[test]
    fn a_strange_inheritance_is_settled() {
        alone(
            "sys::signals::tests::a_strange_inheritance_is_settled",
            || {
                // SAFETY: only dispositions of the kernel's, in a process of its own.
                unsafe {
                    signal(Signal::SIGCHLD, SigHandler::SigIgn).expect("it may be ignored");
                    signal(Signal::SIGPIPE, SigHandler::SigDfl).expect("it has a default");
                }
                let deaf = Blocked::all().expect("masks can be set");
                settle().expect("a process may settle its signals");
                assert!(hears(Signal::SIGTERM));
                // SAFETY: as above.
                let (child, pipe) = unsafe {
                    (
                        signal(Signal::SIGCHLD, SigHandler::SigDfl),
                        signal(Signal::SIGPIPE, SigHandler::SigIgn),
                    )
                };
                assert!(matches!(child, Ok(SigHandler::SigDfl)), "{child:?}");
                assert!(matches!(pipe, Ok(SigHandler::SigIgn)), "{pipe:?}");
                drop(deaf);
            },
        );
    }
}
