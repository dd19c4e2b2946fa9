//! What is said of a program that does not run, beyond the original's words.

use crate::harness::{Daemon, Dir, foreign, root, send, wait};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Starts a program that cannot run, and checks what `status -v` says below its line.
#[track_caller]
fn check(setup: impl Fn(&Dir), options: &str, expected: &str) {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    setup(&dir);
    let daemon = Daemon::within(dir, &format!("[program:p]\n{options}startretries=0\n"));
    daemon.wait_for_state("p", "FATAL");
    let plain = daemon.ctl(&["status", "p"]).out;
    let verbose = daemon.ctl(&["status", "-v", "p"]);
    let more = verbose
        .out
        .strip_prefix(&plain)
        .expect("the original's line first");
    let expected = daemon.dir.fill(&format!("    {expected}\n"));
    assert_eq!((more, verbose.code), (expected.as_str(), 3));
}

#[test]
fn a_command_that_is_not_there_is_named() {
    check(
        |_| (),
        "command=no-such-command --flag\n",
        "command not found: no-such-command (command ENOENT)",
    );
}

#[test]
fn a_directory_that_is_not_there_is_named_where_it_begins_to_be_missing() {
    check(
        |_| (),
        "command=/bin/cat\ndirectory={dir}/none/deeper\n",
        "cannot enter {dir}/none/deeper: there is no {dir}/none (chdir ENOENT)",
    );
}

#[test]
fn a_directory_that_may_not_be_entered_is_named() {
    // Whom that concerns: root may enter everything, so it gives the program to somebody else.
    let (user, name) = if root() {
        ("user=nobody\n", "nobody")
    } else {
        ("", "{user}")
    };
    check(
        |dir| {
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(dir.path(""), open).expect("our own folder");
            fs::create_dir_all(dir.path("srv/app")).expect("a folder");
            let closed = fs::Permissions::from_mode(0o600);
            fs::set_permissions(dir.path("srv"), closed).expect("our own folder");
        },
        &format!("command=/bin/cat\ndirectory={{dir}}/srv/app\n{user}"),
        &format!(
            "user '{name}' cannot enter {{dir}}/srv/app: permission denied at {{dir}}/srv \
             (chdir EACCES)"
        ),
    );
}

#[test]
fn an_interpreter_that_is_not_there_is_named() {
    check(
        |dir| {
            let path = dir.write("p", "#!/no/such/interpreter -x\n");
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
        },
        "command={dir}/p\n",
        "cannot execute {dir}/p: its first line names /no/such/interpreter, which is missing \
         (exec ENOENT)",
    );
}

#[test]
fn a_file_that_is_no_program_is_said_to_be_none() {
    check(
        |dir| {
            let path = dir.write("p", "\u{1}\u{2}");
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
        },
        "command={dir}/p\n",
        "cannot execute {dir}/p: it is neither a program for this machine nor a script that \
         begins with #! (exec ENOEXEC)",
    );
}

#[test]
fn a_log_that_cannot_be_opened_is_said() {
    check(
        |_| (),
        "command=/bin/cat\nstdout_logfile={dir}\n",
        "a log cannot be opened: EISDIR (log)",
    );
}

#[test]
fn an_exit_is_told_by_code_or_signal_and_a_backoff_by_its_tries() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(
        "[program:code]\ncommand=/bin/sh -c \"exit 3\"\nstartsecs=0\nautorestart=false\n\
         [program:signal]\ncommand=/bin/cat\nstartsecs=0\nautorestart=false\n\
         [program:tries]\ncommand=/bin/sh -c \"exit 4\"\nstartretries=50\n\
         [program:ever]\ncommand=/bin/sh -c \"exit 4\"\nstartretries=-1\n",
    );
    daemon.wait_for_state("code", "EXITED");
    send(daemon.wait_for_state("signal", "RUNNING"), Signal::SIGKILL);
    daemon.wait_for_state("signal", "EXITED");
    let below = |name: &str| {
        let said = daemon.ctl(&["status", "-v", name]).out;
        let lines = said.lines().skip(1).map(|line| line.trim().to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(below("code"), ["exit code 3"]);
    assert_eq!(below("signal"), ["ended by SIGKILL"]);
    // The third wait is three seconds long.
    daemon.wait_for_count("exited: tries", 3);
    daemon.wait_for_count("exited: ever", 3);
    let third = |name: &str, try_: &str| {
        wait("the third wait", || {
            let below = below(name);
            below.get(1)?.starts_with(try_).then_some(below)
        })
    };
    let said = third("tries", "try 4 of 51 in ");
    assert_eq!(said[0], "exit code 4");
    third("ever", "try 4 in ");

    let json = daemon.ctl(&["status", "--json", "signal"]).out;
    assert!(json.contains("\"exit_signal\": \"SIGKILL\""), "{json}");
    assert!(json.contains("\"exit_code\": null"), "{json}");
}
