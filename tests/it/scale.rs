//! Many programs, and none that does anything.

use crate::harness::{BASE, Daemon, Dir, Start, children_of, foreign, wait};
use std::fs;
use std::time::Duration;

#[test]
fn a_thousand_programs_start_answer_keep_quiet_and_stop() {
    // Some pipes for each program are more descriptors than a machine allows when not asked.
    let base = BASE.replace("loglevel=debug\n", "loglevel=debug\nminfds=8000\n");
    let program = "[program:many]\ncommand=/bin/sleep 1000\nnumprocs=1000\nstartsecs=0\n\
                   process_name=%(program_name)s_%(process_num)04d\n\
                   stdout_logfile=NONE\nstderr_logfile=NONE\n";
    let dir = Dir::new();
    dir.write("sd.conf", &format!("{base}{program}"));
    let mut daemon = Daemon::start(dir, &Start::default());
    wait("a thousand running programs", || {
        let status = daemon.ctl(&["status"]).out;
        let running = status
            .lines()
            .filter(|line| line.contains(" RUNNING   pid "));
        (running.count() == 1000).then_some(())
    });
    daemon.counts("spawned: ", 1000);
    assert_eq!(children_of(daemon.pid()).len(), 1000);
    falls_silent(&daemon);
    daemon
        .ctl(&["stop", "many:many_0500"])
        .is("many:many_0500: stopped\n", 0);
    assert_eq!(children_of(daemon.pid()).len(), 999);
    let children = children_of(daemon.pid());
    daemon.ctl(&["shutdown"]).is("Shut down\n", 0);
    assert_eq!(daemon.wait_for_exit().code(), Some(0));
    assert!(children.into_iter().all(|pid| !crate::harness::lives(pid)));
    daemon.counts("stopped: many_", 1000);
}

/// How often the threads of a process went to sleep by themselves so far, each with its name.
fn sleeps(pid: u32) -> Vec<(String, String)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut sleeps = Vec::new();
    for task in tasks {
        let folder = task.expect("an entry of /proc").path();
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        let name = status.lines().next().unwrap_or("").to_owned();
        let line = status
            .lines()
            .find(|line| line.starts_with("voluntary_ctxt_switches"));
        sleeps.push((name, line.unwrap_or("").to_owned()));
    }
    sleeps
}

#[test]
fn a_daemon_with_nothing_to_do_never_wakes() {
    let daemon = Daemon::with(
        "[program:quiet]\ncommand=/bin/cat\nnumprocs=20\nprocess_name=%(process_num)d\n\
         [program:done]\ncommand=/bin/sh -c \"exit 0\"\nstartsecs=0\nautorestart=false\n\
         [program:hopeless]\ncommand=/bin/sh -c \"exit 1\"\nstartretries=0\n",
    );
    for number in 0..20 {
        daemon.wait_for_state(&format!("quiet:{number}"), "RUNNING");
    }
    daemon.wait_for_state("done", "EXITED");
    daemon.wait_for_state("hopeless", "FATAL");
    falls_silent(&daemon);
}

/// Waits for three seconds in which no thread of the daemon wakes.
#[track_caller]
fn falls_silent(daemon: &Daemon) {
    if foreign() {
        return;
    }
    // What was begun may end: a log that is flushed, a connection that is closed. Three seconds
    // of silence are the claim, so this wait is not for something to happen but for nothing.
    let mut before = sleeps(daemon.pid());
    for _ in 0..10 {
        std::thread::sleep(Duration::from_secs(3));
        let after = sleeps(daemon.pid());
        if before == after {
            return;
        }
        before = after;
    }
    panic!("it wakes again and again: {before:?}");
}
