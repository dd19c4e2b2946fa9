//! What is done to processes and asked of them.

use super::{pets, running};
use crate::ctl::testing::{Script, check_up, fault, obey, obey_lively, ok, outcomes, process, up};
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

#[test]
fn status_shows_columns_and_tells_by_its_code_whether_all_runs() {
    check_up(
        "status",
        [("getAllProcessInfo()", pets())],
        "cat                              RUNNING   so it is\n\
         pets:dog                         STOPPED   so it is\n\
         pets:eel                         RUNNING   so it is\n",
        3,
    );
    let cat = "cat                              RUNNING   so it is\n";
    check_up("status cat", [("getAllProcessInfo()", pets())], cat, 0);
    check_up(
        "status cat cat",
        [("getAllProcessInfo()", pets())],
        &cat.repeat(2),
        0,
    );
    check_up(
        "status nosuch:* cat nosuch cat:x",
        [("getAllProcessInfo()", pets())],
        &format!(
            "nosuch: ERROR (no such group)\nnosuch: ERROR (no such process)\n\
             cat:x: ERROR (no such process)\n{cat}"
        ),
        4,
    );
    check_up(
        "status pets:* nosuch",
        [("getAllProcessInfo()", pets())],
        "nosuch: ERROR (no such process)\n\
         pets:dog                         STOPPED   so it is\n\
         pets:eel                         RUNNING   so it is\n",
        3,
    );
    check_up(
        "status",
        [("getAllProcessInfo()", Ok(Value::Array(vec![])))],
        "",
        0,
    );
}

#[test]
fn a_long_name_widens_the_column_for_all() {
    let long = "x".repeat(31);
    let infos = Value::Array(vec![process(&long, &long, 20, 1), process("ü", "ü", 20, 2)]);
    check_up(
        "status",
        [("getAllProcessInfo()", Ok(infos))],
        &format!(
            "{long}   RUNNING   so it is\nü{}RUNNING   so it is\n",
            " ".repeat(33)
        ),
        0,
    );
}

#[test]
fn start_names_what_became_of_each() {
    check_up(
        "start cat",
        [("startProcess(cat)", ok())],
        "cat: started\n",
        0,
    );
    check_up(
        "start a:a",
        [("startProcess(a:a)", ok())],
        "a: started\n",
        0,
    );
    check_up(
        "start cat x",
        [
            ("startProcess(cat)", fault(60, "ALREADY_STARTED: cat")),
            ("startProcess(x)", fault(10, "BAD_NAME: x")),
        ],
        "cat: ERROR (already started)\nx: ERROR (no such process)\n",
        1,
    );
    check_up(
        "start all",
        [(
            "startAllProcesses()",
            outcomes(&[
                ("cat", "cat", 80),
                ("pets", "dog", 60),
                ("pets", "eel", 20),
                ("pets", "fox", 21),
                ("pets", "gnu", 40),
                ("pets", "hen", 50),
            ]),
        )],
        "cat: started\npets:dog: ERROR (already started)\npets:eel: ERROR (no such file)\n\
         pets:fox: ERROR (file is not executable)\npets:gnu: ERROR (abnormal termination)\n\
         pets:hen: ERROR (spawn error)\n",
        7,
    );
    check_up(
        "start pets:* nosuch:*",
        [
            ("startProcessGroup(pets)", outcomes(&[("pets", "dog", 80)])),
            ("startProcessGroup(nosuch)", fault(10, "BAD_NAME: nosuch")),
        ],
        "pets:dog: started\nnosuch: ERROR (no such group)\n",
        2,
    );
    check_up(
        "start cat dog",
        [("startProcess(cat)", fault(6, "SHUTDOWN_STATE"))],
        "error: cat: the server is shutting down or restarting (SHUTDOWN_STATE)\n",
        1,
    );
}

