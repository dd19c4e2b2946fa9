//! The command lines of the three programs.

use crate::harness::{
    BASE, Daemon, Dir, Start, foreign, run_supervisorctl, run_supervisord, supervisord, wait,
};

#[test]
fn v_prints_the_version_and_nothing_else() {
    let dir = Dir::new();
    for flag in ["-v", "--version", "--vers"] {
        let said = run_supervisord(&dir, &[flag]);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        if foreign() {
            assert_eq!(said.out, "4.3.0\n");
        } else {
            assert_eq!(
                said.out,
                concat!("4.3.0+rs", env!("CARGO_PKG_VERSION"), "\n")
            );
        }
    }
}

#[test]
fn h_prints_every_flag() {
    let dir = Dir::new();
    let said = run_supervisord(&dir, &["-h"]);
    assert_eq!(said.code, 0);
    for flag in [
        "-c/--configuration",
        "-n/--nodaemon",
        "-s/--silent",
        "-h/--help",
        "-v/--version",
        "-u/--user",
        "-m/--umask",
        "-d/--directory",
        "-l/--logfile",
        "-y/--logfile_maxbytes",
        "-z/--logfile_backups",
        "-e/--loglevel",
        "-j/--pidfile",
        "-i/--identifier",
        "-q/--childlogdir",
        "-k/--nocleanup",
        "-a/--minfds",
        "-t/--strip_ansi",
        "--minprocs",
    ] {
        assert!(said.out.contains(flag), "{flag} is missing in {}", said.out);
    }
    let said = run_supervisorctl(&dir, &["-h"]);
    assert_eq!(said.code, 0);
    for flag in [
        "-c/--configuration",
        "-h/--help",
        "-i/--interactive",
        "-s/--serverurl",
        "-u/--username",
        "-p/--password",
        "-r/--history-file",
    ] {
        assert!(said.out.contains(flag), "{flag} is missing in {}", said.out);
    }
}

/// Checks that a command line is refused: two lines on stderr, exit 2.
#[track_caller]
fn refused(arguments: &[&str], sentence: &str) {
    let dir = Dir::new();
    dir.write("sd.conf", BASE);
    let said = run_supervisord(&dir, arguments);
    let program = supervisord().display().to_string();
    let both = format!(
        "Error: {}\nFor help, use {program} -h\n",
        dir.fill(sentence)
    );
    assert_eq!((said.err, said.code), (both, 2));
}

#[test]
fn wrong_usage_is_two_lines_and_exit_2() {
    refused(&["--nonsense"], "option --nonsense not recognized");
    refused(&["-x"], "option -x not recognized");
    refused(&["-c"], "option -c requires argument");
    refused(
        &["--nodaemon=1"],
        "option --nodaemon must not have an argument",
    );
    refused(&["--log", "x"], "option --log not a unique prefix");
    refused(&["-n", "-n"], "conflicting command line option '-n'");
}

#[test]
fn a_bad_value_of_a_flag_is_named() {
    refused(
        &["-c", "{dir}/sd.conf", "-e", "loud"],
        "invalid value for -e 'loud': bad logging level name 'loud'",
    );
    refused(
        &["-c", "{dir}/sd.conf", "-d", "{dir}/nowhere"],
        "invalid value for -d '{dir}/nowhere': {dir}/nowhere is not an existing directory",
    );
    refused(
        &["-c", "{dir}/sd.conf", "-l", "{dir}/nowhere/x.log"],
        "invalid value for -l '{dir}/nowhere/x.log': The directory named as part of the path \
         {dir}/nowhere/x.log does not exist",
    );
}

#[test]
fn flags_beat_the_file() {
    let dir = Dir::new();
    let program = "[program:p]\ncommand=/bin/sh -c \"echo hello; exec /bin/cat\"\nstartsecs=0\n";
    dir.write("sd.conf", &format!("{BASE}{program}"));
    std::fs::create_dir(dir.path("child")).expect("a folder");
    let start = Start {
        log: "flag.log",
        pidfile: "flag.pid",
        flags: &[
            "-l",
            "{dir}/flag.log",
            "-j",
            "{dir}/flag.pid",
            "-e",
            "warn",
            "-i",
            "someone",
            "--childlogdir={dir}/child",
        ],
        ..Start::default()
    };
    let daemon = Daemon::start(dir, &start);
    daemon.wait_for_state("p", "RUNNING");
    assert!(!daemon.dir.has("main.log") && !daemon.dir.has("d.pid"));
    let logs = std::fs::read_dir(daemon.dir.path("child")).expect("a folder");
    let named = logs
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains("---someone-"));
    assert_eq!(named.count(), 2);
    assert!(
        daemon
            .rpc("supervisor.getIdentification", &[])
            .contains(">someone<")
    );
    let levels: Vec<String> = daemon.log().into_iter().map(|entry| entry.level).collect();
    assert!(levels.iter().all(|level| level == "CRIT"), "{levels:?}");
}

#[test]
fn without_c_the_config_of_the_working_directory_is_found() {
    let dir = Dir::new();
    dir.write("etc/supervisord.conf", BASE);
    let mut child = std::process::Command::new(supervisord())
        .arg("-n")
        .current_dir(dir.path(""))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the daemon's program runs");
    let own = format!("{}\n", child.id());
    wait("the daemon's start", || {
        let ended = child.try_wait().expect("our own child");
        assert!(ended.is_none(), "{ended:?}");
        (dir.read("d.pid") == own).then_some(())
    });
    // The client finds it in the same place.
    run_supervisorctl(&dir, &["pid"]).is(&own, 0);
    run_supervisorctl(&dir, &["shutdown"]).is("Shut down\n", 0);
    wait("the daemon's exit", || {
        child.try_wait().expect("our own child")
    });
}

/// The sample config that `echo_supervisord_conf` prints.
fn sample() -> String {
    let program = std::env::var_os("IT_ECHO_SUPERVISORD_CONF")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_echo_supervisord_conf").into());
    let output = std::process::Command::new(program)
        .output()
        .expect("it runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("the sample is text")
}

#[test]
fn the_sample_names_every_section() {
    let sample = sample();
    for section in [
        "[unix_http_server]",
        "[inet_http_server]",
        "[supervisord]",
        "[rpcinterface:supervisor]",
        "[supervisorctl]",
        "[program:",
        "[eventlistener:",
        "[group:",
        "[include]",
    ] {
        assert!(sample.contains(section), "{section} is missing");
    }
}

#[test]
fn the_sample_is_a_config_that_works() {
    let dir = Dir::new();
    let here = dir.fill("{dir}");
    // The sample lives in /tmp; the copy lives here.
    let copy = sample().replace("/tmp/", &format!("{here}/"));
    dir.write("sd.conf", &copy);
    let start = Start {
        log: "supervisord.log",
        pidfile: "supervisord.pid",
        socket: Some("supervisor.sock"),
        ..Start::default()
    };
    let daemon = Daemon::start(dir, &start);
    daemon.ctl(&["status"]).is("", 0);
    daemon.ctl(&["avail"]).is("", 0);
}
