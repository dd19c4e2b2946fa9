use super::*;
use crate::model::event::{Output, Period, StateChange};
use crate::model::state::{Channel, ProcessState};

fn style() -> Style {
    Style {
        server: "süper".into(),
        pool: "all".into(),
        length: PayloadLength::Characters,
        details: false,
    }
}

fn encoded(serial: u64, event: Event) -> Encoded {
    Encoded::new(serial, event, "box".into())
}

fn state(process: &str, from: ProcessState, to: ProcessState, pid: i32, tries: u32) -> Event {
    Event::ProcessState(StateChange {
        process: process.into(),
        group: process.into(),
        from,
        to,
        pid: Some(pid),
        tries,
        expected: false,
        exit: None,
        uptime: None,
    })
}

fn output(channel: Channel, data: &[u8]) -> Output {
    Output {
        process: "noisy".into(),
        group: "noisy".into(),
        pid: Some(13314),
        channel,
        data: data.to_vec(),
    }
}

/// Claims the bytes that Supervisor 4.3.0 on Python 3 wrote to a listener's stdin, which is all
/// behind the pool's name: the first five tokens follow from the serial.
fn check(serial: u64, event: Event, recorded: &str) {
    let told = encoded(serial, event).envelope(&style(), serial);
    let told = String::from_utf8(told).expect("envelopes are text");
    let expected =
        format!("ver:3.0 server:süper serial:{serial} pool:all poolserial:{serial} {recorded}");
    assert_eq!(told, expected);
}

// Recorded from the original, with a listener to EVENT and programs that misbehave.
#[test]
fn envelopes_are_those_of_the_original() {
    use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping};
    check(
        5,
        Event::ProcessGroupAdded("nöön".into()),
        "eventname:PROCESS_GROUP_ADDED len:15\ngroupname:nöön\n",
    );
    check(
        6,
        Event::SupervisorRunning,
        "eventname:SUPERVISOR_STATE_CHANGE_RUNNING len:0\n",
    );
    check(
        9,
        state("flap", Stopped, Starting, 0, 0),
        "eventname:PROCESS_STATE_STARTING len:58\nprocessname:flap groupname:flap from_state:STOPPED tries:0",
    );
    check(
        12,
        state("nöön", Starting, Running, 13315, 0),
        "eventname:PROCESS_STATE_RUNNING len:61\nprocessname:nöön groupname:nöön from_state:STARTING pid:13315",
    );
    check(
        13,
        state("flap", Starting, Backoff, 1, 1),
        "eventname:PROCESS_STATE_BACKOFF len:59\nprocessname:flap groupname:flap from_state:STARTING tries:1",
    );
    check(
        15,
        Event::Tick {
            period: Period::Five,
            when: 1_795_154_270,
        },
        "eventname:TICK_5 len:15\nwhen:1795154270",
    );
    check(
        21,
        state("flap", Backoff, Fatal, 0, 0),
        "eventname:PROCESS_STATE_FATAL len:50\nprocessname:flap groupname:flap from_state:BACKOFF",
    );
    check(
        29,
        state("noisy", Running, Exited, 13314, 0),
        "eventname:PROCESS_STATE_EXITED len:73\nprocessname:noisy groupname:noisy from_state:RUNNING expected:0 pid:13314",
    );
    check(
        32,
        Event::Tick {
            period: Period::Minute,
            when: 1_795_154_280,
        },
        "eventname:TICK_60 len:15\nwhen:1795154280",
    );
    check(
        36,
        state("cat", Running, Stopping, 13380, 0),
        "eventname:PROCESS_STATE_STOPPING len:58\nprocessname:cat groupname:cat from_state:RUNNING pid:13380",
    );
    check(
        37,
        state("cat", Stopping, Stopped, 13380, 0),
        "eventname:PROCESS_STATE_STOPPED len:59\nprocessname:cat groupname:cat from_state:STOPPING pid:13380",
    );
    check(
        40,
        Event::ProcessGroupRemoved("cat".into()),
        "eventname:PROCESS_GROUP_REMOVED len:14\ngroupname:cat\n",
    );
    check(
        42,
        Event::SupervisorStopping,
        "eventname:SUPERVISOR_STATE_CHANGE_STOPPING len:0\n",
    );
    let remote = Event::RemoteCommunication {
        kind: "kínd".to_owned(),
        data: "dåta\nmore".to_owned(),
    };
    check(
        33,
        remote,
        "eventname:REMOTE_COMMUNICATION len:19\ntype:kínd\ndåta\nmore",
    );
}

