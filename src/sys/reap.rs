//! Who the children are, how they end, and how they are signalled.
//!
//! The [`Register`] knows every child that is not buried yet. Three things follow from its lock:
//! a death finds its owner, even one that comes before the spawner's thread has returned from
//! making the child; a signal reaches only a child that is not buried, so never a stranger who
//! got its pid; and nobody waits for the spawner, however long a child is stuck before its
//! program, since the lock is not held while it is made.

#![allow(unsafe_code)]

use super::kill;
use crate::model::exit::Exit;
use crate::model::signal::Signal;
use nix::errno::Errno;
use nix::libc;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who wants to hear of a child's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner(pub(super) u64);

/// The children that are not buried yet.
#[derive(Debug, Default)]
pub struct Register {
    living: Mutex<Living>,
    /// The pid of the child that is being made: 0 before the kernel has made it. The kernel
    /// writes here before the child runs, so before it can end.
    unborn: AtomicI32,
    owners: AtomicU64,
}

#[derive(Debug, Default)]
struct Living {
    owners: HashMap<i32, Owner>,
    /// Whose child is being made.
    expecting: Option<Owner>,
}

/// A child's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its pid, which may be a stranger's from now on.
    pub pid: i32,
    /// How it ended.
    pub exit: Exit,
    /// Whose child it was; none for an orphan that the kernel gave us.
    pub owner: Option<Owner>,
}

/// Why a signal did not reach a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillError {
    /// It is gone, or about to be reported as gone.
    Gone,
    /// The kernel refused, with this error number.
    Refused(i32),
}

impl Register {
    /// An owner that nobody else is.
    pub fn new_owner(&self) -> Owner {
        Owner(self.owners.fetch_add(1, Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Living> {
        // Whoever panicked held whole values.
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces that a child is about to be made. One at a time.
    pub(super) fn expect_birth(self: &Arc<Self>, owner: Owner) -> Birth {
        self.unborn.store(0, Ordering::SeqCst);
        self.lock().expecting = Some(owner);
        Birth {
            register: Arc::clone(self),
        }
    }

    /// Buries one child that has ended, if there is one, and says whose it was.
    pub fn bury(&self) -> Option<Death> {
        loop {
            // Look before burying: while it is not buried, its pid is nobody else's, and under
            // the lock nobody signals it.
            let pid = ended_child()?;
            let mut living = self.lock();
            let owner = living.owners.remove(&pid).or_else(|| {
                let claimed = self
                    .unborn
                    .compare_exchange(pid, 0, Ordering::SeqCst, Ordering::SeqCst)
                    .is_ok();
                if claimed {
                    living.expecting.take()
                } else {
                    None
                }
            });
            // None: it is another thread's to bury, or a debugger's; look again.
            if let Some(exit) = wait_for(pid) {
                return Some(Death { pid, exit, owner });
            }
        }
    }

    /// Sends a signal to a child, or to its process group. A group that is not there (the child
    /// left it) is replaced by the child.
    pub fn kill(&self, pid: i32, group: bool, signal: Signal) -> Result<(), KillError> {
        let living = self.lock();
        if !living.owners.contains_key(&pid) {
            return Err(KillError::Gone);
        }
        if group && kill::kill_group(pid, signal).is_ok() {
            return Ok(());
        }
        match kill::kill(pid, signal) {
            Ok(()) => Ok(()),
            Err(libc::ESRCH) => Err(KillError::Gone),
            Err(errno) => Err(KillError::Refused(errno)),
        }
    }

    /// Kills the child that is being made for this owner, if it is stuck before its program.
    pub fn kill_unborn(&self, owner: Owner) -> Result<(), KillError> {
        let living = self.lock();
        let pid = self.unborn.load(Ordering::SeqCst);
        if living.expecting != Some(owner) || pid == 0 {
            return Err(KillError::Gone);
        }
        kill::kill(pid, Signal::KILL).map_err(KillError::Refused)
    }

    /// How many children are not buried.
    pub fn len(&self) -> usize {
        self.lock().owners.len()
    }

    /// Whether all children are buried.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A child that is being made. Dropped, none was.
pub(super) struct Birth {
    register: Arc<Register>,
}

impl Birth {
    /// Where the kernel stores the pid of the new child.
    pub(super) fn pid_cell(&self) -> *mut i32 {
        self.register.unborn.as_ptr()
    }

    /// The child is there and its program runs, or it is gone already.
    pub(super) fn complete(self, pid: i32) {
        let mut living = self.register.lock();
        let unclaimed = self.register.unborn.swap(0, Ordering::SeqCst) == pid;
        if let (true, Some(owner)) = (unclaimed, living.expecting.take()) {
            living.owners.insert(pid, owner);
        }
    }
}

impl Drop for Birth {
    fn drop(&mut self) {
        self.register.lock().expecting = None;
    }
}

/// The pid of some child that has ended and is not buried, which stays as it is.
fn ended_child() -> Option<i32> {
    loop {
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: `waitid` fills a `siginfo_t` of ours, for which zeroes are valid. It is read
        // as what it is after a success: zeroes if no child has ended, else a child's record.
        let (result, pid) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let result = libc::waitid(libc::P_ALL, 0, &raw mut info, flags);
            (result, info.si_pid())
        };
        match Errno::result(result) {
            Ok(_) => return (pid > 0).then_some(pid),
            Err(Errno::EINTR) => {}
            // ECHILD: we have no children at all.
            Err(_) => return None,
        }
    }
}

/// Buries a child and says how it ended.
fn wait_for(pid: i32) -> Option<Exit> {
    let mut status = 0;
    loop {
        // SAFETY: `waitpid` fills an integer of ours.
        let result = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        match Errno::result(result) {
            Ok(0) => return None,
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
    Some(if libc::WIFSIGNALED(status) {
        Exit::Signal {
            signal: Signal(libc::WTERMSIG(status)),
            core: libc::WCOREDUMP(status),
        }
    } else {
        // An exit code is one byte.
        Exit::Code(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX))
    })
}
