//! Logs that look otherwise than in the original, because a config asks for it: with times, as
//! JSON, with prefixes, rotated by the calendar, compressed.

use crate::harness::{BASE, DEADLINE, Daemon, Dir, Start, foreign, wait};
use nix::sys::stat::{Mode, utimes};
use nix::sys::time::{TimeVal, TimeValLike as _};
use nix::unistd::mkfifo;
use std::fs::{self, File};
use std::io::Read as _;
use std::process::Command;

/// A program that writes what it is told to.
fn echo(options: &str) -> Daemon {
    Daemon::with(&format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={{dir}}/x.log\n{options}\n"
    ))
}

fn say(daemon: &Daemon, text: &str) {
    daemon.wait_for_state("p", "RUNNING");
    daemon.rpc("supervisor.sendProcessStdin", &["p", text]);
}

/// The time at the beginning of a text, blotted out, if it is one.
fn without_time(text: &str) -> String {
    const SHAPE: &str = "0000-00-00T00:00:00.000+00:00";
    let is_like = |(byte, shape): (u8, u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'+' => byte == b'+' || byte == b'-',
        other => byte == other,
    };
    let timed = text.len() >= SHAPE.len() && text.bytes().zip(SHAPE.bytes()).all(is_like);
    assert!(timed, "no time: {text:?}");
    text[SHAPE.len()..].to_owned()
}

#[test]
fn timestamps_stand_before_lines_and_a_line_without_an_end_is_not_held_back_for_ever() {
    if foreign() {
        return;
    }
    let daemon = echo("stdout_logfile_format=timestamp");
    say(&daemon, "one\n\ntwo");
    // It comes although nothing follows.
    let text = daemon.dir.wait_for_text("x.log", "two\n");
    let lines: Vec<String> = text.lines().map(without_time).collect();
    assert_eq!(lines, [" one", " ", " two"]);
}

#[test]
fn json_has_one_object_a_line_and_loses_no_byte() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    dir.write("p.sh", "printf 'a \"b\"\\n\\377\\nend'\n");
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nautorestart=false\n\
         stdout_logfile={dir}/x.log\nstdout_logfile_format=json\n",
    );
    daemon.wait_for_state("p", "EXITED");
    let text = daemon.dir.read("x.log");
    let lines = text.lines().map(|line| {
        let rest = line.strip_prefix("{\"time\":\"").expect("an object");
        let rest = without_time(rest);
        let (pid, rest) = rest
            .strip_prefix("\",\"program\":\"p\",\"stream\":\"stdout\",\"pid\":")
            .and_then(|rest| rest.split_once(','))
            .expect("who wrote it");
        assert!(pid.parse::<u32>().is_ok_and(|pid| pid > 0), "{pid}");
        rest.to_owned()
    });
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "\"message\":\"a \\\"b\\\"\"}",
            "\"message\":\"\u{fffd}\",\"message_base64\":\"/w==\"}",
            "\"message\":\"end\",\"partial\":true}",
        ]
    );
}

#[test]
fn a_log_of_lines_is_rotated_between_them() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    // Lines that come in pieces which end anywhere.
    let lines: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    dir.write("words", &lines);
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/cat {dir}/words\nstartsecs=0\nautorestart=false\n\
         stdout_logfile={dir}/x.log\nstdout_logfile_prefix=%(program_name)s\n\
         stdout_logfile_maxbytes=10000\nstdout_logfile_backups=100\n",
    );
    daemon.wait_for_state("p", "EXITED");
    let mut whole = String::new();
    for place in (0..100).rev() {
        let name = match place {
            0 => "x.log".to_owned(),
            place => format!("x.log.{place}"),
        };
        let text = daemon.dir.read(&name);
        assert!(text.is_empty() || text.ends_with('\n'), "{name}");
        assert!(text.len() < 10_100, "{name} has {}", text.len());
        whole.push_str(&text);
    }
    let expected: String = (0..20_000).map(|line| format!("p line {line}\n")).collect();
    assert!(whole == expected);
}

/// What a program says of a compressed file.
fn unpressed(dir: &Dir, program: &str, name: &str) -> Option<String> {
    let output = Command::new(program)
        .arg("-dc")
        .arg(dir.path(name))
        .output()
        .ok()?;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).ok()
}

#[test]
fn backups_are_compressed_and_other_programs_can_read_them() {
    if foreign() {
        return;
    }
    for (method, suffix, program) in [("gzip", "gz", "gzip"), ("zstd", "zst", "zstd")] {
        let dir = Dir::new();
        let lines: String = (0..50_000).map(|line| format!("line {line}\n")).collect();
        dir.write("words", &lines);
        let daemon = Daemon::within(
            dir,
            &format!(
                "[program:p]\ncommand=/bin/cat {{dir}}/words\nstartsecs=0\nautorestart=false\n\
                 stdout_logfile={{dir}}/x.log\nstdout_logfile_compress={method}\n\
                 stdout_logfile_maxbytes=100KB\nstdout_logfile_backups=50\n"
            ),
        );
        daemon.wait_for_state("p", "EXITED");
        let backups = || {
            let names = daemon.dir.names().into_iter();
            let backups = names.filter(|name| name.starts_with("x.log."));
            backups.collect::<Vec<_>>()
        };
        wait("all backups are compressed", || {
            let pressed = backups().iter().all(|name| name.ends_with(suffix));
            pressed.then_some(())
        });
        let count = backups().len();
        assert!(count >= 2, "{count}");
        let older = (1..=count).rev();
        let texts =
            older.map(|place| unpressed(&daemon.dir, program, &format!("x.log.{place}.{suffix}")));
        // Where the program is not installed, the unit tests have to do.
        let Some(mut whole) = texts.collect::<Option<String>>() else {
            continue;
        };
        whole.push_str(&daemon.dir.read("x.log"));
        assert!(whole == lines, "{method}");
    }
}

