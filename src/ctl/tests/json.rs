//! Answers for programs.

use super::{changes, pets, running};
use crate::ctl::testing::{check, check_up, fault, ok};
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

#[test]
fn json_is_stable() {
    check_up(
        "status --json pets:* x",
        [
            ("getAllProcessInfo()", pets()),
            (
                "supervisord.getAllProcessDetails()",
                fault(1, "UNKNOWN_METHOD"),
            ),
        ],
        "[{\"name\": \"x\", \"error\": \"no such process\"}, \
         {\"name\": \"pets:dog\", \"group\": \"pets\", \"process\": \"dog\", \"state\": \"STOPPED\", \
         \"statecode\": 0, \"pid\": null, \"description\": \"so it is\", \
         \"exit_code\": null, \"exit_signal\": null, \"step\": null, \"errno\": null, \
         \"reason\": null, \"tries\": null, \"startretries\": null, \"next_try\": null, \
         \"listener\": null}, \
         {\"name\": \"pets:eel\", \"group\": \"pets\", \"process\": \"eel\", \"state\": \"RUNNING\", \
         \"statecode\": 20, \"pid\": 9, \"description\": \"so it is\", \
         \"exit_code\": null, \"exit_signal\": null, \"step\": null, \"errno\": null, \
         \"reason\": null, \"tries\": null, \"startretries\": null, \"next_try\": null, \
         \"listener\": null}]\n",
        3,
    );
    check_up(
        "pid --json",
        [("getPID()", Ok(Value::Int(5)))],
        "[{\"name\": \"supervisord\", \"pid\": 5}]\n",
        0,
    );
    check_up(
        "pid --json cat x",
        [
            ("getProcessInfo(cat)", running()),
            ("getProcessInfo(x)", fault(10, "BAD_NAME: x")),
        ],
        "[{\"name\": \"cat\", \"pid\": 7}, {\"name\": \"x\", \"error\": \"no such process\"}]\n",
        1,
    );
    check_up(
        "version --json",
        [("getSupervisorVersion()", Ok("4.3.0".into()))],
        "{\"version\": \"4.3.0\"}\n",
        0,
    );
    check(
        "update --json new x",
        [
            ("reloadConfig()", changes(&["new"], &[], &[])),
            ("getAllProcessInfo()", pets()),
            ("addProcessGroup(new)", ok()),
        ],
        "[{\"group\": \"x\", \"error\": \"no such group\"}, {\"group\": \"new\", \"result\": \"added\"}]\n",
        1,
    );
    check(
        "avail --json",
        [("getAllConfigInfo()", Ok(Value::Array(vec![])))],
        "[]\n",
        0,
    );
    check(
        "status --json",
        [("getVersion()", Err(ClientError::NoSuchFile))],
        "{\"error\": \"unix:///s.sock no such file\"}\n",
        4,
    );
    check(
        "version --json",
        [("getVersion()", Err(ClientError::Unauthorized))],
        "{\"error\": \"the server answered 401 Unauthorized\"}\n",
        1,
    );
}

#[test]
fn what_our_daemon_knows_more_is_told_on_request() {
    let about = |name: &str, more: Vec<(&str, Value)>| {
        let named = [("name", Value::from(name)), ("group", "pets".into())];
        let members = named.into_iter().chain(more);
        Value::Struct(
            members
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    };
    let details = || {
        Ok(Value::Array(vec![
            about(
                "dog",
                vec![
                    ("exit_signal", "SIGKILL".into()),
                    ("core_dumped", Value::Bool(true)),
                    ("tries", Value::Int(0)),
                ],
            ),
            about(
                "eel",
                vec![("tries", Value::Int(0)), ("listener", "READY".into())],
            ),
        ]))
    };
    check_up(
        "status -v pets:*",
        [
            ("getAllProcessInfo()", pets()),
            ("supervisord.getAllProcessDetails()", details()),
        ],
        "pets:dog                         STOPPED   so it is\n    ended by SIGKILL, core dumped\n\
         pets:eel                         RUNNING   so it is\n    listener READY\n",
        3,
    );
    check_up(
        "status --json pets:dog",
        [
            ("getAllProcessInfo()", pets()),
            ("supervisord.getAllProcessDetails()", details()),
        ],
        "[{\"name\": \"pets:dog\", \"group\": \"pets\", \"process\": \"dog\", \"state\": \"STOPPED\", \
         \"statecode\": 0, \"pid\": null, \"description\": \"so it is\", \
         \"exit_code\": null, \"exit_signal\": \"SIGKILL\", \"step\": null, \"errno\": null, \
         \"reason\": null, \"tries\": 0, \"startretries\": null, \"next_try\": null, \
         \"listener\": null}]\n",
        3,
    );
}
