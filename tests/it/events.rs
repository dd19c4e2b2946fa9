//! Events and their listeners, with listeners as people write them in shell.

use crate::harness::{Daemon, Dir, foreign, lives, wait, wait_for_death};

/// A listener that writes down what it is sent, `header|payload` a line with newlines as `/`, and
/// then does what its second argument says.
const LISTEN: &str = r#"
printf 'READY\n'
while read -r header; do
    len=${header##*len:}
    payload=$(head -c "$len" | tr '\n' '/')
    printf '%s|%s\n' "$header" "$payload" >> "$1"
    eval "$2"
done
"#;

/// Handled, and ready for the next.
const OK: &str = r"printf 'RESULT 2\nOKREADY\n'";

/// A folder with the listener's script.
fn dir() -> Dir {
    let dir = Dir::new();
    dir.write("listen.sh", LISTEN);
    dir
}

/// The section of a listener that writes into `{dir}/NAME.txt` and then does `then`.
fn listener(name: &str, then: &str, options: &str) -> String {
    let dir = "{dir}";
    format!(
        "[eventlistener:{name}]\ncommand=sh {dir}/listen.sh {dir}/{name}.txt \"{}\"\n\
         startsecs=0\nstartretries=100\nautorestart=true\nbuffer_size=1000\n{options}\n",
        then.replace('\\', r"\\")
    )
}

/// What a listener was sent: `EVENTNAME payload`.
fn heard(daemon: &Daemon, name: &str) -> Vec<String> {
    let text = daemon.dir.read(&format!("{name}.txt"));
    let told = text.lines().filter_map(|line| {
        let (header, payload) = line.split_once('|')?;
        Some(format!("{} {payload}", token(header, "eventname")?))
    });
    told.collect()
}

/// The value of a token of a header.
fn token(header: &str, name: &str) -> Option<String> {
    let pair = |word: &str| {
        word.strip_prefix(name)?
            .strip_prefix(':')
            .map(str::to_owned)
    };
    header.split(' ').find_map(pair)
}

/// The values of a token in all that a listener was sent.
fn tokens(daemon: &Daemon, listener: &str, name: &str) -> Vec<String> {
    let text = daemon.dir.read(&format!("{listener}.txt"));
    let headers = text.lines().filter_map(|line| line.split('|').next());
    headers.filter_map(|header| token(header, name)).collect()
}

/// Waits until a listener has been sent something that contains a text.
#[track_caller]
fn wait_to_hear(daemon: &Daemon, name: &str, text: &str) {
    daemon.dir.wait_for_text(&format!("{name}.txt"), text);
}

fn remote(daemon: &Daemon, kind: &str, data: &str) {
    let answer = daemon.rpc("supervisor.sendRemoteCommEvent", &[kind, data]);
    assert!(answer.contains("<boolean>1</boolean>"), "{answer}");
}

const LOST: &str = "has entered the UNKNOWN state and will no longer receive events, this usually \
     indicates the process violated the eventlistener protocol";

#[test]
fn a_listener_hears_of_a_life_in_the_original_s_words() {
    let sections = listener("ear", OK, "events=PROCESS_STATE,PROCESS_GROUP_ADDED")
        + "[program:cat]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n";
    let daemon = Daemon::within(dir(), &sections);
    daemon.ctl(&["start", "cat"]);
    let pid = daemon.wait_for_state("cat", "RUNNING");
    daemon.ctl(&["stop", "cat"]);
    let ear = daemon.wait_for_state("ear", "RUNNING");
    wait_to_hear(&daemon, "ear", "PROCESS_STATE_STOPPED");
    let about_cat = |state: &str, from: &str, rest: String| {
        format!("PROCESS_STATE_{state} processname:cat groupname:cat from_state:{from} {rest}")
    };
    assert_eq!(
        heard(&daemon, "ear"),
        [
            // It hears of itself from the first moment on.
            "PROCESS_GROUP_ADDED groupname:ear/".to_owned(),
            "PROCESS_GROUP_ADDED groupname:cat/".to_owned(),
            "PROCESS_STATE_STARTING processname:ear groupname:ear from_state:STOPPED tries:0"
                .to_owned(),
            format!(
                "PROCESS_STATE_RUNNING processname:ear groupname:ear from_state:STARTING pid:{ear}"
            ),
            about_cat("STARTING", "STOPPED", "tries:0".to_owned()),
            about_cat("RUNNING", "STARTING", format!("pid:{pid}")),
            about_cat("STOPPING", "RUNNING", format!("pid:{pid}")),
            about_cat("STOPPED", "STOPPING", format!("pid:{pid}")),
        ]
    );
    let serials: Vec<_> = (0..8).map(|serial| serial.to_string()).collect();
    assert_eq!(tokens(&daemon, "ear", "serial"), serials);
    assert_eq!(tokens(&daemon, "ear", "poolserial"), serials);
}

#[test]
fn a_rejected_event_is_sent_again() {
    // Rejects what it hears for the first time.
    let then = r"if [ -e $1.again ]; then printf 'RESULT 2\nOKREADY\n'; \
         else :> $1.again; printf 'RESULT 4\nFAILREADY\n'; fi";
    let daemon = Daemon::within(dir(), &listener("ear", then, "events=REMOTE_COMMUNICATION"));
    remote(&daemon, "a", "one");
    remote(&daemon, "b", "two");
    wait_to_hear(&daemon, "ear", "two");
    let told = ["a/one", "a/one", "b/two"].map(|it| format!("REMOTE_COMMUNICATION type:{it}"));
    assert_eq!(heard(&daemon, "ear"), told);
    assert_eq!(tokens(&daemon, "ear", "poolserial"), ["0", "0", "1"]);
    daemon.wait_for_entry("WARN", "ear: event was rejected");
}

#[test]
fn the_event_of_a_listener_that_dies_is_sent_again() {
    let then = r"if [ -e $1.again ]; then printf 'RESULT 2\nOKREADY\n'; \
         else :> $1.again; exit 1; fi";
    let daemon = Daemon::within(dir(), &listener("ear", then, "events=REMOTE_COMMUNICATION"));
    remote(&daemon, "a", "one");
    remote(&daemon, "b", "two");
    wait_to_hear(&daemon, "ear", "two");
    assert_eq!(tokens(&daemon, "ear", "serial"), ["0", "0", "1"]);
}

#[test]
fn a_pool_of_several_shares_its_events() {
    let then = "sleep 0.2; printf 'RESULT 2\\nOKREADY\\n'";
    let options = "events=REMOTE_COMMUNICATION\nnumprocs=3\nprocess_name=ear%(process_num)d";
    let daemon = Daemon::within(dir(), &listener("ear", then, options));
    for number in 0..9 {
        remote(&daemon, "n", &number.to_string());
    }
    wait("all events", || {
        (heard(&daemon, "ear").len() == 9).then_some(())
    });
    let mut serials = tokens(&daemon, "ear", "poolserial");
    serials.sort();
    let all: Vec<_> = (0..9).map(|serial| serial.to_string()).collect();
    assert_eq!(serials, all);
}

#[test]
fn the_answers_of_a_listener_are_in_its_log() {
    let options = "events=REMOTE_COMMUNICATION\nstdout_logfile={dir}/ear.log";
    let daemon = Daemon::within(dir(), &listener("ear", OK, options));
    remote(&daemon, "a", "one");
    daemon
        .dir
        .wait_for_text("ear.log", "READY\nRESULT 2\nOKREADY\n");
}

#[test]
fn what_does_not_fit_into_the_buffer_is_said() {
    // Keeps the first event for ever.
    let sections = listener("ear", "sleep 1000", "events=REMOTE_COMMUNICATION")
        .replace("buffer_size=1000", "buffer_size=2\nstopasgroup=true");
    let daemon = Daemon::within(dir(), &sections);
    remote(&daemon, "n", "0");
    wait_to_hear(&daemon, "ear", "poolserial:0");
    for number in 1..5 {
        remote(&daemon, "n", &number.to_string());
    }
    for discarded in 1..3 {
        let line = format!("pool ear event buffer overflowed, discarding event {discarded}");
        daemon.wait_for_entry("ERRO", &line);
    }
}

#[test]
fn a_listener_that_breaks_the_protocol_is_said_and_left_alone() {
    let sections = "[eventlistener:ear]\ncommand=sh -c \"echo hello world; exec cat\"\n\
         startsecs=0\nevents=TICK_5\n";
    let daemon = Daemon::with(sections);
    daemon.wait_for_entry("WARN", &format!("ear: {LOST}"));
    let pid = daemon.wait_for_state("ear", "RUNNING");
    assert!(lives(pid));
    if foreign() {
        return;
    }
    let status = daemon.ctl(&["status"]).out;
    assert!(
        status.contains("listener is in the UNKNOWN state"),
        "{status}"
    );
}

#[test]
fn a_lost_listener_is_restarted_if_the_config_says_so() {
    if foreign() {
        return;
    }
    let sections = "[eventlistener:ear]\ncommand=sh -c \"echo hello world; exec cat\"\n\
         startsecs=0\nevents=TICK_5\nrestart_unknown=true\n";
    let daemon = Daemon::with(sections);
    daemon.wait_for_entry("WARN", &format!("ear: {LOST}"));
    let first = daemon.pid_of("ear");
    wait_for_death(first);
    daemon.wait_for_count("spawned: 'ear'", 3);
}

#[test]
fn results_beyond_reason_cost_nobody_anything_but_the_listener() {
    if foreign() {
        return;
    }
    let bad = [
        ("huge", r"printf 'RESULT 99999999999\nOK'"),
        ("below", r"printf 'RESULT -1\nOK'"),
        ("flood", "head -c 3000000 /dev/zero"),
    ];
    let mut sections = listener("good", OK, "events=REMOTE_COMMUNICATION");
    for (name, then) in bad {
        sections += &listener(name, then, "events=REMOTE_COMMUNICATION");
    }
    let daemon = Daemon::within(dir(), &sections);
    for number in 0..50 {
        remote(&daemon, "n", &number.to_string());
    }
    wait("all events", || {
        (heard(&daemon, "good").len() == 50).then_some(())
    });
    for (name, _) in bad {
        daemon.wait_for_entry("WARN", &format!("{name}: {LOST}"));
    }
    daemon.wait_for_entry("WARN", "huge: bad result line: 'RESULT 99999999999'");
    daemon.wait_for_entry("WARN", "below: bad result line: 'RESULT -1'");
    // What it had in hand is not lost: it is there for the next child.
    assert_eq!(heard(&daemon, "huge").len(), 1);
}

#[test]
fn the_event_of_a_listener_that_closes_its_pipes_goes_to_another() {
    if foreign() {
        return;
    }
    // The first child that hears something falls silent, and lives on.
    let then = r"if mkdir $1.one 2>/dev/null; then exec >&- <&- sleep 1000; fi; \
         printf 'RESULT 2\nOKREADY\n'";
    let options = "events=REMOTE_COMMUNICATION\nnumprocs=2\nprocess_name=ear%(process_num)d";
    let daemon = Daemon::within(dir(), &listener("ear", then, options));
    for number in 0..3 {
        remote(&daemon, "n", &number.to_string());
    }
    wait("all events", || {
        let mut serials = tokens(&daemon, "ear", "poolserial");
        serials.sort();
        let heard = serials.len();
        serials.dedup();
        // Which event came twice depends on who of the two was first.
        (heard == 4 && serials == ["0", "1", "2"]).then_some(())
    });
    daemon.wait_for_count("ear", 1);
}

#[test]
fn events_from_before_a_slow_listener_is_ready_are_kept() {
    let dir = dir();
    dir.write("slow.sh", &format!("sleep 1\n{LISTEN}"));
    let sections = listener("ear", OK, "events=SUPERVISOR_STATE_CHANGE,PROCESS_GROUP")
        .replace("listen.sh", "slow.sh")
        + "[program:cat]\ncommand=/bin/cat\n";
    let daemon = Daemon::within(dir, &sections);
    wait_to_hear(&daemon, "ear", "SUPERVISOR_STATE_CHANGE_RUNNING");
    assert_eq!(
        heard(&daemon, "ear"),
        [
            "PROCESS_GROUP_ADDED groupname:ear/",
            "PROCESS_GROUP_ADDED groupname:cat/",
            "SUPERVISOR_STATE_CHANGE_RUNNING ",
        ]
    );
}

/// The original sends it when its loop comes round, which may be too late.
#[test]
fn a_listener_hears_that_the_daemon_is_about_to_leave() {
    if foreign() {
        return;
    }
    let sections = listener("ear", OK, "events=SUPERVISOR_STATE_CHANGE")
        + "[program:slow]\ncommand=sh -c \"trap 'sleep 0.5; exit' TERM; echo up; while :; do sleep 0.1; done\"\n\
           startsecs=0\nstdout_logfile={dir}/slow.log\n";
    let daemon = Daemon::within(dir(), &sections);
    daemon.dir.wait_for_text("slow.log", "up");
    wait_to_hear(&daemon, "ear", "SUPERVISOR_STATE_CHANGE_RUNNING");
    let stopped = daemon.stop();
    let text = stopped.dir().read("ear.txt");
    assert!(text.contains("SUPERVISOR_STATE_CHANGE_STOPPING"), "{text}");
    // Listeners stop after programs.
    let ends = stopped.texts(&["stopped: "]);
    assert!(ends[0].starts_with("stopped: slow"), "{ends:?}");
}

#[test]
fn a_tick_says_when_its_slice_began() {
    let daemon = Daemon::within(dir(), &listener("ear", OK, "events=TICK_5"));
    wait_to_hear(&daemon, "ear", "TICK_5");
    let told = heard(&daemon, "ear");
    let when = told[0].strip_prefix("TICK_5 when:").expect("a tick");
    let when: u64 = when.parse().expect("seconds");
    assert_eq!(when % 5, 0);
}

#[test]
fn the_length_counts_characters_unless_bytes_are_asked_for() {
    let mut sections = listener("ear", OK, "events=REMOTE_COMMUNICATION");
    if !foreign() {
        let options = "events=REMOTE_COMMUNICATION\npayload_length=bytes";
        sections += &listener("bytes", OK, options);
    }
    let daemon = Daemon::within(dir(), &sections);
    remote(&daemon, "ü", "äö€");
    wait_to_hear(&daemon, "ear", "REMOTE");
    assert_eq!(tokens(&daemon, "ear", "len"), ["10"]);
    if !foreign() {
        wait_to_hear(&daemon, "bytes", "REMOTE");
        assert_eq!(tokens(&daemon, "bytes", "len"), ["15"]);
        assert_eq!(heard(&daemon, "bytes"), ["REMOTE_COMMUNICATION type:ü/äö€"]);
    }
}

#[test]
fn details_are_told_on_request() {
    if foreign() {
        return;
    }
    let options = "events=PROCESS_STATE_EXITED\nevent_details=true";
    let sections = listener("ear", OK, options)
        + "[program:once]\ncommand=sh -c \"exit 3\"\nstartsecs=0\nautorestart=false\n";
    let daemon = Daemon::within(dir(), &sections);
    wait_to_hear(&daemon, "ear", "host:");
    let told = heard(&daemon, "ear");
    let (start, rest) = told[0].split_once(" pid:").expect("a pid");
    assert_eq!(
        start,
        "PROCESS_STATE_EXITED processname:once groupname:once from_state:RUNNING expected:0"
    );
    let (_, details) = rest.split_once(' ').expect("details");
    let keys: Vec<_> = details
        .split(' ')
        .filter_map(|it| it.split(':').next())
        .collect();
    assert_eq!(keys, ["exitcode", "signal", "uptime", "tries", "host"]);
    assert!(
        details.starts_with("exitcode:3 signal: uptime:"),
        "{details}"
    );
}

#[test]
fn global_serials_survive_a_reload_and_pool_serials_do_not() {
    let daemon = Daemon::within(dir(), &listener("ear", OK, "events=REMOTE_COMMUNICATION"));
    remote(&daemon, "a", "one");
    wait_to_hear(&daemon, "ear", "one");
    daemon.ctl(&["reload"]);
    daemon.wait_for_count("spawned: 'ear'", 2);
    wait("the daemon's return", || {
        let state = daemon.rpc("supervisor.getState", &[]);
        state.contains("RUNNING").then_some(())
    });
    remote(&daemon, "b", "two");
    wait_to_hear(&daemon, "ear", "two");
    assert_eq!(tokens(&daemon, "ear", "serial"), ["0", "1"]);
    assert_eq!(tokens(&daemon, "ear", "poolserial"), ["0", "0"]);
}

/// The original ends in a recursion limit here and loses a third.
#[test]
fn a_flood_of_captured_words_is_delivered_whole() {
    if foreign() {
        return;
    }
    let dir = dir();
    dir.write(
        "flood.sh",
        "i=0; while [ $i -lt 600 ]; do \
         printf '<!--XSUPERVISOR:BEGIN-->word %s<!--XSUPERVISOR:END-->' $i; i=$((i+1)); \
         done > {dir}/flood.txt; cat {dir}/flood.txt; sleep 1000\n",
    );
    let sections = listener("ear", OK, "events=PROCESS_COMMUNICATION_STDOUT")
        + "[program:flood]\ncommand=sh {dir}/flood.sh\nstdout_capture_maxbytes=1MB\nstopasgroup=true\n";
    let daemon = Daemon::within(dir, &sections);
    wait("all words", || {
        (heard(&daemon, "ear").len() >= 600).then_some(())
    });
    for (number, told) in heard(&daemon, "ear").iter().enumerate() {
        assert!(told.ends_with(&format!("/word {number}")), "{told}");
    }
}

/// Larger than a pipe is: the rest of it waits, and what is sent besides waits behind it.
#[test]
fn an_event_is_not_torn_by_what_is_sent_besides() {
    let dir = dir();
    dir.write(
        "slow.sh",
        "printf 'READY\\n'; head -c 9 > {dir}/begun.txt\n\
         until [ -e {dir}/go ]; do sleep 0.05; done; exec cat > {dir}/rest.txt\n",
    );
    let sections = "[eventlistener:ear]\ncommand=sh {dir}/slow.sh\nstartsecs=0\n\
         events=REMOTE_COMMUNICATION\n";
    let daemon = Daemon::within(dir, sections);
    let data = "x".repeat(300_000);
    remote(&daemon, "big", &data);
    daemon.dir.wait_for_text("begun.txt", "ver:3.0 s");
    for besides in ["one\n", "two\n"] {
        daemon.rpc("supervisor.sendProcessStdin", &["ear", besides]);
    }
    daemon.dir.write("go", "");
    daemon.dir.wait_for_text("rest.txt", "two\n");
    let rest = daemon.dir.read("rest.txt");
    let (_, payload) = rest.split_once('\n').expect("a header is a line");
    let whole = format!("type:big\n{data}one\ntwo\n");
    assert!(payload == whole, "{} bytes", payload.len());
}

#[test]
fn a_listener_that_floods_its_stdout_does_not_hold_up_others() {
    let sections = listener("ear", OK, "events=REMOTE_COMMUNICATION")
        + "[eventlistener:yes]\ncommand=yes\nstartsecs=0\nevents=REMOTE_COMMUNICATION\n\
           stdout_logfile=NONE\n";
    let daemon = Daemon::within(dir(), &sections);
    daemon.wait_for_entry("WARN", &format!("yes: {LOST}"));
    for number in 0..20 {
        remote(&daemon, "n", &number.to_string());
    }
    wait("all events", || {
        (heard(&daemon, "ear").len() == 20).then_some(())
    });
}

#[test]
fn a_listener_that_dies_a_hundred_times_loses_nothing() {
    // Dies in the middle of every other event.
    let then = r"if mkdir $1.${header##*poolserial:} 2>/dev/null; then kill -9 $$; fi; \
         printf 'RESULT 2\nOKREADY\n'";
    let then = then.replace("${header##*poolserial:}", "$(echo $header | tr -dc 0-9)");
    let daemon = Daemon::within(
        dir(),
        &listener("ear", &then, "events=REMOTE_COMMUNICATION"),
    );
    let count = if foreign() { 5 } else { 100 };
    for number in 0..count {
        remote(&daemon, "n", &number.to_string());
    }
    // Each is sent twice: to the child that dies of it, and to the next.
    wait("all events", || {
        (heard(&daemon, "ear").len() == 2 * count).then_some(())
    });
    let serials: Vec<_> = (0..count)
        .flat_map(|it| [it, it])
        .map(|it| it.to_string())
        .collect();
    assert_eq!(tokens(&daemon, "ear", "poolserial"), serials);
}
