//! Streams between real pipes and real files.

mod targets;

use crate::actors::bus::{Bus, Delivered};
use crate::actors::logs::LogRooms;
use crate::actors::output::{Ends, OpenError, OutputConfig, Plan};
use crate::actors::stream::Stream;
use crate::actors::table::Row;
use crate::model::event::{EventKind, EventMask};
use crate::model::rotation::path_of;
use crate::model::state::Channel;
use crate::sys;
use crate::sys::scratch::{Folder, pipe};
use actix::{Actor, Context, Handler};
use slog::{Drain as _, Logger, OwnedKVList, Record};
use std::fs;
use std::io::{PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A main log that remembers what was said.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl slog::Drain for Said {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), slog::Never> {
        self.lines().push(record.msg().to_string());
        Ok(())
    }
}

impl Said {
    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, part: &str) -> bool {
        self.lines().iter().any(|line| line.contains(part))
    }
}

/// One output with its surroundings.
struct Stage {
    folder: Folder,
    rooms: LogRooms,
    said: Said,
    level: slog::Level,
    bus: Option<Bus>,
}

impl Stage {
    fn new() -> Self {
        Self {
            folder: Folder::new(),
            rooms: LogRooms::new(),
            said: Said::default(),
            level: slog::Level::Info,
            bus: None,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("x.log")
    }

    fn config(&self) -> OutputConfig {
        OutputConfig {
            row: row([None, None]),
            channel: Channel::Stdout,
            logfile: Some(self.path().into()),
            is_unmade: false,
            plan: Arc::default(),
        }
    }

    fn start(&self, config: OutputConfig) -> Stream {
        let drain = slog::LevelFilter::new(self.said.clone(), self.level).ignore_res();
        let log = Arc::new(Logger::root(drain, slog::o!()));
        let bus = self.bus.clone();
        Stream::new(&self.rooms, config, &Arc::new(Ends { log, bus }))
    }
}

fn row(logfiles: [Option<Arc<Path>>; 2]) -> Arc<Row> {
    Arc::new(Row::new(Arc::from("pets"), Arc::from("cat"), logfiles))
}

fn run(test: impl Future<Output = ()>) {
    actix_rt::System::new().block_on(test);
}

/// A plan that lets logs grow so far, and keeps so many older ones.
fn rotated(maxbytes: u64, backups: u32) -> Arc<Plan> {
    Arc::new(Plan {
        maxbytes,
        backups,
        ..Plan::default()
    })
}

/// Opens the log and attaches a pipe, as for a new child.
async fn spawn(output: &Stream) -> PipeWriter {
    let (pipe, child) = pipe();
    assert_eq!(output.way().open().await, Ok(()));
    output.attach(pipe, 7);
    // That is not answered, but this is, after it.
    assert!(output.way().is_there().await);
    child
}

/// Waits until something is so; a generous while.
async fn until(mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < deadline, "it did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Bytes of all values that repeat nowhere nearby.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// A log with all its older ones, oldest first.
fn whole(path: &Path) -> Vec<u8> {
    let mut pieces: Vec<_> = (0..)
        .map_while(|place| fs::read(path_of(path, place)).ok())
        .collect();
    pieces.reverse();
    pieces.concat()
}

fn write_all(mut child: PipeWriter, bytes: Vec<u8>, at_once: usize) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for piece in bytes.chunks(at_once) {
            child.write_all(piece).expect("somebody reads");
        }
    })
}

async fn joined(thread: thread::JoinHandle<()>) {
    until(|| thread.is_finished()).await;
    thread.join().expect("it did not fail");
}

#[test]
fn bytes_are_exact_through_rotations() {
    run(async {
        for at_once in [64, 1000, 70_000] {
            let stage = Stage::new();
            let output = stage.start(OutputConfig {
                plan: rotated(100_000, 1000),
                ..stage.config()
            });
            let child = spawn(&output).await;
            let bytes = noise(3_000_000);
            joined(write_all(child, bytes.clone(), at_once)).await;
            output.retire().await;
            assert!(whole(&stage.path()) == bytes, "{at_once}");
            assert!(path_of(&stage.path(), 5).exists());
            assert_eq!(*stage.said.lines(), Vec::<String>::new());
        }
    });
}

#[test]
fn a_log_is_not_longer_than_its_limit_by_more_than_the_original_s_would_be() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(OutputConfig {
            plan: rotated(200_000, 100),
            ..stage.config()
        });
        let bytes = noise(4_000_000);
        joined(write_all(spawn(&output).await, bytes.clone(), 1_000_000)).await;
        output.retire().await;
        let path = stage.path();
        assert!(whole(&path) == bytes);
        for place in 0..3 {
            let log = fs::metadata(path_of(&path, place)).expect("there are so many");
            assert!(log.len() <= 200_000 + 128 * 1024, "{place}: {}", log.len());
        }
    });
}

