//! Going into the background, with a parent that waits to hear how it went: whoever started
//! us knows, when we return to them, that the daemon is up or why it is not.

#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::{Mode, umask as set_umask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe2, setsid};

/// The parent's exit code where the daemon had no other to tell.
const FAILED: u8 = 1;

/// What the daemon is once it is in the background.
#[derive(Debug)]
pub struct Background {
    /// To be told how the start went on.
    pub ready: Ready,
    /// How changing to the directory went, where one was given: to be logged, no reason to end.
    pub directory: Option<io::Result<()>>,
}

/// The waiting parent. Dropped, it is told that the start failed.
#[derive(Debug)]
pub struct Ready(Option<File>);

impl Ready {
    /// The daemon is up: the parent exits with 0.
    pub fn tell_ok(mut self) {
        self.tell(0, "");
    }

    /// The daemon will not come up: the parent prints the sentence to its standard error, where
    /// ours is no more, and exits with the code. A code of 0 is told as 1.
    pub fn tell_failed(mut self, code: u8, sentence: &str) {
        self.tell(code.max(FAILED), sentence);
    }

    fn tell(&mut self, code: u8, sentence: &str) {
        if let Some(mut pipe) = self.0.take() {
            let mut message = vec![code];
            message.extend_from_slice(sentence.as_bytes());
            // A parent that was killed meanwhile need not know.
            let _ = pipe.write_all(&message);
        }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.tell(FAILED, "");
    }
}

/// Forks. Only the child returns: in a session of its own, in `directory` if that could be
/// changed to, with `umask`, and with `/dev/null` as its standard input, output and error. The
/// parent waits for the child's word and exits with it, without running destructors: what they
/// would remove is the child's now.
///
/// # Errors
/// There are other threads, which a fork would lose while they hold locks; or the kernel
/// refused. If it refused the child, the parent has been told and has exited.
pub fn daemonize(directory: Option<&Path>, umask: u32) -> io::Result<Background> {
    if threads() > 1 {
        return Err(io::Error::other("cannot daemonize with threads running"));
    }
    // SAFETY: there is no other thread, as was just seen.
    unsafe { leave_parent(directory, umask) }
}

/// # Safety
/// No other thread may hold a lock, as none would ever let go of it in the child.
unsafe fn leave_parent(directory: Option<&Path>, umask: u32) -> io::Result<Background> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: the child's memory is whole, as the caller vouches for its locks.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            drop(writer);
            let code = wait_for(child, reader);
            // SAFETY: it ends the process and touches nothing.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Child => {
            drop(reader);
            let ready = Ready(Some(writer.into()));
            let directory = directory.map(std::env::set_current_dir);
            match detach(umask) {
                Ok(()) => Ok(Background { ready, directory }),
                Err(error) => {
                    ready.tell_failed(FAILED, &format!("Cannot daemonize: {error}"));
                    Err(error)
                }
            }
        }
    }
}

/// Lets go of the terminal and of its session.
fn detach(umask: u32) -> io::Result<()> {
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    setsid()?;
    set_umask(Mode::from_bits_truncate(umask));
    Ok(())
}

/// Waits for the child's word, passes its sentence on, and gives the exit code.
fn wait_for(child: Pid, reader: OwnedFd) -> i32 {
    let mut pipe = File::from(reader);
    let mut code = [0];
    if pipe.read_exact(&mut code).is_err() {
        return code_of(child);
    }
    let [code] = code;
    if code != 0 {
        let mut sentence = Vec::new();
        let _ = pipe.read_to_end(&mut sentence);
        if !sentence.is_empty() {
            sentence.push(b'\n');
            let _ = io::stderr().write_all(&sentence);
        }
    }
    code.into()
}

/// The exit code of a child that went without a word.
fn code_of(child: Pid) -> i32 {
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => return code,
            Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return FAILED.into(),
        }
    }
}

