//! From STOPPED to RUNNING and on to EXITED, BACKOFF and FATAL.

use crate::harness::{BASE, Daemon, Dir, entries, wait};

#[test]
fn a_program_that_stays_up_is_running_after_startsecs() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\n");
    let pid = daemon.wait_for_state("cat", "RUNNING");
    daemon.wait_for_count("success: cat entered RUNNING state", 1);
    let texts: Vec<String> = daemon.log().into_iter().map(|entry| entry.text).collect();
    let at = |text: &str| texts.iter().position(|other| other == text);
    let spawned = at(&format!("spawned: 'cat' with pid {pid}"));
    let success = at(
        "success: cat entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
    );
    assert!(spawned.is_some() && spawned < success, "{texts:#?}");

    let status = daemon.ctl(&["status", "cat"]);
    let beginning = format!("cat                              RUNNING   pid {pid}, uptime 0:00:");
    assert!(status.out.starts_with(&beginning), "{status:?}");
    assert_eq!(status.code, 0);
}

#[test]
fn a_program_is_starting_until_startsecs_have_passed() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=1000\n");
    daemon.wait_for_state("cat", "STARTING");
    // A program is starting from the moment on that it is to have a child.
    let pid = wait("its pid", || {
        Some(daemon.pid_of("cat")).filter(|&pid| pid > 0)
    });
    daemon
        .ctl(&["status"])
        .is("cat                              STARTING  \n", 0);
    daemon.ctl(&["pid", "cat"]).is(&format!("{pid}\n"), 0);
}

#[test]
fn with_startsecs_0_a_program_may_exit_at_once() {
    let daemon = Daemon::with(
        "[program:brief]\ncommand=/bin/sh -c \"exit 0\"\nstartsecs=0\nautorestart=false\n",
    );
    daemon.wait_for_state("brief", "EXITED");
    daemon.wait_for_entry("INFO", "exited: brief (exit status 0; expected)");
    daemon.counts("spawned: ", 1);
}

#[test]
fn a_program_that_exits_too_quickly_backs_off_and_is_given_up() {
    let daemon = Daemon::with("[program:flaky]\ncommand=/bin/sh -c \"exit 3\"\nstartretries=1\n");
    daemon.wait_for_state("flaky", "FATAL");
    let gave_up = "gave up: flaky entered FATAL state, too many start retries too quickly";
    daemon.wait_for_entry("INFO", gave_up);
    daemon.wait_for_entry("WARN", "exited: flaky (exit status 3; not expected)");
    daemon.counts("spawned: 'flaky' with pid ", 2);
    daemon.ctl(&["status", "flaky"]).is(
        "flaky                            FATAL     Exited too quickly (process log may have details)\n",
        3,
    );
}

#[test]
fn with_startretries_0_the_first_failure_is_fatal() {
    let daemon = Daemon::with("[program:flaky]\ncommand=/bin/sh -c \"exit 3\"\nstartretries=0\n");
    daemon.wait_for_state("flaky", "FATAL");
    daemon.counts("spawned: ", 1);
}

#[test]
fn a_program_in_backoff_can_be_stopped() {
    let daemon =
        Daemon::with("[program:flaky]\ncommand=/bin/sh -c \"exit 3\"\nstartretries=1000\n");
    // The third wait is 3 seconds long: time enough to stop it within.
    daemon.wait_for_count("exited: flaky", 3);
    daemon.wait_for_state("flaky", "BACKOFF");
    daemon.ctl(&["stop", "flaky"]).is("flaky: stopped\n", 0);
    daemon.wait_for_state("flaky", "STOPPED");
}

