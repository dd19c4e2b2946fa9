//! What logs hold, and what comes to them.

use crate::ctl::testing::{Script, check_up, fault, obey, up};
use crate::rpc::client::ClientError;

#[test]
fn tail_asks_for_bytes_from_the_end() {
    let log = || Ok("a\nb".into());
    check_up(
        "tail cat",
        [("readProcessStdoutLog(cat, -1600, 0)", log())],
        "a\nb\n",
        0,
    );
    check_up(
        "tail -5 cat STDERR",
        [("readProcessStderrLog(cat, -5, 0)", log())],
        "a\nb\n",
        0,
    );
    check_up(
        "tail --5 cat",
        [("readProcessStdoutLog(cat, 5, 0)", log())],
        "a\nb\n",
        0,
    );
    check_up(
        "tail cat x stdout",
        [("readProcessStdoutLog(cat, -1600, 0)", log())],
        "a\nb\n",
        0,
    );
    check_up("tail -x cat", [], "Error: bad argument -x\n", 1);
    check_up("tail -- cat", [], "Error: bad argument --\n", 1);
    check_up("tail -f", [], "Error: tail requires process name\n", 1);
    check_up("tail cat It's", [], "Error: bad channel \"it's\"\n", 1);
    for (code, out) in [
        (10, "cat: ERROR (no such process name)\n"),
        (20, "cat: ERROR (no log file)\n"),
        (30, "cat: ERROR (unknown error reading log)\n"),
        (6, "error: the server is shutting down or restarting (X)\n"),
    ] {
        check_up(
            "tail cat",
            [("readProcessStdoutLog(cat, -1600, 0)", fault(code, "X"))],
            out,
            1,
        );
    }
}

#[test]
fn maintail_reads_the_daemons_log() {
    check_up(
        "maintail",
        [("readLog(-1600, 0)", Ok("log".into()))],
        "log\n",
        0,
    );
    check_up(
        "maintail -9",
        [("readLog(-9, 0)", Ok("log".into()))],
        "log\n",
        0,
    );
    check_up("maintail 9", [], "Error: bad argument 9\n", 1);
    check_up("maintail -y", [], "Error: bad argument -y\n", 1);
    check_up(
        "maintail",
        [("readLog(-1600, 0)", fault(20, "NO_FILE"))],
        "supervisord: ERROR (no log file)\n",
        1,
    );
}

#[test]
fn following_shows_all_that_comes_and_leaves_in_peace() {
    let head = "==> Press Ctrl-C to exit <==\n";
    check_up(
        "tail -f g:a/b stderr",
        [("GET /logtail/g:a%2Fb/stderr", Ok("x\ny".into()))],
        &format!("{head}x\ny\n"),
        0,
    );
    check_up(
        "maintail -f",
        [("GET /mainlogtail", Ok("".into()))],
        &format!("{head}\n"),
        0,
    );
    let mut script = Script::new([]);
    script.push(up());
    let gone = ClientError::Http {
        status: 410,
        reason: "Gone".to_owned(),
    };
    script.push(("GET /logtail/x/stdout".to_owned(), Err(gone)));
    let said = obey("tail -f x", &mut script, false, &[]);
    assert_eq!((said.out.as_str(), said.status), (head, 0));
    assert_eq!(
        said.err,
        "unix:///s.sock/logtail/x/stdout Cannot read, status code 410\n"
    );
}
