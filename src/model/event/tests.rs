use super::*;
use crate::model::signal::Signal;

fn change(to: ProcessState) -> StateChange {
    StateChange {
        process: "tom".into(),
        group: "cats".into(),
        from: ProcessState::Running,
        to,
        pid: Some(42),
        tries: 3,
        expected: false,
        exit: None,
        uptime: None,
    }
}

/// One event of each concrete type.
fn samples() -> Vec<Event> {
    let state = |to| Event::ProcessState(change(to));
    let output = |channel| Output {
        process: "tom".into(),
        group: "cats".into(),
        pid: Some(42),
        channel,
        data: b"meow\n".to_vec(),
    };
    let remote = Event::RemoteCommunication {
        kind: "kind".to_owned(),
        data: "data".to_owned(),
    };
    let tick = |period| Event::Tick { period, when: 60 };
    ProcessState::ALL
        .into_iter()
        .map(state)
        .chain([
            Event::ProcessLog(output(Channel::Stdout)),
            Event::ProcessLog(output(Channel::Stderr)),
            Event::ProcessCommunication(output(Channel::Stdout)),
            Event::ProcessCommunication(output(Channel::Stderr)),
            remote,
            Event::SupervisorRunning,
            Event::SupervisorStopping,
        ])
        .chain(Period::ALL.into_iter().map(tick))
        .chain([
            Event::ProcessGroupAdded("cats".into()),
            Event::ProcessGroupRemoved("cats".into()),
        ])
        .collect()
}

#[test]
fn there_is_an_event_of_each_type() {
    let kinds: EventMask = samples().iter().map(Event::kind).collect();
    assert_eq!(kinds, EventMask::ALL);
    assert_eq!(EventMask::ALL.kinds().count(), 20);
}

/// Claims which types a name in `events=` subscribes to.
fn check_name(name: &str, kinds: &str) {
    let mask = EventMask::of_name(name).expect("a type of that name");
    let mut names: Vec<_> = mask.kinds().map(EventKind::name).collect();
    names.sort_unstable();
    assert_eq!(names.join(" "), kinds, "{name}");
}

#[test]
fn an_abstract_type_subscribes_to_all_below_it() {
    check_name(
        "PROCESS_STATE",
        "PROCESS_STATE_BACKOFF PROCESS_STATE_EXITED PROCESS_STATE_FATAL PROCESS_STATE_RUNNING \
         PROCESS_STATE_STARTING PROCESS_STATE_STOPPED PROCESS_STATE_STOPPING PROCESS_STATE_UNKNOWN",
    );
    check_name(
        "PROCESS_COMMUNICATION",
        "PROCESS_COMMUNICATION_STDERR PROCESS_COMMUNICATION_STDOUT",
    );
    check_name("PROCESS_LOG", "PROCESS_LOG_STDERR PROCESS_LOG_STDOUT");
    check_name(
        "SUPERVISOR_STATE_CHANGE",
        "SUPERVISOR_STATE_CHANGE_RUNNING SUPERVISOR_STATE_CHANGE_STOPPING",
    );
    check_name("TICK", "TICK_3600 TICK_5 TICK_60");
    check_name("PROCESS_GROUP", "PROCESS_GROUP_ADDED PROCESS_GROUP_REMOVED");
    assert_eq!(EventMask::of_name("EVENT"), Some(EventMask::ALL));
}

#[test]
fn a_concrete_type_subscribes_to_itself() {
    for kind in EventKind::ALL {
        check_name(kind.name(), kind.name());
        check_name(&kind.name().to_lowercase(), kind.name());
    }
}

#[test]
fn a_name_that_nothing_has_subscribes_to_nothing() {
    for name in [
        "", "EVENTS", "PROCESS", "TICK_", "TICK_6", " EVENT", "REMOTE", "ÉVENT",
    ] {
        assert_eq!(EventMask::of_name(name), None, "{name}");
    }
}

#[test]
fn a_mask_survives_as_a_number() {
    let mask = EventMask::of(EventKind::Tick5) | EventMask::of(EventKind::ProcessGroupRemoved);
    assert_eq!(EventMask::from_bits(mask.bits()), mask);
    assert_eq!(EventMask::from_bits(u32::MAX), EventMask::ALL);
    assert!(mask.meets(EventMask::ALL) && !mask.meets(EventMask::NONE));
}

fn check_state(to: ProcessState, payload: &str) {
    let event = Event::ProcessState(change(to));
    let payload = format!("processname:tom groupname:cats from_state:RUNNING{payload}");
    assert_eq!(event.payload(), payload);
}

#[test]
fn a_change_of_state_tells_what_matters_in_the_new_one() {
    check_state(ProcessState::Starting, " tries:3");
    check_state(ProcessState::Backoff, " tries:3");
    check_state(ProcessState::Running, " pid:42");
    check_state(ProcessState::Stopping, " pid:42");
    check_state(ProcessState::Stopped, " pid:42");
    check_state(ProcessState::Exited, " expected:0 pid:42");
    check_state(ProcessState::Fatal, "");
    check_state(ProcessState::Unknown, "");
}

#[test]
fn without_a_child_the_pid_is_told_as_zero() {
    let mut change = change(ProcessState::Stopped);
    change.pid = None;
    let payload = Event::ProcessState(change).payload();
    assert!(payload.ends_with(" pid:0"), "{payload}");
}

fn check_details(change: StateChange, details: &str) {
    let event = Event::ProcessState(change);
    let plain = event.payload();
    let detailed = event.detailed_payload("box");
    let added = detailed.strip_prefix(&plain);
    assert_eq!(added, Some(details), "{detailed}");
}

#[test]
fn details_follow_the_original_s_keys() {
    let exited = |exit| StateChange {
        exit: Some(exit),
        uptime: Some(7),
        ..change(ProcessState::Exited)
    };
    check_details(
        exited(Exit::Code(1)),
        " exitcode:1 signal: uptime:7 tries:3 host:box",
    );
    let killed = |number| Exit::Signal {
        signal: Signal(number),
        core: true,
    };
    check_details(
        exited(killed(9)),
        " exitcode: signal:SIGKILL uptime:7 tries:3 host:box",
    );
    check_details(
        exited(killed(40)),
        " exitcode: signal:signal40 uptime:7 tries:3 host:box",
    );
    check_details(
        change(ProcessState::Fatal),
        " exitcode: signal: uptime: tries:3 host:box",
    );
    // Where the original has it, it is not said twice.
    check_details(
        change(ProcessState::Backoff),
        " exitcode: signal: uptime: host:box",
    );
}

#[test]
fn a_key_is_told_once() {
    for to in ProcessState::ALL {
        let payload = Event::ProcessState(change(to)).detailed_payload("box");
        let mut keys: Vec<_> = payload
            .split(' ')
            .filter_map(|pair| pair.split_once(':'))
            .map(|(key, _)| key)
            .collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count, "{payload}");
    }
}

#[test]
fn only_changes_of_state_have_details() {
    for event in samples() {
        let differs = event.detailed_payload("box") != event.payload();
        assert_eq!(
            differs,
            matches!(event, Event::ProcessState(_)),
            "{event:?}"
        );
    }
}
