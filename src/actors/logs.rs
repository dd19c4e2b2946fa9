//! The rooms of the logs: one arbiter for each file system that is logged to, so that a disk
//! that hangs stalls only what is written to it.
//!
//! Which file system a path is on is read from the table of mounts; the file system itself is
//! not asked, for it might not answer.

use super::beat::{self, Beat};
use super::handle::{LogError, Tail};
use super::logroom::LogRoom;
use super::output::Ends;
use super::stream::Door;
use crate::model::span::{Span, read_span, tail_span};
use crate::sys::follow::Follower;
use crate::sys::logread::LogReader;
use crate::sys::mounts::{Device, Mounts, absolute};
use actix::Actor as _;
use actix_rt::{Arbiter, ArbiterHandle};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// As many threads are given to logs at most; further file systems share them.
const MOST_ROOMS: usize = 8;

/// As many bytes of a log an answer holds at most: a log of the usual size, with what may come
/// on top of it before it is rotated.
pub const LONGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// So much is read before others on the same arbiter have their turn.
const READ_AT_ONCE: usize = 256 * 1024;

/// The arbiters on which logs are written and read. Clones share them.
#[derive(Clone, Default)]
pub struct LogRooms {
    inner: Arc<Mutex<Rooms>>,
}

impl fmt::Debug for LogRooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogRooms").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Rooms {
    mounts: Option<Mounts>,
    arbiters: Vec<Option<ArbiterHandle>>,
    /// The streams in them, in the same order.
    doors: Vec<Option<Arc<Door>>>,
    /// What they are doing, in the same order.
    beats: Vec<Arc<Beat>>,
    /// Which room a file system has; `None` stands for all whose device is not known, and for
    /// what is on none.
    places: Vec<(Option<Device>, usize)>,
}

impl LogRooms {
    /// No arbiter yet: each is made when it is first used.
    pub fn new() -> Self {
        Self::default()
    }

    /// The arbiter for what is written to `path`; for none, one where nothing can stall but what
    /// has no known place. Must be called where an actix system runs.
    pub fn for_path(&self, path: Option<&Path>) -> ArbiterHandle {
        let mut rooms = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let device = rooms.device_of(path);
        rooms.room_of(device)
    }

    /// The streams on that arbiter. `ends` are those of all streams.
    pub(super) fn door(&self, path: Option<&Path>, ends: &Arc<Ends>) -> Arc<Door> {
        let mut rooms = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let device = rooms.device_of(path);
        rooms.door_of(device, ends)
    }

    /// What the arbiter for `path` is doing, from which one can tell that it is stuck.
    pub(super) fn beat(&self, path: &Path) -> Arc<Beat> {
        let mut rooms = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let device = rooms.device_of(Some(path));
        let room = rooms.number_of(device);
        rooms.beat_of(room)
    }

    /// Reads from a log as `readFile` of the original does (`options.py`), at most
    /// [`LONGEST_ANSWER`]: `length` bytes from `offset`, 0 for all there is; or with a negative
    /// `offset` and no length, that many bytes from its end.
    pub async fn read(&self, path: &Path, offset: i64, length: i64) -> Result<Vec<u8>, LogError> {
        let path_there = path.to_path_buf();
        self.make_automatic(path).await;
        let read = self.run(path, async move {
            let log = LogReader::open(&path_there).map_err(|error| why_not(&error))?;
            let span = read_span(log.size(), offset, length, LONGEST_ANSWER)
                .map_err(|_| LogError::BadArguments)?;
            read(&log, span).await.map_err(|error| why_not(&error))
        });
        read.await.unwrap_or(Err(LogError::Failed))
    }

    /// Reads the end of a log as `tailFile` of the original does (`options.py`), at most
    /// [`LONGEST_ANSWER`]. A log that is not there is an empty one.
    pub async fn tail(&self, path: &Path, offset: i64, length: i64) -> Tail {
        let path_there = path.to_path_buf();
        let tail = self.run(path, async move {
            let log = LogReader::open(&path_there)?;
            let tail = tail_span(log.size(), offset, length, LONGEST_ANSWER);
            let bytes = read(&log, tail.span).await?;
            Ok::<_, io::Error>(Tail {
                bytes,
                offset: i64::try_from(log.size()).unwrap_or(i64::MAX),
                overflow: tail.overflow,
            })
        });
        match tail.await {
            Some(Ok(tail)) => tail,
            Some(Err(error)) => Tail {
                bytes: Vec::new(),
                // The original answers 0 for a log that is not there, and the caller's own
                // offset for one that cannot be read.
                offset: match error.kind() {
                    io::ErrorKind::NotFound => 0,
                    _ => offset,
                },
                overflow: false,
            },
            None => Tail {
                bytes: Vec::new(),
                offset,
                overflow: false,
            },
        }
    }