#[test]
fn stop_and_signal_name_what_became_of_each() {
    check_up(
        "stop cat",
        [("stopProcess(cat)", ok())],
        "cat: stopped\n",
        0,
    );
    check_up(
        "stop cat x nosuch:*",
        [
            ("stopProcess(cat)", fault(70, "NOT_RUNNING: cat")),
            ("stopProcess(x)", fault(30, "FAILED: in its own words")),
            ("stopProcessGroup(nosuch)", fault(10, "BAD_NAME: nosuch")),
        ],
        "cat: ERROR (not running)\nFAILED: in its own words\nnosuch: ERROR (no such group)\n",
        1,
    );
    check_up(
        "stop all",
        [(
            "stopAllProcesses()",
            outcomes(&[("a", "a", 80), ("b", "b", 70)]),
        )],
        "a: stopped\nb: ERROR (not running)\n",
        0,
    );
    check_up(
        "signal HUP cat pets:*",
        [
            ("signalProcess(cat, HUP)", fault(70, "NOT_RUNNING: cat")),
            (
                "signalProcessGroup(pets, HUP)",
                outcomes(&[("pets", "dog", 80)]),
            ),
        ],
        "cat: ERROR (not running)\npets:dog: signalled\n",
        7,
    );
    check_up(
        "signal X all",
        [("signalAllProcesses(X)", outcomes(&[("a", "b", 11)]))],
        "a:b: ERROR (bad signal name)\n",
        1,
    );
}

#[test]
fn restart_is_stop_and_then_start() {
    let mut script = Script::new([("getVersion()", Ok("3.0".into()))]);
    script.push(up());
    script.push(("stopProcess(cat)".to_owned(), fault(70, "NOT_RUNNING")));
    script.push(up());
    script.push(("startProcess(cat)".to_owned(), ok()));
    let said = obey("restart cat", &mut script, false, &[]);
    assert_eq!(said.out, "cat: ERROR (not running)\ncat: started\n");
    assert_eq!(said.status, 0);
}

#[test]
fn pid_tells_stopped_processes_by_its_code() {
    check_up("pid", [("getPID()", Ok(Value::Int(5)))], "5\n", 0);
    check_up("pid all", [("getAllProcessInfo()", pets())], "7\n0\n9\n", 0);
    check_up("pid cat", [("getProcessInfo(cat)", running())], "7\n", 0);
    check_up(
        "pid pets:dog",
        [("getProcessInfo(pets:dog)", Ok(process("pets", "dog", 0, 0)))],
        "0\n",
        7,
    );
    check_up(
        "pid x cat",
        [
            ("getProcessInfo(x)", fault(10, "BAD_NAME: x")),
            ("getProcessInfo(cat)", running()),
        ],
        "No such process x\n7\n",
        1,
    );
    check_up(
        "pid x",
        [("getProcessInfo(x)", fault(6, "SHUTDOWN_STATE"))],
        "error: the server is shutting down or restarting (SHUTDOWN_STATE)\n",
        1,
    );
}

#[test]
fn clear_tells_what_became_of_each() {
    check_up(
        "clear cat x:y pets:*",
        [
            ("clearProcessLogs(cat)", ok()),
            ("clearProcessLogs(x:y)", fault(10, "BAD_NAME: x:y")),
            ("clearProcessLogs(pets:*)", fault(10, "BAD_NAME: pets:*")),
        ],
        "cat: cleared\nx:y: ERROR (no such process)\npets:*: ERROR (no such process)\n",
        1,
    );
    check_up(
        "clear all",
        [(
            "clearAllProcessLogs()",
            outcomes(&[("a", "a", 80), ("b", "c", 30)]),
        )],
        "a: cleared\nb:c: ERROR (failed)\n",
        1,
    );
    check_up(
        "clear a",
        [("clearProcessLogs(a)", fault(99, "NEW: a"))],
        "error: Unknown result code 99 for a (NEW: a)\n",
        1,
    );
}

