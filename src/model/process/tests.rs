//! Scripts, an exhaustive walk with laws, and random life stories against a naive model.

use super::*;
use std::collections::{HashSet, VecDeque};

fn policy() -> Policy {
    Policy {
        startsecs: Duration::from_secs(1),
        startretries: 3,
        autorestart: AutoRestart::Unexpected,
        exitcodes: vec![0],
        stopsignal: Signal::TERM,
        stopwait: Duration::from_secs(10),
        stopasgroup: false,
        killasgroup: false,
    }
}

/// One word of a script: what happens. `up`, `die0` and `killed` are about the child 7.
fn input(word: &str) -> Input {
    match word {
        "start" => Input::Start,
        "up" => Input::Spawned { pid: 7 },
        "nochild" => Input::NotSpawned {
            reason: "no luck".into(),
        },
        "die0" => Input::Ended {
            pid: 7,
            exit: Exit::Code(0),
        },
        "die1" => Input::Ended {
            pid: 7,
            exit: Exit::Code(1),
        },
        "killed" => Input::Ended {
            pid: 7,
            exit: Exit::Signal {
                signal: Signal::KILL,
                core: false,
            },
        },
        "stranger" => Input::Ended {
            pid: 8,
            exit: Exit::Code(0),
        },
        "stop" => Input::Stop { watched: false },
        "stopwait" => Input::Stop { watched: true },
        "groupstop" => Input::StopWithGroup,
        "hup" => Input::Signal(Signal(1)),
        "refused" => Input::KillRefused {
            reason: "EPERM".into(),
        },
        "hold" => Input::Hold,
        "tick" => Input::Tick,
        other => panic!("no such word in a script: {other}"),
    }
}

fn show(effects: &[Effect]) -> String {
    let show = |effect: &Effect| match effect {
        Effect::Entered(change) => change.to.name().to_owned(),
        Effect::Launch => "launch".to_owned(),
        Effect::Kill { group, signal, .. } => {
            format!("{signal}{}", if *group { "(group)" } else { "" })
        }
        Effect::KillUnborn => "kill-unborn".to_owned(),
        Effect::Say(sentence) => format!("'{}'", sentence.about("x")),
    };
    effects.iter().map(show).collect::<Vec<_>>().join(" ")
}

/// Plays `seconds:word seconds:word …` and compares what came of the last word.
#[track_caller]
fn check(policy: Policy, script: &str, expected: &str) {
    let begin = Instant::now();
    let mut machine = Machine::new(policy);
    let mut last = String::new();
    for line in script.split_whitespace() {
        let (seconds, word) = line.split_once(':').expect("a script has seconds:word");
        let seconds: f64 = seconds.parse().expect("a script begins with seconds");
        last = show(&machine.step(begin + Duration::from_secs_f64(seconds), input(word)));
    }
    assert_eq!(last, expected, "{script}");
}

#[test]
fn a_program_that_stays_up_is_running_after_startsecs() {
    check(policy(), "0:start", "STARTING launch");
    check(policy(), "0:start 0:up", "'spawned: 'x' with pid 7'");
    check(policy(), "0:start 0:up 0.9:tick", "");
    check(
        policy(),
        "0:start 0:up 1:tick",
        "RUNNING 'success: x entered RUNNING state, process has stayed up for > than 1 seconds \
         (startsecs)'",
    );
}

#[test]
fn without_startsecs_a_program_is_running_at_once() {
    let policy = Policy {
        startsecs: Duration::ZERO,
        ..policy()
    };
    check(
        policy.clone(),
        "0:start 0:up",
        "'spawned: 'x' with pid 7' RUNNING 'success: x entered RUNNING state, process has stayed \
         up for > than 0 seconds (startsecs)'",
    );
    check(
        policy,
        "0:start 0:up 0:die0",
        "EXITED 'exited: x (exit status 0; expected)'",
    );
}

