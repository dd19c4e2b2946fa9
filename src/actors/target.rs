//! A log with one writer, for all streams of this arbiter that go to the same path.
//!
//! Writing never fails for the one who writes: what cannot be kept is counted, said in the main
//! log, and tried again with the next bytes. A log that takes nothing now but may do so soon
//! (a pipe that is full) keeps what it is given waiting and is *clogged* meanwhile; after a while that
//! is given up, and until the log has recovered nothing waits for it any more.

use super::beat;
use super::presser;
use super::watch::watch;
use crate::model::logstyle::{Compression, Period};
use crate::model::losses::{Losses, Notice};
use crate::model::rotation::is_due;
use crate::model::time::LocalTime;
use crate::sys::logfile::{self, LogFile};
use crate::sys::{clock, errno};
use slog::{Logger, error, warn};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How long a log may take nothing while something waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// As many bytes wait at most. Nobody reads on while anything waits, but what was read by then may
/// come in many pieces, from each stream that writes here.
const MOST_WAITING: usize = 8 * 1024 * 1024;

/// How long to wait before something that failed is tried again, if there is something to write.
const RETRY: Duration = Duration::from_secs(1);

/// How often to look whether a log that is written to still has a name.
const LOOK: Duration = Duration::from_secs(1);

/// A target and those who write to it.
pub(super) type Shared = Rc<RefCell<Target>>;

thread_local! {
    /// The logs that are open on this arbiter.
    static SHELF: RefCell<HashMap<Arc<Path>, Weak<RefCell<Target>>>> = RefCell::default();
}

/// The calendar is looked at again when so many seconds are over: a new hour or day begins at a
/// full quarter of an hour in every zone.
const QUARTER: i64 = 15 * 60;

/// A pipe takes as much at once or not at all, whoever else writes to it.
const WHOLE: usize = 4096;

/// When a log is to be rotated, and how it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Policy {
    /// Bytes after which it is; 0 is never.
    pub maxbytes: u64,
    /// How many older ones are kept.
    pub backups: u32,
    /// Also when each of these is over.
    pub period: Option<Period>,
    /// What the older ones are compressed with.
    pub compression: Option<Compression>,
    /// Pieces are whole lines, and are to stay so where others write too.
    pub lines: bool,
}

/// A log; see the module.
pub(super) struct Target {
    path: Arc<Path>,
    log: Arc<Logger>,
    file: Option<LogFile>,
    /// The file is open but no longer at its path, and a new one could not be opened yet.
    astray: bool,
    next_look: Instant,
    /// Most logs never have any.
    trouble: Option<Box<Trouble>>,
    /// Only where the calendar matters.
    calendar: Option<Box<Calendar>>,
    /// What was written last did not end a line.
    torn: bool,
}

/// What is to be known of a log that does not take what it is given.
#[derive(Default)]
struct Trouble {
    /// When it may be opened again.
    next_open: Option<Instant>,
    /// When it may be rotated again.
    next_rotation: Option<Instant>,
    /// What waits for room.
    waiting: Waiting,
    watch: Option<Rc<AsyncFd<OwnedFd>>>,
    losses: Losses,
    reason: Option<Reason>,
    /// What rotation failed, if one did.
    rotation: Losses,
}

/// Bytes that wait for room, in their order.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// So many of them are written already.
    done: usize,
    /// So many were written of all that ever waited.
    taken: u64,
}

impl Waiting {
    fn left(&self) -> usize {
        self.bytes.len() - self.done
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.done > self.bytes.len() / 2 {
            self.bytes.drain(..self.done);
            self.done = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }
}

/// What became of bytes that were to be written.
enum Wrote {
    All,
    /// There is no room for so many of them now.
    AllBut(usize),
    /// What could not be written is counted.
    Lost,
}

/// When a log was last written to, as far as that has to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Calendar {
    written: LocalTime,
    /// The quarter of an hour in which that was found out.
    quarter: i64,
}

/// Why bytes are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Errno(i32),
    Stalled,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Stalled => f.write_str("nobody reads what is written to it"),
            Self::Errno(number) => match errno::name(number) {
                Some(name) => write!(f, "{name}: {}", errno::text(number)),
                None => write!(f, "errno {number}"),
            },
        }
    }
}

