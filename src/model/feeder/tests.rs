//! Scripts, the original's sentences, and random stories judged by a naive model.

use super::*;
use crate::model::envelope::PayloadLength;
use crate::model::event::Event;
use crate::model::process::Gravity;
use std::collections::VecDeque;

const NAMES: [&str; 3] = ["a", "b", "c"];

fn feeder(size: usize, members: usize, restart_unknown: bool) -> Feeder {
    let settings = Settings {
        style: Style {
            server: "supervisor".into(),
            pool: "pool".into(),
            length: PayloadLength::Characters,
            details: false,
        },
        buffer_size: NonZeroUsize::new(size).expect("tests give sizes above 0"),
        restart_unknown,
    };
    let names = NAMES[..members].iter().map(|&name| Arc::from(name));
    Feeder::new(settings, names)
}

/// The next event, whose global serials are 100 ahead of the pool's.
fn event(count: &mut u64) -> Arc<Encoded> {
    let event = Encoded::new(100 + *count, Event::SupervisorRunning, "".into());
    *count += 1;
    Arc::new(event)
}

/// One step of a script: `e` is an event; a member's number is followed by what it does. `s` its
/// child is started, `r` is RUNNING, `l` leaves, `g` is gone; its stdin is found closed `d`, its
/// stdout `m`, and it outlived that `o`. It says it is ready `R`, it handled `K` or rejected `F`
/// its event, it writes what is none of these `X`.
fn step(feeder: &mut Feeder, step: &str, count: &mut u64) -> Vec<Effect> {
    let Some((member, deed)) = step
        .split_at_checked(1)
        .filter(|(_, deed)| !deed.is_empty())
    else {
        return feeder.accept(event(count));
    };
    let member = member.parse().expect("tests name members by number");
    match deed {
        "s" => feeder.started(member),
        "r" => feeder.running(member),
        "l" => {
            feeder.leaving(member);
            Vec::new()
        }
        "g" => feeder.gone(member),
        "d" => feeder.deaf(member),
        "m" => feeder.mute(member),
        "o" => feeder.outlived(member),
        _ => feeder.output(member, said(deed)),
    }
}

fn said(deed: &str) -> &'static [u8] {
    match deed {
        "R" => b"READY\n",
        "K" => b"RESULT 2\nOK",
        "F" => b"RESULT 4\nFAIL",
        _ => b"garbage\n",
    }
}

/// What an effect is in a script's outcome; debug lines and states are left out.
fn tell(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Write { member, bytes } => {
            let text = String::from_utf8_lossy(bytes);
            let serial = text.split("poolserial:").nth(1)?.split(' ').next()?;
            Some(format!("{member}<{serial}"))
        }
        Effect::Say(sentence) => match sentence.matter {
            Matter::Overflowed { serial } => Some(format!("-{}", serial - 100)),
            Matter::Lost => Some(format!("lost:{}", sentence.name)),
            Matter::Rejected => Some(format!("rejected:{}", sentence.name)),
            Matter::ClosedPipe => Some(format!("closed:{}", sentence.name)),
            Matter::Instead { .. }
            | Matter::BadResultLine(_)
            | Matter::Moved { .. }
            | Matter::Processed
            | Matter::Sent { .. }
            | Matter::Refused { .. }
            | Matter::Restarting { .. }
            | Matter::Rebuffering { .. }
            | Matter::Undelivered { .. } => None,
        },
        Effect::Entered { .. } => None,
        Effect::Watch { member } => Some(format!("watch:{member}")),
        Effect::Restart { member, after } => Some(format!("restart:{member}+{}", after.as_secs())),
    }
}

fn run(feeder: &mut Feeder, script: &str) -> String {
    let mut count = 0;
    let mut told = Vec::new();
    for word in script.split_whitespace() {
        let effects = step(feeder, word, &mut count);
        told.extend(effects.iter().filter_map(tell));
    }
    told.join(" ")
}

/// Two members, a buffer for three events.
fn check(script: &str, expected: &str) {
    assert_eq!(run(&mut feeder(3, 2, false), script), expected, "{script}");
}

#[test]
fn a_listener_is_fed_once_it_is_running_and_ready() {
    check("e 0s 0R 0r", "0<0");
    check("e 0s 0r 0R", "0<0");
    check("0s 0r 0R e", "0<0");
    check("e 0s 0R", "");
    check("e 0s 0r", "");
    check("e 0R", "");
}

