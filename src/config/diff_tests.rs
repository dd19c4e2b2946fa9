//! What counts as a change.

use super::super::load::tests::loaded;
use super::*;

/// The differences between two configs, `+added ~changed -removed`.
fn between(old: &str, new: &str) -> String {
    let (old, new) = (loaded(old), loaded(new));
    let diff = Diff::between(old.groups.iter().map(|group| &**group), &new);
    let marked =
        |mark: char, names: Vec<String>| names.into_iter().map(move |name| format!("{mark}{name}"));
    marked('+', diff.added)
        .chain(marked('~', diff.changed))
        .chain(marked('-', diff.removed))
        .collect::<Vec<_>>()
        .join(" ")
}

fn check(old: &str, new: &str, expected: &str) {
    assert_eq!(between(old, new), expected, "{old:?} -> {new:?}");
}

#[test]
fn groups_come_and_go() {
    check("", "", "");
    check(
        "",
        "[program:b]\ncommand=x\n[program:a]\ncommand=x\n",
        "+a +b",
    );
    check(
        "[program:b]\ncommand=x\n[program:a]\ncommand=x\n",
        "",
        "-a -b",
    );
    check(
        "[program:a]\ncommand=x\n",
        "[program:b]\ncommand=x\n",
        "+b -a",
    );
    check(
        "[program:a]\ncommand=x\n[program:b]\ncommand=x\n",
        "[program:a]\ncommand=x\n[program:b]\ncommand=x\n[group:g]\nprograms=a,b\n",
        "+g -a -b",
    );
}

/// For each option of a section two values that mean different things.
const OPTIONS: [(&str, &str, &str); 50] = [
    ("command", "x", "y"),
    ("process_name", "p", "q"),
    ("numprocs", "0", "1"),
    ("priority", "1", "2"),
    ("autostart", "true", "false"),
    ("autorestart", "true", "unexpected"),
    ("startsecs", "0", "1"),
    ("startretries", "0", "1"),
    ("restart_backoff", "linear", "exponential"),
    ("restart_backoff_max", "30", "1m"),
    ("restart_backoff_jitter", "true", "false"),
    ("restart_limit", "5/10m", "6/10m"),
    ("on_exit", "none", "shutdown"),
    ("on_fatal", "none", "shutdown"),
    ("exitcodes", "0", "0,2"),
    ("stopsignal", "TERM", "INT"),
    ("stopwaitsecs", "1", "2"),
    ("stopasgroup", "true", "false"),
    ("killasgroup", "true", "false"),
    ("user", "root", "ann"),
    ("redirect_stderr", "true", "false"),
    ("stdout_logfile", "NONE", "/a"),
    ("stdout_logfile_maxbytes", "1MB", "2MB"),
    ("stdout_logfile_backups", "1", "2"),
    ("stdout_capture_maxbytes", "1", "2"),
    ("stdout_events_enabled", "true", "false"),
    ("stdout_syslog", "true", "false"),
    ("stdout_logfile_format", "raw", "json"),
    ("stdout_logfile_prefix", "a", "b"),
    ("stdout_logfile_rotate", "daily", "hourly"),
    ("stdout_logfile_compress", "gzip", "zstd"),
    ("stderr_logfile", "/a", "/b"),
    ("stderr_logfile_maxbytes", "1MB", "2MB"),
    ("stderr_logfile_backups", "1", "2"),
    ("stderr_capture_maxbytes", "1", "2"),
    ("stderr_events_enabled", "true", "false"),
    ("stderr_syslog", "true", "false"),
    ("stderr_logfile_format", "raw", "json"),
    ("stderr_logfile_prefix", "a", "b"),
    ("stderr_logfile_rotate", "daily", "hourly"),
    ("stderr_logfile_compress", "gzip", "zstd"),
    ("environment", "A=1", "A=2"),
    ("directory", "/a", "/b"),
    ("umask", "022", "027"),
    ("serverurl", "AUTO", "http://x"),
    ("events", "TICK", "TICK,EVENT"),
    ("buffer_size", "1", "2"),
    ("payload_length", "characters", "bytes"),
    ("restart_unknown", "true", "false"),
    ("event_details", "true", "false"),
];

const ONLY_LISTENERS: [&str; 5] = [
    "events",
    "buffer_size",
    "payload_length",
    "restart_unknown",
    "event_details",
];

#[test]
fn a_change_of_any_option_is_seen_and_no_change_is_none() {
    for kind in ["program:x", "eventlistener:x", "fcgi-program:x"] {
        for (option, one, other) in OPTIONS {
            let listener = kind.starts_with("eventlistener");
            let only_listeners = ONLY_LISTENERS.contains(&option);
            let refused = option == "redirect_stderr" && listener;
            if refused || (only_listeners && !listener) {
                continue;
            }
            let text = |value: &str| {
                format!("[{kind}]\ncommand=x\nevents=EVENT\nsocket=unix:///s\n{option}={value}\n")
            };
            check(&text(one), &text(other), "~x");
            check(&text(one), &text(one), "");
        }
    }
}

#[test]
fn the_environment_of_the_daemon_is_part_of_every_program() {
    let text = |value| {
        format!(
            "[program:a]\ncommand=x\n[program:b]\ncommand=x\nenvironment=A=1\n[supervisord]\nenvironment=A={value}\n"
        )
    };
    check(&text(1), &text(2), "~a");
}

#[test]
fn an_automatic_log_is_as_good_as_any_other() {
    let text = |log| format!("[program:a]\ncommand=x\nstdout_logfile={log}\n");
    check(&text("AUTO"), &text("/a"), "");
    check(&text("NONE"), &text("AUTO"), "");
    check(&text("NONE"), &text("/a"), "~a");
}

#[test]
fn a_group_of_another_kind_is_another_group() {
    check(
        "[program:a]\ncommand=x\n",
        "[fcgi-program:a]\ncommand=x\nsocket=tcp://h:1\n",
        "~a",
    );
    check(
        "[program:a]\ncommand=x\n",
        "[eventlistener:a]\ncommand=x\npriority=999\nevents=TICK\n",
        "~a",
    );
}

#[test]
fn sockets_are_the_same_where_they_listen_at_the_same_place() {
    let text = |rest| format!("[fcgi-program:a]\ncommand=x\n{rest}\n");
    check(
        &text("socket=tcp://h:1"),
        &text("socket=tcp://H:1\nsocket_backlog=9"),
        "",
    );
    check(&text("socket=tcp://h:1"), &text("socket=tcp://h:2"), "~a");
    check(
        &text("socket=unix:///a"),
        &text("socket=unix:///a\nsocket_mode=0777"),
        "",
    );
    check(&text("socket=unix:///a"), &text("socket=unix:///b"), "~a");
    check(&text("socket=unix:///a"), &text("socket=tcp://h:1"), "~a");
}
