//! `supervisorctl`: every action, what it prints and the code it ends with.

use crate::harness::{Daemon, Dir, foreign, run_supervisorctl, wait};

/// A lone program, a group of two and a pool of two; none starts by itself.
const CAST: &str = "\
[program:cat]
command=/bin/sh -c \"echo hello; echo oops >&2; exec /bin/cat\"
autostart=false
startsecs=0
stdout_logfile={dir}/cat.out
stderr_logfile={dir}/cat.err

[program:one]
command=/bin/cat
autostart=false
startsecs=0
priority=5

[program:two]
command=/bin/cat
autostart=false
startsecs=0
stdout_logfile=NONE

[group:duo]
programs=one,two
priority=7

[program:pool]
command=/bin/cat
process_name=%(program_name)s_%(process_num)d
numprocs=2
autostart=false
startsecs=0
";

/// The lines of an output, sorted: the original answers a group's processes in no fixed order.
fn sorted(out: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn status_shows_all_or_those_named() {
    let daemon = Daemon::with(CAST);
    let line = |name: &str| format!("{name:<33}STOPPED   Not started\n");
    let all: String = ["cat", "duo:one", "duo:two", "pool:pool_0", "pool:pool_1"]
        .map(line)
        .concat();
    daemon.ctl(&["status"]).is(&all, 3);
    daemon.ctl(&["status", "all"]).is(&all, 3);
    daemon.ctl(&["status", "cat"]).is(&line("cat"), 3);
    daemon
        .ctl(&["status", "pool:*", "cat"])
        .is(&["pool:pool_0", "pool:pool_1", "cat"].map(line).concat(), 3);
    daemon
        .ctl(&["status", "nobody"])
        .is("nobody: ERROR (no such process)\n", 4);
    daemon
        .ctl(&["status", "none:*"])
        .is("none: ERROR (no such group)\n", 4);
    daemon.ctl(&["status", "duo:nobody", "cat"]).is(
        &format!("duo:nobody: ERROR (no such process)\n{}", line("cat")),
        3,
    );
    daemon.ctl(&["start", "cat"]).is("cat: started\n", 0);
    assert_eq!(daemon.ctl(&["status", "cat"]).code, 0);
    assert_eq!(daemon.ctl(&["status"]).code, 3);
}

#[test]
fn a_long_name_widens_the_column() {
    let long = "a-name-that-is-longer-than-thirty-letters";
    let daemon = Daemon::with(&format!(
        "[program:{long}]\ncommand=/bin/cat\nautostart=false\n"
    ));
    daemon
        .ctl(&["status"])
        .is(&format!("{long}   STOPPED   Not started\n"), 3);
}

#[test]
fn start_takes_names_groups_members_and_all() {
    let daemon = Daemon::with(CAST);
    daemon
        .ctl(&["start", "cat", "duo:one"])
        .is("cat: started\nduo:one: started\n", 0);
    daemon
        .ctl(&["start", "cat"])
        .is("cat: ERROR (already started)\n", 0);
    // A group starts those of its members that do not run.
    daemon.ctl(&["start", "duo:*"]).is("duo:two: started\n", 0);
    daemon.ctl(&["start", "duo:*"]).is("", 0);
    daemon
        .ctl(&["start", "nobody"])
        .is("nobody: ERROR (no such process)\n", 1);
    daemon
        .ctl(&["start", "none:*"])
        .is("none: ERROR (no such group)\n", 2);
    let rest = daemon.ctl(&["start", "all"]);
    assert_eq!(
        sorted(&rest.out),
        ["pool:pool_0: started", "pool:pool_1: started"]
    );
    assert_eq!(rest.code, 0);
}

#[test]
fn stop_takes_names_groups_members_and_all() {
    let daemon = Daemon::with(CAST);
    assert_eq!(daemon.ctl(&["start", "all"]).code, 0);
    daemon
        .ctl(&["stop", "cat", "duo:one"])
        .is("cat: stopped\nduo:one: stopped\n", 0);
    daemon
        .ctl(&["stop", "cat"])
        .is("cat: ERROR (not running)\n", 0);
    daemon.ctl(&["stop", "duo:*"]).is("duo:two: stopped\n", 0);
    daemon
        .ctl(&["stop", "nobody"])
        .is("nobody: ERROR (no such process)\n", 1);
    daemon
        .ctl(&["stop", "none:*"])
        .is("none: ERROR (no such group)\n", 1);
    let rest = daemon.ctl(&["stop", "all"]);
    assert_eq!(
        sorted(&rest.out),
        ["pool:pool_0: stopped", "pool:pool_1: stopped"]
    );
    assert_eq!(rest.code, 0);
    daemon.ctl(&["stop", "all"]).is("", 0);
}

#[test]
fn restart_stops_and_starts() {
    let daemon = Daemon::with(CAST);
    daemon
        .ctl(&["restart", "cat"])
        .is("cat: ERROR (not running)\ncat: started\n", 0);
    daemon
        .ctl(&["restart", "cat"])
        .is("cat: stopped\ncat: started\n", 0);
    let group = daemon.ctl(&["restart", "pool:*"]);
    assert_eq!(
        sorted(&group.out),
        ["pool:pool_0: started", "pool:pool_1: started"]
    );
    daemon.ctl(&["restart", "nobody"]).is(
        "nobody: ERROR (no such process)\nnobody: ERROR (no such process)\n",
        1,
    );
    let all = daemon.ctl(&["restart", "all"]);
    assert_eq!(
        sorted(&all.out),
        [
            "cat: started",
            "cat: stopped",
            "duo:one: started",
            "duo:two: started",
            "pool:pool_0: started",
            "pool:pool_0: stopped",
            "pool:pool_1: started",
            "pool:pool_1: stopped"
        ]
    );
    assert_eq!(all.code, 0);
}

#[test]
fn an_action_without_its_names_says_how_it_is_used() {
    let daemon = Daemon::with(CAST);
    let check = |action: &str, first: &str, code: i32| {
        let said = daemon.ctl(&[action]);
        let help = daemon.ctl(&["help", action]);
        assert_eq!(said.out, format!("{first}\n{}", help.out), "{action}");
        assert_eq!(said.code, code, "{action}");
    };
    check("start", "Error: start requires a process name", 2);
    check("stop", "Error: stop requires a process name", 1);
    check("restart", "Error: restart requires a process name", 1);
    check("tail", "Error: too few arguments", 1);
}

#[test]
fn an_action_with_arguments_that_it_does_not_take_says_so() {
    let daemon = Daemon::with(CAST);
    for action in ["avail", "reread", "reload", "shutdown", "version"] {
        let said = daemon.ctl(&[action, "x"]);
        let help = daemon.ctl(&["help", action]);
        let first = format!("Error: {action} accepts no arguments\n");
        assert_eq!((said.out, said.code), (format!("{first}{}", help.out), 1));
    }
    // None of it was carried out.
    assert_eq!(daemon.ctl(&["pid"]).code, 0);
}

#[test]
fn pid_is_the_daemons_or_a_programs_or_everyones() {
    let daemon = Daemon::with(CAST);
    daemon.ctl(&["pid"]).is(&format!("{}\n", daemon.pid()), 0);
    daemon.ctl(&["start", "cat"]).is("cat: started\n", 0);
    let cat = daemon.pid_of("cat");
    daemon.ctl(&["pid", "cat"]).is(&format!("{cat}\n"), 0);
    daemon.ctl(&["pid", "duo:one"]).is("0\n", 7);
    daemon
        .ctl(&["pid", "nobody"])
        .is("No such process nobody\n", 1);
    daemon
        .ctl(&["pid", "all"])
        .is(&format!("{cat}\n0\n0\n0\n0\n"), 0);
}

#[test]
fn tail_shows_the_end_of_a_log() {
    let daemon = Daemon::with(CAST);
    daemon
        .ctl(&["tail", "cat"])
        .is("cat: ERROR (no log file)\n", 1);
    daemon.ctl(&["start", "cat"]).is("cat: started\n", 0);
    daemon.dir.wait_for_text("cat.out", "hello\n");
    daemon.dir.wait_for_text("cat.err", "oops\n");
    daemon.ctl(&["tail", "cat"]).is("hello\n\n", 0);
    daemon.ctl(&["tail", "cat", "stdout"]).is("hello\n\n", 0);
    daemon.ctl(&["tail", "cat", "stderr"]).is("oops\n\n", 0);
    daemon.ctl(&["tail", "-3", "cat"]).is("lo\n\n", 0);
    daemon.ctl(&["tail", "-3", "cat", "stderr"]).is("ps\n\n", 0);
    daemon
        .ctl(&["tail", "duo:two"])
        .is("duo:two: ERROR (no log file)\n", 1);
    daemon
        .ctl(&["tail", "nobody"])
        .is("nobody: ERROR (no such process name)\n", 1);
    daemon
        .ctl(&["tail", "cat", "sideways"])
        .is("Error: bad channel 'sideways'\n", 1);
    daemon
        .ctl(&["tail", "-x", "cat"])
        .is("Error: bad argument -x\n", 1);
    let many = daemon.ctl(&["tail", "a", "b", "c", "d"]);
    assert!(
        many.out.starts_with("Error: too many arguments\n"),
        "{many:?}"
    );
    assert_eq!(many.code, 1);
}

#[test]
fn tail_shows_at_most_1600_bytes_when_not_told() {
    let dir = Dir::new();
    dir.write("words", &"0123456789abcde\n".repeat(200));
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/cat {dir}/words\nstartsecs=0\nautorestart=false\n\
         stdout_logfile={dir}/out\n",
    );
    daemon.wait_for_state("p", "EXITED");
    let tail = format!("{}\n", "0123456789abcde\n".repeat(100));
    daemon.ctl(&["tail", "p"]).is(&tail, 0);
    let tail = format!("{}\n", "0123456789abcde\n".repeat(150));
    daemon.ctl(&["tail", "-2400", "p"]).is(&tail, 0);
}