#[test]
fn the_wait_after_the_nth_failure_is_n_seconds_and_the_last_is_fatal() {
    let early = "BACKOFF 'exited: x (exit status 0; not expected)'";
    check(policy(), "0:start 0:up 0.5:die0", early);
    let mut script = "0:start 0:up 0.5:die0".to_owned();
    let mut now = 0.5;
    for wait in 1..=3 {
        let too_soon = now + f64::from(wait) - 0.1;
        check(policy(), &format!("{script} {too_soon}:tick"), "");
        now += f64::from(wait);
        check(policy(), &format!("{script} {now}:tick"), "STARTING launch");
        script = format!("{script} {now}:tick {now}:up {now}:die0");
        let gave_up = " FATAL 'gave up: x entered FATAL state, too many start retries too quickly'";
        let end = if wait == 3 { gave_up } else { "" };
        check(policy(), &script, &format!("{early}{end}"));
    }
}

#[test]
fn what_cannot_be_spawned_backs_off_as_well() {
    check(policy(), "0:start 0:nochild", "'spawnerr: no luck' BACKOFF");
    let none = Policy {
        startretries: 0,
        ..policy()
    };
    check(
        none,
        "0:start 0:nochild",
        "'spawnerr: no luck' BACKOFF FATAL 'gave up: x entered FATAL state, too many start \
         retries too quickly'",
    );
}

#[test]
fn an_exit_after_running_restarts_as_autorestart_says() {
    let with = |autorestart| Policy {
        autorestart,
        ..policy()
    };
    let good = "EXITED 'exited: x (exit status 0; expected)'";
    let bad = "EXITED 'exited: x (exit status 1; not expected)'";
    for (autorestart, after_good, after_bad) in [
        (AutoRestart::Never, "", ""),
        (AutoRestart::Unexpected, "", " STARTING launch"),
        (AutoRestart::Always, " STARTING launch", " STARTING launch"),
    ] {
        let script = "0:start 0:up 1:tick 5:";
        let expected = format!("{good}{after_good}");
        check(with(autorestart), &format!("{script}die0"), &expected);
        let expected = format!("{bad}{after_bad}");
        check(with(autorestart), &format!("{script}die1"), &expected);
    }
}

#[test]
fn a_death_outranks_a_clock_that_was_not_looked_at() {
    check(
        policy(),
        "0:start 0:up 1:die0",
        "RUNNING EXITED 'exited: x (exit status 0; expected)'",
    );
}

#[test]
fn a_stop_asks_then_kills_and_kills_again() {
    check(
        policy(),
        "0:start 0:up 1:tick 2:stop",
        "'killing x (pid 7) with signal SIGTERM' STOPPING SIGTERM",
    );
    check(policy(), "0:start 0:up 1:tick 2:stop 11.9:tick", "");
    let kill = "'killing 'x' (7) with SIGKILL' 'killing x (pid 7) with signal SIGKILL' SIGKILL";
    check(policy(), "0:start 0:up 1:tick 2:stop 12:tick", kill);
    check(policy(), "0:start 0:up 1:tick 2:stop 12:tick 21:tick", "");
    check(policy(), "0:start 0:up 1:tick 2:stop 12:tick 22:tick", kill);
    check(
        policy(),
        "0:start 0:up 1:tick 2:stop 12:tick 12:killed",
        "STOPPED 'stopped: x (terminated by SIGKILL)'",
    );
}

#[test]
fn a_stop_reaches_the_process_group_where_it_is_asked_for() {
    let policy = Policy {
        stopasgroup: true,
        killasgroup: true,
        stopwait: Duration::ZERO,
        ..policy()
    };
    check(
        policy.clone(),
        "0:start 0:up 1:stop",
        "'killing x (pid 7) process group with signal SIGTERM' STOPPING SIGTERM(group)",
    );
    check(
        policy,
        "0:start 0:up 1:stop 1:tick",
        "'killing 'x' (7) with SIGKILL' 'killing x (pid 7) process group with signal SIGKILL' \
         SIGKILL(group)",
    );
}

