//! What a child is given, and what is said when it cannot be started.

use crate::harness::{Daemon, Dir, foreign, root, wait};
use std::fs;

/// Starts one program that writes to `{dir}/out` and waits for its last line, `end`.
fn printed(script: &str, options: &str) -> String {
    let dir = Dir::new();
    dir.write("p.sh", &format!("{script}\necho end\nexec /bin/cat\n"));
    let daemon = Daemon::within(
        dir,
        &format!(
            "[program:p]\ncommand=/bin/sh {{dir}}/p.sh\nstartsecs=0\nstdout_logfile={{dir}}/out\n\
             {options}"
        ),
    );
    let text = daemon.dir.wait_for_text("out", "end\n");
    let root = daemon.dir.fill("{dir}");
    text.replace(&root, "{dir}").replace("end\n", "")
}

#[test]
fn a_child_is_told_who_it_is() {
    let text = printed("env | grep ^SUPERVISOR_ | sort", "");
    assert_eq!(
        text,
        "SUPERVISOR_ENABLED=1\nSUPERVISOR_GROUP_NAME=p\nSUPERVISOR_PROCESS_NAME=p\n\
         SUPERVISOR_SERVER_URL=unix://{dir}/s.sock\n"
    );
}

#[test]
fn a_childs_serverurl_can_be_said() {
    let text = printed(
        "echo $SUPERVISOR_SERVER_URL",
        "serverurl=http://elsewhere:9\n",
    );
    assert_eq!(text, "http://elsewhere:9\n");
}

#[test]
fn environment_is_added_to_the_daemons() {
    let script = "echo \"$A|$B|$C|${PATH:+path}\"";
    let options = "environment=A=\"x,y\",B='z w',C=%(program_name)s-%(ENV_A)s\n";
    // A program's own variables expand only from the second one on in the original: A is taken
    // from what is known before, so it is given to the daemon here.
    let with_a = options.replace("%(ENV_A)s", "%(group_name)s");
    assert_eq!(printed(script, &with_a), "x,y|z w|p-p|path\n");
}

#[test]
fn the_daemons_environment_option_reaches_every_child() {
    let dir = Dir::new();
    dir.write(
        "p.sh",
        "echo \"$WHO $COLOUR $1\"\necho end\nexec /bin/cat\n",
    );
    dir.write(
        "sd.conf",
        "[supervisord]\nlogfile={dir}/main.log\npidfile={dir}/d.pid\nchildlogdir={dir}\n\
         environment=WHO=\"me\",COLOUR=\"red\"\n\
         [program:p]\ncommand=/bin/sh {dir}/p.sh %(ENV_WHO)s\nstdout_logfile={dir}/out\n\
         environment=COLOUR=\"blue\"\n",
    );
    let start = crate::harness::Start {
        socket: None,
        ..Default::default()
    };
    let daemon = Daemon::start(dir, &start);
    let text = daemon.dir.wait_for_text("out", "end\n");
    assert_eq!(text, "me blue me\nend\n");
}

#[test]
fn directory_is_where_a_child_starts() {
    let dir = Dir::new();
    fs::create_dir(dir.path("work")).expect("a folder");
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh -c \"pwd -P; exec /bin/cat\"\ndirectory={dir}/work\n\
         stdout_logfile={dir}/out\n",
    );
    daemon.dir.wait_for_text("out", "{dir}/work\n");
}

#[test]
fn umask_is_the_daemons_or_the_programs_own() {
    assert_eq!(printed("umask", "").trim_start_matches('0'), "22\n");
    assert_eq!(
        printed("umask", "umask=027\n").trim_start_matches('0'),
        "27\n"
    );
}

#[test]
fn user_may_be_the_daemons_own() {
    let text = printed("id -u", "user={user}\n");
    assert_eq!(text.trim(), nix::unistd::geteuid().to_string());
}

#[test]
fn root_can_give_a_program_to_another_user() {
    if !root() {
        // Only root may change users; who is not is refused, which is the other test's claim.
        let daemon = Daemon::with("[program:p]\ncommand=/bin/cat\nuser=root\nstartretries=0\n");
        daemon.wait_for_state("p", "FATAL");
        return;
    }
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"id -un; id -gn; exec /bin/cat\"\nuser=nobody\n\
         startsecs=0\nstdout_logfile={dir}/out\n",
    );
    let group = {
        let output = std::process::Command::new("id")
            .args(["-gn", "nobody"])
            .output();
        String::from_utf8_lossy(&output.expect("id runs").stdout).into_owned()
    };
    daemon.dir.wait_for_text("out", &format!("nobody\n{group}"));
}

#[test]
fn a_child_has_three_descriptors_and_no_more() {
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    let pid = daemon.wait_for_state("cat", "RUNNING");
    let listed = wait("the child's exec", || {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        (name.trim() == "cat").then(|| fs::read_dir(format!("/proc/{pid}/fd")).ok())?
    });
    let mut numbers: Vec<String> = listed
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    numbers.sort();
    assert_eq!(numbers, ["0", "1", "2"]);
}

