//! What is told of many processes, written out while it is sent.
//!
//! Six of seven bytes of such an answer are the same for each process: markup, and what all that
//! run have in common. Most of the rest never changes: names and logs. A roll keeps what does, and
//! how long the whole will be, which HTTP wants to know first. So a thousand processes are 70 KiB
//! instead of one and a quarter mebibyte, however slowly a client takes them, and no memory is
//! taken from the system for each answer, which would cost more than the writing.

use super::xml::{Writer, decimal, escape};
use crate::actors::table::{Row, Snapshot};
use crate::model::state::{Channel, ProcessState};
use crate::model::texts::Texts;
use bytes::Bytes;
use std::array;
use std::mem;
use std::path::Path;
use std::sync::Arc;

/// About as many bytes of one process change.
const USUAL_CELLS: usize = 48;

/// Texts that processes have in common. There are as many as there are states and ways to end;
/// beyond these a process keeps its own.
const MAX_COMMON: usize = 16;

/// A process of its own common text, so to speak.
const OWN: u8 = u8::MAX;

/// What stands between two members' values: of the types, and the name of the second.
macro_rules! between {
    ($ended:literal, $name:literal, $begun:literal) => {
        concat!(
            "</",
            $ended,
            "></value>\n</member>\n<member>\n<name>",
            $name,
            "</name>\n<value><",
            $begun,
            ">"
        )
    };
}

const OPEN: &str = "<value><struct>\n<member>\n<name>name</name>\n<value><string>";
const GROUP: &str = between!("string", "group", "string");
const START: &str = between!("string", "start", "int");
const STOP: &str = between!("int", "stop", "int");
const STDOUT: &str = between!("string", "stdout_logfile", "string");
const STDERR: &str = between!("string", "stderr_logfile", "string");
const PID: &str = between!("string", "pid", "int");
const DESCRIPTION: &str = between!("int", "description", "string");
const CLOSE: &str = "</string></value>\n</member>\n</struct></value>\n";

/// Bytes of markup of one process, without the common text.
const MARKUP: usize = OPEN.len()
    + GROUP.len()
    + START.len()
    + STOP.len()
    + STDOUT.len()
    + STDERR.len()
    + PID.len()
    + DESCRIPTION.len()
    + CLOSE.len();

/// What is told of processes at one moment.
#[derive(Debug)]
pub(super) struct Roll {
    now: i64,
    /// What does not change: [`FIXED`] of each line.
    fixed: Arc<Texts>,
    lines: Vec<Line>,
    /// What changes: [`CELLS`] of each line.
    cells: Texts,
    common: Vec<Common>,
    bytes: usize,
}

/// One process.
#[derive(Debug)]
struct Line {
    /// The place of the common text, or [`OWN`].
    common: u8,
    /// Which of its logs have no file after all.
    unmade: [bool; 2],
}

/// From behind `stop` to before `logfile`, of processes of which no error is to be told.
#[derive(Debug)]
struct Common {
    state: ProcessState,
    exitstatus: i32,
    text: Vec<u8>,
}

/// What of a process changes: `start`, `stop`, all from there to `logfile` if it is not common,
/// `pid` and `description`.
const CELLS: usize = 5;

/// What of a process does not change: its name, its group and its two logs.
const FIXED: usize = 4;

/// What does not change of processes, as a roll needs it.
pub(super) fn fixed(rows: &[Arc<Row>]) -> Texts {
    let mut texts = Texts::default();
    for row in rows {
        texts.push(|out| escape(&row.name, out));
        texts.push(|out| escape(&row.group, out));
        for channel in [Channel::Stdout, Channel::Stderr] {
            texts.push(|out| path(row.planned_logfile(channel).map(|path| &**path), out));
        }
    }
    texts.shrink_to_fit();
    texts
}

impl Roll {
    /// A roll at a time, in seconds of Unix time within 32 bits, of processes of which this, by
    /// [`fixed`], does not change.
    pub(super) fn new(now: i64, fixed: Arc<Texts>) -> Self {
        let processes = fixed.len() / FIXED;
        Self {
            now,
            fixed,
            lines: Vec::with_capacity(processes),
            cells: Texts::with_capacity(processes * CELLS, processes * USUAL_CELLS),
            common: Vec::new(),
            bytes: 0,
        }
    }

