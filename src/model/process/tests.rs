//! Scripts, and an exhaustive walk with laws.

use super::*;
use std::collections::{HashSet, VecDeque};

pub(super) fn policy() -> Policy {
    Policy {
        startsecs: Duration::from_secs(1),
        startretries: 3,
        waits: Waits::ORIGINAL,
        autorestart: AutoRestart::Unexpected,
        restart_limit: None,
        on_exit: Aftermath::Stay,
        on_fatal: Aftermath::Stay,
        exitcodes: vec![0],
        stopsignal: Signal::TERM,
        stopwait: Duration::from_secs(10),
        stopasgroup: false,
        killasgroup: false,
    }
}

/// One word of a script: what happens. `up`, `die0` and `killed` are about the child 7.
pub(super) fn input(word: &str) -> Input {
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
        Effect::BringDown { code } => format!("leave-with-{code}"),
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
fn waits_can_grow_faster_and_go_on_for_ever() {
    let policy = Policy {
        startretries: Policy::FOREVER,
        waits: Waits {
            growth: Growth::Exponential,
            longest: Some(Duration::from_secs(3)),
            jitter: false,
        },
        ..policy()
    };
    let mut script = "0:start 0:nochild".to_owned();
    let mut now = 0.0;
    for wait in [1.0, 2.0, 3.0, 3.0, 3.0, 3.0] {
        check(policy.clone(), &script, "'spawnerr: no luck' BACKOFF");
        let too_soon = now + wait - 0.1;
        check(policy.clone(), &format!("{script} {too_soon}:tick"), "");
        now += wait;
        script = format!("{script} {now}:tick");
        check(policy.clone(), &script, "STARTING launch");
        script = format!("{script} {now}:nochild");
    }
}

#[test]
fn a_limit_on_restarts_is_fatal_and_a_start_forgets_it() {
    let policy = Policy {
        restart_limit: Some(RestartLimit {
            restarts: 1,
            within: Duration::from_secs(60),
        }),
        ..policy()
    };
    let once = "0:start 0:up 1:tick 2:die1";
    let exited = "EXITED 'exited: x (exit status 1; not expected)'";
    let gave_up = "FATAL 'gave up: x entered FATAL state, more than 1 restarts in 60 seconds \
                   (restart_limit)'";
    check(policy.clone(), once, &format!("{exited} STARTING launch"));
    let twice = format!("{once} 2:up 3:tick");
    check(
        policy.clone(),
        &format!("{twice} 61:die1"),
        &format!("{exited} {gave_up}"),
    );
    let late = format!("{exited} STARTING launch");
    check(policy.clone(), &format!("{twice} 62:die1"), &late);
    let again = format!("{twice} 61:die1 61:start 61:up 62:tick 63:die1");
    check(policy, &again, &late);
}

#[test]
fn the_end_of_a_program_can_be_the_end_of_the_daemon_with_its_exit_code() {
    let with = |startretries| Policy {
        startretries,
        on_exit: Aftermath::Shutdown,
        on_fatal: Aftermath::Shutdown,
        ..policy()
    };
    let last = |script: &str, expected: &str| {
        let begin = Instant::now();
        let mut machine = Machine::new(with(0));
        let mut effects = Vec::new();
        for line in script.split_whitespace() {
            let (seconds, word) = line.split_once(':').expect("a script has seconds:word");
            let seconds: u64 = seconds.parse().expect("a script begins with seconds");
            effects = machine.step(begin + Duration::from_secs(seconds), input(word));
        }
        let shown = show(&effects);
        let left = shown.split(' ').find(|word| word.starts_with("leave"));
        assert_eq!(left.unwrap_or(""), expected, "{script}: {shown}");
    };
    last("0:start 0:up 1:tick 2:die0", "leave-with-0");
    // It is restarted, so it is not over.
    last("0:start 0:up 1:tick 2:die1", "");
    last("0:start 0:up 0:die1", "leave-with-1");
    last("0:start 0:up 0:killed", "leave-with-137");
    // Giving up is no success.
    last("0:start 0:up 0:die0", "leave-with-1");
    last("0:start 0:nochild", "leave-with-127");
    last("0:start 0:up 1:tick 2:stop 2:die0", "");
    last("0:start 0:up 1:tick 2:hold 2:die0", "");
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
        Stopped | Fatal => to == Starting,
        Exited => matches!(to, Starting | Fatal),
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
            Effect::BringDown { .. } => {
                let told = after.state().told();
                assert!(
                    matches!(told, ProcessState::Exited | ProcessState::Fatal) && !before.held(),
                    "only who rests and was not asked to brings the daemon down: {context}"
                );
            }
            Effect::KillUnborn | Effect::Say(_) => {}
        }
    }
    assert_eq!(
        told,
        after.state().told(),
        "every change is told: {context}"
    );
    assert_eq!(launched, wished, "one launch for one wish: {context}");
    let limited = effects.iter().any(|effect| {
        matches!(effect, Effect::Entered(change)
            if (change.from, change.to) == (ProcessState::Exited, ProcessState::Fatal))
    });
    assert!(
        !limited || before.policy().restart_limit.is_some(),
        "no limit, no end of restarts: {context}"
    );
    assert!(
        told != ProcessState::Fatal
            || before.policy().startretries != Policy::FOREVER
            || limited
            || word == "groupstop"
            || before.state().told() == told,
        "for ever is for ever: {context}"
    );
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
        Policy {
            startretries: Policy::FOREVER,
            waits: Waits {
                growth: Growth::Exponential,
                longest: Some(Duration::from_secs(4)),
                jitter: false,
            },
            on_exit: Aftermath::Shutdown,
            ..policy()
        },
        Policy {
            startretries: 0,
            restart_limit: Some(RestartLimit {
                restarts: 1,
                within: Duration::from_secs(3),
            }),
            on_exit: Aftermath::Shutdown,
            on_fatal: Aftermath::Shutdown,
            ..policy()
        },
        Policy {
            startretries: 1,
            autorestart: AutoRestart::Always,
            restart_limit: Some(RestartLimit {
                restarts: 0,
                within: Duration::from_secs(1),
            }),
            on_fatal: Aftermath::Shutdown,
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
                    // Longer waits and further failures differ in nothing that a law looks at.
                    after.cap_tries(4);
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