#[test]
fn version_is_the_one_we_stand_in_for_and_then_our_own() {
    let daemon = Daemon::with("");
    let said = daemon.ctl(&["version"]);
    if foreign() {
        said.is("4.3.0\n", 0);
    } else {
        said.is(&format!("4.3.0+rs{}\n", env!("CARGO_PKG_VERSION")), 0);
    }
}

#[test]
fn avail_shows_every_configured_process() {
    let daemon = Daemon::with(CAST);
    let line = |name: &str, use_: &str, start: &str, priority: &str| {
        format!("{name:<32} {use_:<9} {start:<9} {priority}\n")
    };
    let cast = line("cat", "in use", "manual", "999:999")
        + &line("duo:one", "in use", "manual", "7:5")
        + &line("pool:pool_0", "in use", "manual", "999:999")
        + &line("pool:pool_1", "in use", "manual", "999:999")
        + &line("duo:two", "in use", "manual", "7:999");
    daemon.ctl(&["avail"]).is(&cast, 0);
    // What was only read is available but not in use.
    let more = "[program:zz]\ncommand=/bin/cat\n";
    daemon
        .dir
        .write("sd.conf", &format!("{}{CAST}{more}", crate::harness::BASE));
    daemon.ctl(&["reread"]).is("zz: available\n", 0);
    let with_more = cast + &line("zz", "avail", "auto", "999:999");
    daemon.ctl(&["avail"]).is(&with_more, 0);
}