    /// The time of which it tells.
    pub(super) const fn now(&self) -> i64 {
        self.now
    }

    /// The next of them. The times are within 32 bits.
    pub(super) fn push(&mut self, live: &Snapshot, description: &str) {
        let common = self.common_to(live);
        let cells = &mut self.cells;
        let had = cells.bytes();
        cells.push(|out| decimal(capped(live.start), out));
        cells.push(|out| decimal(capped(live.stop), out));
        let shared = match common {
            Some(place) => self.common[usize::from(place)].text.len(),
            None => 0,
        };
        cells.push(|out| {
            if common.is_none() {
                write_common(self.now, live, out);
            }
        });
        cells.push(|out| decimal(live.pid.unwrap_or(0).into(), out));
        cells.push(|out| escape(description, out));
        self.bytes += MARKUP + shared + cells.bytes() - had;
        let next = Line {
            common: common.unwrap_or(OWN),
            unmade: live.unmade,
        };
        let [name, group, stdout, stderr] = self.fixed_texts(self.lines.len(), &next);
        self.bytes += name.len() + group.len() + 2 * stdout.len() + stderr.len();
        self.lines.push(next);
    }

    /// What of a line does not change.
    fn fixed_texts<'t>(&'t self, place: usize, line: &Line) -> [&'t [u8]; FIXED] {
        let [name, group, stdout, stderr] =
            array::from_fn(|text| self.fixed.get(place * FIXED + text));
        let log = |channel: Channel, path: &'t [u8]| -> &'t [u8] {
            let is_unmade = line.unmade[channel.place()];
            if is_unmade { &[] } else { path }
        };
        let stdout = log(Channel::Stdout, stdout);
        let stderr = log(Channel::Stderr, stderr);
        [name, group, stdout, stderr]
    }

    /// The place of the common text that tells of a process what is to be told.
    fn common_to(&mut self, live: &Snapshot) -> Option<u8> {
        if live.spawnerr.as_deref().is_some_and(|why| !why.is_empty()) {
            return None;
        }
        let (state, exitstatus) = (live.state, live.exitstatus.unwrap_or(0));
        let is_it = |it: &Common| it.state == state && it.exitstatus == exitstatus;
        let place = self.common.iter().position(is_it).or_else(|| {
            (self.common.len() < MAX_COMMON).then(|| {
                let mut text = Vec::new();
                write_common(self.now, live, &mut text);
                self.common.push(Common {
                    state,
                    exitstatus,
                    text,
                });
                self.common.len() - 1
            })
        })?;
        u8::try_from(place).ok()
    }

    /// Writes processes, from the one at `next` on, until there are at least so many bytes.
    fn write(&self, next: &mut usize, most: usize, out: &mut Vec<u8>) {
        while let Some(line) = self.lines.get(*next)
            && out.len() < most
        {
            let [name, group, stdout, stderr] = self.fixed_texts(*next, line);
            let [start, stop, own, pid, description]: [_; CELLS] =
                array::from_fn(|text| self.cells.get(*next * CELLS + text));
            let common = match self.common.get(usize::from(line.common)) {
                Some(common) => &common.text,
                None => own,
            };
            for text in [
                OPEN.as_bytes(),
                name,
                GROUP.as_bytes(),
                group,
                START.as_bytes(),
                start,
                STOP.as_bytes(),
                stop,
                common,
                stdout,
                STDOUT.as_bytes(),
                stdout,
                STDERR.as_bytes(),
                stderr,
                PID.as_bytes(),
                pid,
                DESCRIPTION.as_bytes(),
                description,
                CLOSE.as_bytes(),
            ] {
                out.extend_from_slice(text);
            }
            *next += 1;
        }
    }

    /// Writes all of it, a struct for each process.
    pub(super) fn write_to(&self, out: &mut Writer) {
        self.write(&mut 0, usize::MAX, out.room(self.bytes));
    }
}

