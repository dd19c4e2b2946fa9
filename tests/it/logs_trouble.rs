//! Logs that cannot be written, are taken away or hang: the daemon lives, the child never
//! notices, others are not concerned, and what was lost is said.

use crate::harness::{BASE, Daemon, Dir, Start, children_of, foreign, wait};
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

/// A program that writes what it is told to, with a log in a folder of its own.
fn echo(log: &str) -> Daemon {
    let dir = Dir::new();
    fs::create_dir(dir.path("logs")).expect("a folder in the folder");
    Daemon::within(
        dir,
        &format!(
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={{dir}}/{log}\n\
             stdout_logfile_maxbytes=0\n"
        ),
    )
}

/// Lets the program say a line again and again until something is so.
#[track_caller]
fn say_until(daemon: &Daemon, line: &str, what: &str, mut so: impl FnMut() -> bool) {
    wait(what, || {
        daemon.rpc("supervisor.sendProcessStdin", &["p", line]);
        so().then_some(())
    });
}

fn say(daemon: &Daemon, line: &str) {
    daemon.rpc("supervisor.sendProcessStdin", &["p", line]);
}

/// The lines of the main log about dropped bytes.
fn losses(daemon: &Daemon) -> Vec<String> {
    let log = daemon.log().into_iter();
    log.filter(|entry| entry.level != "DEBG" && entry.text.contains("bytes were dropped"))
        .map(|entry| entry.text)
        .collect()
}

#[test]
fn a_log_folder_that_was_removed_and_is_made_again_is_written_to_again() {
    if foreign() {
        return;
    }
    let daemon = echo("logs/x.log");
    let child = daemon.wait_for_state("p", "RUNNING");
    say(&daemon, "before\n");
    daemon.dir.wait_for_text("logs/x.log", "before\n");
    fs::remove_dir_all(daemon.dir.path("logs")).expect("our own folder");
    say_until(&daemon, "lost\n", "the loss is said", || {
        daemon.count("cannot write to log '") > 0
    });
    fs::create_dir(daemon.dir.path("logs")).expect("the name is free");
    say_until(&daemon, "after\n", "the log is back", || {
        daemon.dir.read("logs/x.log").contains("after\n")
    });
    say_until(&daemon, "after\n", "its end is said", || {
        !losses(&daemon).is_empty()
    });
    let said = losses(&daemon);
    let path = daemon.dir.path("logs/x.log");
    let begin = format!("log '{}' can be written again; ", path.display());
    let rest = said[0].strip_prefix(&begin).expect("one line says it");
    let (lost, why) = rest.split_once(' ').expect("a number of bytes");
    assert!(lost.parse::<u64>().is_ok_and(|lost| lost > 0), "{said:?}");
    assert_eq!(
        why,
        "bytes were dropped (ENOENT: No such file or directory)"
    );
    assert_eq!(daemon.pid_of("p"), child);
}

#[test]
fn usr2_while_the_log_folder_is_away_goes_on_in_the_old_file_until_it_is_back() {
    if foreign() {
        return;
    }
    let daemon = echo("logs/x.log");
    let child = daemon.wait_for_state("p", "RUNNING");
    say(&daemon, "one\n");
    daemon.dir.wait_for_text("logs/x.log", "one\n");
    fs::rename(daemon.dir.path("logs"), daemon.dir.path("away")).expect("our own folder");
    daemon.signal(Signal::SIGUSR2);
    wait("it is said", || {
        (daemon.count("cannot reopen log '") > 0).then_some(())
    });
    say(&daemon, "two\n");
    daemon.dir.wait_for_text("away/x.log", "one\ntwo\n");
    fs::create_dir(daemon.dir.path("logs")).expect("the name is free");
    say_until(&daemon, "three\n", "the log is back", || {
        daemon.dir.has("logs/x.log")
    });
    daemon.dir.wait_for_text("logs/x.log", "three\n");
    assert_eq!(daemon.pid_of("p"), child);
    // Nothing was lost, for the old file was there all the time.
    assert_eq!(losses(&daemon), Vec::<String>::new());
}