#[test]
fn a_listener_has_one_event_in_hand() {
    check("0s 0r 0R e e", "0<0");
    check("0s 0r 0R e e 0K", "0<0");
    check("0s 0r 0R e e 0K 0R", "0<0 0<1");
}

#[test]
fn the_first_listener_that_wants_an_event_gets_it() {
    check("0s 1s 0r 1r 1R 0R e e", "0<0 1<1");
    check("0s 1s 0r 1r 0R 1R e 0K 0R e e", "0<0 0<1 1<2");
}

#[test]
fn events_from_before_the_first_listener_is_ready_are_kept_within_the_buffer() {
    check("e e e 0s 0r 0R 0K 0R 0K 0R", "0<0 0<1 0<2");
    check("e e e e e 0s 0r 0R 0K 0R", "-0 -1 0<2 0<3");
}

#[test]
fn a_rejected_event_is_the_next_to_be_sent() {
    check("0s 0r 0R e e 0F 0R 0K 0R", "0<0 rejected:a 0<0 0<1");
    check("0s 1s 0r 1r 0R e 1R 0F", "0<0 rejected:a 1<0");
}

#[test]
fn the_event_of_a_listener_that_died_is_the_next_to_be_sent() {
    check("0s 0r 0R e e 0g 0s 0r 0R", "0<0 0<0");
    check("0s 1s 0r 1r 0R e 1R 0g", "0<0 1<0");
    // It answered with its last breath.
    check("0s 0r 0R e e 0K 0g 0s 0r 0R", "0<0 0<1");
    // Nobody was told of its end before a new child is there.
    check("0s 0r 0R e e 0s 0r 0R", "0<0 0<0");
}

#[test]
fn the_event_of_a_listener_that_broke_the_protocol_is_the_next_to_be_sent() {
    check("0s 1s 0r 1r 0R e 1R 0X", "0<0 lost:a 1<0");
    check("0s 0r 0R e 0X 0R e 0g 0s 0r 0R", "0<0 lost:a 0<0");
}

#[test]
fn a_lost_listener_is_lost_until_it_is_started_again() {
    check("0s 0r 0X 0R 0K e", "lost:a");
    check("0s 0r 0R 0R e", "lost:a");
    check("0s 0r 0X e 0g 0s 0r 0R", "lost:a 0<0");
}

#[test]
fn an_event_that_comes_back_to_a_full_buffer_costs_the_oldest_that_waits() {
    check("0s 0r 0R e e e e 0F 0R 0K 0R", "0<0 rejected:a -1 0<0 0<2");
}

#[test]
fn a_listener_that_is_being_stopped_is_heard_and_not_fed() {
    check("0s 0r 0R e 0l 0K 0R e", "0<0");
    check("0s 0r 0R 0l e 0g 0s 0r 0R", "0<0");
}

#[test]
fn a_listener_whose_stdin_is_closed_may_still_answer() {
    check("0s 0r 0R e 0d 0K 0R e", "0<0 watch:0");
    check("0s 0r 0R e 0d 0g 0s 0r 0R", "0<0 watch:0 0<0");
    check(
        "0s 1s 0r 1r 0R e 1R 0d 0o",
        "0<0 watch:0 closed:a lost:a 1<0",
    );
}

#[test]
fn a_listener_whose_stdout_is_closed_will_never_answer() {
    check("0s 1s 0r 1r 0R e 1R 0m", "0<0 watch:0 1<0");
    check("0s 0r 0R 0m e", "watch:0");
    check("0s 0r 0m 0d 0o", "watch:0 closed:a lost:a");
}

#[test]
fn nothing_is_said_of_pipes_that_close_because_the_listener_ended() {
    check("0s 0r 0R e 0m 0g 0o", "0<0 watch:0");
    check("0s 0r 0m 0d 0g 0s 0o 0r 0R e", "watch:0 0<0");
}

#[test]
fn a_member_that_nobody_knows_is_nobody() {
    check("7s 7r 7R 7K 7d 7m 7o 7l 7g e", "");
}

