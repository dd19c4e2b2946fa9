//! Who starts first and who stops last.

use crate::harness::{Daemon, Dir};

/// The names in `spawned: 'NAME' with pid N`, in the log's order.
fn spawned(texts: &[String]) -> Vec<String> {
    let names = texts.iter().filter_map(|text| text.split('\'').nth(1));
    names.map(str::to_owned).collect()
}

/// The names in `stopped: NAME (…)`, in the log's order.
fn stopped(texts: &[String]) -> Vec<String> {
    let names = texts.iter().filter_map(|text| text.split(' ').nth(1));
    names.map(str::to_owned).collect()
}

#[test]
fn programs_start_by_priority_and_stop_the_other_way_round() {
    let mut config = String::new();
    for (name, priority) in [("c", 300), ("a", 100), ("d", 400), ("b", 200)] {
        config +=
            &format!("[program:{name}]\ncommand=/bin/cat\npriority={priority}\nstartsecs=0\n");
    }
    let daemon = Daemon::with(&config);
    for name in ["a", "b", "c", "d"] {
        daemon.wait_for_state(name, "RUNNING");
    }
    let stopped_daemon = daemon.stop();
    let starts = stopped_daemon.texts(&["spawned: "]);
    assert_eq!(spawned(&starts), ["a", "b", "c", "d"]);
    let stops = stopped_daemon.texts(&["stopped: "]);
    assert_eq!(stopped(&stops), ["d", "c", "b", "a"]);
}

#[test]
fn equal_priorities_start_in_the_order_of_names() {
    let daemon = Daemon::with(
        "[program:zoe]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:adam]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:mia]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    for name in ["adam", "mia", "zoe"] {
        daemon.wait_for_state(name, "RUNNING");
    }
    let stopped_daemon = daemon.stop();
    let starts = stopped_daemon.texts(&["spawned: "]);
    assert_eq!(spawned(&starts), ["adam", "mia", "zoe"]);
}

#[test]
fn a_group_waits_with_stopping_until_the_groups_after_it_are_gone() {
    let dir = Dir::new();
    // Takes its time with TERM, so that who does not wait for it is seen.
    dir.write(
        "slow.sh",
        "trap 'sleep 0.5; exit 0' TERM\necho up\nwhile :; do sleep 0.1; done\n",
    );
    let daemon = Daemon::within(
        dir,
        "[program:last]\ncommand=/bin/cat\npriority=1\nstartsecs=0\n\
         [program:slow]\ncommand=/bin/sh {dir}/slow.sh\npriority=2\nstartsecs=0\n\
         stdout_logfile={dir}/slow.log\n",
    );
    daemon.dir.wait_for_text("slow.log", "up\n");
    daemon.wait_for_state("last", "RUNNING");
    let stopped_daemon = daemon.stop();
    let texts = stopped_daemon.texts(&["stopped: "]);
    assert_eq!(
        texts,
        [
            "stopped: slow (exit status 0)",
            "stopped: last (terminated by SIGTERM)"
        ]
    );
    let waiting = stopped_daemon.texts(&["waiting for "]);
    assert!(!waiting.is_empty());
    assert!(
        waiting[0] == "waiting for slow, last to die"
            || waiting[0] == "waiting for last, slow to die",
        "{waiting:?}"
    );
}

#[test]
fn groups_start_by_priority_and_members_as_the_group_lists_them() {
    let mut config = String::from(
        "[group:late]\nprograms=la,lb\npriority=20\n[group:early]\nprograms=ea,eb\npriority=10\n",
    );
    for (name, priority) in [("la", 2), ("lb", 1), ("ea", 2), ("eb", 1)] {
        config +=
            &format!("[program:{name}]\ncommand=/bin/cat\npriority={priority}\nstartsecs=0\n");
    }
    let daemon = Daemon::with(&config);
    for name in ["late:la", "late:lb", "early:ea", "early:eb"] {
        daemon.wait_for_state(name, "RUNNING");
    }
    let stopped_daemon = daemon.stop();
    let starts = stopped_daemon.texts(&["spawned: "]);
    // A member's own priority counts only when the group is started by command.
    assert_eq!(spawned(&starts), ["ea", "eb", "la", "lb"]);
    // Inside a group all are signalled at once, so only the groups' order shows.
    let stops = stopped(&stopped_daemon.texts(&["stopped: "]));
    assert!(
        stops[..2].iter().all(|name| name.starts_with('l')),
        "{stops:?}"
    );
    assert!(
        stops[2..].iter().all(|name| name.starts_with('e')),
        "{stops:?}"
    );
}

#[test]
fn commands_on_a_group_follow_the_priorities() {
    let mut config = String::from("[group:g]\nprograms=x,y,z\n");
    for (name, priority) in [("x", 3), ("y", 1), ("z", 2)] {
        config += &format!(
            "[program:{name}]\ncommand=/bin/cat\npriority={priority}\nstartsecs=0\nautostart=false\n"
        );
    }
    let daemon = Daemon::with(&config);
    let started = daemon.ctl(&["start", "g:*"]);
    assert_eq!(started.code, 0);
    let mut lines: Vec<&str> = started.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["g:x: started", "g:y: started", "g:z: started"]);
    daemon.wait_for_count("spawned: ", 3);
    let starts: Vec<String> = daemon.log().into_iter().map(|entry| entry.text).collect();
    let starts: Vec<String> = starts
        .into_iter()
        .filter(|text| text.starts_with("spawned: "))
        .collect();
    assert_eq!(spawned(&starts), ["y", "z", "x"]);
}