#[test]
fn a_disk_that_was_full_is_written_to_again_and_the_loss_is_counted() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    symlink("/dev/full", dir.path("x.log")).expect("the name is free");
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={dir}/x.log\n\
         stdout_logfile_maxbytes=0\n",
    );
    let child = daemon.wait_for_state("p", "RUNNING");
    say(&daemon, "12345678\n");
    wait("the loss is said", || {
        (daemon.count("cannot write to log '") > 0).then_some(())
    });
    let told = |daemon: &Daemon| {
        let description = daemon.field("p", "description").expect("it runs");
        description.ends_with(", stdout is not logged (ENOSPC: No space left on device)")
    };
    wait("status says so", || told(&daemon).then_some(()));
    fs::remove_file(daemon.dir.path("x.log")).expect("our own link");
    daemon.signal(Signal::SIGUSR2);
    wait("a new log", || daemon.dir.has("x.log").then_some(()));
    say_until(&daemon, "after\n", "the end is said", || {
        !losses(&daemon).is_empty()
    });
    assert!(
        losses(&daemon)[0].ends_with(
            " can be written again; 9 bytes were dropped (ENOSPC: No space left on device)"
        ),
        "{:?}",
        losses(&daemon)
    );
    let kept = daemon.dir.read("x.log");
    assert!(kept.starts_with("after\n"), "{kept:?}");
    wait("status is as before", || (!told(&daemon)).then_some(()));
    assert_eq!(daemon.pid_of("p"), child);
}

fn fifo(path: &Path) {
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).expect("the name is free");
}

#[test]
fn a_fifo_without_a_reader_stops_neither_its_program_nor_another() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    fifo(&dir.path("fifo"));
    // More than all pipes on the way hold.
    dir.write("words", &"0123456789abcde\n".repeat(1 << 18));
    dir.write(
        "p.sh",
        "cat {dir}/words\necho through > {dir}/through\nexec cat\n",
    );
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstdout_logfile={dir}/fifo\n\
         stdout_logfile_maxbytes=0\n\
         [program:q]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={dir}/q.log\n",
    );
    daemon.wait_for_state("q", "RUNNING");
    daemon.rpc("supervisor.sendProcessStdin", &["q", "hello\n"]);
    daemon.dir.wait_for_text("q.log", "hello\n");
    daemon.dir.wait_for_text("through", "through");
    wait("it is said", || {
        let begin = format!(
            "cannot write to log '{}' (",
            daemon.dir.path("fifo").display()
        );
        (daemon.count(&begin) > 0).then_some(())
    });
    // Who comes to read it finds what fitted, from its beginning on.
    let mut reader = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(daemon.dir.path("fifo"))
        .expect("it is there");
    let mut text = [0; 16];
    reader.read_exact(&mut text).expect("it holds something");
    assert_eq!(&text, b"0123456789abcde\n");
}

/// How many descriptors the daemon holds.
fn descriptors(daemon: &Daemon) -> usize {
    let folder = format!("/proc/{}/fd", daemon.pid());
    fs::read_dir(folder).expect("the daemon lives").count()
}

#[test]
fn a_broken_log_path_is_a_spawn_error_of_that_program_and_leaks_nothing() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\nstdout_logfile={dir}/folder\n\
         stderr_logfile={dir}/p.err\n\
         [program:q]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={dir}/q.log\n",
    );
    fs::create_dir(daemon.dir.path("folder")).expect("the name is free");
    daemon.wait_for_state("q", "RUNNING");
    let start = || {
        let started = daemon.ctl(&["start", "p"]);
        assert_eq!(started.out, "p: ERROR (spawn error)\n", "{started:?}");
        daemon.wait_for_state("p", "FATAL");
    };
    start();
    daemon.wait_for_entry(
        "INFO",
        "spawnerr: unknown error making dispatchers for 'p': EISDIR",
    );
    if foreign() {
        return;
    }
    let before = wait("descriptors settle", || {
        let (one, two) = (descriptors(&daemon), descriptors(&daemon));
        (one == two).then_some(one)
    });
    for _ in 0..3 {
        start();
    }
    wait("no more descriptors than before", || {
        (descriptors(&daemon) <= before).then_some(())
    });
    daemon.wait_for_state("q", "RUNNING");
    // Once it is mended the program starts.
    fs::remove_dir(daemon.dir.path("folder")).expect("our own folder");
    daemon.ctl(&["start", "p"]).is("p: started\n", 0);
}

