//! The table of what is true now: written by the actors, read by everybody without a message.
//!
//! A row holds plain values, each with one writer: the Process actor, but for what its Outputs and
//! its pool know better. A reader locks one row for the time of a copy; it never waits for an actor.

use super::beat::Beat;
use crate::config::Config;
use crate::model::exit::Exit;
use crate::model::listener::ListenerState;
use crate::model::state::{Channel, Mood, ProcessState};
use crate::model::texts::Texts;
use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Instant;

/// What is true of one process now.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its state as the world is told.
    pub state: ProcessState,
    /// Its pid, while it has one.
    pub pid: Option<i32>,
    /// When it was last started, in seconds of Unix time; 0 for never.
    pub start: i64,
    /// When it last ended, in seconds of Unix time; 0 for never.
    pub stop: i64,
    /// How it last ended: the exit code, -1 for a signal; none while it runs.
    pub exitstatus: Option<i32>,
    /// Why it could not be started or ended badly, in the original's words.
    pub spawnerr: Option<Arc<str>>,
    /// Which of its logs, stdout's and stderr's, have no file after all: an automatic one could
    /// not be made.
    pub unmade: [bool; 2],
    /// Where the dialogue with it is, if it is a listener that was ever started; written by its
    /// pool.
    pub listener: Option<ListenerState>,
    /// How its last child ended, however early; none before there was one and after a start that
    /// made none.
    pub last_exit: Option<Exit>,
    /// How often a start has failed in a row.
    pub tries: u32,
    /// How many failed starts are followed by another; -1 for each.
    pub retries: i64,
    /// When the next start comes by itself.
    pub next_try: Option<Instant>,
    /// Why the last start failed, if it was before its program ran.
    pub cause: Option<Arc<Cause>>,
    /// Why its stdout and its stderr are not in their logs now, in words, if one is not; written
    /// by its Outputs.
    pub troubles: Option<Box<[Option<Arc<str>>; 2]>>,
}

/// Why a start failed before the program ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What failed: `command`, `log`, `socket`, `pipes`, `fork`, `setpgid`, `dup2`, `setuid`,
    /// `chdir` or `exec`.
    pub step: &'static str,
    /// The name of its error number, as `EACCES`, if it has one.
    pub errno: Option<&'static str>,
    /// A sentence without a full stop.
    pub reason: String,
}

impl Snapshot {
    /// What is wrong with its logs, in words: `stdout is not logged (ENOSPC: …)`. None if
    /// nothing is.
    pub fn trouble(&self) -> Option<String> {
        let troubles = self.troubles.as_deref()?;
        let said: Vec<String> = ["stdout", "stderr"]
            .iter()
            .zip(troubles)
            .filter_map(|(channel, trouble)| {
                let why = trouble.as_deref()?;
                Some(format!("{channel} is not logged ({why})"))
            })
            .collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// Notes why a channel is not in its log.
    pub fn set_trouble(&mut self, channel: Channel, trouble: Option<Arc<str>>) {
        if trouble.is_some() || self.troubles.is_some() {
            self.troubles.get_or_insert_default()[channel.place()] = trouble;
        }
    }
}

/// So many rows are fetched at once: about as many as a processor can wait for.
const FETCHED: usize = 16;

/// What the arbiters of stdout's log and of stderr's are doing, where there is one.
pub(super) type Beats = [Option<Arc<Beat>>; 2];

/// One process's row.
#[derive(Debug)]
pub struct Row {
    /// The group's name.
    pub group: Arc<str>,
    /// The process's name.
    pub name: Arc<str>,
    /// The files that hold its stdout and its stderr, as far as there are any.
    logfiles: [Option<Arc<Path>>; 2],
    live: Mutex<Snapshot>,
    /// What the arbiters of its logs are doing.
    beats: OnceLock<Beats>,
}

impl Row {
    /// A row of a process that was never started, and the files that are to hold its stdout and
    /// its stderr.
    pub fn new(group: Arc<str>, name: Arc<str>, logfiles: [Option<Arc<Path>>; 2]) -> Self {
        Self {
            group,
            name,
            logfiles,
            live: Mutex::new(Snapshot {
                state: ProcessState::Stopped,
                pid: None,
                start: 0,
                stop: 0,
                exitstatus: None,
                spawnerr: None,
                unmade: [false; 2],
                listener: None,
                last_exit: None,
                tries: 0,
                retries: 0,
                next_try: None,
                cause: None,
                troubles: None,
            }),
            beats: OnceLock::new(),
        }
    }

