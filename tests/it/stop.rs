//! How a program is stopped: signals, patience, groups.

use crate::harness::{Daemon, Dir, foreign, lives, send, wait, wait_for_death};
use nix::sys::signal::Signal;

/// Says which signal it got, and leaves with 0.
const POLITE: &str = "\
for s in TERM INT HUP QUIT USR1 USR2; do
    trap \"echo got $s; kill \\$!; exit 0\" $s
done
echo up
while :; do sleep 1000 & wait; done
";

/// Says that it got TERM, and stays.
const STUBBORN: &str = "\
trap 'echo no' TERM
echo up
while :; do sleep 0.2; done
";

#[test]
fn stopsignal_is_the_signal_that_is_sent() {
    for signal in ["TERM", "INT", "HUP", "QUIT", "USR1", "SIGUSR2"] {
        let dir = Dir::new();
        dir.write("p.sh", POLITE);
        let daemon = Daemon::within(
            dir,
            &format!(
                "[program:p]\ncommand=/bin/sh {{dir}}/p.sh\nstartsecs=0\nstopsignal={signal}\n\
                 stdout_logfile={{dir}}/p.log\n"
            ),
        );
        daemon.dir.wait_for_text("p.log", "up\n");
        daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
        let heard = format!("got {}\n", signal.trim_start_matches("SIG"));
        daemon.dir.wait_for_text("p.log", &heard);
        daemon.wait_for_entry("INFO", "stopped: p (exit status 0)");
        daemon.wait_for_state("p", "STOPPED");
    }
}

#[test]
fn a_program_that_dies_of_its_stopsignal_is_stopped_with_a_warning() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    daemon.wait_for_state("cat", "RUNNING");
    daemon.ctl(&["stop", "cat"]).is("cat: stopped\n", 0);
    daemon.wait_for_entry("WARN", "stopped: cat (terminated by SIGTERM)");
}

#[test]
fn a_program_that_does_not_go_is_killed_after_stopwaitsecs() {
    let dir = Dir::new();
    dir.write("p.sh", STUBBORN);
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstopwaitsecs=1\n\
         stdout_logfile={dir}/p.log\nkillasgroup=true\n",
    );
    daemon.dir.wait_for_text("p.log", "up\n");
    let pid = daemon.pid_of("p");
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    daemon.dir.wait_for_text("p.log", "no\n");
    daemon.wait_for_entry("INFO", "waiting for p to stop");
    daemon.wait_for_entry("WARN", &format!("killing 'p' ({pid}) with SIGKILL"));
    daemon.wait_for_entry("WARN", "stopped: p (terminated by SIGKILL)");
    assert!(!lives(pid));
}

#[test]
fn a_stop_is_answered_while_another_program_is_stubborn() {
    let dir = Dir::new();
    dir.write("p.sh", STUBBORN);
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstopwaitsecs=1000\n\
         stdout_logfile={dir}/p.log\n\
         [program:cat]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    daemon.dir.wait_for_text("p.log", "up\n");
    let pid = daemon.pid_of("p");
    daemon.rpc("supervisor.signalProcess", &["p", "TERM"]);
    daemon.dir.wait_for_text("p.log", "no\n");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| daemon.ctl(&["stop", "p"]));
        daemon.wait_for_state("p", "STOPPING");
        daemon.ctl(&["stop", "cat"]).is("cat: stopped\n", 0);
        assert!(lives(pid));
        send(pid, Signal::SIGKILL);
        waits.join().expect("the client ran").is("p: stopped\n", 0);
    });
}

/// A program with a child of its own in its process group; both say when they get TERM.
const FAMILY: &str = "\
/bin/sh -c \"trap 'echo child got TERM; exit' TERM; echo child \\$\\$; while :; do sleep 0.1; done\" &
trap 'echo parent got TERM; exit 0' TERM
echo parent $$
while :; do sleep 0.1; done
";