#[test]
fn output_is_told_as_text_or_as_a_literal_like_the_original_s() {
    let log = |channel, data: &[u8]| Event::ProcessLog(output(channel, data));
    let communication = |channel, data: &[u8]| Event::ProcessCommunication(output(channel, data));
    check(
        14,
        log(
            Channel::Stdout,
            b"plain\ncaf\xc3\xa9 \xe2\x82\xac\nit's caf\xe9\n\0\t\"q\"",
        ),
        "eventname:PROCESS_LOG_STDOUT len:132\nprocessname:noisy groupname:noisy pid:13314 channel:stdout\nUndecodable: b'plain\\ncaf\\xc3\\xa9 \\xe2\\x82\\xac\\nit\\'s caf\\xe9\\n\\x00\\t\"q\"'",
    );
    check(
        22,
        log(Channel::Stdout, b"it's \xff before"),
        "eventname:PROCESS_LOG_STDOUT len:91\nprocessname:noisy groupname:noisy pid:13314 channel:stdout\nUndecodable: b\"it's \\xff before\"",
    );
    check(
        23,
        log(Channel::Stdout, "inside é".as_bytes()),
        "eventname:PROCESS_LOG_STDOUT len:67\nprocessname:noisy groupname:noisy pid:13314 channel:stdout\ninside é",
    );
    check(
        24,
        communication(Channel::Stdout, "inside é".as_bytes()),
        "eventname:PROCESS_COMMUNICATION_STDOUT len:52\nprocessname:noisy groupname:noisy pid:13314\ninside é",
    );
    check(
        26,
        log(Channel::Stderr, b"err\n"),
        "eventname:PROCESS_LOG_STDERR len:63\nprocessname:noisy groupname:noisy pid:13314 channel:stderr\nerr\n",
    );
    check(
        28,
        communication(Channel::Stderr, b"bad \xe9"),
        "eventname:PROCESS_COMMUNICATION_STDERR len:68\nprocessname:noisy groupname:noisy pid:13314\nUndecodable: b'bad \\xe9'",
    );
}

#[test]
fn the_length_counts_bytes_for_those_who_ask() {
    let event = encoded(1, Event::ProcessGroupAdded("nöön".into()));
    let length = |length| {
        let style = Style { length, ..style() };
        let envelope = event.envelope(&style, 0);
        let envelope = String::from_utf8(envelope).expect("envelopes are text");
        let (header, payload) = envelope.split_once('\n').expect("a header line");
        let (_, length) = header.rsplit_once("len:").expect("a length at the end");
        (length.to_owned(), payload.len())
    };
    assert_eq!(length(PayloadLength::Characters), ("15".to_owned(), 17));
    assert_eq!(length(PayloadLength::Bytes), ("17".to_owned(), 17));
}

#[test]
fn details_are_told_to_those_who_ask() {
    let event = encoded(
        1,
        state("cat", ProcessState::Running, ProcessState::Exited, 7, 2),
    );
    let detailed = Style {
        details: true,
        ..style()
    };
    let tells_host =
        |style: &Style| String::from_utf8_lossy(&event.envelope(style, 0)).contains("host:box");
    assert!(tells_host(&detailed));
    assert!(!tells_host(&style()));
}

#[test]
fn a_payload_is_encoded_once() {
    let event = encoded(1, Event::SupervisorRunning);
    let address = |details| std::ptr::from_ref(event.payload(details));
    assert_eq!(address(false), address(false));
    // There are no details to tell, so the two forms are one.
    assert_eq!(address(false), address(true));
}

#[test]
fn serials_begin_at_zero_and_again_after_the_largest() {
    let mut serials = Serials::new();
    assert_eq!([serials.take(), serials.take()], [0, 1]);
    let largest = i64::MAX.unsigned_abs();
    let mut serials = Serials::from_next(largest);
    assert_eq!([serials.take(), serials.take()], [largest, 0]);
    assert_eq!(serials.peek(), 1);
}