#[test]
fn lost_listeners_are_restarted_only_if_the_config_says_so_after_growing_pauses() {
    let mut pool = feeder(3, 1, true);
    assert_eq!(run(&mut pool, "0s 0r 0X"), "lost:a restart:0+1");
    assert_eq!(run(&mut pool, "0g 0s 0r 0X"), "lost:a restart:0+2");
    assert_eq!(
        run(&mut pool, "0g 0s 0r 0R e 0K 0X"),
        "0<0 lost:a restart:0+1"
    );
    for _ in 0..100 {
        run(&mut pool, "0g 0s 0r 0X");
    }
    assert_eq!(run(&mut pool, "0g 0s 0r 0X"), "lost:a restart:0+60");
}

#[test]
fn what_was_not_handled_is_said_at_the_end() {
    let mut pool = feeder(3, 1, false);
    assert_eq!(pool.retire(), None);
    run(&mut pool, "0s 0r 0R e e");
    let said = pool.retire().map(|sentence| sentence.to_string());
    assert_eq!(
        said.as_deref(),
        Some("pool pool ends with 2 events not handled")
    );
}

/// Claims all lines of the main log, as level and text, that come of the last step of a script.
fn check_lines(script: &str, lines: &[&str]) {
    let mut pool = feeder(1, 1, false);
    let mut count = 0;
    let mut effects = Vec::new();
    for word in script.split_whitespace() {
        effects = step(&mut pool, word, &mut count);
    }
    let said: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Say(sentence) => Some(format!("{:?} {sentence}", sentence.gravity())),
            Effect::Write { .. }
            | Effect::Entered { .. }
            | Effect::Watch { .. }
            | Effect::Restart { .. } => None,
        })
        .collect();
    assert_eq!(said, lines, "{script}");
}

const LOST: &str = "Warning a: has entered the UNKNOWN state and will no longer receive events, \
     this usually indicates the process violated the eventlistener protocol";

// Words and order as in `dispatchers.py` and `process.py` of the original, but for the lines of
// level Info, which it has not.
#[test]
fn the_main_log_is_told_in_the_original_s_words() {
    check_lines("0s 0r 0R", &["Debug a: ACKNOWLEDGED -> READY"]);
    check_lines("0s 0r 0R e", &["Debug event 100 sent to listener a"]);
    check_lines(
        "0s 0r 0R e 0K",
        &[
            "Debug a: event was processed",
            "Debug a: BUSY -> ACKNOWLEDGED",
        ],
    );
    check_lines(
        "0s 0r 0R e 0F",
        &[
            "Warning a: event was rejected",
            "Debug a: BUSY -> ACKNOWLEDGED",
            "Debug rebuffering event 100 for pool pool (buf size=0, max=1)",
        ],
    );
    check_lines(
        "0s 0r 0R e e 0X",
        &[
            "Warning a: bad result line: 'garbage'",
            "Debug a: BUSY -> UNKNOWN",
            LOST,
            "Debug rebuffering event 100 for pool pool (buf size=1, max=1)",
            "Error pool pool event buffer overflowed, discarding event 101",
        ],
    );
    check_lines(
        "0s 0r 0X",
        &[
            "Info a: READY was expected on stdout, not b'garbag'",
            "Debug a: ACKNOWLEDGED -> UNKNOWN",
            LOST,
        ],
    );
    check_lines(
        "0s 0r 0R 0R",
        &[
            "Info a: nothing was expected on stdout, not b'READY\\n'",
            "Debug a: READY -> UNKNOWN",
            LOST,
        ],
    );
    check_lines(
        "0s 0r 0R e 0d",
        &["Debug epipe occurred while sending event 100 to listener a, listener state unchanged"],
    );
}

#[test]
fn no_line_is_graver_than_an_error() {
    let overflow = Sentence {
        name: "pool".into(),
        matter: Matter::Overflowed { serial: 1 },
    };
    assert_eq!(overflow.gravity(), Gravity::Error);
}

/// The naive model: lists, and every rule written down as one would tell it.
struct Naive {
    size: usize,
    waiting: VecDeque<u64>,
    next: u64,
    handled: u64,
    dropped: u64,
    members: Vec<NaiveMember>,
}

#[derive(Clone, Default)]
struct NaiveMember {
    child: bool,
    running: bool,
    closed: bool,
    says: &'static str,
    hand: Option<u64>,
}

impl Naive {
    fn step(&mut self, word: &str) -> Vec<String> {
        let mut told = Vec::new();
        if word == "e" {
            self.make_room(&mut told);
            self.waiting.push_back(self.next);
            self.next += 1;
        } else {
            let (member, deed) = word.split_at(1);
            self.deed(member.parse().expect("a number"), deed, &mut told);
        }
        self.feed(&mut told);
        told
    }