#[test]
fn add_and_remove_change_the_groups_that_are_active() {
    let daemon = Daemon::with(CAST);
    daemon
        .ctl(&["remove", "duo"])
        .is("duo: removed process group\n", 0);
    daemon
        .ctl(&["remove", "duo"])
        .is("ERROR: no such process/group: duo\n", 1);
    daemon
        .ctl(&["status", "duo:*"])
        .is("duo: ERROR (no such group)\n", 4);
    daemon
        .ctl(&["add", "duo"])
        .is("duo: added process group\n", 0);
    daemon
        .ctl(&["add", "duo"])
        .is("ERROR: process group already active\n", 0);
    daemon
        .ctl(&["add", "nobody"])
        .is("ERROR: no such process/group: nobody\n", 1);
    daemon.ctl(&["start", "cat"]).is("cat: started\n", 0);
    daemon
        .ctl(&["remove", "cat"])
        .is("ERROR: process/group still running: cat\n", 1);
    daemon.ctl(&["remove", "duo", "pool"]).is(
        "duo: removed process group\npool: removed process group\n",
        0,
    );
    assert_eq!(daemon.ctl(&["status"]).out.lines().count(), 1);
}

#[test]
fn a_program_that_was_added_starts_by_itself() {
    let daemon = Daemon::with("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    let first = daemon.wait_for_state("p", "RUNNING");
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    daemon
        .ctl(&["remove", "p"])
        .is("p: removed process group\n", 0);
    daemon.ctl(&["add", "p"]).is("p: added process group\n", 0);
    assert_ne!(daemon.wait_for_state("p", "RUNNING"), first);
}

#[test]
fn shutdown_stops_everything_and_the_daemon() {
    let mut daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    let pid = daemon.wait_for_state("cat", "RUNNING");
    daemon.ctl(&["shutdown"]).is("Shut down\n", 0);
    assert_eq!(daemon.wait_for_exit().code(), Some(0));
    crate::harness::wait_for_death(pid);
    assert!(!daemon.dir.has("s.sock") && !daemon.dir.has("d.pid"));
    daemon.wait_for_entry("WARN", "stopped: cat (terminated by SIGTERM)");
}

#[test]
fn help_lists_the_actions_and_explains_each() {
    let daemon = Daemon::with("");
    let all = daemon.ctl(&["help"]);
    assert_eq!(all.code, 0);
    let topics: Vec<&str> = all.out.split_whitespace().collect();
    for action in [
        "add", "avail", "clear", "exit", "fg", "maintail", "open", "pid", "quit", "reload",
        "remove", "reread", "restart", "shutdown", "signal", "start", "status", "stop", "tail",
        "update", "version",
    ] {
        assert!(topics.contains(&action), "{action} is missing in {all:?}");
        let one = daemon.ctl(&["help", action]);
        assert!(one.out.starts_with(action) && one.code == 0, "{one:?}");
    }
    assert!(all.out.starts_with(
        "\ndefault commands (type help <topic>):\n=====================================\n"
    ));
    daemon.ctl(&["help", "start"]).is(
        "start <name>\t\tStart a process\n\
         start <gname>:*\t\tStart all processes in a group\n\
         start <name> <name>\tStart multiple processes or groups\n\
         start all\t\tStart all processes\n",
        0,
    );
    daemon
        .ctl(&["help", "nonsense"])
        .is("*** No help on nonsense\n", 0);
}

#[test]
fn an_unknown_action_is_refused() {
    let daemon = Daemon::with("");
    daemon
        .ctl(&["nonsense", "x"])
        .is("*** Unknown syntax: nonsense x\n", 1);
}

/// Checks an answer's first line and its code when no daemon is there.
#[track_caller]
fn nobody_there(dir: &Dir, arguments: &[&str], first: &str, code: i32) {
    let said = run_supervisorctl(dir, &[&["-c", "{dir}/sd.conf"], arguments].concat());
    let first = dir.fill(first);
    assert_eq!(
        (said.out.lines().next(), said.code),
        (Some(first.as_str()), code),
        "{said:?}"
    );
}

#[test]
fn without_a_socket_the_client_says_so() {
    let dir = Dir::new();
    dir.write("sd.conf", crate::harness::BASE);
    let missing = "unix://{dir}/s.sock no such file";
    nobody_there(&dir, &["status"], missing, 4);
    nobody_there(&dir, &["start", "x"], missing, 7);
    nobody_there(&dir, &["version"], missing, 7);
    nobody_there(
        &dir,
        &["shutdown"],
        "ERROR: unix://{dir}/s.sock no such file (already shut down?)",
        1,
    );
}

#[test]
fn with_a_socket_that_nobody_serves_the_client_says_so() {
    let dir = Dir::new();
    dir.write("sd.conf", crate::harness::BASE);
    drop(std::os::unix::net::UnixListener::bind(dir.path("s.sock")).expect("a socket"));
    let refused = "unix://{dir}/s.sock refused connection";
    nobody_there(&dir, &["status"], refused, 4);
    nobody_there(&dir, &["stop", "x"], refused, 4);
}

#[test]
fn the_server_can_be_named_on_the_command_line() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nautostart=false\n");
    let line = "cat                              STOPPED   Not started\n";
    // The folder has no supervisord.conf, so nothing but the flag says where to ask.
    for flags in [
        &["-s", "unix://{dir}/s.sock"][..],
        &["--serverurl=unix://{dir}/s.sock"],
    ] {
        run_supervisorctl(&daemon.dir, &[flags, &["status"]].concat()).is(line, 3);
    }
}