#[test]
fn who_waits_for_a_stop_reads_of_it_every_two_seconds() {
    check(
        policy(),
        "0:start 0:up 1:stopwait",
        "'killing x (pid 7) with signal SIGTERM' STOPPING SIGTERM 'waiting for x to stop'",
    );
    check(policy(), "0:start 0:up 1:stopwait 2.9:tick", "");
    check(
        policy(),
        "0:start 0:up 1:stopwait 3:tick",
        "'waiting for x to stop'",
    );
}

#[test]
fn a_stop_between_the_wish_for_a_child_and_its_birth_is_not_lost() {
    check(policy(), "0:start 0:stop", "");
    check(
        policy(),
        "0:start 0:stop 0:up",
        "'spawned: 'x' with pid 7' 'killing x (pid 7) with signal SIGTERM' STOPPING SIGTERM",
    );
    check(
        policy(),
        "0:start 0:stop 0:nochild",
        "'spawnerr: no luck' BACKOFF STOPPED",
    );
    check(policy(), "0:start 0:stop 10:tick", "kill-unborn");
}

#[test]
fn in_backoff_a_stop_is_at_once_and_a_group_stop_is_fatal() {
    check(
        policy(),
        "0:start 0:nochild 0:stop",
        "'Attempted to kill x, which is in BACKOFF state.' STOPPED",
    );
    check(policy(), "0:start 0:nochild 0:groupstop", "FATAL");
}

#[test]
fn a_held_process_is_not_started_again() {
    check(
        policy(),
        "0:start 0:up 1:tick 2:hold 3:die1",
        "EXITED 'exited: x (exit status 1; not expected)'",
    );
    check(policy(), "0:start 0:nochild 0:hold 9:tick", "");
}

#[test]
fn a_child_that_may_not_be_signalled_is_unknown_until_it_ends() {
    check(
        policy(),
        "0:start 0:up 1:tick 2:stop 2:refused",
        "'unknown problem killing x (7):EPERM' UNKNOWN",
    );
    check(
        policy(),
        "0:start 0:up 1:tick 2:stop 2:refused 3:die1",
        "EXITED 'exited: x (exit status 1; not expected)'",
    );
}

#[test]
fn a_signal_for_its_own_sake_changes_no_state() {
    check(
        policy(),
        "0:start 0:up 0:hup",
        "'sending x (pid 7) sig SIGHUP' SIGHUP",
    );
    check(policy(), "0:hup", "");
}

#[test]
fn a_strangers_death_is_nobodys() {
    for before in ["0:start", "0:start 0:up", "0:start 0:up 1:tick 1:stop"] {
        assert_eq!(
            play(&format!("{before} 1:stranger")),
            play(before),
            "{before}"
        );
    }
}

#[test]
fn a_start_is_judged_as_clients_are_told() {
    for (script, verdict) in [
        ("0:start", StartVerdict::Pending),
        ("0:start 0:up", StartVerdict::Pending),
        ("0:start 0:up 1:tick", StartVerdict::Up),
        ("0:start 0:nochild", StartVerdict::SpawnError),
        ("0:start 0:up 0:die0", StartVerdict::SpawnError),
        ("0:start 0:up 0:stop", StartVerdict::Abnormal),
        ("0:start 0:stop", StartVerdict::Abnormal),
        ("0:start 0:up 1:die0", StartVerdict::Abnormal),
    ] {
        assert_eq!(play(script).start_verdict(), verdict, "{script}");
    }
}

#[test]
fn absurd_seconds_of_a_config_cannot_overflow_a_time() {
    for value in [i64::MIN, -1, 0, 1, i64::MAX] {
        let later = Instant::now() + Policy::seconds(value);
        assert!(later.checked_add(Policy::seconds(value)).is_some());
    }
    assert_eq!(Policy::seconds(-5), Duration::ZERO);
    assert_eq!(Policy::seconds(5), Duration::from_secs(5));
}