/// How many threads there are; one, where it cannot be told.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::{Command, Output};

    use nix::unistd::{getpid, getsid};

    use super::*;

    const CASE: &str = "SUPERVISORD_TEST_DAEMONIZE";

    /// Starts the test binary again to go into the background, as `case` says.
    fn run(test: &str, case: &str) -> Output {
        Command::new(std::env::current_exe().expect("it runs"))
            .args([&format!("sys::daemonize::tests::{test}"), "--exact"])
            .args(["--test-threads=1", "--nocapture"])
            .env(CASE, case)
            .output()
            .expect("the test binary can be started again")
    }

    /// What this process is to do, if it is one of those started by [`run`].
    fn case() -> Option<String> {
        std::env::var(CASE).ok()
    }

    fn in_background(directory: Option<&Path>) -> Background {
        // SAFETY: there is only the harness's thread besides this one, and it does nothing but
        // wait for this one's end.
        unsafe { leave_parent(directory, 0o027) }.expect("a process may fork")
    }

    #[test]
    fn the_daemon_is_alone_in_its_session_when_its_parent_says_so() {
        let test = "the_daemon_is_alone_in_its_session_when_its_parent_says_so";
        let name = format!("sys-daemonize-{}", std::process::id());
        let facts = case().map_or_else(|| std::env::temp_dir().join(name), PathBuf::from);
        if case().is_none() {
            let output = run(test, facts.to_str().expect("it is text"));
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let told = fs::read_to_string(&facts).expect("it was written before the parent's end");
            fs::remove_file(&facts).expect("it is there");
            let null = "/dev/null\n".repeat(3);
            assert_eq!(
                told,
                format!("leads its session: true\n/\numask 027\n{null}")
            );
            return;
        }
        let background = in_background(Some(Path::new("/")));
        assert!(matches!(background.directory, Some(Ok(()))));
        let mut told = format!(
            "leads its session: {}\n{}\numask {:03o}\n",
            getsid(None) == Ok(getpid()),
            std::env::current_dir().unwrap_or_default().display(),
            set_umask(Mode::empty()).bits()
        );
        for number in 0..=2 {
            let target = fs::read_link(format!("/proc/self/fd/{number}")).unwrap_or_default();
            told.push_str(&target.to_string_lossy());
            told.push('\n');
        }
        fs::write(facts, told).expect("it can be written");
        background.ready.tell_ok();
        std::process::exit(0);
    }

    #[test]
    fn the_parent_exits_as_the_daemon_says() {
        let test = "the_parent_exits_as_the_daemon_says";
        let Some(case) = case() else {
            let check = |case: &str, code: i32, said: &str| {
                let output = run(test, case);
                assert_eq!(output.status.code(), Some(code), "{case}: {output:?}");
                assert_eq!(String::from_utf8_lossy(&output.stderr), said, "{case}");
            };
            check("fails with a sentence", 2, "it would not\n");
            check("fails with nothing", 1, "");
            check("exits", 7, "");
            check("is dropped", 1, "");
            check("is killed", 1, "");
            check("has no directory", 0, "");
            return;
        };
        let background = in_background(Some(Path::new("/no/such/directory")));
        match case.as_str() {
            "fails with a sentence" => background.ready.tell_failed(2, "it would not"),
            "fails with nothing" => background.ready.tell_failed(0, ""),
            "exits" => std::process::exit(7),
            "is dropped" => drop(background),
            "is killed" => std::process::abort(),
            _ => {
                assert!(matches!(background.directory, Some(Err(_))));
                background.ready.tell_ok();
            }
        }
        std::process::exit(0);
    }

    #[test]
    fn with_threads_about_there_is_no_fork() {
        let (hold, released) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || released.recv());
        let refused = daemonize(None, 0o022).expect_err("there is a second thread");
        assert_eq!(refused.to_string(), "cannot daemonize with threads running");
        drop(hold);
        assert!(thread.join().is_ok());
    }
}
