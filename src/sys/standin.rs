//! Standing in for a program: a command of ours runs, and the signals that we get are held until
//! they are asked for, so that they can be passed on to whom they are meant for.
//!
//! It serves a process that does nothing else: all signals are blocked in it, and any child of
//! its is the command.

use super::signals;
use crate::model::signal::Signal;
use nix::errno::Errno;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, SigmaskHow, Signal as Number, pthread_sigmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;

/// The signals that are passed on, as the original's program does.
const PASSED: [Number; 6] = [
    Number::SIGTERM,
    Number::SIGHUP,
    Number::SIGINT,
    Number::SIGUSR1,
    Number::SIGUSR2,
    Number::SIGQUIT,
];

/// The command, and the signals that wait.
#[derive(Debug)]
pub struct StandIn {
    command: Pid,
    awaited: SigSet,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A signal came that is to be passed on.
    Signal(Signal),
    /// The command ended.
    Over,
}

impl StandIn {
    /// Runs a command: its file, which is not looked for in `PATH`, and its words. It finds our
    /// environment, our descriptors and signals at their defaults.
    pub fn run(file: &OsStr, words: &[impl AsRef<OsStr>]) -> io::Result<Self> {
        signals::settle()?;
        let mut awaited: SigSet = PASSED.into_iter().collect();
        awaited.add(Number::SIGCHLD);
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&awaited), None)?;
        let mut inherited = awaited;
        inherited.add(Number::SIGPIPE);
        inherited.add(Number::SIGXFSZ);

        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_flags(
            PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
        )?;
        attributes.set_sigdefault(&inherited)?;
        attributes.set_sigmask(&SigSet::empty())?;
        let argv = words
            .iter()
            .map(|word| CString::new(word.as_ref().as_bytes()))
            .collect::<Result<Vec<_>, _>>()?;
        let envp = std::env::vars_os()
            .map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()))
            .collect::<Result<Vec<_>, _>>()?;
        let actions = PosixSpawnFileActions::init()?;
        let command = posix_spawn(file, &actions, &attributes, &argv, &envp)?;
        Ok(Self { command, awaited })
    }

    /// Waits for what happens next.
    pub fn next(&self) -> News {
        loop {
            match self.awaited.wait() {
                Ok(Number::SIGCHLD) if self.is_over() => return News::Over,
                // A child stopped or went on, or is one that our parent left us.
                Ok(Number::SIGCHLD) => {}
                Ok(number) => return News::Signal(Signal(number as i32)),
                // No signal can be waited for: nothing is left to be done here.
                Err(Errno::EINVAL) => return News::Over,
                Err(_) => {}
            }
        }
    }

    fn is_over(&self) -> bool {
        // Signals of several deaths are one, so all that ended are buried.
        loop {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => return false,
                Ok(status) if status.pid() == Some(self.command) => return true,
                Ok(_) | Err(Errno::EINTR) => {}
                // No child is left, so the command is gone.
                Err(_) => return true,
            }
        }
    }
}