fn write_common(now: i64, live: &Snapshot, out: &mut Vec<u8>) {
    out.extend_from_slice(between!("int", "now", "int").as_bytes());
    decimal(now, out);
    out.extend_from_slice(between!("int", "state", "int").as_bytes());
    decimal(live.state.code().into(), out);
    out.extend_from_slice(between!("int", "statename", "string").as_bytes());
    out.extend_from_slice(live.state.name().as_bytes());
    out.extend_from_slice(between!("string", "spawnerr", "string").as_bytes());
    escape(live.spawnerr.as_deref().unwrap_or(""), out);
    out.extend_from_slice(between!("string", "exitstatus", "int").as_bytes());
    decimal(live.exitstatus.unwrap_or(0).into(), out);
    out.extend_from_slice(between!("int", "logfile", "string").as_bytes());
}

fn path(path: Option<&Path>, out: &mut Vec<u8>) {
    match path.map(|path| (path, path.to_str())) {
        None => {}
        Some((_, Some(text))) => escape(text, out),
        Some((path, None)) => escape(&path.to_string_lossy(), out),
    }
}

/// The nearest time that a 32-bit client can be told.
pub(super) fn capped(time: i64) -> i64 {
    time.clamp(i32::MIN.into(), i32::MAX.into())
}

/// A whole document, of which a part may be yet to be written.
#[derive(Debug)]
pub struct Answer(Rest);

#[derive(Debug)]
enum Rest {
    Bytes(Bytes),
    /// An array of processes.
    Roll {
        roll: Box<Roll>,
        /// The first that was not written yet.
        next: usize,
        open: Vec<u8>,
        close: Vec<u8>,
        /// How many bytes are yet to come.
        left: usize,
    },
}

impl Answer {
    /// The answer that is an array of processes.
    pub(super) fn of(roll: Roll) -> Self {
        let mut around = Writer::response();
        around.begin_array();
        let middle = around.len();
        around.end_array();
        let mut open = around.finish();
        let close = open.split_off(middle);
        Self(Rest::Roll {
            left: open.len() + roll.bytes + close.len(),
            roll: Box::new(roll),
            next: 0,
            open,
            close,
        })
    }

    /// How many bytes are yet to come.
    pub fn len(&self) -> usize {
        match &self.0 {
            Rest::Bytes(bytes) => bytes.len(),
            Rest::Roll { left, .. } => *left,
        }
    }

    /// Whether all of it was taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes of memory it takes.
    pub fn held(&self) -> usize {
        match &self.0 {
            Rest::Bytes(bytes) => bytes.len(),
            Rest::Roll { roll, .. } => {
                roll.cells.held() + roll.lines.capacity() * size_of::<Line>()
            }
        }
    }

    /// The next bytes: about so many while there are more, none once all of it was taken.
    pub fn take(&mut self, about: usize) -> Bytes {
        match &mut self.0 {
            Rest::Bytes(bytes) => bytes.split_to(bytes.len().min(about)),
            Rest::Roll {
                roll,
                next,
                open,
                close,
                left,
            } => {
                let mut piece = Vec::with_capacity(about.saturating_add(4096).min(*left));
                piece.extend_from_slice(&mem::take(open));
                roll.write(next, about, &mut piece);
                if *next == roll.lines.len() {
                    piece.extend_from_slice(&mem::take(close));
                }
                *left -= piece.len();
                piece.into()
            }
        }
    }

    /// All that is yet to come.
    pub fn into_bytes(mut self) -> Bytes {
        self.take(usize::MAX)
    }
}

