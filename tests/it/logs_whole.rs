//! Not a byte is lost between a program and its log: over rotation, restart, stop, SIGKILL and
//! shutdown, with pipes of any size, and with two programs on one file.

use crate::harness::{Daemon, Dir, foreign, lives, send, wait, wait_for_death};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

/// Numbered lines, so that nothing can be missing or twice without being noticed.
fn words(name: &str, lines: usize) -> String {
    (0..lines).fold(String::new(), |mut text, line| {
        let _ = writeln!(
            text,
            "{name} {line:06} ...................................."
        );
        text
    })
}

/// A log and its backups put together, the oldest first.
pub(crate) fn whole(dir: &Dir, log: &str) -> String {
    let backup = |name: &String| {
        let number = name.strip_prefix(log)?.strip_prefix('.')?;
        number.parse::<u32>().ok()
    };
    let mut numbers: Vec<u32> = dir.names().iter().filter_map(backup).collect();
    numbers.sort_unstable();
    let older = numbers.iter().rev();
    let mut text: String = older
        .map(|number| dir.read(&format!("{log}.{number}")))
        .collect();
    text.push_str(&dir.read(log));
    text
}

/// Checks that what is kept is exactly what was said, and says where it is not.
#[track_caller]
fn check_whole(kept: &str, said: &str, what: &str) {
    let common = kept.bytes().zip(said.bytes()).take_while(|(a, b)| a == b);
    let common = common.count();
    assert!(
        kept == said,
        "{what}: {} bytes kept of {}, the first {common} of them alike",
        kept.len(),
        said.len()
    );
}

const LINES: usize = 12_000;

/// A program that says `words` in a certain moment, on a log that is rotated meanwhile.
fn speaker(script: &str) -> Daemon {
    let dir = Dir::new();
    dir.write("words", &words("w", LINES));
    dir.write("p.sh", script);
    Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nautorestart=false\n\
         stdout_logfile={dir}/x.log\nstdout_logfile_maxbytes=40KB\nstdout_logfile_backups=100\n",
    )
}

#[test]
fn what_a_program_says_before_it_is_killed_is_kept_whole_over_rotations() {
    let daemon = speaker("cat {dir}/words\nkill -KILL $$\n");
    daemon.wait_for_state("p", "EXITED");
    daemon.wait_for_entry("WARN", "exited: p (terminated by SIGKILL; not expected)");
    check_whole(&whole(&daemon.dir, "x.log"), &words("w", LINES), "SIGKILL");
    assert!(daemon.dir.has("x.log.3"));
}

const AT_TERM: &str = "\
trap 'cat {dir}/words; exit 0' TERM
echo ready > {dir}/ready
while :; do sleep 0.05; done
";

#[test]
fn what_a_program_says_while_it_is_stopped_and_restarted_is_kept_whole() {
    let daemon = speaker(AT_TERM);
    let mut said = String::new();
    for action in ["restart", "restart", "stop"] {
        daemon.dir.wait_for_text("ready", "ready");
        fs::remove_file(daemon.dir.path("ready")).expect("our own file");
        let done = daemon.ctl(&[action, "p"]);
        assert_eq!(done.code, 0, "{done:?}");
        said.push_str(&words("w", LINES));
    }
    check_whole(
        &whole(&daemon.dir, "x.log"),
        &said,
        "two restarts and a stop",
    );
}

#[test]
fn what_a_program_says_while_the_daemon_leaves_is_kept_whole() {
    let daemon = speaker(AT_TERM);
    daemon.dir.wait_for_text("ready", "ready");
    let stopped = daemon.stop();
    check_whole(
        &whole(stopped.dir(), "x.log"),
        &words("w", LINES),
        "shutdown",
    );
}