#[test]
fn the_shell_shows_the_status_first_and_ends_with_0() {
    use std::io::Write as _;
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n");
    let mut shell = std::process::Command::new(crate::harness::supervisorctl())
        .arg("-c")
        .arg(daemon.dir.path("sd.conf"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("supervisorctl runs");
    let mut stdin = shell.stdin.take().expect("it was piped");
    stdin
        .write_all(b"start cat\nnonsense\nquit\n")
        .expect("the shell reads");
    drop(stdin);
    let output = shell.wait_with_output().expect("our own child");
    let text = String::from_utf8_lossy(&output.stdout).replace("supervisor> ", "");
    assert!(
        text.starts_with("cat                              STOPPED   Not started\n"),
        "{text}"
    );
    assert!(
        text.contains("cat: started\n*** Unknown syntax: nonsense\n"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_start_is_answered_when_the_program_is_running() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nautostart=false\nstartsecs=1\n");
    daemon.ctl(&["start", "cat"]).is("cat: started\n", 0);
    assert_eq!(daemon.field("cat", "statename").as_deref(), Some("RUNNING"));
}

#[test]
fn a_start_of_a_program_that_dies_is_a_spawn_error() {
    let daemon = Daemon::with(
        "[program:flaky]\ncommand=/bin/sh -c \"exit 1\"\nautostart=false\nstartsecs=5\n",
    );
    daemon
        .ctl(&["start", "flaky"])
        .is("flaky: ERROR (spawn error)\n", 7);
}

#[test]
fn signal_sends_any_signal() {
    let dir = Dir::new();
    dir.write(
        "p.sh",
        "trap 'echo heard' USR1\necho up\nwhile :; do sleep 0.1; done\n",
    );
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstdout_logfile={dir}/out\n\
         [program:idle]\ncommand=/bin/cat\nautostart=false\n",
    );
    daemon.dir.wait_for_text("out", "up\n");
    daemon.ctl(&["signal", "USR1", "p"]).is("p: signalled\n", 0);
    daemon.dir.wait_for_text("out", "heard\n");
    daemon
        .ctl(&["signal", "NONSENSE", "p"])
        .is("p: ERROR (bad signal name)\n", 1);
    daemon
        .ctl(&["signal", "HUP", "idle"])
        .is("idle: ERROR (not running)\n", 7);
    daemon
        .ctl(&["signal", "HUP", "nobody"])
        .is("nobody: ERROR (no such process)\n", 1);
}

#[test]
fn clear_empties_a_programs_logs() {
    let daemon = Daemon::with(CAST);
    daemon.ctl(&["start", "cat"]).is("cat: started\n", 0);
    daemon.dir.wait_for_text("cat.out", "hello\n");
    daemon.dir.wait_for_text("cat.err", "oops\n");
    daemon.ctl(&["clear", "cat"]).is("cat: cleared\n", 0);
    wait("empty logs", || {
        let both = daemon.dir.read("cat.out") + &daemon.dir.read("cat.err");
        both.is_empty().then_some(())
    });
    daemon
        .ctl(&["clear", "nobody"])
        .is("nobody: ERROR (no such process)\n", 1);
}

#[test]
fn maintail_shows_the_end_of_the_main_log() {
    let daemon = Daemon::with("");
    let said = daemon.ctl(&["maintail", "-40"]);
    let log = daemon.dir.read("main.log");
    assert_eq!(said.code, 0);
    let text = said.out.strip_suffix('\n').expect("a newline is added");
    assert!(text.len() == 40 && log.contains(text), "{said:?}");
}