    /// The file that holds a channel, if there is one.
    pub fn logfile(&self, channel: Channel) -> Option<&Arc<Path>> {
        let is_unmade = self.lock().unmade[channel.place()];
        self.planned_logfile(channel).filter(|_| !is_unmade)
    }

    /// The file that is to hold a channel: an automatic one may turn out not to be makeable, which
    /// the snapshot knows.
    pub fn planned_logfile(&self, channel: Channel) -> Option<&Arc<Path>> {
        self.logfiles[channel.place()].as_ref()
    }

    /// A copy of what is true now.
    pub fn read(&self) -> Snapshot {
        let mut snapshot = self.lock().clone();
        let now = Instant::now();
        let channels = [Channel::Stdout, Channel::Stderr].into_iter();
        for (channel, beat) in channels.zip(self.beats.get().into_iter().flatten()) {
            if let Some(so_far) = beat.as_ref().and_then(|beat| beat.hangs(now)) {
                let why = format!("its disk hangs for {} s", so_far.as_secs());
                snapshot.set_trouble(channel, Some(why.into()));
            }
        }
        snapshot
    }

    /// What is true at `now`, seen in place: for readers of many rows who keep nothing. The row's
    /// writer waits meanwhile.
    pub fn look<T>(&self, now: Instant, look: impl FnOnce(&Snapshot) -> T) -> T {
        let mut beats = self.beats.get().into_iter().flatten().flatten();
        if beats.any(|beat| beat.hangs(now).is_some()) {
            return look(&self.read());
        }
        look(&self.lock())
    }

    /// Makes the processor fetch what [`Row::look`] will read, and does not wait for it.
    fn fetch(&self) {
        black_box((self.live.is_poisoned(), self.beats.get().is_some()));
    }

    /// Lets readers see where the arbiter of a log is stuck; for whoever makes the row.
    pub(super) fn watch(&self, beats: Beats) {
        // Who comes second brings the same.
        let _ = self.beats.set(beats);
    }

