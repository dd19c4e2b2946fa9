//! The daemon as the first process of a container.
//!
//! A container is a pid namespace made with `unshare`. Where that is not permitted the tests say
//! so and check the same on a daemon that inherits orphans in another way, as a subreaper.

#![allow(unsafe_code)]

use crate::harness::{
    DEADLINE, Dir, children_of, foreign, lives, root, send, stat, supervisord, wait,
};
use nix::libc;
use nix::sys::signal::Signal;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const CONFIG: &str = "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n\
                      pidfile={dir}/d.pid\nchildlogdir={dir}\nloglevel=debug\n";

/// A daemon in a container of its own.
struct Container {
    dir: Dir,
    /// What was started: `unshare`, or the daemon itself.
    outer: Child,
    /// The daemon's pid as it is seen from here.
    daemon: u32,
    is_init: bool,
}

/// The flags of a `unshare` that works here; none if none does.
fn unshare() -> Option<Vec<&'static str>> {
    let mut flags = vec!["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];
    if !root() {
        flags.extend(["--user", "--map-root-user"]);
    }
    let tried = Command::new("unshare").args(&flags).arg("true").status();
    tried.is_ok_and(|status| status.success()).then_some(flags)
}

impl Container {
    /// Starts the daemon behind these words, such as a shell that prepares the container.
    fn start(dir: Dir, before: &[&str]) -> Container {
        let arguments = ["-n", "-c", "{dir}/sd.conf"].map(|word| dir.fill(word));
        let mut command;
        if let Some(flags) = unshare() {
            let before = before.iter().map(|word| dir.fill(word));
            command = Command::new("unshare");
            command.args(flags).args(before).arg(supervisord());
        } else {
            eprintln!("unshare is not permitted here: a subreaper stands for process 1");
            command = Command::new(supervisord());
            // SAFETY: one system call without pointers, between fork and exec.
            unsafe {
                command.pre_exec(|| {
                    libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
                    Ok(())
                });
            }
        }
        let is_init = command.get_program() == "unshare";
        let outer = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon's program runs");
        let daemon = if is_init {
            wait("the container's first process", || {
                children_of(outer.id()).first().copied()
            })
        } else {
            outer.id()
        };
        Container {
            dir,
            outer,
            daemon,
            is_init,
        }
    }

    /// Waits for a text on the daemon's standard output, which is read on from there.
    fn wait_for_output(&mut self, text: &str) -> String {
        use std::os::fd::AsRawFd as _;
        let out = self.outer.stdout.as_mut().expect("it is a pipe");
        let fd = out.as_raw_fd();
        // SAFETY: flags of a descriptor of ours, without pointers.
        unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) };
        let mut said = String::new();
        let until = Instant::now() + DEADLINE;
        loop {
            let mut bytes = [0; 4096];
            match out.read(&mut bytes) {
                Ok(0) => panic!("no {text:?} to the end of {said}"),
                Ok(count) => said.push_str(&String::from_utf8_lossy(&bytes[..count])),
                Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
            }
            if said.contains(text) {
                return said;
            }
            assert!(Instant::now() < until, "no {text:?} in {said}");
        }
    }

    fn wait_for_exit(&mut self) -> Option<i32> {
        wait("the container's end", || {
            self.outer.try_wait().expect("our own child")
        })
        .code()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.outer.try_wait().is_ok_and(|ended| ended.is_none()) {
            // A pid namespace ends with its first process.
            if !self.is_init {
                for child in children_of(self.daemon) {
                    send(child, Signal::SIGKILL);
                }
            }
            send(self.daemon, Signal::SIGKILL);
            let _ = self.outer.wait();
        }
    }
}

#[test]
fn as_process_1_it_reaps_orphans_at_once_and_leaves_at_term() {
    let dir = Dir::new();
    // Its shell leaves a child behind that ends later: an orphan of process 1.
    dir.write(
        "p.sh",
        "(sh -c 'until test -e {dir}/end; do sleep 0.02; done; exit 5' &)\necho left\nexec cat\n",
    );
    dir.write(
        "sd.conf",
        &format!(
            "{CONFIG}[program:p]\ncommand=/bin/sh {{dir}}/p.sh\nstartsecs=0\n\
             stdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\n"
        ),
    );
    let mut container = Container::start(dir, &[]);
    // What programs print and the main log come out of the daemon's standard output.
    container.wait_for_output("left\n");
    let own = wait("both", || {
        let children = children_of(container.daemon);
        (children.len() == 2).then_some(children)
    });
    container.dir.write("end", "");
    container.wait_for_output(" INFO reaped unknown pid ");
    let left = wait("the orphan's burial", || {
        let children = children_of(container.daemon);
        (children.len() == 1).then_some(children)
    });
    assert!(own.contains(&left[0]));
    assert_ne!(stat(left[0]).expect("it runs").state, 'Z');
    send(container.daemon, Signal::SIGTERM);
    container.wait_for_output("stopped: p (terminated by SIGTERM)");
    assert_eq!(container.wait_for_exit(), Some(0));
    assert!(!lives(left[0]));
}

#[test]
fn as_process_1_it_can_leave_with_its_programs_exit_code() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    dir.write(
        "sd.conf",
        &format!(
            "{CONFIG}[program:p]\ncommand=/bin/sh -c \"sleep 0.2; exit 7\"\nstartsecs=0\n\
             autorestart=false\non_exit=shutdown\n[program:q]\ncommand=/bin/cat\n"
        ),
    );
    let mut container = Container::start(dir, &[]);
    assert_eq!(container.wait_for_exit(), Some(7));
}

#[test]
fn on_a_read_only_root_and_without_a_passwd_entry_it_works() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(dir.path(""), open).expect("our own folder");
    // Where the tree lies others may not come.
    let own = dir.path("supervisord");
    std::fs::copy(supervisord(), &own).expect("the daemon's program can be copied");
    dir.write(
        "sd.conf",
        &format!(
            "{CONFIG}[program:p]\ncommand=/bin/sh -c \"id -u; touch {{dir}}/x || echo closed; exec cat\"\n\
             startsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nredirect_stderr=true\n"
        ),
    );
    // Only root can take a number at random; who is not root keeps the own.
    let become_nobody = if root() {
        "exec setpriv --reuid 3999998 --regid 3999998 --clear-groups {dir}/supervisord"
    } else {
        "exec {dir}/supervisord"
    };
    let script = format!(
        "mount -o remount,bind,ro / && mount --bind {{dir}} {{dir}} && \
         mount -o remount,bind,ro {{dir}} && shift && {become_nobody} \"$@\""
    );
    let mut container = Container::start(dir, &["/bin/sh", "-c", &script, "sh"]);
    if !container.is_init {
        eprintln!("without unshare the root stays writable: only the start is checked");
        container.wait_for_output("entered RUNNING state");
        return;
    }
    let said = container.wait_for_output("closed\n");
    let number = if root() { "3999998\n" } else { "0\n" };
    assert!(said.contains(number), "{said}");
    assert!(said.contains("CRIT could not write pidfile "), "{said}");
    send(container.daemon, Signal::SIGTERM);
    assert_eq!(container.wait_for_exit(), Some(0));
}

#[test]
fn the_example_for_containers_works() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    dir.write("sd.conf", include_str!("../../examples/container.conf"));
    let mut container = Container::start(dir, &[]);
    container.wait_for_output("worker works\n");
    send(container.daemon, Signal::SIGTERM);
    container.wait_for_output("stopped: web (terminated by SIGTERM)");
    assert_eq!(container.wait_for_exit(), Some(0));
}