#[test]
fn a_child_ignores_and_blocks_no_signal() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    let pid = daemon.wait_for_state("cat", "RUNNING");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    for name in ["SigIgn:", "SigBlk:"] {
        let line = status.lines().find(|line| line.starts_with(name));
        let bits = line.unwrap_or("").trim_start_matches(name).trim();
        assert!(
            bits.bytes().all(|bit| bit == b'0') && !bits.is_empty(),
            "{name} {bits}"
        );
    }
}

/// Checks the sentence that a spawn error leaves in the log, in `status` and in the process's
/// info; and that the start by command fails with `code`.
#[track_caller]
fn spawn_error(setup: impl Fn(&Dir), options: &str, sentence: &str, answer: &str, code: i32) {
    let dir = Dir::new();
    setup(&dir);
    let daemon = Daemon::within(dir, &format!("[program:p]\n{options}startretries=0\n"));
    daemon.wait_for_state("p", "FATAL");
    let sentence = daemon.dir.fill(sentence);
    daemon.wait_for_entry("INFO", &format!("spawnerr: {sentence}"));
    daemon.ctl(&["status", "p"]).is(
        &format!("p                                FATAL     {sentence}\n"),
        3,
    );
    daemon.counts("spawned: ", 0);
    daemon
        .ctl(&["start", "p"])
        .is(&format!("p: ERROR ({answer})\n"), code);
}

#[test]
fn a_missing_command_is_named() {
    spawn_error(
        |_| (),
        "command={dir}/nothing --flag\n",
        "can't find command '{dir}/nothing'",
        "no such file",
        1,
    );
    spawn_error(
        |_| (),
        "command=no-such-command-anywhere\n",
        "can't find command 'no-such-command-anywhere'",
        "no such file",
        1,
    );
}

#[test]
fn a_folder_as_command_is_named() {
    spawn_error(
        |_| (),
        "command={dir}\n",
        "command at '{dir}' is a directory",
        "file is not executable",
        1,
    );
}

#[test]
fn a_file_that_may_not_be_executed_is_named() {
    spawn_error(
        |dir| {
            dir.write("plain", "");
        },
        "command={dir}/plain\n",
        "command at '{dir}/plain' is not executable",
        "file is not executable",
        1,
    );
}

#[test]
fn a_log_path_that_is_a_folder_is_a_spawn_error() {
    spawn_error(
        |_| (),
        "command=/bin/cat\nstdout_logfile={dir}\n",
        "unknown error making dispatchers for 'p': EISDIR",
        "spawn error",
        7,
    );
}

#[test]
fn a_command_with_an_open_quote_is_refused_in_a_sentence() {
    let daemon = Daemon::with("[program:p]\ncommand=/bin/sh -c \"exit\nstartretries=0\n");
    daemon.wait_for_state("p", "FATAL");
    let found = wait("the spawn error", || {
        let log = daemon.log();
        log.into_iter()
            .find(|entry| entry.text.starts_with("spawnerr: can't parse command"))
    });
    assert!(found.text.ends_with("No closing quotation"), "{found:?}");
}

/// Checks what a child that came to nothing left in its stderr log.
#[track_caller]
fn stillborn(setup: impl Fn(&Dir), options: &str, words: &str) {
    let dir = Dir::new();
    setup(&dir);
    let daemon = Daemon::within(
        dir,
        &format!("[program:p]\n{options}startretries=0\nstderr_logfile={{dir}}/err\n"),
    );
    daemon.wait_for_state("p", "FATAL");
    daemon.wait_for_entry("WARN", "exited: p (exit status 127; not expected)");
    let words = daemon.dir.fill(words);
    assert_eq!(daemon.dir.read("err"), words);
}

#[test]
fn a_missing_directory_is_written_to_the_childs_stderr() {
    stillborn(
        |_| (),
        "command=/bin/cat\ndirectory={dir}/nowhere\n",
        "supervisor: couldn't chdir to {dir}/nowhere: ENOENT\n\
         supervisor: child process was not spawned\n",
    );
}

#[test]
fn a_file_that_is_no_program_is_written_to_the_childs_stderr() {
    use std::os::unix::fs::PermissionsExt as _;
    stillborn(
        |dir| {
            let path = dir.write("junk", "\u{1}\u{2}\u{3}");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(path, mode).expect("our own file");
        },
        "command={dir}/junk\n",
        "supervisor: couldn't exec {dir}/junk: ENOEXEC\n\
         supervisor: child process was not spawned\n",
    );
}

#[test]
fn stdin_is_a_pipe_that_stays_open() {
    let daemon =
        Daemon::with("[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={dir}/out\n");
    daemon.wait_for_state("p", "RUNNING");
    daemon.rpc("supervisor.sendProcessStdin", &["p", "hello there"]);
    daemon.dir.wait_for_text("out", "hello there");
}