    /// Follows a log from so many bytes before its end on.
    pub async fn follow(&self, path: &Path, back: u64) -> Result<LogTail, LogError> {
        let path_there = path.to_path_buf();
        self.make_automatic(path).await;
        let open = self.run(path, async move { Follower::open(&path_there, back) });
        match open.await {
            Some(Ok(follower)) => Ok(LogTail {
                rooms: self.clone(),
                path: path.to_path_buf(),
                follower: Some(follower),
            }),
            Some(Err(error)) => Err(why_not(&error)),
            None => Err(LogError::Failed),
        }
    }

    /// An automatic log has its name before it is made: who wants to read one that is new waits
    /// for that.
    async fn make_automatic(&self, path: &Path) {
        let door = {
            let mut rooms = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let device = rooms.device_of(Some(path));
            let room = rooms.number_of(device);
            rooms.doors.get(room).cloned().flatten()
        };
        if let Some(door) = door {
            door.make_all().await;
        }
    }

    /// Runs something in the room of a path. None if the daemon is leaving.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        path: &Path,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.for_path(Some(path)).spawn(async move {
            // Whoever asked may be gone.
            let _ = answer.send(job.await);
        });
        answered.await.ok()
    }
}

/// A log that is being followed: through growth, truncation and rotation, without losing or
/// repeating a line.
#[derive(Debug)]
pub struct LogTail {
    rooms: LogRooms,
    path: PathBuf,
    /// Away while it looks.
    follower: Option<Follower>,
}

impl LogTail {
    /// What came since, at most `most` bytes; empty for nothing yet. After an error, or a call
    /// that was given up, there is nothing more.
    pub async fn next(&mut self, most: usize) -> Result<Vec<u8>, LogError> {
        let mut follower = self.follower.take().ok_or(LogError::Failed)?;
        let look = async move {
            let piece = follower.next(most);
            (follower, piece)
        };
        let (follower, piece) = self
            .rooms
            .run(&self.path, look)
            .await
            .ok_or(LogError::Failed)?;
        self.follower = Some(follower);
        piece.map_err(|error| why_not(&error))
    }
}

impl Rooms {
    fn device_of(&mut self, path: Option<&Path>) -> Option<Device> {
        let mounts = self.mounts.get_or_insert_with(Mounts::new);
        mounts.device_of(&absolute(path?))
    }

    /// The number of the room for a file system.
    fn number_of(&mut self, device: Option<Device>) -> usize {
        let known = self.places.iter().position(|&(known, _)| known == device);
        let place = known.unwrap_or_else(|| {
            let room = self.places.len() % MOST_ROOMS;
            self.places.push((device, room));
            self.places.len() - 1
        });
        self.places[place].1
    }

    /// What the arbiter of a room does, or will do once there is one.
    fn beat_of(&mut self, room: usize) -> Arc<Beat> {
        if self.beats.len() <= room {
            self.beats.resize_with(room + 1, Arc::default);
        }
        Arc::clone(&self.beats[room])
    }

    /// The streams on a file system.
    fn door_of(&mut self, device: Option<Device>, ends: &Arc<Ends>) -> Arc<Door> {
        let room = self.number_of(device);
        if self.doors.len() <= room {
            self.doors.resize_with(room + 1, Option::default);
        }
        let open = self.doors[room].as_ref().filter(|door| door.is_open());
        if let Some(door) = open {
            return Arc::clone(door);
        }
        let ends = Arc::clone(ends);
        let arbiter = self.room_of(device);
        let room_there = LogRoom::start_in_arbiter(&arbiter, |_| LogRoom::new(ends));
        let door = Arc::new(Door::new(room_there));
        self.doors[room] = Some(Arc::clone(&door));
        door
    }

