//! Random life stories against a naive model.

use super::tests::{input, policy};
use super::*;

/// What a daemon that looks once a second would say, in the fewest words: the model of the
/// random stories. It keeps the parts that a poll needs and nothing else.
struct Naive {
    up_since: Option<u64>,
    failures: u64,
    retry_at: Option<u64>,
    stopping: bool,
    state: ProcessState,
    /// When it was started again after it had run.
    restarts: Vec<u64>,
    rules: Rules,
    /// With which code the daemon was to leave.
    left: Option<u8>,
}

/// What its config says, besides what all stories have in common.
#[derive(Clone, Copy)]
struct Rules {
    for_ever: bool,
    exponential_up_to: Option<u64>,
    limit: Option<(usize, u64)>,
    bring_down: bool,
}

impl Rules {
    fn policy(self) -> Policy {
        let aftermath = if self.bring_down {
            Aftermath::Shutdown
        } else {
            Aftermath::Stay
        };
        Policy {
            startretries: if self.for_ever { -1 } else { 3 },
            waits: self
                .exponential_up_to
                .map_or(Waits::ORIGINAL, |most| Waits {
                    growth: Growth::Exponential,
                    longest: Some(Duration::from_secs(most)),
                    jitter: false,
                }),
            restart_limit: self.limit.map(|(restarts, within)| RestartLimit {
                restarts: u32::try_from(restarts).expect("small"),
                within: Duration::from_secs(within),
            }),
            on_exit: aftermath,
            on_fatal: aftermath,
            ..policy()
        }
    }
}

impl Naive {
    fn step(&mut self, now: u64, word: &str) {
        use ProcessState::{Backoff, Exited, Running, Starting, Stopped, Stopping};
        self.left = None;
        match word {
            "start" if self.state.is_stopped() => {
                self.failures = 0;
                self.restarts.clear();
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
                    self.fail(now, u8::from(!good));
                } else {
                    self.failures = 0;
                    self.state = Exited;
                    if !good {
                        self.come_back(now);
                    } else if self.rules.bring_down {
                        self.left = Some(0);
                    }
                }
            }
            _ => {}
        }
    }

    fn fail(&mut self, now: u64, code: u8) {
        self.failures += 1;
        let wait = self.rules.exponential_up_to.map_or(self.failures, |most| {
            let doubled = (1..self.failures).fold(1, |wait, _| most.min(wait * 2));
            most.min(doubled)
        });
        self.retry_at = Some(now + wait);
        self.state = ProcessState::Backoff;
        if self.failures > 3 && !self.rules.for_ever {
            self.give_up(code);
        }
    }

    fn come_back(&mut self, now: u64) {
        if let Some((most, within)) = self.rules.limit {
            let recent = |&&at: &&u64| now - at < within;
            if self.restarts.iter().filter(recent).count() >= most {
                return self.give_up(1);
            }
            self.restarts.push(now);
        }
        self.begin(now);
    }

    fn give_up(&mut self, code: u8) {
        self.state = ProcessState::Fatal;
        if self.rules.bring_down {
            self.left = Some(code.max(1));
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
    for for_ever in [false, true] {
        for exponential_up_to in [None, Some(3), Some(10)] {
            for limit in [None, Some((0, 5)), Some((2, 8))] {
                for bring_down in [false, true] {
                    tell_stories(Rules {
                        for_ever,
                        exponential_up_to,
                        limit,
                        bring_down,
                    });
                }
            }
        }
    }
}

fn tell_stories(rules: Rules) {
    let begin = Instant::now();
    for seed in 1..=500_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut machine = Machine::new(rules.policy());
        let mut naive = Naive {
            up_since: None,
            failures: 0,
            retry_at: None,
            stopping: false,
            state: ProcessState::Stopped,
            restarts: Vec::new(),
            rules,
            left: None,
        };
        let mut story = String::new();
        let mut now = 0;
        for _ in 0..60 {
            let words = ["start", "tick", "stop", "die0", "die1", "die1", "wait"];
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
            let left = effects.iter().find_map(|effect| match effect {
                Effect::BringDown { code } => Some(*code),
                _ => None,
            });
            assert_eq!(left, naive.left, "seed {seed}: {story}");
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
