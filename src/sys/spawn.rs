//! How a child comes to be: one path, whose cost grows neither with the daemon's memory nor with
//! its descriptors.
//!
//! The child shares the daemon's memory until it executes its program, as with `vfork(2)`: the
//! calling thread (the spawner's own) sleeps meanwhile, all other threads go on. Everything that
//! can be looked up or allocated is looked up and allocated before, so that in the child only
//! system calls are left. What fails there is written to the child's stderr in the original's
//! words, told to the caller, and ends the child with code 127; in particular a user that cannot
//! be become means that nothing is executed.

#![allow(unsafe_code)]

use super::errno;
use super::reap::{Owner, Register};
use super::slots::{self, Slots};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use std::ffi::{CString, c_char, c_int, c_void};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// The code of a child whose program could not be executed, as in the original.
const NOT_SPAWNED: c_int = 127;

/// Room for the child's few calls, in units of 16 bytes, to which a stack is aligned. They need
/// some hundreds of bytes; an unoptimized build needs a few thousand.
const STACK_SIZE: usize = 64 * 1024 / 16;

/// A program ready to be executed: nothing is left to be looked up.
#[derive(Debug)]
pub struct Exec {
    /// The file.
    pub file: CString,
    /// Its arguments; the first is the name it is called by.
    pub argv: Vec<CString>,
    /// Its environment, `NAME=value` each.
    pub envp: Vec<CString>,
    /// Its working directory, if not the daemon's.
    pub directory: Option<CString>,
    /// Its umask, if not the daemon's.
    pub umask: Option<u32>,
    /// Whose rights it has.
    pub user: User,
    /// Its descriptor 0.
    pub stdin: Stdin,
    /// Its descriptor 2 is its descriptor 1.
    pub redirect_stderr: bool,
}

/// Whose rights a child has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// Ours.
    Same,
    /// Somebody's.
    Other {
        /// Their uid.
        uid: u32,
        /// Their primary gid.
        gid: u32,
        /// All their groups.
        groups: Vec<u32>,
    },
    /// Somebody's whom we know that we cannot become.
    Impossible {
        /// Their uid.
        uid: u32,
        /// Why not, in one sentence.
        reason: String,
    },
}

/// What a child finds as its descriptor 0.
#[derive(Debug)]
pub enum Stdin {
    /// A pipe whose other end we hold.
    Pipe,
    /// The listening socket that a `FastCGI` group shares.
    Socket(Arc<OwnedFd>),
}

/// A child.
#[derive(Debug)]
pub struct Child {
    /// Its pid.
    pub pid: i32,
    /// The writing end of its stdin; not blocking.
    pub stdin: Option<OwnedFd>,
    /// The reading end of its stdout; not blocking.
    pub stdout: OwnedFd,
    /// The reading end of its stderr, unless that is redirected; not blocking.
    pub stderr: Option<OwnedFd>,
    /// Why its program was not executed, if it was not. The child is gone then, with code 127,
    /// and its end is reported like any other.
    pub failure: Option<Failure>,
}

/// What failed in a child before its program was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What.
    pub step: Step,
    /// With which error number.
    pub errno: i32,
}

/// The steps of a child before its program, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// To leave our process group.
    ProcessGroup = 1,
    /// To put its pipes in place.
    Descriptors,
    /// To become its user; also where that was known to be impossible.
    User,
    /// To change to its directory.
    Directory,
    /// To execute its program.
    Exec,
}

/// Why there is no child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// Its pipes could not be made: the error number.
    Pipes(i32),
    /// It could not be made: the error number.
    Clone(i32),
}

/// Makes children, one at a time. It belongs to the thread that may stall: a child that hangs
/// before its program is executed (say, in a directory on a dead file server) holds it up.
#[derive(Debug)]
pub struct Spawner {
    register: Arc<Register>,
    /// The children's stack, one child at a time.
    stack: Vec<u128>,
    /// Where a child finds its descriptors; none where it gets a copy of all of ours.
    slots: Option<Slots>,
}

impl Spawner {
    /// A spawner, and the register that it enters its children in. One of each belongs
    /// together: the register knows of one child at a time that is being made.
    pub fn new() -> (Self, Arc<Register>) {
        let register = Arc::<Register>::default();
        let spawner = Self {
            register: Arc::clone(&register),
            stack: vec![0; STACK_SIZE],
            slots: Slots::new(),
        };
        (spawner, register)
    }