#[test]
fn the_last_words_of_a_child_are_kept_however_many() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(stage.config());
        let (pipe, mut child) = pipe();
        let size = sys::pipe::grow(pipe.as_fd(), 1024 * 1024);
        let bytes = noise(size);
        child.write_all(&bytes).expect("it holds so much");
        // Somebody else still holds the pipe open.
        let grandchild = child.try_clone().expect("descriptors are to be had");
        drop(child);
        assert_eq!(output.way().open().await, Ok(()));
        output.attach(pipe, 7);
        output.way().drain().await;
        assert!(fs::read(stage.path()).ok() == Some(bytes));
        drop(grandchild);
    });
}

#[test]
fn a_grandchild_is_heard_until_the_next_child_comes() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(stage.config());
        let mut grandchild = spawn(&output).await;
        output.way().drain().await;
        let path = stage.path();
        let log_is = |text: &str| fs::read_to_string(&path).is_ok_and(|log| log == text);
        grandchild.write_all(b"one ").expect("it is heard");
        until(|| log_is("one ")).await;
        let mut child = spawn(&output).await;
        assert!(grandchild.write_all(b"lost").is_err());
        child.write_all(b"two").expect("it is heard");
        until(|| log_is("one two")).await;
    });
}

#[test]
fn a_grandchild_that_never_stops_does_not_hold_up_the_end() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(OutputConfig {
            plan: rotated(1_000_000, 0),
            ..stage.config()
        });
        let mut grandchild = spawn(&output).await;
        let flood = thread::spawn(move || while grandchild.write_all(&[b'x'; 9000]).is_ok() {});
        until(|| fs::metadata(stage.path()).is_ok_and(|log| log.len() > 0)).await;
        output.way().drain().await;
        assert!(!flood.is_finished());
        output.retire().await;
        joined(flood).await;
    });
}

#[test]
fn what_a_child_left_is_read_before_the_next_one_is_heard() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(stage.config());
        for text in ["one ", "two ", "three"] {
            let mut child = spawn(&output).await;
            child.write_all(text.as_bytes()).expect("it is heard");
        }
        output.retire().await;
        let log = fs::read_to_string(stage.path()).ok();
        assert_eq!(log.as_deref(), Some("one two three"));
    });
}

#[test]
fn a_log_is_open_only_while_somebody_may_write() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(stage.config());
        let open = || {
            let log = fs::canonicalize(stage.path()).expect("it was made");
            let fds = fs::read_dir("/proc/self/fd").expect("it is there");
            fds.flatten()
                .any(|fd| fs::read_link(fd.path()).is_ok_and(|file| file == log))
        };
        assert_eq!(output.way().open().await, Ok(()));
        assert!(open());
        output.way().drain().await;
        assert!(!open());
        let child = spawn(&output).await;
        assert!(open());
        drop(child);
        output.way().drain().await;
        assert!(!open());
    });
}

#[test]
fn an_end_of_file_does_not_end_the_stream() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(stage.config());
        for _ in 0..3 {
            let mut child = spawn(&output).await;
            child.write_all(b"x").expect("it is heard");
            drop(child);
            output.way().drain().await;
        }
        assert_eq!(fs::read(stage.path()).ok().as_deref(), Some(&b"xxx"[..]));
        let way = output.way();
        assert!(way.is_there().await);
        output.retire().await;
        assert!(!way.is_there().await);
    });
}

#[test]
fn a_stream_whose_owner_is_gone_ends_with_its_pipe() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(stage.config());
        let mut child = spawn(&output).await;
        let way = output.way();
        drop(output);
        child.write_all(b"still heard").expect("it is heard");
        let path = stage.path();
        until(|| fs::read(&path).is_ok_and(|log| log == b"still heard")).await;
        assert!(way.is_there().await);
        drop(child);
        while way.is_there().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn a_defect_in_one_stream_leaves_the_others_alone() {
    run(async {
        let stage = Stage::new();
        let broken = stage.start(stage.config());
        let other = stage.start(stage.config());
        let mut lost = spawn(&broken).await;
        let mut heard = spawn(&other).await;
        broken.way().fail().await;
        assert!(stage.said.has("the stdout of 'cat' is not read any more"));
        until(|| lost.write_all(b"x").is_err()).await;
        let mut child = spawn(&broken).await;
        child.write_all(b"one ").expect("it is heard");
        broken.way().drain().await;
        heard.write_all(b"two").expect("it is heard");
        other.way().drain().await;
        let log = fs::read(stage.path()).ok();
        assert_eq!(log.as_deref(), Some(&b"one two"[..]));
    });
}