#[test]
fn the_last_words_in_a_pipe_of_a_mebibyte_are_kept() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=false\n\
         stdout_logfile={dir}/x.log\nstdout_logfile_maxbytes=0\n",
    );
    let child = daemon.wait_for_state("p", "RUNNING");
    // The child's own end of its pipe, opened once more.
    let mut pipe = OpenOptions::new()
        .write(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(format!("/proc/{child}/fd/1"))
        .expect("the child is ours");
    let size = fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(1 << 20)).expect("any user may have as much");
    // Nobody reads while the daemon is held, so the pipe is full when its writers are gone.
    daemon.signal(Signal::SIGSTOP);
    let said = words("w", 1 << 15);
    let mut written = 0;
    while let Ok(count) = pipe.write(&said.as_bytes()[written..]) {
        written += count;
    }
    drop(pipe);
    send(child, Signal::SIGKILL);
    daemon.signal(Signal::SIGCONT);
    daemon.wait_for_state("p", "EXITED");
    let kept = daemon.dir.read("x.log");
    check_whole(&kept, &said[..written], "a full pipe");
    let size = usize::try_from(size).expect("a size");
    assert!(written > size * 9 / 10, "{written} of {size}");
}

#[test]
fn a_grandchild_that_keeps_the_pipe_does_not_hold_up_the_exit_and_is_still_heard() {
    let dir = Dir::new();
    dir.write(
        "p.sh",
        "(until test -e {dir}/go; do sleep 0.05; done; echo late) &\n\
         echo $! > {dir}/grandchild\necho bye\n",
    );
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nautorestart=false\n\
         stdout_logfile={dir}/x.log\n",
    );
    daemon.wait_for_state("p", "EXITED");
    let text = daemon.dir.wait_for_text("grandchild", "\n");
    let grandchild: u32 = text.trim().parse().expect("a pid");
    assert!(lives(grandchild));
    assert_eq!(daemon.dir.read("x.log"), "bye\n");
    if !foreign() {
        daemon.dir.write("go", "");
        daemon.dir.wait_for_text("x.log", "bye\nlate\n");
    }
    send(grandchild, Signal::SIGKILL);
    wait_for_death(grandchild);
}

#[test]
fn escape_sequences_are_taken_out_however_they_are_split() {
    let dir = Dir::new();
    dir.write(
        "p.sh",
        "printf 'a\\033'\nuntil test -e {dir}/one; do sleep 0.02; done\nprintf '[3'\n\
         until test -e {dir}/two; do sleep 0.02; done\nprintf '1mred\\033[0m.\\n'\nexec cat\n",
    );
    let base =
        crate::harness::BASE.replace("loglevel=debug\n", "loglevel=debug\nstrip_ansi=true\n");
    dir.write(
        "sd.conf",
        &format!(
            "{base}[program:p]\ncommand=/bin/sh {{dir}}/p.sh\nstartsecs=0\nstdout_logfile={{dir}}/x.log\n"
        ),
    );
    let daemon = Daemon::start(dir, &crate::harness::Start::default());
    daemon.dir.wait_for_text("x.log", "a");
    daemon.dir.write("one", "");
    // The child has written the second part once it looks for the file after it; that it was
    // read by itself cannot be seen from outside.
    daemon.dir.write("two", "");
    daemon.dir.wait_for_text("x.log", ".\n");
    let kept = daemon.dir.read("x.log");
    if foreign() {
        // The original knows sequences only where a read holds them whole.
        assert!(kept.contains("red"));
    } else {
        assert_eq!(kept, "ared.\n");
    }
}

