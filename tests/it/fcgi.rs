//! The listening socket that the members of a FastCGI program share.

use crate::harness::{Daemon, Dir, mode, send};
use nix::sys::signal::Signal;
use std::os::unix::net::UnixStream;

/// Says what its descriptor 0 is, and stays.
const SAY: &str = "readlink /proc/self/fd/0; while :; do sleep 1000; done\n";

fn pool(numprocs: usize) -> Daemon {
    let dir = Dir::new();
    dir.write("say.sh", SAY);
    Daemon::within(
        dir,
        &format!(
            "[fcgi-program:f]\ncommand=/bin/sh {{dir}}/say.sh\nsocket=unix://{{dir}}/%(program_name)s.sock\n\
             socket_mode=0750\nnumprocs={numprocs}\nprocess_name=%(process_num)d\nstartsecs=0\n\
             stopasgroup=true\nstdout_logfile={{dir}}/%(process_num)d.log\n"
        ),
    )
}

#[test]
fn members_share_one_listening_socket_as_their_descriptor_0() {
    let daemon = pool(2);
    let said = ["0.log", "1.log"].map(|log| daemon.dir.wait_for_text(log, "\n"));
    assert!(said[0].starts_with("socket:["), "{said:?}");
    assert_eq!(said[0], said[1]);
    let path = daemon.dir.path("f.sock");
    assert_eq!(mode(&path) & 0o777, 0o750);
    UnixStream::connect(path).expect("the socket listens");
}

#[test]
fn the_socket_closes_with_its_last_member_and_not_before() {
    let daemon = pool(2);
    daemon.wait_for_state("f:1", "RUNNING");
    daemon.ctl(&["stop", "f:0"]).is("f:0: stopped\n", 0);
    assert!(daemon.dir.has("f.sock"));
    daemon.ctl(&["stop", "f:1"]).is("f:1: stopped\n", 0);
    daemon.wait_for_count("Closing socket unix://", 1);
    assert!(!daemon.dir.has("f.sock"));
    daemon.ctl(&["start", "f:0"]).is("f:0: started\n", 0);
    assert!(daemon.dir.has("f.sock"));
    daemon.counts("Creating socket unix://", 2);
}

#[test]
fn a_member_that_is_started_again_finds_the_same_socket() {
    let daemon = pool(1);
    let first = daemon.dir.wait_for_text("0.log", "\n");
    let pid = daemon.wait_for_state("f:0", "RUNNING");
    send(pid, Signal::SIGKILL);
    let twice = daemon
        .dir
        .wait_for_text("0.log", &format!("{first}{first}"));
    assert_eq!(twice, format!("{first}{first}"));
    daemon.counts("Creating socket unix://", 1);
}

#[test]
fn a_socket_that_cannot_be_made_is_a_spawn_error_of_its_program_alone() {
    let daemon = Daemon::with(
        "[fcgi-program:f]\ncommand=/bin/cat\nsocket=unix:///nowhere/f.sock\nstartretries=0\n\
         [program:cat]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    daemon.wait_for_entry(
        "INFO",
        "spawnerr: Could not create FastCGI socket unix:///nowhere/f.sock: [Errno 2] No such \
         file or directory",
    );
    daemon.wait_for_state("f", "FATAL");
    daemon.wait_for_state("cat", "RUNNING");
}