fn play(script: &str) -> Machine {
    let begin = Instant::now();
    let mut machine = Machine::new(policy());
    for line in script.split_whitespace() {
        let (seconds, word) = line.split_once(':').expect("a script has seconds:word");
        let seconds: f64 = seconds.parse().expect("a script begins with seconds");
        // A fixed distance from the begin, so that two plays can be compared by what they know.
        machine.step(begin + Duration::from_secs_f64(seconds), input(word));
    }
    machine.map_times(|time| epoch() + time.saturating_duration_since(begin));
    machine
}

/// One moment for all machines that are compared with each other.
fn epoch() -> Instant {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

const WORDS: [&str; 14] = [
    "start",
    "up",
    "nochild",
    "die0",
    "die1",
    "killed",
    "stranger",
    "stop",
    "stopwait",
    "groupstop",
    "hup",
    "refused",
    "hold",
    "tick",
];

/// The changes of state that the drawing allows.
fn is_drawn(from: ProcessState, to: ProcessState) -> bool {
    use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown};
    match from {
        Stopped | Exited | Fatal => to == Starting,
        Starting => matches!(to, Running | Backoff | Stopping | Unknown),
        Running => matches!(to, Exited | Stopping | Unknown),
        Backoff => matches!(to, Starting | Stopped | Fatal),
        Stopping => matches!(to, Stopped | Unknown),
        Unknown => to == Exited,
    }
}

/// The laws that hold for every step of every life.
fn obey_the_laws(before: &Machine, word: &str, after: &Machine, effects: &[Effect], now: Instant) {
    let context = format!("{before:?} --{word}--> {after:?}: {effects:?}");
    let mut told = before.state().told();
    let (mut wished, mut launched) = (0, 0);
    for effect in effects {
        match effect {
            Effect::Entered(change) => {
                assert_eq!(change.from, told, "states follow each other: {context}");
                assert!(is_drawn(change.from, change.to), "drawn: {context}");
                told = change.to;
                wished += i32::from(told == ProcessState::Starting);
            }
            Effect::Kill { pid, .. } => assert_eq!(
                after.state().pid(),
                Some(*pid),
                "only a living child is signalled: {context}"
            ),
            Effect::Launch => launched += 1,
            Effect::KillUnborn | Effect::Say(_) => {}
        }
    }
    assert_eq!(
        told,
        after.state().told(),
        "every change is told: {context}"
    );
    assert_eq!(launched, wished, "one launch for one wish: {context}");
    if launched > 0 && before.held() {
        assert_eq!(word, "start", "held: nothing starts by itself: {context}");
    }
    if word == "tick" {
        let deadline = after.deadline();
        assert!(
            deadline.is_none_or(|deadline| deadline > now),
            "a tick settles what was due, or the daemon would spin: {context}"
        );
    }
    let alive = after.state().told().is_signallable() && after.state().pid().is_some();
    let unborn = matches!(after.state(), State::Launching { .. });
    let hopeless = matches!(after.state(), State::Unknown { .. });
    if !(alive || unborn || hopeless) {
        assert_eq!(after.state().pid(), None, "the dead have no pid: {context}");
    }
}