    fn deed(&mut self, who: usize, deed: &str, told: &mut Vec<String>) {
        let before = self.members[who].clone();
        if deed == "s" {
            if before.child {
                self.back(who, told);
            }
            self.members[who] = NaiveMember {
                child: true,
                says: "ack",
                ..NaiveMember::default()
            };
            return;
        }
        if !before.child {
            return;
        }
        match deed {
            "r" => self.members[who].running = true,
            "l" => self.members[who].running = false,
            "g" => {
                self.back(who, told);
                self.members[who] = NaiveMember::default();
            }
            "d" | "m" => {
                if !before.closed {
                    told.push(format!("watch:{who}"));
                }
                self.members[who].closed = true;
                if deed == "m" {
                    self.back(who, told);
                }
            }
            "o" => {
                if before.closed && before.says != "unknown" {
                    told.push(format!("closed:{}", NAMES[who]));
                    self.lose(who, told);
                }
            }
            word => match (before.says, word) {
                ("ack", "R") => self.members[who].says = "ready",
                ("busy", "K") => {
                    self.members[who].says = "ack";
                    if self.members[who].hand.take().is_some() {
                        self.handled += 1;
                    }
                }
                ("busy", "F") => {
                    told.push(format!("rejected:{}", NAMES[who]));
                    self.members[who].says = "ack";
                    self.back(who, told);
                }
                ("unknown", _) => {}
                _ => self.lose(who, told),
            },
        }
    }

    fn lose(&mut self, who: usize, told: &mut Vec<String>) {
        told.push(format!("lost:{}", NAMES[who]));
        self.members[who].says = "unknown";
        self.back(who, told);
    }

    fn back(&mut self, who: usize, told: &mut Vec<String>) {
        if let Some(serial) = self.members[who].hand.take() {
            self.make_room(told);
            self.waiting.push_front(serial);
        }
    }

    fn make_room(&mut self, told: &mut Vec<String>) {
        if self.waiting.len() == self.size {
            let gone = self.waiting.pop_front().expect("the size is above 0");
            self.dropped += 1;
            told.push(format!("-{gone}"));
        }
    }

    fn feed(&mut self, told: &mut Vec<String>) {
        for (who, member) in self.members.iter_mut().enumerate() {
            let wants = member.running && member.says == "ready" && !member.closed;
            if wants && let Some(serial) = self.waiting.pop_front() {
                member.hand = Some(serial);
                member.says = "busy";
                told.push(format!("{who}<{serial}"));
            }
        }
    }

    fn in_hand(&self) -> u64 {
        self.members.iter().filter(|m| m.hand.is_some()).count() as u64
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides
    }
}

#[test]
fn in_random_stories_nothing_is_lost_that_is_not_counted() {
    // Often what honest listeners do, sometimes what others do.
    const DEEDS: [&str; 20] = [
        "s", "r", "r", "r", "R", "R", "R", "R", "R", "K", "K", "K", "K", "F", "X", "l", "g", "d",
        "m", "o",
    ];
    for seed in 1..=400_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (size, members) = (1 + dice.roll(4), 1 + dice.roll(3));
        let mut pool = feeder(size, members, false);
        let mut naive = Naive {
            size,
            waiting: VecDeque::new(),
            next: 0,
            handled: 0,
            dropped: 0,
            members: vec![NaiveMember::default(); members],
        };
        let mut count = 0;
        let mut story = String::new();
        for _ in 0..300 {
            let word = if dice.roll(3) == 0 {
                "e".to_owned()
            } else {
                format!("{}{}", dice.roll(members), DEEDS[dice.roll(DEEDS.len())])
            };
            story.push_str(&word);
            story.push(' ');
            let effects = step(&mut pool, &word, &mut count);
            let told: Vec<_> = effects.iter().filter_map(tell).collect();
            assert_eq!(told, naive.step(&word), "seed {seed}: {story}");
            let places = pool.handled() + pool.dropped() + pool.unhandled() as u64;
            assert_eq!(places, count, "an event in no place: {story}");
            let unhandled = naive.waiting.len() as u64 + naive.in_hand();
            assert_eq!(pool.unhandled() as u64, unhandled, "{story}");
            assert_eq!(pool.handled(), naive.handled, "{story}");
            assert_eq!(pool.dropped(), naive.dropped, "{story}");
        }
    }
}
