//! What the config has, and making it so.

use super::{changes, pets};
use crate::ctl::testing::{check, fault, members, ok, outcomes};
use crate::rpc::xml::Value;

#[test]
fn avail_shows_columns() {
    let info = |inuse, autostart| {
        members([
            ("group", "pets".into()),
            ("name", "dog".into()),
            ("inuse", Value::Bool(inuse)),
            ("autostart", Value::Bool(autostart)),
            ("group_prio", Value::Int(999)),
            ("process_prio", Value::Int(-1)),
        ])
    };
    check(
        "avail",
        [(
            "getAllConfigInfo()",
            Ok(Value::Array(vec![info(true, true), info(false, false)])),
        )],
        "pets:dog                         in use    auto      999:-1\n\
         pets:dog                         avail     manual    999:-1\n",
        0,
    );
    check(
        "avail",
        [("getAllConfigInfo()", fault(6, "SHUTDOWN_STATE"))],
        "ERROR: supervisor shutting down\n",
        1,
    );
}

#[test]
fn reread_names_what_differs_in_order() {
    check(
        "reread",
        [("reloadConfig()", changes(&["b", "d"], &["c"], &["a"]))],
        "a: disappeared\nb: available\nc: changed\nd: available\n",
        0,
    );
    check(
        "reread",
        [("reloadConfig()", changes(&[], &[], &[]))],
        "No config updates to processes\n",
        0,
    );
    check(
        "reread",
        [("reloadConfig()", fault(92, "CANT_REREAD: why"))],
        "ERROR: CANT_REREAD: why\n",
        1,
    );
    check(
        "reread",
        [("reloadConfig()", fault(6, "SHUTDOWN_STATE"))],
        "ERROR: supervisor shutting down\n",
        1,
    );
}

#[test]
fn update_removes_then_replaces_then_adds() {
    check(
        "update",
        [
            (
                "reloadConfig()",
                changes(&["new"], &["other"], &["old", "stuck"]),
            ),
            ("stopProcessGroup(old)", outcomes(&[("old", "old", 80)])),
            ("removeProcessGroup(old)", ok()),
            (
                "stopProcessGroup(stuck)",
                outcomes(&[("stuck", "stuck", 30)]),
            ),
            ("stopProcessGroup(other)", outcomes(&[])),
            ("removeProcessGroup(other)", ok()),
            ("addProcessGroup(other)", ok()),
            ("addProcessGroup(new)", ok()),
        ],
        "old: stopped\nold: removed process group\n\
         stuck: stopped\nstuck: has problems; not removing\n\
         other: stopped\nother: updated process group\n\
         new: added process group\n",
        1,
    );
    check(
        "update all x",
        [("reloadConfig()", changes(&[], &[], &[]))],
        "",
        0,
    );
    check(
        "update new nosuch",
        [
            ("reloadConfig()", changes(&["new", "newer"], &["cat"], &[])),
            ("getAllProcessInfo()", pets()),
            ("addProcessGroup(new)", ok()),
        ],
        "ERROR: no such group: nosuch\nnew: added process group\n",
        1,
    );
    check(
        "update",
        [("reloadConfig()", fault(6, "SHUTDOWN_STATE"))],
        "ERROR: already shutting down\n",
        1,
    );
    check(
        "update",
        [("reloadConfig()", fault(92, "CANT_REREAD: why"))],
        "error: the server answered with fault 92: CANT_REREAD: why\n",
        1,
    );
}

#[test]
fn add_and_remove_tell_what_was_wrong_with_each_name() {
    check(
        "add a b c d",
        [
            ("addProcessGroup(a)", ok()),
            ("addProcessGroup(b)", fault(90, "ALREADY_ADDED: b")),
            ("addProcessGroup(c)", fault(10, "BAD_NAME: c")),
            ("addProcessGroup(d)", fault(6, "SHUTDOWN_STATE")),
        ],
        "a: added process group\nERROR: process group already active\n\
         ERROR: no such process/group: c\nERROR: shutting down\n",
        1,
    );
    check(
        "add b",
        [("addProcessGroup(b)", fault(90, "ALREADY_ADDED: b"))],
        "ERROR: process group already active\n",
        0,
    );
    check("add", [], "", 0);
    check(
        "remove a b c d",
        [
            ("removeProcessGroup(a)", ok()),
            ("removeProcessGroup(b)", fault(91, "STILL_RUNNING: b")),
            ("removeProcessGroup(c)", fault(10, "BAD_NAME: c")),
            ("removeProcessGroup(d)", fault(6, "SHUTDOWN_STATE")),
        ],
        "a: removed process group\nERROR: process/group still running: b\n\
         ERROR: no such process/group: c\n\
         error: the server is shutting down or restarting (SHUTDOWN_STATE)\n",
        1,
    );
}
