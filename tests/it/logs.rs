//! What programs print, and what the daemon says of itself.

use crate::harness::{BASE, Daemon, Dir, Start, foreign, mode, wait};
use std::fs;

#[test]
fn stdout_and_stderr_go_to_files_of_their_own() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"echo out; echo err >&2; exec /bin/cat\"\n\
         stdout_logfile={dir}/out\nstderr_logfile={dir}/err\n",
    );
    daemon.dir.wait_for_text("out", "out\n");
    daemon.dir.wait_for_text("err", "err\n");
    assert_eq!(daemon.dir.read("out"), "out\n");
    assert_eq!(daemon.dir.read("err"), "err\n");
}

#[test]
fn redirect_stderr_keeps_the_order_of_both() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"echo 1; echo 2 >&2; echo 3; exec /bin/cat\"\n\
         redirect_stderr=true\nstdout_logfile={dir}/out\nstderr_logfile={dir}/err\n",
    );
    daemon.dir.wait_for_text("out", "1\n2\n3\n");
    assert!(!daemon.dir.has("err"));
    daemon.wait_for_entry(
        "WARN",
        "For [program:p], redirect_stderr=true but stderr_logfile has also been set to a \
         filename, the filename has been ignored",
    );
}

#[test]
fn output_reaches_the_main_log_at_level_debug() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"echo hello; exec /bin/cat\"\nstdout_logfile=NONE\n",
    );
    daemon.wait_for_entry("DEBG", "'p' stdout output:\nhello\n");
    daemon.ctl(&["tail", "p"]).is("p: ERROR (no log file)\n", 1);
}

#[test]
fn a_log_that_is_none_makes_no_file() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"echo one; echo two >&2; echo > {dir}/done; exec /bin/cat\"\n\
         stdout_logfile=NONE\nstderr_logfile=none\n",
    );
    daemon.dir.wait_for_text("done", "\n");
    daemon.wait_for_state("p", "RUNNING");
    let names = daemon.dir.names();
    assert!(
        !names.iter().any(|name| name.contains("p-std")),
        "{names:?}"
    );
}

/// The AUTO logs in the folder.
fn automatic(dir: &Dir) -> Vec<String> {
    let names = dir.names();
    names
        .into_iter()
        .filter(|name| name.contains("---"))
        .collect()
}

#[test]
fn automatic_logs_are_named_after_program_stream_and_identifier() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"echo hello; exec /bin/cat\"\nstartsecs=0\n",
    );
    daemon.wait_for_state("p", "RUNNING");
    let names = automatic(&daemon.dir);
    assert_eq!(names.len(), 2, "{names:?}");
    for (name, stream) in names.iter().zip(["stderr", "stdout"]) {
        let rest = name.strip_prefix(&format!("p-{stream}---supervisor-"));
        let middle = rest.and_then(|rest| rest.strip_suffix(".log"));
        let random = middle.unwrap_or("");
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(random.len() == 8 && random.bytes().all(known), "{name}");
        assert_eq!(mode(&daemon.dir.path(name)), 0o600, "{name}");
    }
    daemon.dir.wait_for_text(&names[1], "hello\n");
}

#[test]
fn automatic_logs_of_the_last_run_are_removed_at_start_and_no_others() {
    for (option, stays) in [("", false), ("nocleanup=true\n", true)] {
        let dir = Dir::new();
        let old = "p-stdout---supervisor-abcdefgh.log";
        let backup = "p-stdout---supervisor-abcdefgh.log.3";
        let stranger = "p-stdout---another-abcdefgh.log";
        for name in [old, backup, stranger, "p.log"] {
            dir.write(name, "old\n");
        }
        let base = BASE.replace("loglevel=debug\n", &format!("loglevel=debug\n{option}"));
        dir.write("sd.conf", &base);
        let daemon = Daemon::start(dir, &Start::default());
        assert_eq!(daemon.dir.has(old), stays);
        assert_eq!(daemon.dir.has(backup), stays);
        assert!(daemon.dir.has(stranger) && daemon.dir.has("p.log"));
    }
}

/// A program that writes 16 lines of 64 bytes each time it finds the next file `go.N`; the lines
/// are numbered through.
const CHUNKS: &str = "\
n=0
for chunk in 1 2 3 4 5 6; do
    until test -e {dir}/go.$chunk; do sleep 0.02; done
    text=
    for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
        n=$((n + 1))
        text=\"$text$(printf 'line %05d ....................................................' $n)