    /// The arbiter for a file system.
    fn room_of(&mut self, device: Option<Device>) -> ArbiterHandle {
        let room = self.number_of(device);
        if self.arbiters.len() <= room {
            self.arbiters.resize_with(room + 1, Option::default);
        }
        let alive = self.arbiters[room].as_ref().filter(|it| it.alive());
        if let Some(handle) = alive {
            return handle.clone();
        }
        let Ok(arbiter) = Arbiter::try_new() else {
            // No thread is to be had now. Another room will do, and be it the caller's own.
            let mut others = self.arbiters.iter().flatten();
            let other = others.find(|handle| handle.alive());
            return other.cloned().unwrap_or_else(Arbiter::current);
        };
        let handle = arbiter.handle();
        let beat = self.beat_of(room);
        handle.spawn_fn(move || beat::own(beat));
        self.arbiters[room] = Some(handle.clone());
        handle
    }
}

async fn read(log: &LogReader, span: Span) -> io::Result<Vec<u8>> {
    let length = usize::try_from(span.length).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let had = bytes.len();
        bytes.resize(length.min(had + READ_AT_ONCE), 0);
        let count = log.read_at(&mut bytes[had..], span.start + had as u64)?;
        bytes.truncate(had + count);
        if count == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(bytes)
}

fn why_not(error: &io::Error) -> LogError {
    match error.kind() {
        io::ErrorKind::NotFound => LogError::NoFile,
        _ => LogError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Folder;
    use std::fs;

    #[test]
    fn each_file_system_has_a_room_until_they_must_share() {
        actix_rt::System::new().block_on(async {
            let mut rooms = Rooms::default();
            for minor in 0..20 {
                let device = Some(Device { major: 0, minor });
                rooms.room_of(device);
                rooms.room_of(device);
            }
            rooms.room_of(None);
            assert_eq!(rooms.arbiters.iter().flatten().count(), MOST_ROOMS);
            assert_eq!(rooms.places.len(), 21);
        });
    }

    fn check_read(arguments: (i64, i64), expected: Result<&str, LogError>) {
        actix_rt::System::new().block_on(async {
            let folder = Folder::new();
            let path = folder.path().join("x.log");
            fs::write(&path, "0123456789").expect("the folder can be written");
            let (offset, length) = arguments;
            let read = LogRooms::new().read(&path, offset, length).await;
            assert_eq!(read, expected.map(|text| text.as_bytes().to_vec()));
        });
    }

    #[test]
    fn a_log_is_read_in_its_room() {
        check_read((2, 3), Ok("234"));
        check_read((-2, 0), Ok("89"));
        check_read((-2, 1), Err(LogError::BadArguments));
    }

    #[test]
    fn a_log_that_cannot_be_read_is_not_waited_for() {
        actix_rt::System::new().block_on(async {
            let folder = Folder::new();
            let fifo = folder.fifo("fifo");
            let missing = folder.path().join("missing");
            let rooms = LogRooms::new();
            let empty = |offset| Tail {
                bytes: Vec::new(),
                offset,
                overflow: false,
            };
            assert_eq!(rooms.read(&fifo, 0, 0).await, Err(LogError::Failed));
            assert_eq!(rooms.tail(&fifo, 7, 5).await, empty(7));
            assert_eq!(rooms.read(&missing, 0, 0).await, Err(LogError::NoFile));
            assert_eq!(rooms.tail(&missing, 7, 5).await, empty(0));
            let full = Path::new("/dev/full");
            assert_eq!(rooms.read(full, 0, 0).await, Ok(Vec::new()));
            assert_eq!(rooms.read(folder.path(), 0, 0).await, Err(LogError::Failed));
        });
    }

    #[test]
    fn a_log_beyond_the_limit_is_read_from_its_end() {
        actix_rt::System::new().block_on(async {
            let folder = Folder::new();
            let path = folder.path().join("x.log");
            let size = LONGEST_ANSWER + 3;
            let file = fs::File::create(&path).expect("the folder can be written");
            // A hole takes no room.
            file.set_len(size).expect("it is ours");
            let size = i64::try_from(size).expect("it is small");
            let tail = LogRooms::new().tail(&path, 0, size).await;
            assert_eq!(tail.bytes.len() as u64, LONGEST_ANSWER);
            assert_eq!((tail.offset, tail.overflow), (size, false));
        });
    }
}
