//! Words that make no sense, and help.

use crate::ctl::testing::{Said, Script, check, obey, up};

#[test]
fn an_action_without_its_words_shows_its_help() {
    let first = |line: &str| {
        let mut script = Script::new([]);
        script.push(up());
        let Said { out, status, .. } = obey(line, &mut script, false, &[]);
        let mut lines = out.lines().map(str::to_owned);
        (
            lines.next().expect("a complaint"),
            lines.next().expect("help"),
            status,
        )
    };
    for (line, complaint, help, status) in [
        (
            "start",
            "Error: start requires a process name",
            "start <name>\t\tStart a process",
            2,
        ),
        (
            "stop",
            "Error: stop requires a process name",
            "stop <name>\t\tStop a process",
            1,
        ),
        (
            "restart",
            "Error: restart requires a process name",
            "restart <name>\t\tRestart a process",
            1,
        ),
        (
            "clear",
            "Error: clear requires a process name",
            "clear <name>\t\tClear a process' log files.",
            1,
        ),
        (
            "signal HUP",
            "Error: signal requires a signal name and a process name",
            "signal <signal name> <name>\t\tSignal a process",
            1,
        ),
        (
            "tail",
            "Error: too few arguments",
            "tail [-f] <name> [stdout|stderr] (default stdout)",
            1,
        ),
        (
            "tail a b c d",
            "Error: too many arguments",
            "tail [-f] <name> [stdout|stderr] (default stdout)",
            1,
        ),
        (
            "maintail a b",
            "Error: too many arguments",
            "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)",
            1,
        ),
        (
            "fg",
            "ERROR: no process name supplied",
            "fg <process>\tConnect to a process in foreground mode",
            1,
        ),
    ] {
        assert_eq!(
            first(line),
            (complaint.to_owned(), help.to_owned(), status),
            "{line}"
        );
    }
}

#[test]
fn actions_that_take_no_words_refuse_them() {
    for (line, out) in [
        (
            "avail x",
            "Error: avail accepts no arguments\navail\t\t\tDisplay all configured processes\n",
        ),
        (
            "reread x",
            "Error: reread accepts no arguments\n\
             reread \t\t\tReload the daemon's configuration files without add/remove\n",
        ),
        (
            "reload x",
            "Error: reload accepts no arguments\nreload \t\tRestart the remote supervisord.\n",
        ),
        (
            "shutdown x",
            "Error: shutdown accepts no arguments\nshutdown \tShut the remote supervisord down.\n",
        ),
        (
            "version x",
            "Error: version accepts no arguments\n\
             version\t\t\tShow the version of the remote supervisord process\n",
        ),
    ] {
        check(line, [], out, 1);
    }
}

#[test]
fn help_is_there_for_each_action() {
    check(
        "help version",
        [],
        "version\t\t\tShow the version of the remote supervisord process\n",
        0,
    );
    check(
        "?version",
        [],
        "version\t\t\tShow the version of the remote supervisord process\n",
        0,
    );
    check(
        "help help",
        [],
        "help\t\tPrint a list of available actions\nhelp <action>\tPrint help for <action>\n",
        0,
    );
    check("help nosuch", [], "*** No help on nosuch\n", 0);
    check("help EOF", [], "*** No help on EOF\n", 0);
    check("help start stop", [], "*** No help on start stop\n", 0);
}