    /// Makes a child and enters it under its owner before anybody can hear of its end. Returns
    /// when its program is executed, or will never be.
    pub fn spawn(&mut self, exec: &Exec, owner: Owner) -> Result<Child, SpawnError> {
        let pipes = Pipes::new(exec).map_err(|errno| SpawnError::Pipes(errno as i32))?;
        let argv = pointers(&exec.argv);
        let envp = pointers(&exec.envp);
        let ends = [
            pipes.child_stdin(exec),
            pipes.child_stdout.as_raw_fd(),
            pipes.child_stderr().as_raw_fd(),
        ];
        let [stdin, stdout, stderr] = match &self.slots {
            None => ends,
            Some(slots) => {
                let places = slots.put(ends);
                places.map_err(|errno| SpawnError::Pipes(errno as i32))?
            }
        };
        let setting = Setting {
            exec,
            argv: argv.as_ptr(),
            envp: envp.as_ptr(),
            stdin,
            stdout,
            stderr,
            leaves_at: self.slots.as_ref().map(Slots::end),
            words: Words::about(exec),
            failure: None,
        };
        let cloned = self.clone_child(setting, owner);
        if let Some(slots) = &self.slots {
            slots.clear();
        }
        let (pid, failure) = cloned.map_err(|errno| SpawnError::Clone(errno as i32))?;
        Ok(Child {
            pid,
            stdin: pipes.stdin.map(|(_, ours)| ours),
            stdout: pipes.stdout,
            stderr: pipes.stderr.map(|(ours, _)| ours),
            failure,
        })
    }

    fn clone_child(
        &mut self,
        mut setting: Setting<'_>,
        owner: Owner,
    ) -> nix::Result<(i32, Option<Failure>)> {
        let birth = self.register.expect_birth(owner);
        let old_mask = block_all_signals()?;
        let mut flags =
            libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PARENT_SETTID | libc::SIGCHLD;
        if setting.leaves_at.is_some() {
            flags |= libc::CLONE_FILES;
        }
        let argument: *mut Setting<'_> = &raw mut setting;
        // SAFETY: `child` runs on `stack`, from its end downwards; it is large enough, is used by
        // one child at a time (`&mut self`) and outlives the child's use of it, since with
        // CLONE_VFORK this call returns only when the child has executed its program or is gone.
        // Until then this thread does nothing, so that the child's borrow of `setting` and of our
        // memory is the only one in use on this side; signals are blocked, so no handler of ours
        // runs in the child. The kernel stores the child's pid in `birth` before the child runs;
        // it lives in the register, which we hold.
        let pid = unsafe {
            let top = self.stack.as_mut_ptr_range().end;
            libc::clone(child, top.cast(), flags, argument.cast(), birth.pid_cell())
        };
        let errno = Errno::last();
        restore_signals(&old_mask);
        if pid < 0 {
            drop(birth);
            return Err(errno);
        }
        birth.complete(pid);
        Ok((pid, setting.failure))
    }
}

/// The pipes of a child, ours and its own ends; all close on exec.
struct Pipes {
    /// The child's reading end, and ours.
    stdin: Option<(OwnedFd, OwnedFd)>,
    stdout: OwnedFd,
    child_stdout: OwnedFd,
    /// Our reading end, and the child's.
    stderr: Option<(OwnedFd, OwnedFd)>,
}

impl Pipes {
    fn new(exec: &Exec) -> nix::Result<Self> {
        let pipe = || nix::unistd::pipe2(OFlag::O_CLOEXEC);
        let stdin = match exec.stdin {
            Stdin::Pipe => Some(pipe()?),
            Stdin::Socket(_) => None,
        };
        let (stdout, child_stdout) = pipe()?;
        let stderr = if exec.redirect_stderr {
            None
        } else {
            Some(pipe()?)
        };
        let ours = [
            stdin.as_ref().map(|(_, ours)| ours),
            Some(&stdout),
            stderr.as_ref().map(|(ours, _)| ours),
        ];
        for fd in ours.into_iter().flatten() {
            // Only our ends: the child's would surprise programs that do not expect it.
            nix::fcntl::fcntl(fd, nix::fcntl::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self {
            stdin,
            stdout,
            child_stdout,
            stderr,
        })
    }

    fn child_stdin(&self, exec: &Exec) -> RawFd {
        match (&self.stdin, &exec.stdin) {
            (_, Stdin::Socket(socket)) => socket.as_raw_fd(),
            (Some((theirs, _)), Stdin::Pipe) => theirs.as_raw_fd(),
            (None, Stdin::Pipe) => -1,
        }
    }

    fn child_stderr(&self) -> &OwnedFd {
        match &self.stderr {
            Some((_, theirs)) => theirs,
            None => &self.child_stdout,
        }
    }
}

/// A list for `execve`: pointers to the strings, then a null.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr());
    pointers.chain([std::ptr::null()]).collect()
}