\"
    done
    printf '%s' \"$text\"
done
echo finished > {dir}/finished
exec /bin/cat
";

/// What six chunks of [`CHUNKS`] are, whole.
fn chunks() -> String {
    (1..=96)
        .map(|number| format!("line {number:05} {:.<52}\n", ""))
        .collect()
}

/// Lets [`CHUNKS`] write into a log with these options; each chunk is in the log before the next
/// one is written.
fn rotated(options: &str) -> Daemon {
    let dir = Dir::new();
    dir.write("p.sh", CHUNKS);
    let daemon = Daemon::within(
        dir,
        &format!(
            "[program:p]\ncommand=/bin/sh {{dir}}/p.sh\nstartsecs=0\nstdout_logfile={{dir}}/x.log\n\
             {options}"
        ),
    );
    for chunk in 1..=6 {
        daemon.dir.write(&format!("go.{chunk}"), "");
        // With level debug the main log has the bytes too: each chunk ends with this line.
        let last = format!("line {:05} ", chunk * 16);
        daemon.dir.wait_for_text("main.log", &last);
    }
    daemon.dir.wait_for_text("finished", "finished");
    daemon
}

/// The logs of the folder, the oldest first.
fn pieces(daemon: &Daemon) -> Vec<(String, String)> {
    let names = daemon.dir.names();
    let mut logs: Vec<String> = names
        .into_iter()
        .filter(|name| name.starts_with("x.log"))
        .collect();
    logs.sort();
    logs.reverse();
    logs.into_iter()
        .map(|name| (name.clone(), daemon.dir.read(&name)))
        .collect()
}

#[test]
fn a_log_is_rotated_and_so_many_backups_are_kept() {
    let daemon = rotated("stdout_logfile_maxbytes=1KB\nstdout_logfile_backups=2\n");
    let end = wait("the last lines in the logs", || {
        let whole: String = pieces(&daemon).into_iter().map(|(_, text)| text).collect();
        whole.ends_with(&chunks()[95 * 64..]).then_some(whole)
    });
    let names: Vec<String> = pieces(&daemon).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x.log.2", "x.log.1", "x.log"]);
    // No byte is lost between the oldest backup and the end, and nothing is kept beyond.
    assert!(
        chunks().ends_with(&end) && end.len() < chunks().len(),
        "{end}"
    );
    assert!(end.len() >= 2 * 1024);
}

#[test]
fn a_log_without_maxbytes_is_never_rotated() {
    let daemon = rotated("stdout_logfile_maxbytes=0\n");
    daemon.dir.wait_for_text("x.log", "line 00096 ");
    assert_eq!(pieces(&daemon), [("x.log".to_owned(), chunks())]);
}

#[test]
fn a_log_without_backups_begins_anew() {
    let daemon = rotated("stdout_logfile_maxbytes=2KB\nstdout_logfile_backups=0\n");
    let pieces = pieces(&daemon);
    assert_eq!(pieces.len(), 1);
    assert!(pieces[0].1.len() < 2048, "{}", pieces[0].1.len());
}

#[test]
fn the_last_words_of_a_program_are_kept() {
    let dir = Dir::new();
    dir.write("words", &"0123456789abcde\n".repeat(3000));
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/cat {dir}/words\nstartsecs=0\nautorestart=false\n\
         stdout_logfile={dir}/out\n",
    );
    daemon.wait_for_state("p", "EXITED");
    // An exit is announced when the last bytes are in.
    assert_eq!(daemon.dir.read("out").len(), 48_000);
}

#[test]
fn bytes_stay_bytes() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nautostart=false\nautorestart=false\n\
         stdout_logfile={dir}/out\n",
    );
    daemon.dir.write(
        "p.sh",
        "printf '\\000\\377\\376abc\\r\\n\\033[31m\\303\\050end'\n",
    );
    daemon.rpc("supervisor.startProcess", &["p"]);
    daemon.wait_for_state("p", "EXITED");
    assert_eq!(
        daemon.dir.bytes("out"),
        b"\0\xff\xfeabc\r\n\x1b[31m\xc3\x28end"
    );
}

#[test]
fn a_log_goes_on_over_a_restart_of_its_program() {
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/sh -c \"echo hello; exec /bin/cat\"\nstartsecs=0\n\
         stdout_logfile={dir}/out\n",
    );
    daemon.dir.wait_for_text("out", "hello\n");
    daemon
        .ctl(&["restart", "p"])
        .is("p: stopped\np: started\n", 0);
    daemon.dir.wait_for_text("out", "hello\nhello\n");
}

