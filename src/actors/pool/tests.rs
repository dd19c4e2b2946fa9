use super::*;
use crate::model::envelope::{PayloadLength, Style};
use crate::model::event::{Event, EventKind};
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// What a fake process was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::actors) enum Asked {
    Write(String),
    Restart,
    Told(ListenerState),
}

/// A fake process; whether its child has closed its stdin.
struct Fake(UnboundedSender<Asked>, bool);

impl Fake {
    fn hand_on(&self, asked: Asked) {
        // The test may be over.
        let _ = self.0.send(asked);
    }
}

impl Listener for Fake {
    fn write(&self, event: &[u8]) -> Result<(), Closed> {
        let event = str::from_utf8(event).expect("envelopes are text");
        self.hand_on(Asked::Write(event.to_owned()));
        if self.1 { Err(Closed) } else { Ok(()) }
    }

    fn restart(&self) {
        self.hand_on(Asked::Restart);
    }

    fn told(&self, state: ListenerState) {
        self.hand_on(Asked::Told(state));
    }
}

/// A pool for group events with its fake processes.
pub(in crate::actors) struct Theatre {
    pub(in crate::actors) bus: Bus,
    pub(in crate::actors) pool: Addr<Pool>,
    pub(in crate::actors) seats: Vec<Seat>,
    pub(in crate::actors) asked: Vec<UnboundedReceiver<Asked>>,
    asks: Vec<UnboundedSender<Asked>>,
    pub(in crate::actors) logger: Logger,
    log: UnboundedReceiver<String>,
}

/// Hands on the lines of the log.
struct Lines(UnboundedSender<String>);

impl slog::Drain for Lines {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, record: &slog::Record, _: &slog::OwnedKVList) -> Result<(), slog::Never> {
        let line = format!("{} {}", record.level().as_short_str(), record.msg());
        // The test may be over.
        let _ = self.0.send(line);
        Ok(())
    }
}

pub(in crate::actors) fn theatre(members: usize, restart_unknown: bool) -> Theatre {
    let bus = Bus::start("box".into());
    let (lines, log) = mpsc::unbounded_channel();
    let settings = Settings {
        style: Style {
            server: "supervisor".into(),
            pool: "pool".into(),
            length: PayloadLength::Characters,
            details: false,
        },
        buffer_size: NonZeroUsize::new(2).expect("above 0"),
        restart_unknown,
    };
    let names: Vec<Arc<str>> = (0..members).map(|i| format!("l{i}").into()).collect();
    let mask = EventMask::of_name("PROCESS_GROUP").expect("a type of that name");
    let logger = Logger::root(Lines(lines), slog::o!());
    let (pool, seats) = Pool::start(&bus, mask, settings, &names, Vigil::start(), logger.clone());
    let (asks, asked) = seats.iter().map(|_| mpsc::unbounded_channel()).unzip();
    Theatre {
        bus,
        pool,
        seats,
        asked,
        asks,
        logger,
        log,
    }
}

impl Theatre {
    pub(in crate::actors) fn publish(&self, group: &str) {
        self.bus.publish(EventKind::ProcessGroupAdded, || {
            Event::ProcessGroupAdded(group.into())
        });
    }

    pub(in crate::actors) fn says(&self, member: usize, text: &'static str) {
        self.seats[member].heard(text.as_bytes());
    }

    /// A member has a new child, which is RUNNING.
    pub(in crate::actors) fn starts(&mut self, member: usize) {
        self.starts_with(member, false);
    }

    fn starts_with(&mut self, member: usize, is_deaf: bool) {
        let fake = Fake(self.asks[member].clone(), is_deaf);
        self.seats[member].started(Box::new(fake));
        self.seats[member].running();
    }

    /// A listener that is running and ready.
    pub(in crate::actors) fn ready(&mut self, member: usize) {
        self.starts(member);
        self.says(member, "READY\n");
    }

    /// The name of the group in the next event that a member is sent, and its two serials.
    pub(in crate::actors) async fn sent(&mut self, member: usize) -> String {
        loop {
            if let Asked::Write(event) = self.asks(member).await {
                let token = |name| event.split(name).nth(1)?.split([' ', '\n']).next();
                let [Some(group), Some(serial), Some(pool)] =
                    ["groupname:", " serial:", "poolserial:"].map(token)
                else {
                    panic!("not an event of a group: {event}");
                };
                return format!("{group} {serial} {pool}");
            }
        }
    }

    pub(in crate::actors) async fn asks(&mut self, member: usize) -> Asked {
        let asked = self.asked[member].recv();
        let asked = actix_rt::time::timeout(Duration::from_secs(30), asked).await;
        asked.expect("asked in time").expect("the pool lives")
    }

    /// How many new lines of the log begin so.
    pub(in crate::actors) fn count_logged(&mut self, beginning: &str) -> usize {
        let lines = std::iter::from_fn(|| self.log.try_recv().ok());
        lines.filter(|line| line.starts_with(beginning)).count()
    }

    /// Waits for a line of the log that begins so.
    pub(in crate::actors) async fn logs(&mut self, beginning: &str) -> String {
        loop {
            let line = actix_rt::time::timeout(Duration::from_secs(30), self.log.recv()).await;
            let line = line.expect("said in time").expect("the pool lives");
            if line.starts_with(beginning) {
                return line;
            }
        }
    }
}

