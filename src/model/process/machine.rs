//! The transitions.

use super::retry::Budget;
use super::{
    Aftermath, AutoRestart, Change, Effect, Input, PendingStop, Pid, Policy, Record, Sentence,
    StartVerdict, State,
};
use crate::model::exit::Exit;
use crate::model::signal::Signal;
use crate::model::state::ProcessState;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a person who waits for a stop is told so in the main log, as in the original.
const REPORT_EVERY: Duration = Duration::from_secs(2);

/// The least time between two SIGKILLs to the same child. A second one changes nothing, and with
/// `stopwaitsecs=0` they would follow each other without a pause.
const KILL_EVERY: Duration = Duration::from_secs(1);

/// The machine of one process. See the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    policy: Arc<Policy>,
    state: State,
    /// How often a start has failed in a row.
    tries: u32,
    record: Record,
    /// How the last child ended, however early; none if there was none.
    last_exit: Option<Exit>,
    budget: Budget,
    /// Decides what the jitter of waits takes off.
    luck: u64,
    /// The daemon is about to leave.
    held: bool,
}

impl Machine {
    /// A process that was never started.
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        Self {
            policy: policy.into(),
            state: State::Stopped,
            tries: 0,
            record: Record::default(),
            last_exit: None,
            budget: Budget::default(),
            luck: 0,
            held: false,
        }
    }

    /// The same with luck of its own, for waits with jitter.
    pub fn with_luck(self, luck: u64) -> Self {
        Self { luck, ..self }
    }

    /// Where in its life the process is.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What is known of the last start and the last end.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// How often a start has failed in a row.
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// When the next start comes by itself, if one does.
    pub const fn next_try(&self) -> Option<Instant> {
        match self.state {
            State::Backoff { until } if !self.held => Some(until),
            State::Backoff { .. }
            | State::Stopped
            | State::Launching { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. }
            | State::Exited
            | State::Fatal
            | State::Unknown { .. } => None,
        }
    }

    /// How the last child ended, however early; none if no child was ever made or the last start
    /// made none.
    pub const fn last_exit(&self) -> Option<Exit> {
        self.last_exit
    }

    /// How the last start went, as far as is known.
    pub fn start_verdict(&self) -> StartVerdict {
        if self.record.spawnerr.is_some() {
            return StartVerdict::SpawnError;
        }
        match self.state {
            State::Running { .. } => StartVerdict::Up,
            State::Launching { stop: None, .. } | State::Starting { .. } => StartVerdict::Pending,
            State::Launching { stop: Some(_), .. }
            | State::Stopped
            | State::Backoff { .. }
            | State::Stopping { .. }
            | State::Exited
            | State::Fatal
            | State::Unknown { .. } => StartVerdict::Abnormal,
        }
    }

    /// When the machine wants to be stepped with [`Input::Tick`]; none if time changes nothing.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Launching { stop, .. } => stop.map(|stop| stop.kill_at),
            State::Starting { since, .. } => Some(since + self.policy.startsecs),
            State::Backoff { .. } => self.next_try(),
            State::Stopping {
                kill_at, report_at, ..
            } => Some(report_at.map_or(kill_at, |report| report.min(kill_at))),
            State::Stopped
            | State::Running { .. }
            | State::Exited
            | State::Fatal
            | State::Unknown { .. } => None,
        }
    }

    /// Takes in one input; what is to be done for it comes back in order.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        let mut todo = Vec::new();
        self.transition(now, input, &mut todo);
        todo
    }

    // One table, to be read as one: an arm for each thing that can happen, alike or not.
    #[allow(clippy::too_many_lines, clippy::match_same_arms)]
    fn transition(&mut self, now: Instant, input: Input, todo: &mut Vec<Effect>) {
        match (self.state.clone(), input) {
            (_, Input::Hold) => self.held = true,

            (State::Stopped | State::Exited | State::Fatal, Input::Start) => {
                self.tries = 0;
                self.budget.refill();
                self.launch(now, todo);
            }
            (State::Stopping { .. }, Input::Start) => {
                todo.push(Effect::Say(Sentence::AlreadyRunning));
            }
            (
                State::Launching { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Backoff { .. }
                | State::Unknown { .. },
                Input::Start,
            ) => {}

            (State::Launching { since, stop }, Input::Spawned { pid }) => {
                self.born(now, since, pid, stop, todo);
            }
            (State::Launching { stop, .. }, Input::NotSpawned { reason }) => {
                todo.push(Effect::Say(Sentence::SpawnError(reason.clone())));
                self.record.spawnerr = Some(reason.into());
                self.last_exit = None;
                self.back_off(now, None, todo);
                if stop.is_some() {
                    self.enter(State::Stopped, None, todo);
                } else {
                    self.give_up_if_tried_enough(todo);
                }
            }
            (State::Launching { since, stop: None }, Input::Stop { .. } | Input::StopWithGroup) => {
                let stop = Some(PendingStop {
                    kill_at: now + self.policy.stopwait,
                    watched: false,
                });
                self.state = State::Launching { since, stop };
            }
            (
                State::Launching {
                    since,
                    stop: Some(stop),
                },
                Input::Tick,
            ) => {
                if now >= stop.kill_at {
                    todo.push(Effect::KillUnborn);
                    let stop = Some(PendingStop {
                        kill_at: now + self.policy.stopwait.max(KILL_EVERY),
                        ..stop
                    });
                    self.state = State::Launching { since, stop };
                }
            }
            (State::Launching { .. }, Input::Ended { .. } | Input::Tick)
            | (State::Launching { stop: Some(_), .. }, Input::Stop { .. } | Input::StopWithGroup) =>
                {}

            (State::Starting { pid, since }, Input::Tick) => {
                if now >= since + self.policy.startsecs {
                    self.succeed(pid, todo);
                }
            }
            (State::Starting { pid, since }, Input::Ended { pid: ended, exit }) if pid == ended => {
                if now < since + self.policy.startsecs {
                    self.died_early(now, pid, exit, todo);
                } else {
                    // It was up long enough; only the clock had not been looked at yet.
                    self.enter(State::Running { pid }, Some(pid), todo);
                    self.died(now, pid, exit, todo);
                }
            }
            (State::Running { pid }, Input::Ended { pid: ended, exit }) if pid == ended => {
                self.died(now, pid, exit, todo);
            }
            (State::Starting { pid, .. } | State::Running { pid }, Input::Stop { watched }) => {
                self.stop(now, pid, watched, todo);
            }
            (State::Starting { pid, .. } | State::Running { pid }, Input::StopWithGroup) => {
                self.stop(now, pid, false, todo);
            }

            (State::Backoff { until }, Input::Tick) => {
                if now >= until && !self.held {
                    self.launch(now, todo);
                }
            }
            (State::Backoff { .. }, Input::Stop { .. }) => {
                todo.push(Effect::Say(Sentence::StoppedInBackoff));
                self.tries = 0;
                self.enter(State::Stopped, None, todo);
            }
            (State::Backoff { .. }, Input::StopWithGroup) => self.give_up(todo),

            (State::Stopping { pid, .. }, Input::Ended { pid: ended, exit }) if pid == ended => {
                self.stopped(pid, exit, todo);
            }
            (
                State::Stopping {
                    pid,
                    kill_at,
                    report_at,
                },
                Input::Tick,
            ) => self.press(now, pid, kill_at, report_at, todo),

            (State::Unknown { pid }, Input::Ended { pid: ended, exit }) if pid == ended => {
                self.record.exit = Some(exit);
                self.last_exit = Some(exit);
                let expected = exit.is_expected(&self.policy.exitcodes);
                self.enter_exited(pid, expected, todo);
                todo.push(Effect::Say(Sentence::Exited { exit, expected }));
                self.rest_exited(exit, todo);
            }

            (
                State::Starting { pid, .. } | State::Running { pid } | State::Stopping { pid, .. },
                Input::Signal(signal),
            ) => {
                todo.push(Effect::Say(Sentence::Signalling { pid, signal }));
                todo.push(Effect::Kill {
                    pid,
                    group: false,
                    signal,
                });
            }
            (
                State::Starting { pid, .. } | State::Running { pid } | State::Stopping { pid, .. },
                Input::KillRefused { reason },
            ) => {
                todo.push(Effect::Say(Sentence::CannotKill { pid, reason }));
                self.enter(State::Unknown { pid }, Some(pid), todo);
            }

            // Answers that come after their question was settled otherwise, wishes that are
            // fulfilled already, and deaths of a child that is not ours any more.
            (
                State::Stopped
                | State::Starting { .. }
                | State::Running { .. }
                | State::Backoff { .. }
                | State::Stopping { .. }
                | State::Exited
                | State::Fatal
                | State::Unknown { .. },
                Input::Spawned { .. } | Input::NotSpawned { .. } | Input::Ended { .. },
            )
            | (
                State::Stopped
                | State::Stopping { .. }
                | State::Exited
                | State::Fatal
                | State::Unknown { .. },
                Input::Stop { .. } | Input::StopWithGroup,
            )
            | (
                State::Stopped
                | State::Launching { .. }
                | State::Backoff { .. }
                | State::Exited
                | State::Fatal
                | State::Unknown { .. },
                Input::Signal(_) | Input::KillRefused { .. },
            )
            | (
                State::Stopped
                | State::Running { .. }
                | State::Exited
                | State::Fatal
                | State::Unknown { .. },
                Input::Tick,
            ) => {}
        }
    }

    /// Asks for a child.
    fn launch(&mut self, now: Instant, todo: &mut Vec<Effect>) {
        self.record = Record::default();
        let launching = State::Launching {
            since: now,
            stop: None,
        };
        self.enter(launching, None, todo);
        todo.push(Effect::Launch);
    }

    /// There is a child; a stop that was asked for meanwhile is made up for.
    fn born(
        &mut self,
        now: Instant,
        since: Instant,
        pid: Pid,
        stop: Option<PendingStop>,
        todo: &mut Vec<Effect>,
    ) {
        todo.push(Effect::Say(Sentence::Spawned(pid)));
        self.state = State::Starting { pid, since };
        if let Some(stop) = stop {
            self.stop(now, pid, stop.watched, todo);
        } else if self.policy.startsecs.is_zero() {
            self.succeed(pid, todo);
        }
    }

    fn succeed(&mut self, pid: Pid, todo: &mut Vec<Effect>) {
        self.tries = 0;
        self.enter(State::Running { pid }, Some(pid), todo);
        let startsecs = self.policy.startsecs.as_secs();
        todo.push(Effect::Say(Sentence::Success { startsecs }));
    }

    fn died_early(&mut self, now: Instant, pid: Pid, exit: Exit, todo: &mut Vec<Effect>) {
        self.last_exit = Some(exit);
        self.record = Record {
            spawnerr: Some("Exited too quickly (process log may have details)".into()),
            exit: None,
        };
        self.back_off(now, Some(pid), todo);
        todo.push(Effect::Say(Sentence::Exited {
            exit,
            expected: false,
        }));
        self.give_up_if_tried_enough(todo);
    }

    fn died(&mut self, now: Instant, pid: Pid, exit: Exit, todo: &mut Vec<Effect>) {
        let expected = exit.is_expected(&self.policy.exitcodes);
        self.tries = 0;
        self.record.exit = Some(exit);
        self.last_exit = Some(exit);
        if !expected {
            self.record.spawnerr = Some(format!("Bad exit code {}", exit.status()).into());
        }
        self.enter_exited(pid, expected, todo);
        todo.push(Effect::Say(Sentence::Exited { exit, expected }));
        let again = match self.policy.autorestart {
            AutoRestart::Never => false,
            AutoRestart::Unexpected => !expected,
            AutoRestart::Always => true,
        };
        if !again || self.held {
            self.rest_exited(exit, todo);
        } else if let Some(limit) = self.policy.restart_limit
            && !self.budget.take(now, limit)
        {
            self.record.spawnerr = Some(limit.to_string().into());
            self.give_up(todo);
            todo.push(Effect::Say(Sentence::RestartedTooOften(limit)));
            self.rest_fatal(todo);
        } else {
            self.launch(now, todo);
        }
    }

    /// It is EXITED and is not started again.
    fn rest_exited(&self, exit: Exit, todo: &mut Vec<Effect>) {
        if self.policy.on_exit == Aftermath::Shutdown && !self.held {
            let code = exit.shell_code();
            todo.push(Effect::BringDown { code });
        }
    }

    /// It is FATAL. That is no success, whatever the program's exit code says.
    fn rest_fatal(&self, todo: &mut Vec<Effect>) {
        const NO_CHILD: u8 = 127;
        if self.policy.on_fatal == Aftermath::Shutdown && !self.held {
            let code = self.last_exit.map_or(NO_CHILD, Exit::shell_code).max(1);
            todo.push(Effect::BringDown { code });
        }
    }

    fn stop(&mut self, now: Instant, pid: Pid, watched: bool, todo: &mut Vec<Effect>) {
        let (group, signal) = (self.policy.stopasgroup, self.policy.stopsignal);
        todo.push(Effect::Say(Sentence::Killing { pid, group, signal }));
        let stopping = State::Stopping {
            pid,
            kill_at: now + self.policy.stopwait,
            report_at: watched.then_some(now + REPORT_EVERY),
        };
        self.enter(stopping, Some(pid), todo);
        todo.push(Effect::Kill { pid, group, signal });
        if watched {
            todo.push(Effect::Say(Sentence::WaitingToStop));
        }
    }

    /// Time passes while a child is asked to stop: say so, and kill it when its time is over.
    fn press(
        &mut self,
        now: Instant,
        pid: Pid,
        kill_at: Instant,
        report_at: Option<Instant>,
        todo: &mut Vec<Effect>,
    ) {
        let report_is_due = report_at.is_some_and(|report_at| now >= report_at);
        if report_is_due {
            todo.push(Effect::Say(Sentence::WaitingToStop));
        }
        let kill_is_due = now >= kill_at;
        if kill_is_due {
            let (group, signal) = (self.policy.killasgroup, Signal::KILL);
            todo.push(Effect::Say(Sentence::KillingForGood(pid)));
            todo.push(Effect::Say(Sentence::Killing { pid, group, signal }));
            todo.push(Effect::Kill { pid, group, signal });
        }
        self.state = State::Stopping {
            pid,
            kill_at: if kill_is_due {
                now + self.policy.stopwait.max(KILL_EVERY)
            } else {
                kill_at
            },
            report_at: if report_is_due {
                Some(now + REPORT_EVERY)
            } else {
                report_at
            },
        };
    }

    fn stopped(&mut self, pid: Pid, exit: Exit, todo: &mut Vec<Effect>) {
        self.tries = 0;
        self.record.exit = Some(exit);
        self.last_exit = Some(exit);
        self.enter(State::Stopped, Some(pid), todo);
        let expected = exit.is_expected(&self.policy.exitcodes);
        todo.push(Effect::Say(Sentence::Stopped { exit, expected }));
    }

    fn back_off(&mut self, now: Instant, pid: Option<Pid>, todo: &mut Vec<Effect>) {
        self.tries = self.tries.saturating_add(1);
        let until = now + self.policy.waits.after(self.tries, self.luck);
        self.enter(State::Backoff { until }, pid, todo);
    }

    fn give_up_if_tried_enough(&mut self, todo: &mut Vec<Effect>) {
        let retries = self.policy.startretries;
        if retries != Policy::FOREVER && i64::from(self.tries) > retries {
            self.give_up(todo);
            todo.push(Effect::Say(Sentence::GaveUp));
            self.rest_fatal(todo);
        }
    }

    fn give_up(&mut self, todo: &mut Vec<Effect>) {
        self.tries = 0;
        self.enter(State::Fatal, None, todo);
    }

    fn enter(&mut self, state: State, pid: Option<Pid>, todo: &mut Vec<Effect>) {
        let change = Change {
            from: self.state.told(),
            to: state.told(),
            tries: self.tries,
            pid,
            expected: true,
        };
        self.state = state;
        todo.push(Effect::Entered(change));
    }

    fn enter_exited(&mut self, pid: Pid, expected: bool, todo: &mut Vec<Effect>) {
        let change = Change {
            from: self.state.told(),
            to: ProcessState::Exited,
            tries: self.tries,
            pid: Some(pid),
            expected,
        };
        self.state = State::Exited;
        todo.push(Effect::Entered(change));
    }
}

#[cfg(test)]
impl Machine {
    /// Forgets how many failures there were beyond so many, so that a walk comes to an end.
    pub(super) fn cap_tries(&mut self, most: u32) {
        self.tries = self.tries.min(most);
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn held(&self) -> bool {
        self.held
    }

    /// Replaces the times that the state carries, so that equal lives are equal values.
    pub(super) fn map_times(&mut self, map: impl Fn(Instant) -> Instant) {
        self.budget.map_times(&map);
        match &mut self.state {
            State::Launching { since, stop, .. } => {
                *since = map(*since);
                if let Some(stop) = stop {
                    stop.kill_at = map(stop.kill_at);
                }
            }
            State::Starting { since, .. } => *since = map(*since),
            State::Backoff { until } => *until = map(*until),
            State::Stopping {
                kill_at, report_at, ..
            } => {
                *kill_at = map(*kill_at);
                *report_at = report_at.map(&map);
            }
            State::Stopped
            | State::Running { .. }
            | State::Exited
            | State::Fatal
            | State::Unknown { .. } => {}
        }
    }
}
