//! Signals to the daemon, life in the background, pidfiles, and the dead.

use crate::harness::{
    Daemon, Dir, Start, children_of, lives, run_supervisorctl, run_supervisord, send, stat, wait,
    wait_for_death,
};
use nix::sys::signal::Signal;

/// Checks that a signal ends the daemon and its program in order.
#[track_caller]
fn leaves_at(signal: Signal) {
    let mut daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    let pid = daemon.wait_for_state("cat", "RUNNING");
    daemon.signal(signal);
    assert_eq!(daemon.wait_for_exit().code(), Some(0));
    assert!(!lives(pid));
    assert!(!daemon.dir.has("s.sock") && !daemon.dir.has("d.pid"));
    let texts: Vec<String> = daemon.log().into_iter().map(|entry| entry.text).collect();
    let at = |text: &str| texts.iter().position(|other| other == text);
    let received = at(&format!("received {signal} indicating exit request"));
    let waiting = at("waiting for cat to die");
    let stopped = at("stopped: cat (terminated by SIGTERM)");
    assert!(
        received.is_some() && received < stopped && waiting < stopped,
        "{texts:#?}"
    );
    assert!(waiting.is_some(), "{texts:#?}");
}

#[test]
fn term_stops_the_programs_and_the_daemon() {
    leaves_at(Signal::SIGTERM);
}

#[test]
fn int_stops_the_programs_and_the_daemon() {
    leaves_at(Signal::SIGINT);
}

#[test]
fn quit_stops_the_programs_and_the_daemon() {
    leaves_at(Signal::SIGQUIT);
}

#[test]
fn a_second_term_while_stopping_changes_nothing() {
    let dir = Dir::new();
    dir.write(
        "p.sh",
        "trap 'test -e {dir}/leave || echo no; test -e {dir}/leave && exit 0' TERM\necho up\n\
         while ! test -e {dir}/leave; do sleep 0.05; done\nexit 0\n",
    );
    let mut daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstopwaitsecs=1000\n\
         stdout_logfile={dir}/out\n",
    );
    daemon.dir.wait_for_text("out", "up\n");
    daemon.signal(Signal::SIGTERM);
    daemon.dir.wait_for_text("out", "no\n");
    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_count("received SIGTERM indicating exit request", 2);
    assert!(daemon.runs());
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_entry(
        "WARN",
        "ignored SIGHUP indicating restart request (shutdown in progress)",
    );
    daemon.dir.write("leave", "");
    assert_eq!(daemon.wait_for_exit().code(), Some(0));
    daemon.counts("spawned: ", 1);
}

#[test]
fn hup_stops_all_reads_the_config_and_starts_again() {
    let daemon = Daemon::with("[program:old]\ncommand=/bin/cat\nstartsecs=0\n");
    let own = daemon.pid();
    let old = daemon.wait_for_state("old", "RUNNING");
    let config = format!(
        "{}[program:new]\ncommand=/bin/cat\nstartsecs=0\n",
        crate::harness::BASE
    );
    daemon.dir.write("sd.conf", &config);
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_entry("WARN", "received SIGHUP indicating restart request");
    wait_for_death(old);
    let new = daemon.wait_for_state("new", "RUNNING");
    assert!(lives(new));
    assert_eq!(daemon.pid(), own);
    daemon.wait_for_count("supervisord started with pid ", 2);
    assert_eq!(daemon.field("old", "pid"), None);
    assert_eq!(daemon.dir.read("d.pid"), format!("{own}\n"));
}

#[test]
fn without_n_the_daemon_goes_to_the_background() {
    let dir = Dir::new();
    let config = format!(
        "{}[program:cat]\ncommand=/bin/cat\nstartsecs=0\n",
        crate::harness::BASE
    );
    dir.write("sd.conf", &config);
    let started = run_supervisord(&dir, &["-c", "{dir}/sd.conf"]);
    assert_eq!((started.code, started.out.as_str()), (0, ""), "{started:?}");
    let pid: u32 = wait("the pidfile", || dir.read("d.pid").trim().parse().ok());
    let guard = Guard(pid);
    assert_ne!(stat(pid).expect("it runs").parent, std::process::id());
    wait("its answer", || {
        let said = run_supervisorctl(&dir, &["-c", "{dir}/sd.conf", "pid"]);
        (said.out == format!("{pid}\n")).then_some(())
    });
    // Neither the terminal nor its folder is kept.
    for number in 0..3 {
        let target = std::fs::read_link(format!("/proc/{pid}/fd/{number}"));
        assert_eq!(target.expect("it runs").to_str(), Some("/dev/null"));
    }
    assert_eq!(stat(pid).expect("it runs").group, pid);
    run_supervisorctl(&dir, &["-c", "{dir}/sd.conf", "shutdown"]).is("Shut down\n", 0);
    wait_for_death(pid);
    assert!(!dir.has("d.pid"));
    drop(guard);
}

/// Ends a daemon in the background should its test fail.
struct Guard(u32);

impl Drop for Guard {
    fn drop(&mut self) {
        if lives(self.0) {
            for child in children_of(self.0) {
                send(child, Signal::SIGKILL);
            }
            send(self.0, Signal::SIGKILL);
        }
    }
}

#[test]
fn no_child_stays_a_zombie() {
    let dir = Dir::new();
    // Leaves a grandchild behind each time it exits.
    dir.write("p.sh", "sleep 0.1 &\nexit 0\n");
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nautorestart=true\n\
         [program:q]\ncommand=/bin/sh -c \"exit 1\"\nstartretries=0\n\
         [program:last]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    daemon.wait_for_count("exited: p ", 6);
    daemon.wait_for_state("q", "FATAL");
    daemon.ctl(&["stop", "p"]);
    let last = daemon.wait_for_state("last", "RUNNING");
    wait("none but the living child", || {
        (children_of(daemon.pid()) == [last]).then_some(())
    });
}

#[test]
fn the_pidfile_may_not_be_writable_and_the_daemon_runs_all_the_same() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path("d.pid")).expect("a folder");
    let config = format!(
        "{}[program:cat]\ncommand=/bin/cat\nstartsecs=0\n",
        crate::harness::BASE
    );
    dir.write("sd.conf", &config);
    // The pidfile is a folder: nothing can be written there.
    let mut child = std::process::Command::new(crate::harness::supervisord())
        .args(["-n", "-c"])
        .arg(dir.path("sd.conf"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the daemon's program runs");
    let sentence = dir.fill("CRIT could not write pidfile {dir}/d.pid\n");
    let seen = wait("the sentence or an end", || {
        let log = dir.read("main.log");
        let ended = child.try_wait().expect("our own child").is_some();
        (log.contains(&sentence) || ended).then_some(log)
    });
    let pid = child.id();
    if lives(pid) {
        run_supervisorctl(&dir, &["-c", "{dir}/sd.conf", "shutdown"]);
    }
    let _ = child.wait();
    assert!(seen.contains(&sentence), "{seen}");
}

#[test]
fn a_stale_pidfile_and_a_stale_socket_are_replaced() {
    let dir = Dir::new();
    dir.write("d.pid", "999999999\n");
    drop(std::os::unix::net::UnixListener::bind(dir.path("s.sock")).expect("a socket"));
    dir.write("sd.conf", crate::harness::BASE);
    let daemon = Daemon::start(dir, &Start::default());
    daemon.ctl(&["pid"]).is(&format!("{}\n", daemon.pid()), 0);
    let said = daemon.dir.read("daemon.err");
    let sentence = daemon.dir.fill("Unlinking stale socket {dir}/s.sock\n");
    assert!(said.contains(&sentence), "{said}");
}
