//! The daemon itself: there, not there, asked for, left.

use super::pets;
use crate::ctl::session::Flow;
use crate::ctl::testing::{Script, check, check_up, fault, obey, ok, up};
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

#[test]
fn shutdown_and_reload_ask_only_where_somebody_is_there() {
    check("shutdown", [("shutdown()", ok())], "Shut down\n", 0);
    check(
        "shutdown",
        [("shutdown()", fault(6, "X"))],
        "ERROR: already shutting down\n",
        0,
    );
    check(
        "shutdown",
        [("shutdown()", Err(ClientError::Refused))],
        "ERROR: unix:///s.sock refused connection (already shut down?)\n",
        1,
    );
    check(
        "shutdown",
        [("shutdown()", Err(ClientError::NoSuchFile))],
        "ERROR: unix:///s.sock no such file (already shut down?)\n",
        1,
    );
    check(
        "reload",
        [("restart()", ok())],
        "Restarted supervisord\n",
        0,
    );
    check(
        "reload",
        [("restart()", fault(6, "X"))],
        "ERROR: already shutting down\n",
        1,
    );

    let question = "Really restart the remote supervisord process y/N? ";
    let said = obey("reload", &mut Script::new([]), true, &["n"]);
    assert_eq!(said.out, question);
    let said = obey(
        "reload",
        &mut Script::new([("restart()", ok())]),
        true,
        &["Yes"],
    );
    assert_eq!(said.out, format!("{question}Restarted supervisord\n"));
    let said = obey("shutdown", &mut Script::new([]), true, &[]);
    assert_eq!(
        said.out,
        "Really shut the remote supervisord process down y/N? \
         error: the input ended before the question was answered\n"
    );
}

#[test]
fn open_speaks_with_another_daemon_from_then_on() {
    check("open foo", [], "ERROR: url must be http:// or unix://\n", 1);
    check(
        "open https://x",
        [],
        "ERROR: url must be http:// or unix://\n",
        1,
    );
    // The code is what it was before, whatever the status there.
    check(
        "open unix:///t.sock",
        [("getVersion()", Err(ClientError::NoSuchFile))],
        "unix:///t.sock no such file\n",
        0,
    );
    check_up(
        "open http://h:1",
        [("getAllProcessInfo()", pets())],
        "cat                              RUNNING   so it is\n\
         pets:dog                         STOPPED   so it is\n\
         pets:eel                         RUNNING   so it is\n",
        0,
    );
}

#[test]
fn what_is_no_action_is_said() {
    check("nosuch x", [], "*** Unknown syntax: nosuch x\n", 1);
    check("!ls", [], "*** Unknown syntax: !ls\n", 1);
    check("", [], "", 0);
}

#[test]
fn leaving_ends_the_shell_and_nothing_else_does() {
    for line in ["quit", "exit", "EOF", "quit x"] {
        let said = obey(line, &mut Script::new([]), true, &[]);
        assert_eq!(
            (said.out.as_str(), said.flow),
            ("\n", Flow::Leave),
            "{line}"
        );
    }
    let said = obey("nosuch", &mut Script::new([]), true, &[]);
    assert_eq!(said.flow, Flow::Go);
}

#[test]
fn a_daemon_that_cannot_be_asked_gives_each_its_own_code() {
    let with = |answer: Result<Value, ClientError>, line: &str| {
        let said = obey(
            line,
            &mut Script::new([("getVersion()", answer)]),
            false,
            &[],
        );
        (said.out, said.status, !said.err.is_empty())
    };
    let refused = "unix:///s.sock refused connection\n".to_owned();
    assert_eq!(
        with(Err(ClientError::Refused), "start x"),
        (refused.clone(), 4, true)
    );
    assert_eq!(
        with(Err(ClientError::Refused), "status"),
        (refused, 4, true)
    );
    let missing = "unix:///s.sock no such file\n".to_owned();
    assert_eq!(
        with(Err(ClientError::NoSuchFile), "pid"),
        (missing.clone(), 7, true)
    );
    assert_eq!(
        with(Err(ClientError::NoSuchFile), "status"),
        (missing, 4, true)
    );
    let denied = "error: unix:///s.sock permission denied\n".to_owned();
    assert_eq!(
        with(Err(ClientError::PermissionDenied), "status"),
        (denied, 1, true)
    );
    let other = "Sorry, this version of supervisorctl expects to talk to a server with API \
                 version 3.0, but the remote version is 2.0.\n";
    assert_eq!(
        with(Ok("2.0".into()), "version"),
        (other.to_owned(), 5, false)
    );
    let (out, status, _) = with(fault(1, "UNKNOWN_METHOD"), "version");
    assert!(out.starts_with("Sorry, supervisord responded but did not recognize the supervisor "));
    assert_eq!(status, 3);
    let broken = "error: the server's answer has no text\n".to_owned();
    assert_eq!(with(Ok(Value::Nil), "version"), (broken, 1, false));
}

#[test]
fn a_missing_password_is_asked_for_where_somebody_is_there() {
    check(
        "version",
        [("getVersion()", Err(ClientError::Unauthorized))],
        "Server requires authentication\nerror: the server answered 401 Unauthorized\n",
        1,
    );
    let mut script = Script::new([("getVersion()", Err(ClientError::Unauthorized))]);
    script.push(up());
    script.push(("getSupervisorVersion()".to_owned(), Ok("4.3.0".into())));
    let said = obey("version", &mut script, true, &["me", "secret"]);
    assert_eq!(
        said.out,
        "Server requires authentication\nUsername:Password:\n4.3.0\n"
    );
    assert_eq!(script.logins[0].password.as_deref(), Some("secret"));
    assert!(!format!("{:?}", script.logins).contains("secret"));
}

#[test]
fn an_interrupted_call_leaves_the_shell() {
    let mut script = Script::new([("getVersion()", Err(ClientError::Interrupted))]);
    let said = obey("status", &mut script, true, &[]);
    assert_eq!((said.out.as_str(), said.flow), ("\n", Flow::Leave));
    assert_eq!(said.status, 1);
}