/// All that a child needs, made by its parent, in memory that both see.
struct Setting<'a> {
    exec: &'a Exec,
    argv: *const *const c_char,
    envp: *const *const c_char,
    stdin: RawFd,
    stdout: RawFd,
    stderr: RawFd,
    /// It shares our descriptors at first, and leaves with those below this number.
    leaves_at: Option<libc::c_uint>,
    words: Words,
    /// Written by the child, read by the parent afterwards.
    failure: Option<Failure>,
}

/// What a child may have to say, made before, since it must not allocate.
struct Words {
    user: Vec<u8>,
    directory: Vec<u8>,
    exec: Vec<u8>,
}

impl Words {
    fn about(exec: &Exec) -> Self {
        let user = match &exec.user {
            User::Same => Vec::new(),
            User::Other { uid, .. } => format!("couldn't setuid to {uid}: ").into_bytes(),
            User::Impossible { uid, reason } => {
                format!("couldn't setuid to {uid}: {reason}").into_bytes()
            }
        };
        let about = |what: &str, name: Option<&CString>| {
            let name = name.map_or(&b""[..], |name| name.as_bytes());
            [what.as_bytes(), name, b": "].concat()
        };
        Self {
            user,
            directory: about("couldn't chdir to ", exec.directory.as_ref()),
            exec: about("couldn't exec ", exec.argv.first()),
        }
    }
}