impl Reason {
    fn of(error: &io::Error) -> Self {
        Self::Errno(errno::of(error))
    }
}

/// The log at a path, opened if nobody on this arbiter has it open; or the open one, after making
/// sure that it is still the one at its path.
///
/// A disk that is full is no error: what is written is lost until it is not full any more.
pub(super) fn open(path: &Arc<Path>, log: &Arc<Logger>) -> io::Result<Shared> {
    let _work = beat::begin(Instant::now());
    if let Some(target) = find(path) {
        target.borrow_mut().ensure_in_place()?;
        return Ok(target);
    }
    match LogFile::open(path) {
        Err(error) if !is_full(&error) => Err(error),
        opened @ (Ok(_) | Err(_)) => Ok(put(Target::new(path, log, opened))),
    }
}

/// As [`open`], but whatever goes wrong is the target's matter.
pub(super) fn open_or_lose(path: &Arc<Path>, log: &Arc<Logger>) -> Shared {
    let _work = beat::begin(Instant::now());
    find(path).unwrap_or_else(|| put(Target::new(path, log, LogFile::open(path))))
}

/// The log at a path, if somebody on this arbiter has it open.
pub(super) fn find(path: &Path) -> Option<Shared> {
    SHELF.with_borrow(|shelf| shelf.get(path).and_then(Weak::upgrade))
}

/// Our own standard output, which nobody shares.
pub(super) fn stdout(log: &Arc<Logger>) -> Shared {
    let name = Arc::from(Path::new("/dev/stdout"));
    let target = Target::new(&name, log, LogFile::stdout());
    Rc::new(RefCell::new(target))
}

fn put(target: Target) -> Shared {
    let path = Arc::clone(&target.path);
    let target = Rc::new(RefCell::new(target));
    SHELF.with_borrow_mut(|shelf| shelf.insert(path, Rc::downgrade(&target)));
    target
}

/// Waits until all that waits in a clogged target is written, as long as somebody takes some of
/// it now and then; gives it up if nobody does.
pub(super) async fn unclog(target: Shared) {
    let mut deadline = tokio::time::Instant::now() + PATIENCE;
    let mut taken = target.borrow().taken();
    loop {
        let Some(watch) = target.borrow_mut().watch() else {
            break;
        };
        let Ok(Ok(mut room)) = tokio::time::timeout_at(deadline, watch.writable()).await else {
            break;
        };
        let flushed = room.try_io(|_| target.borrow_mut().flush(Instant::now()));
        if flushed.is_ok() {
            return;
        }
        let now_taken = target.borrow().taken();
        if now_taken != taken {
            taken = now_taken;
            deadline = tokio::time::Instant::now() + PATIENCE;
        }
    }
    target.borrow_mut().give_up(Instant::now());
}

impl Target {
    fn new(path: &Arc<Path>, log: &Arc<Logger>, opened: io::Result<LogFile>) -> Self {
        let now = Instant::now();
        let trouble = opened.as_ref().err().map(|error| Trouble {
            next_open: Some(now + RETRY),
            reason: Some(Reason::of(error)),
            ..Trouble::default()
        });
        Self {
            path: Arc::clone(path),
            log: Arc::clone(log),
            file: opened.ok(),
            astray: false,
            next_look: now + LOOK,
            trouble: trouble.map(Box::new),
            calendar: None,
            torn: false,
        }
    }

    /// Writes all of a piece, or counts what could not be written; then rotates if that is due.
    pub(super) fn write(&mut self, piece: &[u8], policy: Policy, now: Instant) {
        let _work = beat::begin(now);
        self.heal(now);
        if self.is_clogged() && self.flush(now).is_err() {
            return self.clog(piece, now);
        }
        if let Some(period) = policy.period {
            self.rotate_if_over(period, policy, now);
        }
        if policy.lines && self.torn {
            // The rest of it is lost, or whoever writes here too is not bound to lines.
            if let Wrote::AllBut(_) = self.write_now(b"\n", false, now) {
                self.clog(b"\n", now);
                return self.clog(piece, now);
            }
        }
        match self.write_now(piece, policy.lines, now) {
            Wrote::All => self.rotate_if_due(policy, now),
            Wrote::AllBut(left) => self.clog(&piece[piece.len() - left..], now),
            Wrote::Lost => {}
        }
    }