fn family(options: &str) -> (Daemon, u32, u32) {
    let dir = Dir::new();
    dir.write("p.sh", FAMILY);
    let daemon = Daemon::within(
        dir,
        &format!(
            "[program:p]\ncommand=/bin/sh {{dir}}/p.sh\nstartsecs=0\n\
             stdout_logfile={{dir}}/p.log\n{options}"
        ),
    );
    let number = |word: &str| {
        wait(&format!("the pid of the {word}"), || {
            let log = daemon.dir.read("p.log");
            let (_, rest) = log.split_once(&format!("{word} "))?;
            rest.split_once('\n')?.0.parse().ok()
        })
    };
    let (parent, child) = (number("parent"), number("child"));
    (daemon, parent, child)
}

#[test]
fn without_stopasgroup_only_the_program_itself_is_signalled() {
    let (daemon, parent, child) = family("");
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    assert!(!lives(parent));
    assert!(lives(child));
    send(child, Signal::SIGKILL);
}

#[test]
fn stopasgroup_signals_the_whole_process_group() {
    let (daemon, parent, child) = family("stopasgroup=true\n");
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    wait_for_death(parent);
    wait_for_death(child);
    // The grandchild's last words may come after the program's end.
    assert!(daemon.dir.read("p.log").contains("parent got TERM\n"));
}

#[test]
fn killasgroup_kills_the_whole_process_group() {
    let (daemon, parent, child) = family("stopsignal=USR2\nstopwaitsecs=1\nkillasgroup=true\n");
    // Neither traps USR2, so only the program dies of it; make it deaf first.
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    wait_for_death(parent);
    assert!(lives(child));
    send(child, Signal::SIGKILL);

    let dir = Dir::new();
    dir.write(
        "p.sh",
        "trap '' TERM\n/bin/sh -c 'echo child $$; while :; do sleep 0.1; done' &\n\
         echo parent $$\nwhile :; do sleep 0.1; done\n",
    );
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstopwaitsecs=1\n\
         killasgroup=true\nstdout_logfile={dir}/p.log\n",
    );
    let log = daemon.dir.wait_for_text("p.log", "child ");
    let child = wait("the child's pid", || {
        let log = daemon.dir.read("p.log");
        log.split_once("child ")?.1.split_once('\n')?.0.parse().ok()
    });
    assert!(lives(child), "{log}");
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    wait_for_death(child);
}

#[test]
fn a_program_gets_a_process_group_of_its_own() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    let pid = daemon.wait_for_state("cat", "RUNNING");
    let stat = crate::harness::stat(pid).expect("it runs");
    assert_eq!((stat.group, stat.parent), (pid, daemon.pid()));
}

#[test]
fn a_stop_right_after_a_start_is_not_lost() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(
        "[program:sleeper]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=0\nautorestart=false\n",
    );
    let answered = |answer: &str| answer.contains("<boolean>1</boolean>");
    for round in 0..40 {
        let start = daemon.rpc("supervisor.startProcess", &["sleeper"]);
        assert!(answered(&start), "round {round}: {start}");
        let stop = daemon.rpc("supervisor.stopProcess", &["sleeper"]);
        assert!(answered(&stop), "round {round}: {stop}");
        assert_eq!(
            daemon.field("sleeper", "statename").as_deref(),
            Some("STOPPED")
        );
        assert_eq!(daemon.pid_of("sleeper"), 0);
    }
    daemon.counts("spawned: 'sleeper'", 40);
    daemon.counts("killing 'sleeper'", 0);
    daemon.counts("stopped: sleeper (terminated by SIGTERM)", 40);
}

#[test]
fn a_restart_by_command_gives_another_pid() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    let pid = daemon.wait_for_state("cat", "RUNNING");
    daemon
        .ctl(&["restart", "cat"])
        .is("cat: stopped\ncat: started\n", 0);
    assert_ne!(daemon.pid_of("cat"), pid);
    assert!(!lives(pid));
}
