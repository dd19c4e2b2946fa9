//! A program that runs in the background, and who stands in for it.
//!
//! `IT_PIDPROXY` points these tests at another `pidproxy`, such as the original's.

use crate::harness::{Daemon, Dir, lives, program, send, wait, wait_for_death};
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

fn pidproxy() -> PathBuf {
    program("IT_PIDPROXY", env!("CARGO_BIN_EXE_pidproxy"))
}

/// A server that says what it gets, and a wrapper that starts it in the background and passes no
/// signal on. Both end when there is a file `end`, or no folder any more.
fn folder() -> Dir {
    let dir = Dir::new();
    dir.write(
        "server.sh",
        "for signal in HUP USR1 USR2; do trap \"echo $signal >> {dir}/got\" $signal; done\n\
         for signal in TERM INT QUIT; do trap \"echo $signal >> {dir}/got; exit\" $signal; done\n\
         echo $$ > {dir}/server.pid\n\
         while test -d {dir} && ! test -e {dir}/end; do sleep 0.02; done\n",
    );
    dir.write(
        "wrapper.sh",
        "sh {dir}/server.sh >/dev/null 2>&1 &\nwhile test -d {dir} && ! test -e {dir}/end; do sleep 0.02; done\n",
    );
    dir
}

fn pid_in(dir: &Dir, name: &str) -> u32 {
    wait(name, || dir.read(name).trim().parse().ok())
}

fn start(dir: &Dir, words: &[&str]) -> Child {
    Command::new(pidproxy())
        .args(words.iter().map(|word| dir.fill(word)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pidproxy runs")
}

fn printed(dir: &Dir, words: &[&str]) -> (String, Option<i32>) {
    let output = start(dir, words).wait_with_output().expect("our child");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    (out, output.status.code())
}

#[test]
fn signals_reach_the_pid_in_the_file_and_a_stop_ends_it() {
    let daemon = Daemon::within(
        folder(),
        &format!(
            "[program:p]\ncommand={} {{dir}}/server.pid /bin/sh {{dir}}/wrapper.sh\nstartsecs=0\n",
            pidproxy().display()
        ),
    );
    let server = pid_in(&daemon.dir, "server.pid");
    let proxy = daemon.wait_for_state("p", "RUNNING");
    for name in ["HUP", "USR1", "USR2"] {
        // What comes while the server says what it got is said later, so one by one.
        daemon.ctl(&["signal", name, "p"]).is("p: signalled\n", 0);
        daemon.dir.wait_for_text("got", &format!("{name}\n"));
    }
    assert!(lives(proxy) && lives(server));
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    daemon.wait_for_entry("INFO", "stopped: p (exit status 0)");
    daemon.dir.wait_for_text("got", "TERM\n");
    wait_for_death(server);
    daemon.dir.write("end", "");
}

#[test]
fn it_ends_after_having_passed_on_what_asks_for_an_end() {
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
        let dir = folder();
        // Started here, since a shell lets what it starts in the background ignore INT and QUIT.
        let mut server = Command::new("/bin/sh")
            .arg(dir.path("server.sh"))
            .spawn()
            .expect("sh runs");
        pid_in(&dir, "server.pid");
        let script =
            "touch {dir}/up; while test -d {dir} && ! test -e {dir}/end; do sleep 0.02; done";
        let mut proxy = start(&dir, &["{dir}/server.pid", "/bin/sh", "-c", script]);
        wait("its command", || dir.has("up").then_some(()));
        send(proxy.id(), signal);
        let name = signal.as_str().trim_start_matches("SIG");
        dir.wait_for_text("got", name);
        assert_eq!(proxy.wait().expect("our child").code(), Some(0));
        server.wait().expect("our child");
        dir.write("end", "");
    }
}

#[test]
fn it_ends_when_its_command_ends() {
    let dir = Dir::new();
    let words = ["{dir}/none", "/bin/sh", "-c", "exit 3"];
    assert_eq!(printed(&dir, &words), (String::new(), Some(0)));
}

#[test]
fn without_a_pidfile_it_says_so_and_goes_on() {
    let dir = Dir::new();
    let script = "while test -d {dir} && ! test -e {dir}/end; do sleep 0.02; done";
    let proxy = start(&dir, &["{dir}/none", "/bin/sh", "-c", script]);
    // Its command runs, so it listens.
    wait("its command", || {
        crate::harness::children_of(proxy.id()).first().copied()
    });
    send(proxy.id(), Signal::SIGTERM);
    dir.write("end", "");
    let output = proxy.wait_with_output().expect("our child");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let sentence = dir.fill("Can't read child pidfile {dir}/none!\n");
    assert!(out.contains(&sentence), "{out}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn without_a_command_it_says_how_it_is_called() {
    let dir = Dir::new();
    for words in [&[][..], &["{dir}/none"]] {
        let (out, code) = printed(&dir, words);
        let usage = format!(
            "\nUsage: {} <pidfile name> <command> [<cmdarg1> ...]\n\n",
            pidproxy().display()
        );
        assert!(out.ends_with(&usage), "{out}");
        assert_eq!(code, Some(1));
    }
}

#[test]
fn a_command_that_cannot_be_executed_is_said() {
    if std::env::var_os("IT_PIDPROXY").is_some() {
        // The original says nothing, waits five seconds and ends with 0.
        return;
    }
    let dir = Dir::new();
    let (out, code) = printed(&dir, &["{dir}/none", "{dir}/nothing"]);
    let sentence = dir.fill("couldn't exec {dir}/nothing: No such file or directory\n");
    assert_eq!((out, code), (sentence, Some(127)));
}