#[test]
fn a_log_of_another_day_is_rotated_before_it_goes_on() {
    if foreign() {
        return;
    }
    for (period, hours, rotated) in [
        ("daily", 49, true),
        ("hourly", 2, true),
        ("daily", 0, false),
    ] {
        let dir = Dir::new();
        dir.write("x.log", "old\n");
        let now = File::open(dir.path("x.log")).expect("our own file");
        let now = now.metadata().expect("our own file");
        let then = std::os::unix::fs::MetadataExt::mtime(&now) - hours * 3600;
        let then = TimeVal::seconds(then);
        utimes(&dir.path("x.log"), &then, &then).expect("our own file");
        let daemon = Daemon::within(
            dir,
            &format!(
                "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={{dir}}/x.log\n\
                 stdout_logfile_maxbytes=0\nstdout_logfile_rotate={period}\n"
            ),
        );
        say(&daemon, "new\n");
        daemon.dir.wait_for_text("x.log", "new\n");
        let (log, backup) = (daemon.dir.read("x.log"), daemon.dir.read("x.log.1"));
        let expected = if rotated {
            ("new\n", "old\n")
        } else {
            ("old\nnew\n", "")
        };
        assert_eq!(
            (log.as_str(), backup.as_str()),
            expected,
            "{period} {hours}"
        );
    }
}

#[test]
fn programs_that_share_our_standard_output_mix_line_by_line_only() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    mkfifo(&dir.path("daemon.out"), Mode::S_IRUSR | Mode::S_IWUSR).expect("the name is free");
    // A reader that is always there: what nobody takes for a second is given up.
    let (all, received) = std::sync::mpsc::channel();
    let path = dir.path("daemon.out");
    std::thread::spawn(move || {
        let mut reader = File::open(path).expect("it is there");
        let mut text = Vec::new();
        let mut piece = [0; 3000];
        while let Ok(count @ 1..) = reader.read(&mut piece) {
            text.extend_from_slice(&piece[..count]);
            let now = String::from_utf8_lossy(&text);
            if now.contains("\na last\n") && now.contains("\nb last\n") {
                break;
            }
        }
        // The test has given up if nobody receives it. The reader goes with the daemon.
        let _ = all.send(text);
        std::io::copy(&mut reader, &mut std::io::sink())
    });
    // Pieces of lines, from both programs by turns, and more than a pipe holds.
    dir.write(
        "p.sh",
        "n=0\nwhile test $n -lt 3000; do n=$((n + 1)); printf \"line \"; printf \"$n of many, \"; \
         echo from $1; done\necho last\nexec cat\n",
    );
    let section = |name: &str| {
        format!(
            "[program:{name}]\ncommand=/bin/sh {{dir}}/p.sh {name}\nstartsecs=0\n\
             stdout_logfile=/dev/stdout\nstdout_logfile_prefix=%(program_name)s\n\
             stdout_logfile_maxbytes=0\n"
        )
    };
    dir.write(
        "sd.conf",
        &format!("{BASE}{}{}", section("a"), section("b")),
    );
    let daemon = Daemon::start(dir, &Start::default());
    let text = received
        .recv_timeout(DEADLINE)
        .expect("the last lines come");
    drop(daemon);
    let text = String::from_utf8(text).expect("it is text");
    let mut expected = [1, 1];
    for line in text.lines() {
        let Some(program) = ["a", "b"].iter().position(|name| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(" line "))
        }) else {
            continue;
        };
        let name = ["a", "b"][program];
        let number = expected[program];
        assert_eq!(line, format!("{name} line {number} of many, from {name}"));
        expected[program] += 1;
    }
    assert_eq!(expected, [3001, 3001]);
}

#[test]
fn a_standard_output_that_is_a_file_is_not_moved_away() {
    if foreign() {
        return;
    }
    let before = fs::symlink_metadata("/dev/stdout").expect("there is one");
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=/dev/stdout\n\
         stdout_logfile_maxbytes=10\nstdout_logfile_backups=2\n",
    );
    say(&daemon, "0123456789abcdef\n");
    daemon.dir.wait_for_text("daemon.out", "0123456789abcdef\n");
    say(&daemon, "second\n");
    daemon.dir.wait_for_text("daemon.out", "second\n");
    let after = fs::symlink_metadata("/dev/stdout").expect("there is still one");
    assert_eq!(before.file_type(), after.file_type());
    assert!(fs::symlink_metadata("/dev/stdout.1").is_err());
}