    /// Changes the row; for its one writer.
    pub fn write(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        // A writer that panicked left plain values behind, each of them whole.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of one active group.
#[derive(Debug)]
pub struct GroupRows {
    /// The group's name.
    pub name: Arc<str>,
    /// The group's priority.
    pub priority: i64,
    /// Its processes, in the order of starting.
    pub rows: Vec<Arc<Row>>,
    /// Their places, by name: who asks for one of thousands is answered as soon as for one of ten.
    by_name: Vec<u32>,
}

impl GroupRows {
    /// The rows of a group, in the order of starting, with a name each.
    pub fn new(name: Arc<str>, priority: i64, rows: Vec<Arc<Row>>) -> Self {
        let mut by_name: Vec<u32> = (0..).take(rows.len()).collect();
        by_name.sort_by(|&a, &b| rows[a as usize].name.cmp(&rows[b as usize].name));
        Self {
            name,
            priority,
            rows,
            by_name,
        }
    }

    /// Its processes, in the order of their names.
    fn by_name(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.by_name.iter().map(|&place| &self.rows[place as usize])
    }

    /// The row of a name.
    pub fn row(&self, name: &str) -> Option<&Arc<Row>> {
        let place = |&place: &u32| &self.rows[place as usize];
        let found = self
            .by_name
            .binary_search_by(|it| (*place(it).name).cmp(name));
        Some(place(self.by_name.get(found.ok()?)?))
    }
}

/// All active processes, for those who tell of all of them.
#[derive(Debug)]
pub struct All {
    /// Their rows, sorted by group and name.
    pub rows: Vec<Arc<Row>>,
    texts: OnceLock<Arc<Texts>>,
}

impl All {
    /// All of some groups.
    pub fn of(mut groups: Vec<&GroupRows>) -> Self {
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        let rows = groups.into_iter().flat_map(GroupRows::by_name);
        Self {
            rows: rows.cloned().collect(),
            texts: OnceLock::new(),
        }
    }

    /// What somebody tells of them again and again and never changes, as it was put down when it
    /// was asked for first. There is one who does: XML-RPC.
    pub fn texts(&self, put_down: impl FnOnce(&[Arc<Row>]) -> Texts) -> &Arc<Texts> {
        self.texts.get_or_init(|| Arc::new(put_down(&self.rows)))
    }

    /// Sees all in place and in their order, as [`Row::look`] does one.
    pub fn look(&self, now: Instant, mut look: impl FnMut(&Row, &Snapshot)) {
        for rows in self.rows.chunks(FETCHED) {
            // Thousands of rows are in no cache. A lock waits for all memory that was asked for
            // before it, so that row after row would be waited for; this way it is once for some.
            for row in rows {
                row.fetch();
            }
            for row in rows {
                row.look(now, |live| look(row, live));
            }
        }
    }
}

/// All of it.
#[derive(Debug)]
pub struct Table {
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    mood: Mood,
    /// The config that was read last: what `update` would make active.
    config: Arc<Config>,
    /// How many configs were read.
    age: u64,
    /// Active groups, in the order of starting, and the age of the config each was made from.
    groups: Vec<(Arc<GroupRows>, u64)>,
    /// The same by name.
    by_name: HashMap<Arc<str>, (Arc<GroupRows>, u64)>,
    /// What is in them, once somebody has asked since they changed.
    all: OnceLock<Arc<All>>,
}

impl Inner {
    fn find(&self, name: &str) -> Option<&(Arc<GroupRows>, u64)> {
        self.by_name.get(name)
    }
}

impl Table {
    /// A table without groups.
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            inner: RwLock::new(Inner {
                mood: Mood::Running,
                config,
                age: 0,
                groups: Vec::new(),
                by_name: HashMap::new(),
                all: OnceLock::new(),
            }),
        }
    }

    /// What the daemon is about.
    pub fn mood(&self) -> Mood {
        self.read(|inner| inner.mood)
    }

    /// The config that was read last.
    pub fn config(&self) -> Arc<Config> {
        self.read(|inner| Arc::clone(&inner.config))
    }

    /// The active groups, in the order of starting: ascending by priority, then by age.
    pub fn groups(&self) -> Vec<Arc<GroupRows>> {
        let rows = |(group, _): &(Arc<GroupRows>, u64)| Arc::clone(group);
        self.read(|inner| inner.groups.iter().map(rows).collect())
    }

    /// All active processes. They are put in order when the first asks after they changed.
    pub fn all(&self) -> Arc<All> {
        self.read(|inner| {
            let groups = inner.groups.iter().map(|(group, _)| &**group);
            let all = inner
                .all
                .get_or_init(|| Arc::new(All::of(groups.collect())));
            Arc::clone(all)
        })
    }

    /// The active group of a name.
    pub fn group(&self, name: &str) -> Option<Arc<GroupRows>> {
        self.read(|inner| Some(Arc::clone(&inner.find(name)?.0)))
    }

    /// Whether the active group of a name was made from the very config that was read last: one
    /// that has been active since before was made from an older one, even if nothing changed.
    pub fn is_of_last_config(&self, name: &str) -> bool {
        self.read(|inner| inner.find(name).is_some_and(|(_, age)| *age == inner.age))
    }