#[test]
fn a_log_can_be_cleared_read_and_followed_in_the_midst_of_a_flood() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/cat /dev/zero\nstartsecs=0\nstdout_logfile={dir}/x.log\n\
         stdout_logfile_maxbytes=8MB\nstdout_logfile_backups=1\nloglevel=info\n",
    );
    if foreign() {
        return;
    }
    daemon.wait_for_state("p", "RUNNING");
    let number = |value: i64| format!("<int>{value}</int>");
    let ask = |method: &str, offset: i64, length: i64| {
        daemon.rpc_raw(
            method,
            &[
                "<string>p</string>".to_owned(),
                number(offset),
                number(length),
            ],
        )
    };
    for round in 0..20 {
        let cleared = daemon.rpc("supervisor.clearProcessLogs", &["p"]);
        assert!(cleared.contains("<boolean>1</boolean>"), "{cleared}");
        for (method, offset, length) in [
            ("supervisor.tailProcessStdoutLog", 0, 1000),
            ("supervisor.tailProcessStdoutLog", 1 << 40, 10),
            ("supervisor.readProcessStdoutLog", -1000, 0),
            ("supervisor.readProcessStdoutLog", 0, 1000),
        ] {
            let answer = ask(method, offset, length);
            // Zeroes are no text for XML: they come as base64, or nothing comes of an empty log.
            assert!(
                answer.contains("methodResponse"),
                "{round} {method}: {answer}"
            );
        }
    }
    daemon.wait_for_state("p", "RUNNING");
}

#[test]
fn the_main_log_stays_whole_lines_under_a_flood_and_its_own_rotation() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    let base = BASE.replace(
        "loglevel=debug\n",
        "loglevel=debug\nlogfile_maxbytes=20KB\nlogfile_backups=500\n",
    );
    dir.write(
        "p.sh",
        "n=0\nwhile test $n -lt 5000; do n=$((n + 1)); echo \"line $n\"; done\nexec cat\n",
    );
    dir.write(
        "sd.conf",
        &format!(
            "{base}[program:p]\ncommand=/bin/sh {{dir}}/p.sh\nstartsecs=0\nstdout_logfile=NONE\n"
        ),
    );
    let daemon = Daemon::start(dir, &Start::default());
    wait("the last line", || {
        let text = super::logs_whole::whole(&daemon.dir, "main.log");
        text.contains("\nline 5000\n").then_some(())
    });
    let stopped = daemon.stop();
    assert!(stopped.dir().has("main.log.1"));
    let text = super::logs_whole::whole(stopped.dir(), "main.log");
    let numbered = text.lines().filter(|line| line.starts_with("line "));
    let expected: Vec<String> = (1..=5000).map(|number| format!("line {number}")).collect();
    assert!(numbered.eq(expected.iter().map(String::as_str)));
}

#[test]
fn a_standard_output_that_breaks_or_stalls_does_not_concern_the_daemon() {
    if foreign() {
        return;
    }
    for breaks in [true, false] {
        let dir = Dir::new();
        fifo(&dir.path("daemon.out"));
        let reader = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(dir.path("daemon.out"))
            .expect("it is there");
        dir.write(
            "p.sh",
            "n=0\nwhile test $n -lt 9000; do n=$((n + 1)); echo \"line $n\"; done\nexec cat\n",
        );
        let daemon = Daemon::within(
            dir,
            "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nautostart=false\n",
        );
        let reader = if breaks { None } else { Some(reader) };
        daemon.ctl(&["start", "p"]).is("p: started\n", 0);
        daemon.dir.wait_for_text("main.log", "\nline 9000\n");
        daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
        daemon.stop();
        drop(reader);
    }
}

#[test]
fn newlines_in_what_a_config_says_forge_no_line_of_the_main_log() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(
        "[program:p]\ncommand=\"/no/such\n  2026-01-01 00:00:00,000 CRIT forged\"\nstartretries=0\n",
    );
    daemon.wait_for_state("p", "FATAL");
    let forged = daemon
        .log()
        .into_iter()
        .find(|entry| entry.level == "CRIT" && entry.text.starts_with("forged"));
    assert!(forged.is_none(), "{forged:?}");
    wait("the error is said", || {
        let log = daemon.log();
        let said = log.iter().any(|entry| {
            entry.text.starts_with("spawnerr: can't find command") && entry.text.contains("\\n")
        });
        said.then_some(())
    });
    assert!(children_of(daemon.pid()).is_empty());
}