impl<B: Into<Bytes>> From<B> for Answer {
    fn from(bytes: B) -> Self {
        Self(Rest::Bytes(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::read_response;
    use super::*;
    use crate::actors::table::Row;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::sync::Arc;

    const NOW: i64 = 1_790_000_000;

    fn row(name: &str, logs: [&[u8]; 2], change: impl FnOnce(&mut Snapshot)) -> Arc<Row> {
        let log = |path| Path::new(OsStr::from_bytes(path)).into();
        let logs = logs.map(|path| (!path.is_empty()).then(|| log(path)));
        let row = Row::new("g&h".into(), name.into(), logs);
        row.write(change);
        row.into()
    }

    /// Processes of every kind, and of more ways to end than texts are shared.
    fn rows() -> Vec<Arc<Row>> {
        let mut rows = vec![
            row("plain", [b"", b""], |_| {}),
            row("<up>", [b"/var/log/a&b", b"/\xFF"], |live| {
                live.state = ProcessState::Running;
                live.pid = Some(4711);
                live.start = NOW - 7;
            }),
            row("half", [b"/out", b"/err"], |live| {
                live.unmade = [true, false];
            }),
            row("other half", [b"/out", b"/err"], |live| {
                live.unmade = [false, true];
            }),
            row("broken", [b"", b"/err"], |live| {
                live.state = ProcessState::Fatal;
                live.spawnerr = Some("can't find <it>".into());
                live.stop = i64::MAX;
            }),
            row("no words", [b"", b""], |live| {
                live.spawnerr = Some("".into());
            }),
        ];
        rows.extend((0..40).map(|code| {
            row("ended", [b"/out", b""], |live| {
                live.exitstatus = Some(code - 1);
            })
        }));
        rows
    }

    fn roll(rows: &[Arc<Row>]) -> Roll {
        let mut roll = Roll::new(NOW, Arc::new(fixed(rows)));
        for row in rows {
            roll.push(&row.read(), "a <description>");
        }
        roll
    }

    /// The same, member by member.
    fn plainly(rows: &[Arc<Row>]) -> Vec<u8> {
        let mut out = Writer::response();
        out.begin_array();
        for row in rows {
            let live = row.read();
            let log = |channel| {
                let path = row.logfile(channel);
                let path = path.map(|path| path.to_string_lossy().into_owned());
                path.unwrap_or_default()
            };
            let text = |key, text: &str| (key, Err(text.to_owned()));
            let int = |key, number: i64| (key, Ok(number));
            out.begin_struct();
            for (key, value) in [
                text("name", &row.name),
                text("group", "g&h"),
                int("start", live.start),
                int("stop", live.stop.min(i32::MAX.into())),
                int("now", NOW),
                int("state", live.state.code().into()),
                text("statename", live.state.name()),
                text("spawnerr", live.spawnerr.as_deref().unwrap_or("")),
                int("exitstatus", live.exitstatus.unwrap_or(0).into()),
                text("logfile", &log(Channel::Stdout)),
                text("stdout_logfile", &log(Channel::Stdout)),
                text("stderr_logfile", &log(Channel::Stderr)),
                int("pid", live.pid.unwrap_or(0).into()),
                text("description", "a <description>"),
            ] {
                out.member(key, |out| {
                    match &value {
                        Ok(number) => out.int(*number),
                        Err(text) => out.string(text),
                    };
                });
            }
            out.end_struct();
        }
        out.end_array();
        out.finish()
    }

    #[test]
    fn a_roll_is_written_as_its_members_are_one_by_one() {
        for rows in [&rows()[..], &[]] {
            let answer = Answer::of(roll(rows));
            let announced = answer.len();
            let written = answer.into_bytes();
            let expected = plainly(rows);
            assert_eq!(
                String::from_utf8_lossy(&written),
                String::from_utf8_lossy(&expected)
            );
            assert_eq!(announced, expected.len());
            assert!(read_response(&written).is_ok());
        }
    }

    #[test]
    fn a_roll_in_a_longer_answer_is_the_same() {
        let rows = rows();
        let mut out = Writer::response();
        out.begin_array();
        roll(&rows).write_to(&mut out);
        out.end_array();
        assert_eq!(out.finish(), plainly(&rows));
    }

    #[test]
    fn pieces_of_any_size_make_up_the_whole_and_say_what_is_left() {
        let expected = plainly(&rows());
        for about in [1, 1000, 5000, usize::MAX] {
            for mut answer in [Answer::of(roll(&rows())), Answer::from(expected.clone())] {
                let mut whole = Vec::new();
                while !answer.is_empty() {
                    let piece = answer.take(about);
                    assert!(!piece.is_empty(), "at {} of {about}", whole.len());
                    whole.extend_from_slice(&piece);
                    assert_eq!(answer.len(), expected.len() - whole.len());
                }
                assert_eq!(whole, expected);
                assert!(answer.take(about).is_empty());
            }
        }
    }

    #[test]
    fn a_roll_holds_less_than_it_becomes() {
        let one = row("x", [b"/var/log/x.out", b"/var/log/x.err"], |live| {
            live.state = ProcessState::Running;
        });
        let answer = Answer::of(roll(&vec![one; 500]));
        assert!(answer.held() * 10 < answer.len(), "{answer:?}");
    }
}