/// The life of a child before its program.
extern "C" fn child(argument: *mut c_void) -> c_int {
    // SAFETY: `clone_child` passes a pointer to a `Setting` that outlives this call and that
    // nobody else uses meanwhile.
    let setting = unsafe { &mut *argument.cast::<Setting<'_>>() };
    let Err(failure) = prepare_and_exec(setting);
    setting.failure = Some(failure);
    complain(setting, failure);
    // SAFETY: ends this process and nothing else, without touching the memory that it shares.
    unsafe { libc::_exit(NOT_SPAWNED) }
}

/// Runs in the child: only system calls, no allocation, no lock.
fn prepare_and_exec(setting: &Setting<'_>) -> Result<std::convert::Infallible, Failure> {
    let failed = |step| {
        move |errno: Errno| Failure {
            step,
            errno: errno as i32,
        }
    };
    if let Some(end) = setting.leaves_at {
        slots::leave(end).map_err(failed(Step::Descriptors))?;
    }
    // Out of our process group, so that a Ctrl-C at our terminal is not one for our programs.
    // SAFETY: a system call on this process alone, without pointers.
    Errno::result(unsafe { libc::setpgid(0, 0) }).map_err(failed(Step::ProcessGroup))?;
    place_descriptors(setting).map_err(failed(Step::Descriptors))?;
    become_user(&setting.exec.user).map_err(failed(Step::User))?;
    if let Some(directory) = &setting.exec.directory {
        // SAFETY: the pointer is to a string with a null at its end.
        Errno::result(unsafe { libc::chdir(directory.as_ptr()) })
            .map_err(failed(Step::Directory))?;
    }
    if let Some(umask) = setting.exec.umask {
        // SAFETY: a system call without pointers; without CLONE_FS the umask is the child's own.
        unsafe { libc::umask(umask) };
    }
    reset_signals();
    // SAFETY: file, arguments and environment are strings with nulls at their ends, the lists end
    // with null pointers, and all of them live in the parent, which sleeps.
    unsafe { libc::execve(setting.exec.file.as_ptr(), setting.argv, setting.envp) };
    Err(failed(Step::Exec)(Errno::last()))
}

/// Puts the pipes at 0, 1 and 2 and closes everything else at the exec.
fn place_descriptors(setting: &Setting<'_>) -> nix::Result<()> {
    // The parent made sure at its start that 0, 1 and 2 are open, so all three are above.
    let places = [(setting.stdin, 0), (setting.stdout, 1), (setting.stderr, 2)];
    for (from, to) in places {
        // SAFETY: duplicates a descriptor; the table is the child's own, by now or all the time.
        Errno::result(unsafe { libc::dup2(from, to) })?;
    }
    // All of ours close on exec by themselves; this is for what somebody else may have left open.
    let flags = libc::CLOSE_RANGE_CLOEXEC as libc::c_uint;
    // SAFETY: changes flags in the child's own table, without pointers. Kernels before 5.11 do
    // not know it and say so, which changes nothing.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, flags) };
    Ok(())
}

fn become_user(user: &User) -> nix::Result<()> {
    match user {
        User::Same => Ok(()),
        User::Impossible { .. } => Err(Errno::EPERM),
        User::Other { uid, gid, groups } => {
            // The C library's functions would try to change all threads of the process, which
            // are the parent's: only the bare system calls are the child's own.
            // SAFETY: `groups` is a list of as many gids; the others have no pointers.
            unsafe {
                let (count, list) = (groups.len(), groups.as_ptr());
                Errno::result(libc::syscall(libc::SYS_setgroups, count, list))?;
                Errno::result(libc::syscall(libc::SYS_setresgid, *gid, *gid, *gid))?;
                Errno::result(libc::syscall(libc::SYS_setresuid, *uid, *uid, *uid))?;
            }
            Ok(())
        }
    }
}

/// All signals as a program expects to find them: at their defaults, and not blocked. One that
/// came meanwhile takes effect now.
fn reset_signals() {
    // What the kernel calls a `sigaction`, with room to spare on every architecture: all zeroes
    // are the default action. The C library's function keeps two signals to itself, which a
    // parent may have set to be ignored all the same.
    let default = [0_u64; 8];
    for signal in 1..=64 {
        // SAFETY: the kernel reads one of its `sigaction`s, with a mask of 8 bytes, from a larger
        // buffer; without CLONE_SIGHAND the table is the child's own. The two signals that
        // cannot be changed are refused, and need no change.
        unsafe {
            let (action, old) = (default.as_ptr(), std::ptr::null_mut::<c_void>());
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                action,
                old,
                size_of::<u64>(),
            );
        }
    }
    // SAFETY: an empty set on our own stack; the mask is this thread's, which is all of the child.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Says on the child's stderr what failed, in the original's words.
fn complain(setting: &Setting<'_>, failure: Failure) {
    let errno = errno::name(failure.errno).unwrap_or("EUNKNOWN").as_bytes();
    let say = |words: &[&[u8]]| {
        write_stderr(b"supervisor: ");
        for word in words {
            write_stderr(word);
        }
        write_stderr(b"\n");
    };
    match (failure.step, &setting.exec.user) {
        (Step::User, User::Impossible { .. }) => say(&[&setting.words.user]),
        (Step::User, User::Same | User::Other { .. }) => say(&[&setting.words.user, errno]),
        (Step::Directory, _) => say(&[&setting.words.directory, errno]),
        (Step::Exec, _) => say(&[&setting.words.exec, errno]),
        (Step::ProcessGroup | Step::Descriptors, _) => {}
    }
    write_stderr(b"supervisor: child process was not spawned\n");
}

fn write_stderr(bytes: &[u8]) {
    // SAFETY: pointer and length are of one live slice. What cannot be written is lost, as there
    // is nobody left to tell.
    unsafe { libc::write(2, bytes.as_ptr().cast(), bytes.len()) };
}

fn block_all_signals() -> nix::Result<nix::sys::signal::SigSet> {
    let mut old = nix::sys::signal::SigSet::empty();
    nix::sys::signal::pthread_sigmask(
        nix::sys::signal::SigmaskHow::SIG_SETMASK,
        Some(&nix::sys::signal::SigSet::all()),
        Some(&mut old),
    )?;
    Ok(old)
}

fn restore_signals(mask: &nix::sys::signal::SigSet) {
    let restored = nix::sys::signal::pthread_sigmask(
        nix::sys::signal::SigmaskHow::SIG_SETMASK,
        Some(mask),
        None,
    );
    debug_assert_eq!(restored, Ok(()), "a mask that was in force is valid");
}

#[cfg(test)]
mod tests;