#[test]
fn fg_passes_lines_until_somebody_has_enough() {
    let fg = |steps: Vec<(&str, Result<Value, ClientError>)>, typed: &[&'static str]| {
        let mut script = Script::new([]);
        script.push(up());
        for (call, answer) in steps {
            script.push((call.to_owned(), answer));
        }
        let said = obey("fg cat", &mut script, false, typed);
        (said.out, said.status)
    };
    let begun = || {
        vec![
            ("getProcessInfo(cat)", running()),
            ("attach /logtail/cat/stdout", ok()),
            ("attach /logtail/cat/stderr", ok()),
        ]
    };
    let head = "==> Press Ctrl-C to exit <==\n";

    let mut steps = begun();
    steps.push(("sendProcessStdin(cat, hi\n)", ok()));
    steps.push(("getProcessInfo(cat)", running()));
    assert_eq!(
        fg(steps, &["hi"]),
        (format!("{head}Exiting foreground\n"), 0)
    );

    let mut steps = begun();
    steps.push(("sendProcessStdin(cat, hi\n)", fault(70, "NOT_RUNNING")));
    assert_eq!(
        fg(steps, &["hi"]),
        (format!("{head}Process got killed\nExiting foreground\n"), 0)
    );

    let mut steps = begun();
    steps.push(("sendProcessStdin(cat, hi\n)", ok()));
    steps.push(("getProcessInfo(cat)", Ok(process("cat", "cat", 200, 0))));
    assert_eq!(
        fg(steps, &["hi"]),
        (format!("{head}Process got killed\nExiting foreground\n"), 0)
    );

    let stopped = vec![("getProcessInfo(cat)", Ok(process("cat", "cat", 0, 0)))];
    assert_eq!(
        fg(stopped, &[]),
        ("ERROR: process not running\n".to_owned(), 1)
    );
    let unknown = vec![("getProcessInfo(cat)", fault(10, "BAD_NAME: cat"))];
    assert_eq!(
        fg(unknown, &[]),
        ("ERROR: bad process name supplied\n".to_owned(), 1)
    );
    check_up("fg a b", [], "ERROR: too many process names supplied\n", 1);
}

#[allow(clippy::unnecessary_wraps, reason = "it is an answer in a script")]
fn states(states: &[(&str, i64)]) -> Result<Value, ClientError> {
    let infos = states
        .iter()
        .map(|&(name, state)| process(name, name, state, 1));
    Ok(Value::Array(infos.collect()))
}

fn check_lively<const N: usize>(
    line: &str,
    steps: [(&str, Result<Value, ClientError>); N],
    out: &str,
    status: i32,
) {
    let mut script = Script::new([]);
    script.push(up());
    for (call, answer) in steps {
        script.push((call.to_owned(), answer));
    }
    let said = obey_lively(line, &mut script);
    assert_eq!((said.out.as_str(), said.status), (out, status), "{line}");
}

#[test]
fn on_a_terminal_long_work_is_shown_as_it_happens() {
    check_lively(
        "start all",
        [
            (
                "startAllProcesses(false)",
                outcomes(&[
                    ("a", "a", 80),
                    ("b", "b", 50),
                    ("c", "c", 80),
                    ("d", "d", 80),
                ]),
            ),
            (
                "getAllProcessInfo()",
                states(&[("a", 10), ("c", 20), ("d", 10)]),
            ),
            ("pause", ok()),
            ("getAllProcessInfo()", states(&[("a", 30), ("c", 20)])),
        ],
        "b: ERROR (spawn error)\nc: started\na: ERROR (spawn error)\n\
         d: ERROR (no such process)\n",
        1,
    );
    check_lively(
        "stop a:*",
        [
            ("stopProcessGroup(a, false)", outcomes(&[("a", "a", 80)])),
            ("getAllProcessInfo()", states(&[("a", 40)])),
            ("pause", ok()),
            ("getAllProcessInfo()", states(&[("a", 0)])),
        ],
        "a: stopped\n",
        0,
    );
    check_lively("stop a", [("stopProcess(a)", ok())], "a: stopped\n", 0);
}

#[test]
fn on_a_terminal_states_are_coloured_and_columns_stay() {
    check_lively(
        "status",
        [(
            "getAllProcessInfo()",
            states(&[("a", 20), ("b", 200), ("c", 30)]),
        )],
        "a                                \x1b[32mRUNNING   \x1b[0mso it is\n\
         b                                \x1b[31mFATAL     \x1b[0mso it is\n\
         c                                \x1b[33mBACKOFF   \x1b[0mso it is\n",
        3,
    );
}
