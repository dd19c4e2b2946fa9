//! What the daemon does about signals for itself. Who reacts to which signal is the actors'
//! business; their waiting goes through tokio.

#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask, signal};

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
