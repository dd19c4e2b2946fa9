//! Options about restarts that the original does not have. All are off by default.

use crate::harness::{BASE, Daemon, Dir, foreign, run_supervisord, send};
use crate::life::waits;
use nix::sys::signal::Signal;

#[test]
fn waits_can_grow_exponentially_up_to_a_longest() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"exit 1\"\nstartretries=4\nrestart_backoff=exponential\n\
         restart_backoff_max=2s\n",
    );
    daemon.wait_for_state("p", "FATAL");
    daemon.wait_for_count("gave up: p ", 1);
    let waits = waits(&daemon.log(), "p");
    let expected = [1000..1900, 2000..2900, 2000..2900, 2000..2900];
    let fits = waits.len() == 4
        && waits
            .iter()
            .zip(expected)
            .all(|(wait, span)| span.contains(wait));
    assert!(fits, "{waits:?}");
}

#[test]
fn a_limit_on_restarts_ends_them() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"exit 1\"\nstartsecs=0\nrestart_limit=3/10m\n",
    );
    daemon.wait_for_state("p", "FATAL");
    let reason = "more than 3 restarts in 600 seconds (restart_limit)";
    daemon.wait_for_entry("INFO", &format!("gave up: p entered FATAL state, {reason}"));
    daemon.counts("spawned: 'p' with pid ", 4);
    daemon.ctl(&["status", "p"]).is(
        &format!("p                                FATAL     {reason}\n"),
        3,
    );
    // Whoever starts it again means it.
    daemon.ctl(&["start", "p"]).is("p: started\n", 0);
    daemon.wait_for_state("p", "FATAL");
    daemon.counts("spawned: 'p' with pid ", 8);
}

/// Runs a daemon until it leaves by itself, and checks its exit code and that its other program
/// was stopped in order.
#[track_caller]
fn leaves_with(program: &str, code: i32) {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    let other = "[program:other]\ncommand=/bin/cat\nstartsecs=0\npriority=1\n";
    dir.write("sd.conf", &format!("{BASE}{other}[program:p]\n{program}"));
    let printed = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    let log = dir.read("main.log");
    assert_eq!(printed.code, code, "{log}");
    let sentence =
        format!("WARN shutting down with exit code {code} because of p (on_exit, on_fatal)");
    assert!(log.contains(&sentence), "{log}");
    assert!(
        log.contains("stopped: other (terminated by SIGTERM)"),
        "{log}"
    );
    assert!(!dir.has("s.sock") && !dir.has("d.pid"));
}

#[test]
fn the_end_of_a_program_can_be_ours_with_its_exit_code() {
    leaves_with(
        "command=/bin/sh -c \"sleep 0.1; exit 0\"\nstartsecs=0\non_exit=shutdown\n",
        0,
    );
    leaves_with(
        "command=/bin/sh -c \"sleep 0.1; exit 3\"\nstartsecs=0\nautorestart=false\non_exit=shutdown\n",
        3,
    );
    leaves_with(
        "command=/bin/sh -c \"sleep 0.1; kill -KILL $$\"\nstartsecs=0\nautorestart=false\n\
         on_exit=shutdown\n",
        137,
    );
}

#[test]
fn a_program_that_is_given_up_can_end_us() {
    leaves_with(
        "command=/bin/sh -c \"exit 5\"\nstartretries=0\non_fatal=shutdown\n",
        5,
    );
    leaves_with(
        "command=/bin/sh -c \"exit 0\"\nstartretries=0\non_fatal=shutdown\n",
        1,
    );
    leaves_with(
        "command=no-such-command\nstartretries=0\non_fatal=shutdown\n",
        127,
    );
}

#[test]
fn a_stop_by_request_is_no_end_that_counts() {
    if foreign() {
        return;
    }
    let mut daemon = Daemon::with(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=false\non_exit=shutdown\n\
         on_fatal=shutdown\n",
    );
    daemon.wait_for_state("p", "RUNNING");
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    daemon.ctl(&["start", "p"]).is("p: started\n", 0);
    assert!(daemon.runs());
    // Told to leave, it leaves with its own code.
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait_for_exit().code(), Some(0));
}

#[test]
fn an_option_that_makes_no_sense_is_refused_in_a_sentence() {
    if foreign() {
        return;
    }
    for (option, sentence) in [
        (
            "restart_backoff=fast",
            "'fast' is neither linear nor exponential",
        ),
        (
            "restart_backoff_max=0",
            "'0' is not a span of time such as 30, 30s, 10m or 1h",
        ),
        (
            "restart_limit=5",
            "'5' is not a number of restarts and a span of time, such as 5/10m",
        ),
        ("on_exit=restart", "'restart' is neither shutdown nor none"),
        ("on_fatal=yes", "'yes' is neither shutdown nor none"),
    ] {
        let dir = Dir::new();
        dir.write(
            "sd.conf",
            &format!("{BASE}[program:p]\ncommand=/bin/cat\n{option}\n"),
        );
        let printed = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
        assert_eq!(printed.code, 2, "{printed:?}");
        assert!(printed.err.contains(sentence), "{printed:?}");
        assert!(
            printed.err.contains("in section 'program:p'"),
            "{printed:?}"
        );
    }
}

#[test]
fn without_the_options_nothing_of_this_happens() {
    let mut daemon = Daemon::with(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=unexpected\n\
         [program:q]\ncommand=/bin/sh -c \"exit 1\"\nstartretries=0\n",
    );
    daemon.wait_for_state("q", "FATAL");
    for round in 1..=12 {
        send(daemon.wait_for_state("p", "RUNNING"), Signal::SIGKILL);
        daemon.wait_for_count("spawned: 'p' with pid ", round + 1);
    }
    assert!(daemon.runs());
}