    /// The row of an active process.
    pub fn row(&self, group: &str, process: &str) -> Option<Arc<Row>> {
        let group = self.group(group)?;
        group.row(process).cloned()
    }

    pub(super) fn set_mood(&self, mood: Mood) {
        self.change(|inner| inner.mood = mood);
    }

    pub(super) fn set_config(&self, config: Arc<Config>) {
        self.change(|inner| {
            inner.config = config;
            inner.age += 1;
        });
    }

    pub(super) fn add(&self, group: Arc<GroupRows>) {
        self.change(|inner| {
            let after = |other: &(Arc<GroupRows>, u64)| other.0.priority <= group.priority;
            let place = inner.groups.partition_point(after);
            let name = Arc::clone(&group.name);
            inner.by_name.insert(name, (Arc::clone(&group), inner.age));
            inner.groups.insert(place, (group, inner.age));
            inner.all.take();
        });
    }

    pub(super) fn remove(&self, name: &str) {
        self.change(|inner| {
            inner.by_name.remove(name);
            inner.groups.retain(|(group, _)| &*group.name != name);
            inner.all.take();
        });
    }

    fn read<T>(&self, ask: impl FnOnce(&Inner) -> T) -> T {
        ask(&self.inner.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.write().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
impl Table {
    /// A table as the actors would have left it.
    pub(crate) fn with(config: Config, mood: Mood, groups: Vec<GroupRows>) -> Self {
        let table = Self::new(Arc::new(config));
        table.set_mood(mood);
        for group in groups {
            table.add(Arc::new(group));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::loaded;

    fn group(name: &str, processes: usize) -> GroupRows {
        let name: Arc<str> = name.into();
        let row = |place| {
            let process = format!("{:03}", place * 7 % 100);
            Row::new(Arc::clone(&name), process.into(), [None, None])
        };
        let rows = (0..processes).map(row).map(Arc::new).collect();
        GroupRows::new(Arc::clone(&name), 999, rows)
    }

    fn names(all: &All) -> Vec<String> {
        let mut seen = Vec::new();
        all.look(Instant::now(), |row, _| {
            seen.push(format!("{}:{}", row.group, row.name));
        });
        seen
    }

    #[test]
    fn all_are_seen_once_and_by_name_however_many_there_are() {
        for many in [0, 1, FETCHED, FETCHED + 1, 5 * FETCHED] {
            let all = All::of(vec![&group("b", many), &group("c", 1), &group("a", 3)]);
            let seen = names(&all);
            assert!(seen.is_sorted(), "{seen:?}");
            assert_eq!(seen.len(), many + 4);
            let row = |row: &Arc<Row>| format!("{}:{}", row.group, row.name);
            assert_eq!(seen, all.rows.iter().map(row).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_are_those_of_the_groups_that_are_active_now() {
        let table = Table::new(loaded("").into());
        assert_eq!(names(&table.all()), [""; 0]);
        table.add(Arc::new(group("b", 1)));
        assert_eq!(names(&table.all()), ["b:000"]);
        table.add(Arc::new(group("a", 1)));
        let both = table.all();
        assert_eq!(names(&both), ["a:000", "b:000"]);
        assert!(Arc::ptr_eq(&both, &table.all()));
        table.remove("b");
        assert_eq!(names(&table.all()), ["a:000"]);
    }

    #[test]
    fn a_log_that_could_not_be_made_has_no_file() {
        let logs = ["/a/out", "/a/err"].map(|path| Some(Path::new(path).into()));
        let row = Row::new("g".into(), "p".into(), logs);
        row.write(|live| live.unmade[Channel::Stderr.place()] = true);
        let file = |channel| row.logfile(channel).and_then(|path| path.to_str());
        assert_eq!(file(Channel::Stdout), Some("/a/out"));
        assert_eq!(file(Channel::Stderr), None);
        assert!(row.planned_logfile(Channel::Stderr).is_some());
    }
}