#[test]
fn a_program_given_up_can_be_started_again() {
    let dir = Dir::new();
    dir.write("p.sh", "test -e {dir}/well && exec /bin/cat\nexit 1\n");
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartretries=0\n",
    );
    daemon.wait_for_state("p", "FATAL");
    daemon
        .ctl(&["start", "p"])
        .is("p: ERROR (spawn error)\n", 7);
    daemon.wait_for_state("p", "FATAL");
    daemon.dir.write("well", "");
    daemon.ctl(&["start", "p"]).is("p: started\n", 0);
    daemon.wait_for_state("p", "RUNNING");
}

/// A neighbour that exits often: when it has come back a few times, whatever else would have
/// been restarted has been.
const NEIGHBOUR: &str =
    "[program:neighbour]\ncommand=/bin/sh -c \"sleep 0.2\"\nstartsecs=0\nautorestart=true\n";

#[test]
fn autorestart_true_restarts_after_any_exit() {
    let daemon = Daemon::with(NEIGHBOUR);
    daemon.wait_for_count("spawned: 'neighbour' with pid ", 4);
    daemon.wait_for_entry("INFO", "exited: neighbour (exit status 0; expected)");
}

#[test]
fn autorestart_false_restarts_after_no_exit() {
    let daemon = Daemon::with(&format!(
        "{NEIGHBOUR}[program:once]\ncommand=/bin/sh -c \"exit 1\"\nstartsecs=0\nautorestart=false\n"
    ));
    daemon.wait_for_state("once", "EXITED");
    daemon.wait_for_count("spawned: 'neighbour' with pid ", 5);
    daemon.counts("spawned: 'once' with pid ", 1);
    daemon.wait_for_entry("WARN", "exited: once (exit status 1; not expected)");
    assert_eq!(daemon.field("once", "exitstatus").as_deref(), Some("1"));
    assert_eq!(
        daemon.field("once", "spawnerr").as_deref(),
        Some("Bad exit code 1")
    );
}

#[test]
fn autorestart_unexpected_asks_the_exitcodes() {
    let daemon = Daemon::with(&format!(
        "{NEIGHBOUR}\
         [program:known]\ncommand=/bin/sh -c \"exit 7\"\nstartsecs=0\nexitcodes=0,7\n\
         [program:strange]\ncommand=/bin/sh -c \"sleep 0.1; exit 8\"\nstartsecs=0\nexitcodes=0,7\n"
    ));
    daemon.wait_for_state("known", "EXITED");
    daemon.wait_for_entry("INFO", "exited: known (exit status 7; expected)");
    daemon.wait_for_entry("WARN", "exited: strange (exit status 8; not expected)");
    daemon.wait_for_count("spawned: 'strange' with pid ", 3);
    daemon.wait_for_count("spawned: 'neighbour' with pid ", 5);
    daemon.counts("spawned: 'known' with pid ", 1);
}

#[test]
fn a_program_that_is_killed_comes_back_with_another_pid() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    let pid = daemon.wait_for_state("cat", "RUNNING");
    crate::harness::send(pid, nix::sys::signal::Signal::SIGKILL);
    daemon.wait_for_entry("WARN", "exited: cat (terminated by SIGKILL; not expected)");
    daemon.wait_for_count("spawned: 'cat' with pid ", 2);
    let next = daemon.wait_for_state("cat", "RUNNING");
    assert_ne!(pid, next);
}

#[test]
fn autostart_false_waits_for_a_command() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n");
    daemon.ctl(&["status"]).is(
        "cat                              STOPPED   Not started\n",
        3,
    );
    daemon.ctl(&["start", "cat"]).is("cat: started\n", 0);
    daemon.wait_for_state("cat", "RUNNING");
}

#[test]
fn a_fault_of_one_program_leaves_its_neighbours_alone() {
    let daemon = Daemon::with(
        "[program:good]\ncommand=/bin/cat\n\
         [program:missing]\ncommand={dir}/no-such-command\nstartretries=0\n\
         [program:nowhere]\ncommand=/bin/cat\ndirectory={dir}/no-such-folder\nstartretries=0\n\
         [program:mute]\ncommand=/bin/cat\nstdout_logfile={dir}\nstartretries=0\n",
    );
    let pid = daemon.wait_for_state("good", "RUNNING");
    for program in ["missing", "nowhere", "mute"] {
        daemon.wait_for_state(program, "FATAL");
    }
    assert_eq!(daemon.pid_of("good"), pid);
    daemon.counts("spawned: 'good' with pid ", 1);
}