    /// Whether something waits for room, and no more should come before [`unclog`] is done.
    pub(super) fn is_clogged(&self) -> bool {
        self.waiting() > 0
    }

    /// How much waits for room.
    fn waiting(&self) -> usize {
        self.trouble.as_ref().map_or(0, |it| it.waiting.left())
    }

    /// How much of what waited was written so far.
    fn taken(&self) -> u64 {
        self.trouble.as_ref().map_or(0, |it| it.waiting.taken)
    }

    /// Bytes that the file has at least before it is rotated; none if it never is.
    pub(super) fn room(&self, policy: Policy) -> Option<u64> {
        let file = self.file.as_ref()?;
        if policy.maxbytes == 0 || !file.may_be_rotated() {
            return None;
        }
        Some(policy.maxbytes.saturating_sub(file.position().ok()?))
    }

    /// Where what is written next stands in a regular file, as far as we know.
    pub(super) fn position(&self) -> Option<u64> {
        let file = self.file.as_ref().filter(|it| it.is_regular())?;
        file.position().ok()
    }

    /// Opens the log anew at its path, for it was moved away. Where that fails, writing goes on
    /// in the old file, and opening is tried again.
    pub(super) fn reopen(&mut self) {
        let _work = beat::begin(Instant::now());
        if let Err(error) = self.try_open(Instant::now()) {
            self.astray = true;
            let reason = Reason::of(&error);
            warn!(
                self.log,
                "cannot reopen log '{}' ({reason}); it is tried again while there is something to write",
                self.path.display()
            );
        }
    }