/// Two programs that say numbered lines one by one, into one log.
fn two_on_one(options: &str) -> Dir {
    let dir = Dir::new();
    dir.write(
        "p.sh",
        "n=0\nwhile test $n -lt 2000; do n=$((n + 1)); echo \"$1 line $n of two thousand\"; done\n",
    );
    let section = |name: &str| {
        format!(
            "[program:{name}]\ncommand=/bin/sh {{dir}}/p.sh {name}\nstartsecs=0\nautorestart=false\n\
             stdout_logfile={{dir}}/x.log\n{options}\n"
        )
    };
    let daemon = Daemon::within(dir, &format!("{}{}", section("a"), section("b")));
    for name in ["a", "b"] {
        daemon.wait_for_state(name, "EXITED");
    }
    let stopped = daemon.stop();
    let text = whole(stopped.dir(), "x.log");
    let lines: Vec<&str> = text.lines().collect();
    let distinct: BTreeSet<&str> = lines.iter().copied().collect();
    let expected: BTreeSet<String> = ["a", "b"]
        .iter()
        .flat_map(|name| (1..=2000).map(move |n| format!("{name} line {n} of two thousand")))
        .collect();
    assert_eq!(lines.len(), 4000);
    assert!(
        distinct
            .iter()
            .copied()
            .eq(expected.iter().map(String::as_str))
    );
    let names = stopped.dir().names();
    assert_eq!(
        names.iter().any(|name| name == "x.log.1"),
        options.contains("10KB"),
        "{names:?}"
    );
    Dir::new()
}

#[test]
fn two_programs_on_one_log_lose_and_tear_no_line() {
    two_on_one("stdout_logfile_maxbytes=0");
}

#[test]
fn two_programs_on_one_log_that_is_rotated_lose_and_tear_no_line() {
    if foreign() {
        return;
    }
    two_on_one("stdout_logfile_maxbytes=10KB\nstdout_logfile_backups=100");
}

/// A program that says numbered lines until it is stopped.
const ENDLESS: &str = "\
n=0
trap 'exit 0' TERM
while :; do
    n=$((n + 1))
    echo \"line $n\"
done
";

/// The numbers at the ends of the lines.
#[track_caller]
fn numbers(text: &str) -> Vec<u64> {
    let number = |line: &str| {
        line.strip_prefix("line ")
            .and_then(|rest| rest.parse().ok())
    };
    text.lines()
        .map(|line| number(line).unwrap_or_else(|| panic!("{line:?} is no line")))
        .collect()
}

#[test]
fn logrotate_by_rename_and_usr2_after_rotations_of_our_own_loses_nothing() {
    let dir = Dir::new();
    dir.write("p.sh", ENDLESS);
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstdout_logfile={dir}/x.log\n\
         stdout_logfile_maxbytes=100KB\nstdout_logfile_backups=1000\n",
    );
    wait("a rotation of our own", || {
        daemon.dir.has("x.log.1").then_some(())
    });
    let moved = daemon.dir.path("moved");
    wait("a log to be moved", || {
        fs::rename(daemon.dir.path("x.log"), &moved).ok()
    });
    // Until it hears of that, the daemon goes on in the file that it has.
    wait("a line in it", || {
        (!daemon.dir.read("moved").is_empty()).then_some(())
    });
    daemon.signal(Signal::SIGUSR2);
    wait("a new log", || daemon.dir.has("x.log").then_some(()));
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    let mut all = numbers(&whole(&daemon.dir, "x.log"));
    let moved = numbers(&daemon.dir.read("moved"));
    assert!(moved.windows(2).all(|pair| pair[1] == pair[0] + 1));
    all.extend(moved);
    all.sort_unstable();
    assert!(all.iter().copied().eq(1..=all.len() as u64));
}

#[test]
fn logrotate_by_copytruncate_after_rotations_of_our_own_leaves_no_hole() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    dir.write("p.sh", ENDLESS);
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstdout_logfile={dir}/x.log\n\
         stdout_logfile_maxbytes=100KB\nstdout_logfile_backups=1000\n",
    );
    for number in [1, 3] {
        wait("a rotation of our own", || {
            daemon.dir.has(&format!("x.log.{number}")).then_some(())
        });
        // Between two steps of a rotation there is none.
        let log = wait("a log to be cut", || {
            let log = OpenOptions::new()
                .write(true)
                .open(daemon.dir.path("x.log"));
            log.ok()
        });
        log.set_len(0).expect("our own log");
    }
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    let text = whole(&daemon.dir, "x.log");
    assert!(!text.contains('\0'));
    // What was cut off is gone, and no more than that.
    let numbers = numbers(&text);
    let gaps = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1);
    assert!(gaps.count() <= 2, "{} lines", numbers.len());
}
