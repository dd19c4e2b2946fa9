//! Answers for programs.

use super::{changes, pets, running};
use crate::ctl::testing::{check, check_up, fault, ok};
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

#[test]
fn json_is_stable() {
    check_up(
        "status --json pets:* x",
        [("getAllProcessInfo()", pets())],
        "[{\"name\": \"x\", \"error\": \"no such process\"}, \
         {\"name\": \"pets:dog\", \"group\": \"pets\", \"process\": \"dog\", \"state\": \"STOPPED\", \
         \"statecode\": 0, \"pid\": null, \"description\": \"so it is\"}, \
         {\"name\": \"pets:eel\", \"group\": \"pets\", \"process\": \"eel\", \"state\": \"RUNNING\", \
         \"statecode\": 20, \"pid\": 9, \"description\": \"so it is\"}]\n",
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
