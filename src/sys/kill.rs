//! Signals to processes that we started, one at a time or a whole process group.
//!
//! `kill(2)` reads 0, -1 and other negative numbers as "many processes"; no number that comes
//! in here may become one of those, nor ourselves.

#![allow(unsafe_code)]

use nix::libc;
use nix::unistd::{getpgrp, getpid};

use crate::model::signal::Signal;

/// Sends a signal to one process. Signal 0 only asks whether it is there.
///
/// # Errors
/// The errno: `ESRCH` if there is no such process, `EPERM` if it is not ours to signal,
/// `EINVAL` for a signal that does not exist and for a pid that we refuse: 1 and less, which
/// would mean init or many processes, and our own.
pub fn kill(pid: i32, signal: Signal) -> Result<(), i32> {
    if pid <= 1 || pid == getpid().as_raw() {
        return Err(libc::EINVAL);
    }
    send(pid, signal)
}

/// Sends a signal to every process of a process group, which is named by the pid of the one
/// that founded it.
///
/// # Errors
/// As [`kill`], with our own process group among what is refused.
pub fn kill_group(pid: i32, signal: Signal) -> Result<(), i32> {
    if pid <= 1 || pid == getpgrp().as_raw() {
        return Err(libc::EINVAL);
    }
    send(-pid, signal)
}

fn send(target: i32, signal: Signal) -> Result<(), i32> {
    // SAFETY: the call takes two integers and touches no memory of ours.
    let result = unsafe { libc::kill(target, signal.0) };
    nix::errno::Errno::result(result)
        .map(drop)
        .map_err(|errno| errno as i32)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Waits for its standard input to end, in a process group of its own.
    fn sleeper(command: &str) -> (Child, i32) {
        let child = Command::new("/bin/sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh is everywhere");
        let pid = i32::try_from(child.id()).expect("pids fit");
        (child, pid)
    }

    #[test]
    fn a_pid_that_could_mean_many_is_refused() {
        for pid in [1, 0, -1, -2, i32::MIN] {
            assert_eq!(kill(pid, Signal(0)), Err(libc::EINVAL), "{pid}");
            assert_eq!(kill_group(pid, Signal(0)), Err(libc::EINVAL), "{pid}");
        }
    }

    #[test]
    fn we_do_not_signal_ourselves() {
        assert_eq!(kill(getpid().as_raw(), Signal(0)), Err(libc::EINVAL));
        assert_eq!(kill_group(getpgrp().as_raw(), Signal(0)), Err(libc::EINVAL));
    }

    #[test]
    fn a_child_gets_its_signal_and_is_then_unknown() {
        let (mut child, pid) = sleeper("read line");
        assert_eq!(kill(pid, Signal(0)), Ok(()));
        assert_eq!(kill(pid, Signal(4096)), Err(libc::EINVAL));
        assert_eq!(kill(pid, Signal::KILL), Ok(()));
        let status = child.wait().expect("it is our child");
        assert_eq!(status.signal(), Some(9));
        assert_eq!(kill(pid, Signal::KILL), Err(libc::ESRCH));
        assert_eq!(kill_group(pid, Signal::KILL), Err(libc::ESRCH));
    }

    #[test]
    fn a_group_gets_its_signal_in_every_member() {
        // The grandchild holds standard output, so the pipe ends when both are gone.
        let (mut child, pid) = sleeper("sleep 600 & echo up; wait");
        let mut out = child.stdout.take().expect("it was piped");
        let mut up = [0; 3];
        std::io::Read::read_exact(&mut out, &mut up).expect("it says that it is up");
        assert_eq!(kill_group(pid, Signal::KILL), Ok(()));
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut out, &mut rest).expect("the pipe ends");
        assert_eq!(child.wait().expect("it is our child").signal(), Some(9));
    }
}
