//! Logs that are full, slow, moved, gone, or written by two.

use super::*;
use crate::model::logstyle::{Format, LogStyle};

/// A stream into a FIFO, whose log looks like this.
fn into_fifo(stage: &Stage, style: LogStyle) -> (Stream, PathBuf) {
    let fifo = stage.folder.fifo("fifo");
    let output = stage.start(OutputConfig {
        logfile: Some(fifo.clone().into()),
        plan: Arc::new(Plan {
            style: Some(Arc::new(style)),
            ..Plan::default()
        }),
        ..stage.config()
    });
    (output, fifo)
}

/// What somebody has read, who was to read.
async fn read_by(reader: thread::JoinHandle<Vec<u8>>) -> Vec<u8> {
    until(|| reader.is_finished()).await;
    reader.join().expect("it did not fail")
}

#[test]
fn a_full_disk_does_not_stop_the_child_and_is_said_once() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(OutputConfig {
            logfile: Some(PathBuf::from("/dev/full").into()),
            ..stage.config()
        });
        let child = spawn(&output).await;
        joined(write_all(child, noise(1_000_000), 1000)).await;
        output.retire().await;
        let said = stage.said.lines();
        assert_eq!(
            *said,
            [
                "cannot write to log '/dev/full' (ENOSPC: No space left on device); \
                 what cannot be written is dropped until it can be",
                "log '/dev/full' is closed and could not be written; \
                 1000000 bytes were dropped (ENOSPC: No space left on device)",
            ]
        );
    });
}

#[test]
fn a_target_that_nobody_reads_blocks_neither_child_nor_neighbour() {
    run(async {
        let stage = Stage::new();
        let fifo = stage.folder.fifo("fifo");
        let stuck = stage.start(OutputConfig {
            logfile: Some(fifo.into()),
            ..stage.config()
        });
        let neighbour = stage.start(stage.config());
        let mut neighbours_child = spawn(&neighbour).await;
        let stuck_child = write_all(spawn(&stuck).await, noise(3_000_000), 50_000);
        neighbours_child.write_all(b"alive").expect("it is heard");
        until(|| fs::read(stage.path()).is_ok_and(|log| log == b"alive")).await;
        joined(stuck_child).await;
        stuck.retire().await;
        assert!(stage.said.has("nobody reads what is written to it"));
    });
}

#[test]
fn a_slow_reader_of_a_fifo_gets_every_byte() {
    run(async {
        let stage = Stage::new();
        let (output, fifo) = into_fifo(&stage, LogStyle::default());
        let child = spawn(&output).await;
        let bytes = noise(1_000_000);
        let reader = thread::spawn(move || fs::read(fifo).expect("it is there"));
        joined(write_all(child, bytes.clone(), 5000)).await;
        output.retire().await;
        assert!(read_by(reader).await == bytes);
    });
}

#[test]
fn a_reader_who_takes_long_gets_every_line() {
    run(async {
        let stage = Stage::new();
        let style = LogStyle {
            prefix: Some("x".to_owned()),
            ..LogStyle::default()
        };
        let (output, fifo) = into_fifo(&stage, style);
        // What is read at once is more than the FIFO holds, and twice as much with the prefix.
        let child = write_all(spawn(&output).await, b"1\n".repeat(100_000), 50_000);
        let reader = thread::spawn(move || {
            let mut reader = fs::File::open(fifo).expect("it is there");
            let (mut text, mut piece) = (Vec::new(), [0; 2000]);
            while let Ok(count @ 1..) = reader.read(&mut piece) {
                text.extend_from_slice(&piece[..count]);
                // This is what makes it slow.
                thread::sleep(Duration::from_millis(1));
            }
            text
        });
        joined(child).await;
        output.retire().await;
        let text = read_by(reader).await;
        assert!(text == b"x 1\n".repeat(100_000), "{}", text.len());
        assert_eq!(*stage.said.lines(), Vec::<String>::new());
    });
}