    /// Removes the log and begins it anew.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let _work = beat::begin(Instant::now());
        match logfile::clear(&self.path) {
            Ok(fresh) => {
                self.take(fresh);
                Ok(())
            }
            Err(error) => {
                self.astray = self.file.as_ref().is_some_and(|old| !old.is_at_its_path());
                Err(error)
            }
        }
    }

    /// Makes sure that the open file is the one at the path.
    pub(super) fn ensure_in_place(&mut self) -> io::Result<()> {
        if self.file.as_ref().is_some_and(LogFile::is_at_its_path) {
            self.astray = false;
            return Ok(());
        }
        match self.try_open(Instant::now()) {
            Err(error) if !is_full(&error) => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Gives up what waits.
    pub(super) fn give_up(&mut self, now: Instant) {
        let Some(trouble) = &mut self.trouble else {
            return;
        };
        trouble.watch = None;
        let left = std::mem::take(&mut trouble.waiting).left();
        if left > 0 {
            self.lose(left, Reason::Stalled, now);
        }
    }

    /// Why it cannot be written, while it cannot.
    pub(super) fn trouble(&self) -> Option<Reason> {
        let trouble = self.trouble.as_ref().filter(|it| it.losses.ongoing())?;
        trouble.reason
    }

    /// Writes what waits. `WouldBlock` if there is still no room for all of it.
    pub(super) fn flush(&mut self, now: Instant) -> io::Result<()> {
        let Some(trouble) = self.trouble.as_mut().filter(|it| it.waiting.left() > 0) else {
            return Ok(());
        };
        let mut waiting = std::mem::take(&mut trouble.waiting);
        if let Wrote::AllBut(left) = self.write_now(&waiting.bytes[waiting.done..], true, now) {
            let written = waiting.left() - left;
            waiting.taken += written as u64;
            waiting.done += written;
            self.trouble.get_or_insert_default().waiting = waiting;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.stop_watching();
        Ok(())
    }

    /// Writes as much as there is room for. `lines` says that it is to go out in whole lines.
    fn write_now(&mut self, piece: &[u8], lines: bool, now: Instant) -> Wrote {
        let mut rest = piece;
        let mut reopened = false;
        while !rest.is_empty() {
            let Some(file) = &self.file else {
                let reason = self.trouble.as_ref().and_then(|it| it.reason);
                self.lose(rest.len(), said(reason), now);
                return Wrote::Lost;
            };
            let portion = if lines && !file.is_regular() {
                whole_lines(rest)
            } else {
                rest
            };
            let error = match file.write(portion) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(written) => {
                    self.torn = !portion[..written].ends_with(b"\n");
                    rest = &rest[written..];
                    continue;
                }
                Err(error) => error,
            };
            match error.kind() {
                io::ErrorKind::Interrupted => continue,
                io::ErrorKind::WouldBlock if !file.is_regular() => {
                    return Wrote::AllBut(rest.len());
                }
                _ => {}
            }
            if !reopened && may_heal_by_opening(&error) && self.may_open(now) {
                reopened = true;
                if self.try_open(now).is_ok() {
                    continue;
                }
            }
            self.lose(rest.len(), Reason::of(&error), now);
            return Wrote::Lost;
        }
        if let Some(trouble) = &mut self.trouble
            && let Some(lost) = trouble.losses.kept(now)
        {
            let (path, reason) = (self.path.display(), said(trouble.reason));
            warn!(
                self.log,
                "log '{path}' can be written again; {lost} bytes were dropped ({reason})"
            );
        }
        Wrote::All
    }

    /// Lets a new piece wait for room, or counts it.
    fn clog(&mut self, rest: &[u8], now: Instant) {
        let trouble = self.trouble.get_or_insert_default();
        if trouble.losses.ongoing() || trouble.waiting.left() + rest.len() > MOST_WAITING {
            self.lose(rest.len(), Reason::Stalled, now);
        } else {
            trouble.waiting.add(rest);
        }
    }

    fn lose(&mut self, bytes: usize, reason: Reason, now: Instant) {
        let trouble = self.trouble.get_or_insert_default();
        trouble.reason = Some(reason);
        let path = self.path.display();
        match trouble.losses.add(bytes as u64, now) {
            None => {}
            Some(Notice::Begun) => error!(
                self.log,
                "cannot write to log '{path}' ({reason}); \
                 what cannot be written is dropped until it can be"
            ),
            Some(Notice::Ongoing(lost)) => error!(
                self.log,
                "still cannot write to log '{path}' ({reason}); {lost} bytes were dropped so far"
            ),
        }
    }

    /// Looks after what may have gone wrong since the last write.
    fn heal(&mut self, now: Instant) {
        let broken = self.file.is_none() || self.astray;
        if !broken {
            if now < self.next_look {
                return;
            }
            self.next_look = now + LOOK;
            if !self.is_removed() {
                return;
            }
        } else if !self.may_open(now) {
            return;
        }
        if let Err(error) = self.try_open(now) {
            self.astray = self.file.is_some();
            if self.file.is_none() || self.is_removed() {
                self.file = None;
                self.trouble.get_or_insert_default().reason = Some(Reason::of(&error));
            }
        }
    }

    fn is_removed(&self) -> bool {
        self.file.as_ref().is_some_and(LogFile::is_removed)
    }

    fn try_open(&mut self, now: Instant) -> io::Result<()> {
        let opened = LogFile::open(&self.path);
        if let Some(trouble) = &mut self.trouble {
            trouble.next_open = Some(now + RETRY);
        } else if opened.is_err() {
            self.trouble = Some(Box::new(Trouble {
                next_open: Some(now + RETRY),
                ..Trouble::default()
            }));
        }
        self.take(opened?);
        Ok(())
    }

    /// Whether it was not tried just now.
    fn may_open(&self, now: Instant) -> bool {
        let next = self.trouble.as_ref().and_then(|it| it.next_open);
        next.is_none_or(|next| now >= next)
    }

    /// Whether it was not tried just now.
    fn may_rotate(&self, now: Instant) -> bool {
        let next = self.trouble.as_ref().and_then(|it| it.next_rotation);
        next.is_none_or(|next| now >= next)
    }

    fn stop_watching(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.watch = None;
        }
    }

    fn take(&mut self, file: LogFile) {
        self.file = Some(file);
        self.astray = false;
        self.stop_watching();
        self.calendar = None;
        self.torn = false;
    }

    /// Rotates before the first bytes of another day or hour come. Nobody wakes up for that: a
    /// log that nothing is written to is the same log.
    fn rotate_if_over(&mut self, period: Period, policy: Policy, now: Instant) {
        let (seconds, _) = clock::now_unix();
        let quarter = seconds.div_euclid(QUARTER);
        if self
            .calendar
            .as_ref()
            .is_some_and(|known| known.quarter == quarter)
            || !self.may_rotate(now)
        {
            return;
        }
        let today = clock::local_time(seconds);
        let known = self.calendar.as_ref().map(|known| known.written);
        let written = known.or_else(|| {
            let file = self.file.as_ref()?;
            file.written_at().map(clock::local_time)
        });
        let is_over = written.is_some_and(|written| period.is_over(&written, &today));
        let is_empty = || {
            let file = self.file.as_ref();
            file.is_none_or(|file| file.written_at().is_none())
        };
        if is_over && !is_empty() && !self.rotate(policy, now) {
            return;
        }
        self.calendar = Some(Box::new(Calendar {
            written: today,
            quarter,
        }));
    }

    fn rotate_if_due(&mut self, policy: Policy, now: Instant) {
        let Some(file) = &self.file else {
            return;
        };
        if policy.maxbytes == 0 || !self.may_rotate(now) {
            return;
        }
        let due = file
            .position()
            .is_ok_and(|position| is_due(position, policy.maxbytes));
        if due {
            self.rotate(policy, now);
        }
    }

    /// Whether there is a new log, or none is wanted.
    fn rotate(&mut self, policy: Policy, now: Instant) -> bool {
        let Some(file) = &mut self.file else {
            return true;
        };
        if !file.may_be_rotated() || self.astray {
            return true;
        }
        let error = match file.rotate(policy.backups, policy.compression.is_some()) {
            Ok(()) => {
                if let Some(trouble) = &mut self.trouble {
                    trouble.rotation.end();
                }
                self.torn = false;
                if let Some(compression) = policy.compression {
                    presser::begin(&self.path, policy.backups, compression, &self.log);
                }
                return true;
            }
            Err(error) => error,
        };
        self.astray = !file.is_at_its_path();
        let trouble = self.trouble.get_or_insert_default();
        trouble.next_rotation = Some(now + RETRY);
        trouble.next_open = Some(now + RETRY);
        if trouble.rotation.add(0, now).is_some() {
            let (path, reason) = (self.path.display(), Reason::of(&error));
            warn!(
                self.log,
                "cannot rotate log '{path}' ({reason}); writing goes on in the old file"
            );
        }
        false
    }

    fn watch(&mut self) -> Option<Rc<AsyncFd<OwnedFd>>> {
        let trouble = self.trouble.as_mut()?;
        if trouble.watch.is_none() {
            let file = self.file.as_ref()?.duplicate().ok()?;
            trouble.watch = Some(Rc::new(watch(file, Interest::WRITABLE).ok()?));
        }
        trouble.watch.clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let now = Instant::now();
        if self.flush(now).is_err() {
            self.give_up(now);
        }
        if let Some(trouble) = &mut self.trouble
            && let Some(lost) = trouble.losses.end()
        {
            let (path, reason) = (self.path.display(), said(trouble.reason));
            warn!(
                self.log,
                "log '{path}' is closed and could not be written; \
                 {lost} bytes were dropped ({reason})"
            );
        }
        // The shelf itself may be gone when the thread ends. A target that was never put on it
        // must not take away one that was.
        let _ = SHELF.try_with(|shelf| {
            if let Ok(mut shelf) = shelf.try_borrow_mut()
                && shelf
                    .get(&self.path)
                    .is_some_and(|it| it.strong_count() == 0)
            {
                shelf.remove(&self.path);
            }
        });
    }
}

/// The reason of a loss; it is noted with each.
fn said(reason: Option<Reason>) -> Reason {
    reason.unwrap_or(Reason::Stalled)
}

/// As many whole lines from the beginning as a pipe takes at once; all of it where the first line
/// is longer than that.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= WHOLE {
        return bytes;
    }
    let end = bytes[..WHOLE].iter().rposition(|&byte| byte == b'\n');
    &bytes[..end.map_or(bytes.len(), |end| end + 1)]
}

/// The disk, not the path, is the trouble, and it will pass.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// The open file is no good any more, but there may be another at its path: the reader of a FIFO
/// went away, a network file system came back.
fn may_heal_by_opening(error: &io::Error) -> bool {
    matches!(
        errno::name(errno::of(error)),
        Some("EPIPE" | "ENXIO" | "ESTALE" | "EIO" | "ENODEV" | "EBADF")
    )
}