#[test]
fn the_main_log_has_its_own_rotation() {
    let dir = Dir::new();
    let base = BASE.replace(
        "loglevel=debug\n",
        "loglevel=debug\nlogfile_maxbytes=1KB\nlogfile_backups=1\n",
    );
    let program = "[program:p]\ncommand=/bin/sh -c \"sleep 0.05\"\nstartsecs=0\nautorestart=true\n";
    dir.write("sd.conf", &format!("{base}{program}"));
    let daemon = Daemon::start(dir, &Start::default());
    wait("a first backup", || {
        daemon.dir.has("main.log.1").then_some(())
    });
    let first = daemon.dir.read("main.log.1");
    wait("a second one in its place", || {
        let now = daemon.dir.read("main.log.1");
        (!now.is_empty() && now != first).then_some(())
    });
    assert!(!daemon.dir.has("main.log.2"));
}

#[test]
fn the_main_log_is_printed_too_in_the_foreground() {
    let daemon = Daemon::with("");
    let pid = daemon.pid();
    let line = format!("INFO supervisord started with pid {pid}\n");
    daemon.dir.wait_for_text("main.log", &line);
    daemon.dir.wait_for_text("daemon.out", &line);
}

#[test]
fn silent_keeps_the_foreground_quiet() {
    let dir = Dir::new();
    dir.write(
        "sd.conf",
        &BASE.replace("loglevel=debug\n", "loglevel=debug\nsilent=true\n"),
    );
    let daemon = Daemon::start(dir, &Start::default());
    daemon
        .dir
        .wait_for_text("main.log", "supervisord started with pid ");
    let stopped = daemon.stop();
    assert_eq!(stopped.dir().read("daemon.out"), "");
}

#[test]
fn loglevel_hides_what_is_below_it() {
    let dir = Dir::new();
    let base = BASE.replace("loglevel=debug\n", "loglevel=warn\n");
    let program = "[program:p]\ncommand=/bin/sh -c \"exit 1\"\nstartsecs=0\nautorestart=false\n";
    dir.write("sd.conf", &format!("{base}{program}"));
    let daemon = Daemon::start(dir, &Start::default());
    daemon.wait_for_entry("WARN", "exited: p (exit status 1; not expected)");
    let stopped = daemon.stop();
    let levels: Vec<String> = stopped.log().into_iter().map(|entry| entry.level).collect();
    assert!(
        levels
            .iter()
            .all(|level| level == "WARN" || level == "CRIT"),
        "{levels:?}"
    );
}

#[test]
fn a_log_that_was_renamed_is_opened_anew_at_usr2() {
    let daemon =
        Daemon::with("[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={dir}/out\n");
    daemon.wait_for_state("p", "RUNNING");
    daemon.rpc("supervisor.sendProcessStdin", &["p", "before"]);
    daemon.dir.wait_for_text("out", "before");
    for name in ["out", "main.log"] {
        let away = daemon.dir.path(&format!("{name}.old"));
        fs::rename(daemon.dir.path(name), away).expect("our own file");
    }
    daemon.signal(nix::sys::signal::Signal::SIGUSR2);
    wait("new files", || {
        (daemon.dir.has("out") && daemon.dir.has("main.log")).then_some(())
    });
    daemon.rpc("supervisor.sendProcessStdin", &["p", "after"]);
    daemon.dir.wait_for_text("out", "after");
    assert_eq!(daemon.dir.read("out.old"), "before");
    daemon.dir.wait_for_text(
        "main.log.old",
        "INFO received SIGUSR2 indicating log reopen request\n",
    );
}

#[test]
fn a_full_disk_under_a_log_does_not_stop_its_program() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    dir.write(
        "p.sh",
        "i=0\nwhile test $i -lt 3000; do i=$((i + 1)); echo 0123456789012345678901234567890123456789; \
         done\necho through > {dir}/through\nexec /bin/cat\n",
    );
    let daemon = Daemon::within(
        dir,
        "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstdout_logfile=/dev/full\n\
         stdout_logfile_maxbytes=0\n",
    );
    // More than a pipe holds went through, so somebody has read it.
    daemon.dir.wait_for_text("through", "through");
    daemon.wait_for_state("p", "RUNNING");
}