#[actix::test]
async fn events_from_before_the_first_listener_is_ready_reach_it() {
    let mut stage = theatre(1, false);
    stage.publish("a");
    stage.publish("b");
    stage.ready(0);
    assert_eq!(stage.sent(0).await, "a 0 0");
    stage.says(0, "RESULT 2\nOKREADY\n");
    assert_eq!(stage.sent(0).await, "b 1 1");
}

#[actix::test]
async fn an_event_of_a_listener_that_died_goes_to_another() {
    let mut stage = theatre(2, false);
    stage.ready(0);
    stage.publish("a");
    assert_eq!(stage.sent(0).await, "a 0 0");
    stage.ready(1);
    stage.seats[0].gone();
    assert_eq!(stage.sent(1).await, "a 0 0");
}

#[actix::test]
async fn what_does_not_fit_is_said_in_the_main_log() {
    let mut stage = theatre(1, false);
    for group in ["a", "b", "c"] {
        stage.publish(group);
    }
    let line = stage.logs("ERRO").await;
    assert_eq!(
        line,
        "ERRO pool pool event buffer overflowed, discarding event 0"
    );
}

#[actix::test]
async fn what_a_listener_writes_is_logged_as_the_original_logs_it() {
    let mut stage = theatre(1, false);
    stage.ready(0);
    let line = stage.logs("DEBG 'l0'").await;
    assert_eq!(line, "DEBG 'l0' stdout output:\nb'READY\\n'");
}

#[actix::test]
async fn the_world_is_told_of_each_state() {
    let mut stage = theatre(1, false);
    stage.ready(0);
    stage.says(0, "garbage");
    for state in [
        ListenerState::Acknowledged,
        ListenerState::Ready,
        ListenerState::Unknown,
    ] {
        assert_eq!(stage.asks(0).await, Asked::Told(state));
    }
}

#[actix::test]
async fn a_listener_that_lives_on_without_its_pipes_is_lost_and_restarted() {
    let mut stage = theatre(1, true);
    stage.ready(0);
    stage.publish("a");
    assert_eq!(stage.sent(0).await, "a 0 0");
    stage.seats[0].closed(Pipe::Stdout);
    stage.logs("WARN l0: has entered the UNKNOWN state").await;
    while stage.asks(0).await != Asked::Restart {}
    stage.ready(0);
    assert_eq!(stage.sent(0).await, "a 0 0");
}

#[actix::test]
async fn a_listener_that_is_being_stopped_is_not_restarted() {
    let mut stage = theatre(2, true);
    for member in [0, 1] {
        stage.ready(member);
        stage.says(member, "garbage");
    }
    stage.seats[0].leaving();
    // The other one is restarted at the same time, or later.
    while stage.asks(1).await != Asked::Restart {}
    while let Ok(asked) = stage.asked[0].try_recv() {
        assert_ne!(asked, Asked::Restart);
    }
}

#[actix::test]
async fn a_pool_that_retires_hears_no_more_and_says_what_it_leaves() {
    let mut stage = theatre(1, false);
    stage.publish("a");
    stage.publish("b");
    stage.ready(0);
    assert_eq!(stage.sent(0).await, "a 0 0");
    stage.pool.send(Retire).await.expect("it lived");
    let line = stage.logs("INFO").await;
    assert_eq!(line, "INFO pool pool ends with 2 events not handled");
    while stage.bus.wants(EventKind::ProcessGroupAdded) {
        actix_rt::task::yield_now().await;
    }
    assert!(!stage.pool.connected());
}

/// A listener that answers everything with garbage, pipes that close, members that never took
/// their seats: nothing of it may end the pool.
#[actix::test]
async fn strange_members_do_not_disturb_the_others() {
    let mut stage = theatre(3, false);
    stage.ready(0);
    stage.ready(1);
    stage.publish("a");
    assert_eq!(stage.sent(0).await, "a 0 0");
    stage.seats[0].heard(&vec![b'x'; 1 << 20]);
    stage.seats[2].closed(Pipe::Stdin);
    stage.seats[2].gone();
    assert_eq!(stage.sent(1).await, "a 0 0");
    stage.says(1, "RESULT 2\nOK");
    assert!(stage.pool.connected());
}

#[actix::test]
async fn a_listener_that_closed_its_stdin_is_said_and_is_sent_nothing_more() {
    let mut stage = theatre(2, false);
    stage.starts_with(0, true);
    stage.says(0, "READY\n");
    stage.publish("a");
    assert_eq!(stage.sent(0).await, "a 0 0");
    let line = stage.logs("DEBG epipe").await;
    assert_eq!(
        line,
        "DEBG epipe occurred while sending event 0 to listener l0, listener state unchanged"
    );
    stage.says(0, "RESULT 2\nOKREADY\n");
    stage.publish("b");
    stage.ready(1);
    assert_eq!(stage.sent(1).await, "b 1 1");
    stage.logs("INFO l0: has closed its stdin or stdout").await;
}

/// What is told of a child that was there before the last one.
#[actix::test]
async fn nothing_of_a_dead_child_is_taken_for_its_successor_s() {
    let mut stage = theatre(1, false);
    stage.ready(0);
    let dead = stage.seats[0].clone();
    stage.publish("a");
    assert_eq!(stage.sent(0).await, "a 0 0");
    stage.ready(0);
    assert_eq!(stage.sent(0).await, "a 0 0");
    stage.publish("b");
    dead.heard(b"RESULT 2\nOKREADY\n");
    dead.closed(Pipe::Stdout);
    dead.leaving();
    dead.gone();
    stage.says(0, "RESULT 2\nOKREADY\n");
    assert_eq!(stage.sent(0).await, "b 1 1");
}