#[test]
fn numprocs_makes_a_pool_of_numbered_processes() {
    let daemon = Daemon::with(
        "[program:pool]\ncommand=/bin/sh -c \"echo I am %(process_num)d; exec /bin/cat\"\n\
         process_name=%(program_name)s-%(process_num)02d\nnumprocs=3\nnumprocs_start=7\nstartsecs=0\n\
         stdout_logfile={dir}/%(program_name)s-%(process_num)d.log\n",
    );
    for number in 7..10 {
        daemon.wait_for_state(&format!("pool:pool-{number:02}"), "RUNNING");
        let line = format!("I am {number}\n");
        daemon
            .dir
            .wait_for_text(&format!("pool-{number}.log"), &line);
    }
    let status = daemon.ctl(&["status"]);
    let names: Vec<&str> = status
        .out
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, ["pool:pool-07", "pool:pool-08", "pool:pool-09"]);
}

#[test]
fn the_waits_between_failures_grow_by_a_second() {
    let daemon = Daemon::with("[program:flaky]\ncommand=/bin/sh -c \"exit 1\"\nstartretries=2\n");
    daemon.wait_for_state("flaky", "FATAL");
    daemon.wait_for_count("gave up: flaky ", 1);
    let waits = waits(&daemon.log(), "flaky");
    assert!(
        waits.len() == 2 && waits[0] >= 1000 && waits[1] >= 2000,
        "{waits:?}"
    );
    assert!(waits[1] > waits[0] + 400, "{waits:?}");
}

/// The milliseconds from each exit of a program to its next start.
pub(crate) fn waits(log: &[crate::harness::Entry], program: &str) -> Vec<u64> {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let exited = format!("exited: {program} (");
    let spawned = format!("spawned: '{program}' with pid ");
    let mut waits = Vec::new();
    let mut since = None;
    for entry in log {
        if entry.text.starts_with(&exited) {
            since = Some(entry.at);
        } else if entry.text.starts_with(&spawned)
            && let Some(exit) = since.take()
        {
            waits.push((entry.at + DAY - exit) % DAY);
        }
    }
    waits
}

#[test]
fn a_stopped_program_says_since_when() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    daemon.wait_for_state("cat", "RUNNING");
    daemon.ctl(&["stop", "cat"]).is("cat: stopped\n", 0);
    let status = daemon.ctl(&["status", "cat"]);
    let rest = status
        .out
        .strip_prefix("cat                              STOPPED   ");
    // As in "Jan 02 03:04 PM".
    let words: Vec<&str> = rest.unwrap_or("").split_whitespace().collect();
    assert!(
        words.len() == 4 && words[0].len() == 3 && words[2].len() == 5,
        "{status:?}"
    );
    assert!(["AM", "PM"].contains(&words[3]), "{status:?}");
    assert_eq!(status.code, 3);
}

#[test]
fn the_main_log_reads_back_as_entries() {
    let dir = Dir::new();
    dir.write("sd.conf", BASE);
    let daemon = Daemon::start(dir, &crate::harness::Start::default());
    let pid = daemon.pid();
    daemon.wait_for_entry("INFO", &format!("supervisord started with pid {pid}"));
    let text = daemon.dir.read("main.log");
    let first = text.lines().next().expect("a log that has begun");
    assert_eq!(entries(first).len(), 1, "{first}");
    wait("an entry for the server", || {
        let server = "Server 'unix_http_server' running without any HTTP authentication checking";
        daemon
            .log()
            .iter()
            .find(|entry| entry.text == server && entry.level == "CRIT")
            .cloned()
    });
}