#[test]
fn an_automatic_log_is_made_though_nobody_asks() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(OutputConfig {
            is_unmade: true,
            ..stage.config()
        });
        until(|| stage.path().exists()).await;
        let mode = fs::metadata(stage.path()).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o600);
        spawn(&output).await.write_all(b"one").expect("it is heard");
        output.retire().await;
        let log = fs::read(stage.path()).ok();
        assert_eq!(log.as_deref(), Some(&b"one"[..]));
        assert_eq!(*stage.said.lines(), Vec::<String>::new());
    });
}

#[test]
fn an_automatic_log_that_is_still_to_be_made_is_an_empty_one_for_who_reads_it() {
    run(async {
        let stage = Stage::new();
        let path = |number| stage.folder.path().join(format!("{number}.log"));
        let start = |number| {
            stage.start(OutputConfig {
                is_unmade: true,
                logfile: Some(path(number).into()),
                ..stage.config()
            })
        };
        let outputs: Vec<Stream> = (0..500).map(start).collect();
        // The last of many: they are made some at a time.
        assert_eq!(stage.rooms.read(&path(499), 0, 0).await, Ok(Vec::new()));
        drop(outputs);
    });
}

#[test]
fn an_automatic_log_that_cannot_be_made_is_none() {
    run(async {
        let stage = Stage::new();
        let logfile: Option<Arc<Path>> = Some(stage.folder.path().join("missing/x.log").into());
        let config = OutputConfig {
            row: row([logfile.clone(), None]),
            is_unmade: true,
            logfile,
            ..stage.config()
        };
        let row = Arc::clone(&config.row);
        assert!(row.logfile(Channel::Stdout).is_some());
        let output = stage.start(config);
        joined(write_all(spawn(&output).await, noise(100_000), 1000)).await;
        output.retire().await;
        assert_eq!(row.logfile(Channel::Stdout), None);
        assert!(
            stage
                .said
                .has("cannot make an automatic log for the stdout of 'cat' in ")
        );
    });
}

#[test]
fn without_a_log_the_pipe_is_read_all_the_same() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(OutputConfig {
            logfile: None,
            ..stage.config()
        });
        joined(write_all(spawn(&output).await, noise(1_000_000), 1000)).await;
        output.clear().await.expect("there is nothing to fail");
        output.retire().await;
    });
}

#[test]
fn the_main_log_echoes_output_at_level_debug() {
    run(async {
        let mut stage = Stage::new();
        stage.level = slog::Level::Debug;
        let output = stage.start(stage.config());
        let mut child = spawn(&output).await;
        child.write_all(b"caf\xc3\xa9\n").expect("it is heard");
        output.way().drain().await;
        child.write_all(b"\xff").expect("it is heard");
        drop(child);
        output.retire().await;
        let said = stage.said.lines();
        assert_eq!(said[0], "'cat' stdout output:\ncaf\u{e9}\n");
        assert_eq!(said[1], "'cat' stdout output:\nUndecodable: b'\\xff'");
        assert!(said[2].starts_with("fd "), "{}", said[2]);
        assert!(said[2].contains(" closed, stopped monitoring "));
    });
}

/// A listener that remembers what it was sent.
#[derive(Default)]
struct Pool(Arc<Mutex<Vec<String>>>);

impl Actor for Pool {
    type Context = Context<Self>;
}

impl Handler<Delivered> for Pool {
    type Result = ();

    fn handle(&mut self, delivered: Delivered, _: &mut Self::Context) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let event = &delivered.event;
        heard.push(format!(
            "{} {}",
            event.kind().name(),
            event.payload(false).text()
        ));
    }
}

#[test]
fn captures_become_events_and_all_output_does_if_asked() {
    run(async {
        let mut stage = Stage::new();
        let bus = Bus::start(Arc::from("host"));
        let heard = Arc::default();
        let pool = Pool(Arc::clone(&heard)).start();
        let kinds = [
            EventKind::ProcessLogStdout,
            EventKind::ProcessCommunicationStdout,
        ];
        bus.subscribe(EventMask::from_iter(kinds), pool.recipient());
        stage.bus = Some(bus);
        let output = stage.start(OutputConfig {
            plan: Arc::new(Plan {
                capture_maxbytes: 100,
                events_enabled: true,
                strip_ansi: true,
                ..Plan::default()
            }),
            ..stage.config()
        });
        let mut child = spawn(&output).await;
        child
            .write_all(b"\x1b[1mbefore<!--XSUPERVISOR:BEGIN-->within<!--XSUPERVISOR:END-->after<!")
            .expect("it is heard");
        drop(child);
        output.way().drain().await;
        assert_eq!(
            fs::read_to_string(stage.path()).ok().as_deref(),
            Some("beforeafter<!")
        );
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = ["before", "within", "within", "after", "<!"];
        assert_eq!(heard.len(), texts.len(), "{heard:?}");
        for (event, text) in heard.iter().zip(texts) {
            assert!(event.contains(text), "{event} {text}");
        }
        assert!(heard[2].contains("COMMUNICATION"), "{}", heard[2]);
    });
}