#[test]
fn the_laws_hold_for_every_input_in_every_state_within_reach() {
    // Late enough to look back from, however young the machine's clock is.
    let begin = Instant::now() + Duration::from_secs(60);
    let policies = [
        policy(),
        Policy {
            startsecs: Duration::ZERO,
            startretries: 0,
            autorestart: AutoRestart::Always,
            stopwait: Duration::ZERO,
            killasgroup: true,
            ..policy()
        },
        Policy {
            startretries: 1,
            autorestart: AutoRestart::Never,
            stopwait: Duration::from_secs(3),
            ..policy()
        },
    ];
    let mut steps = 0;
    for policy in policies {
        let mut seen = HashSet::new();
        let mut queue = VecDeque::from([Machine::new(policy)]);
        while let Some(before) = queue.pop_front() {
            for word in WORDS {
                for wait in [0, 1, 4] {
                    let now = begin + Duration::from_secs(wait);
                    let mut after = before.clone();
                    let effects = after.step(now, input(word));
                    obey_the_laws(&before, word, &after, &effects, now);
                    steps += 1;
                    // Times count from the last step on: else there were no end of states.
                    // The past keeps its distance up to five seconds, which no law looks behind.
                    after.map_times(|time| {
                        let past = now.saturating_duration_since(time);
                        let past = past.min(Duration::from_secs(5));
                        let future = time.saturating_duration_since(now);
                        begin.checked_sub(past).expect("begin is late enough") + future
                    });
                    if seen.insert(format!("{after:?}")) {
                        queue.push_back(after);
                    }
                }
            }
        }
        assert!(seen.len() > 30, "the walk came around: {}", seen.len());
    }
    assert!(steps > 5000, "the walk was long: {steps}");
}

/// What a daemon that looks once a second would say, in the fewest words: the model of the
/// random stories. It keeps the parts that a poll needs and nothing else.
struct Naive {
    up_since: Option<u64>,
    failures: u64,
    retry_at: Option<u64>,
    stopping: bool,
    state: ProcessState,
}

impl Naive {
    fn step(&mut self, now: u64, word: &str) {
        use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping};
        match word {
            "start" if self.state.is_stopped() => {
                self.failures = 0;
                self.begin(now);
            }
            "tick" => {
                if self.state == Starting && now - self.up_since.expect("starting") >= 1 {
                    self.state = Running;
                    self.failures = 0;
                }
                if self.state == Backoff && self.retry_at.is_some_and(|at| now >= at) {
                    self.begin(now);
                }
            }
            "stop" => match self.state {
                Starting | Running => {
                    self.state = Stopping;
                    self.stopping = true;
                }
                Backoff => self.state = Stopped,
                _ => {}
            },
            "die0" | "die1" if self.up_since.is_some() => {
                let up = now - self.up_since.take().expect("just seen");
                let good = word == "die0";
                if self.stopping {
                    self.stopping = false;
                    self.state = Stopped;
                } else if self.state == Starting && up < 1 {
                    self.failures += 1;
                    self.retry_at = Some(now + self.failures);
                    self.state = if self.failures > 3 { Fatal } else { Backoff };
                } else {
                    self.failures = 0;
                    self.state = Exited;
                    if !good {
                        self.begin(now);
                    }
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, now: u64) {
        self.up_since = Some(now);
        self.retry_at = None;
        self.state = ProcessState::Starting;
    }
}

#[test]
fn random_life_stories_end_as_a_naive_model_says() {
    let begin = Instant::now();
    for seed in 1..=2000_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut machine = Machine::new(policy());
        let mut naive = Naive {
            up_since: None,
            failures: 0,
            retry_at: None,
            stopping: false,
            state: ProcessState::Stopped,
        };
        let mut story = String::new();
        let mut now = 0;
        for _ in 0..60 {
            let words = ["start", "tick", "stop", "die0", "die1", "wait"];
            let word = words[dice.below(words.len())];
            story.push_str(word);
            story.push(' ');
            if word == "wait" {
                now += 1 + dice.below(3) as u64;
                continue;
            }
            let at = begin + Duration::from_secs(now);
            let effects = machine.step(at, input(word));
            if effects.contains(&Effect::Launch) {
                machine.step(at, input("up"));
            }
            naive.step(now, word);
            assert_eq!(machine.state().told(), naive.state, "seed {seed}: {story}");
        }
    }
}

/// A small generator of pseudo-random numbers (xorshift), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("less than a usize")
    }
}