#[test]
fn lines_that_grow_a_hundredfold_wait_for_their_reader() {
    run(async {
        let stage = Stage::new();
        let style = LogStyle {
            format: Format::Json,
            ..LogStyle::default()
        };
        let (output, fifo) = into_fifo(&stage, style);
        let child = write_all(spawn(&output).await, b"\n".repeat(150_000), 60_000);
        let reader = thread::spawn(move || fs::read(fifo).expect("it is there"));
        joined(child).await;
        output.retire().await;
        let text = read_by(reader).await;
        let lines = text.split_inclusive(|&byte| byte == b'\n');
        let whole = |line: &&[u8]| line.starts_with(b"{") && line.ends_with(b"}\n");
        assert!(text.len() > 10_000_000);
        assert_eq!(lines.filter(whole).count(), 150_000);
        assert_eq!(*stage.said.lines(), Vec::<String>::new());
    });
}

#[test]
fn two_streams_into_one_rotating_file_lose_nothing_and_tear_nothing() {
    run(async {
        let stage = Stage::new();
        let config = OutputConfig {
            plan: rotated(20_000, 10_000),
            ..stage.config()
        };
        let outputs = [stage.start(config.clone()), stage.start(config)];
        let mut children = Vec::new();
        for (letter, output) in ["a", "b"].into_iter().zip(&outputs) {
            let line = letter.repeat(63) + "\n";
            let bytes = line.repeat(20_000).into_bytes();
            children.push(write_all(spawn(output).await, bytes, 64 * 40));
        }
        for child in children {
            joined(child).await;
        }
        for output in outputs {
            output.retire().await;
        }
        let log = whole(&stage.path());
        let lines: Vec<_> = log.split_inclusive(|&byte| byte == b'\n').collect();
        assert_eq!(lines.len(), 40_000);
        assert!(lines.iter().all(|line| line.len() == 64));
    });
}

#[test]
fn a_log_whose_folder_goes_and_comes_is_written_again() {
    run(async {
        let stage = Stage::new();
        let folder = stage.folder.path().join("logs");
        fs::create_dir(&folder).expect("the name is free");
        let path = folder.join("x.log");
        let output = stage.start(OutputConfig {
            logfile: Some(path.clone().into()),
            ..stage.config()
        });
        let mut child = spawn(&output).await;
        fs::remove_dir_all(&folder).expect("it is ours");
        let mut write = || child.write_all(b"line\n").expect("it is heard");
        until(|| {
            write();
            stage.said.has("ENOENT")
        })
        .await;
        output.reopen().await;
        fs::create_dir(&folder).expect("the name is free");
        until(|| {
            write();
            stage.said.has("can be written again")
        })
        .await;
        assert!(path.exists());
        output.retire().await;
    });
}

#[test]
fn a_log_that_was_moved_is_written_until_it_is_reopened() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(stage.config());
        let mut child = spawn(&output).await;
        let (path, moved) = (stage.path(), stage.folder.path().join("moved"));
        fs::rename(&path, &moved).expect("it is ours");
        let is = |path: &Path, text: &str| fs::read_to_string(path).is_ok_and(|log| log == text);
        child.write_all(b"one").expect("it is heard");
        until(|| is(&moved, "one")).await;
        output.reopen().await;
        child.write_all(b"two").expect("it is heard");
        until(|| is(&path, "two")).await;
        output.clear().await.expect("it is ours");
        assert!(is(&path, ""));
        child.write_all(b"three").expect("it is heard");
        until(|| is(&path, "three")).await;
        assert!(is(&moved, "one"));
    });
}

#[test]
fn a_removed_log_is_there_again_at_the_next_start() {
    run(async {
        let stage = Stage::new();
        let output = stage.start(stage.config());
        let first = spawn(&output).await;
        fs::remove_file(stage.path()).expect("it was made");
        assert_eq!(output.way().open().await, Ok(()));
        assert!(stage.path().exists());
        drop(first);
        output.way().drain().await;
        output.clear().await.expect("it is ours");
        assert_eq!(fs::read(stage.path()).ok(), Some(Vec::new()));
    });
}

#[test]
fn a_log_that_cannot_be_opened_says_why() {
    run(async {
        let stage = Stage::new();
        let check = async |path: &Path, errno: &str| {
            let output = stage.start(OutputConfig {
                logfile: Some(path.to_path_buf().into()),
                ..stage.config()
            });
            let errno = errno.to_owned();
            assert_eq!(output.way().open().await, Err(OpenError { errno }));
        };
        check(stage.folder.path(), "EISDIR").await;
        check(&stage.folder.path().join("missing/x.log"), "ENOENT").await;
    });
}
