//! The main log between loggers and real files.

use super::*;
use crate::model::rotation::path_of;
use crate::sys::scratch::Folder;
use slog::{crit, debug, error, info, trace, warn};
use std::fs;
use std::path::{Path, PathBuf};

fn settings(path: &Path) -> MainLogSettings {
    MainLogSettings {
        target: MainLogTarget::File(path.to_path_buf()),
        maxbytes: 0,
        backups: 0,
        stdout: false,
        level: LogLevel::Info,
    }
}

fn run(test: impl AsyncFnOnce(PathBuf)) {
    let folder = Folder::new();
    actix_rt::System::new().block_on(test(folder.path().join("supervisord.log")));
}

/// The log's lines without their stamps.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let unstamped = |line: &str| line["2021-01-12 17:57:21,705 ".len()..].to_owned();
    text.lines().map(unstamped).collect()
}

#[test]
fn lines_before_and_after_the_start_come_in_order() {
    run(async |path| {
        let (log, feed) = new(LogLevel::Info);
        info!(log, "first");
        let main = feed.start(settings(&path), &LogRooms::new());
        warn!(log, "second");
        assert_eq!(main.opened().await, Ok(()));
        error!(log, "third");
        main.flush().await;
        assert_eq!(lines(&path), ["INFO first", "WARN second", "ERRO third"]);
    });
}

#[test]
fn a_level_leaves_out_what_is_less_grave() {
    let said = |level| {
        let (log, feed) = new(LogLevel::Critical);
        feed.set_level(level);
        crit!(log, "c");
        error!(log, "e");
        warn!(log, "w");
        info!(log, "i");
        debug!(log, "d");
        trace!(log, "t");
        trace!(log, #BLATHER_TAG, "b");
        let mut text = Vec::new();
        feed.flush_to(&mut text).expect("a vector takes everything");
        String::from_utf8_lossy(&text).lines().count()
    };
    assert_eq!(said(LogLevel::Critical), 1);
    assert_eq!(said(LogLevel::Error), 2);
    assert_eq!(said(LogLevel::Warn), 3);
    assert_eq!(said(LogLevel::Info), 4);
    assert_eq!(said(LogLevel::Debug), 5);
    assert_eq!(said(LogLevel::Trace), 6);
    assert_eq!(said(LogLevel::Blather), 7);
}

#[test]
fn only_output_may_hold_newlines() {
    let (log, feed) = new(LogLevel::Debug);
    info!(
        log,
        "spawned: '{}'", "x\n2021-01-12 17:57:21,705 CRIT forged"
    );
    debug!(log, #OUTPUT_TAG, "'x' stdout output:\n{}", "text\n");
    let mut text = Vec::new();
    feed.flush_to(&mut text).expect("a vector takes everything");
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with(" INFO spawned: 'x\\n2021-01-12 17:57:21,705 CRIT forged'"));
    assert!(lines[1].ends_with(" DEBG 'x' stdout output:"));
    assert_eq!(lines[2..], ["text", ""]);
}

#[test]
fn rotation_comes_after_the_line_that_reaches_the_limit() {
    run(async |path| {
        let (log, feed) = new(LogLevel::Info);
        // Three lines of 31 bytes are less than a hundred, four are more.
        for number in 10..20 {
            info!(log, "{number}");
        }
        let settings = MainLogSettings {
            maxbytes: 100,
            backups: 5,
            ..settings(&path)
        };
        feed.start(settings, &LogRooms::new()).flush().await;
        let all: Vec<_> = (0..4).map(|place| lines(&path_of(&path, place))).collect();
        let expected: [&[&str]; 4] = [
            &["INFO 18", "INFO 19"],
            &["INFO 14", "INFO 15", "INFO 16", "INFO 17"],
            &["INFO 10", "INFO 11", "INFO 12", "INFO 13"],
            &[],
        ];
        assert_eq!(all, expected);
    });
}

#[test]
fn it_is_reopened_cleared_and_moved() {
    run(async |path| {
        let (log, feed) = new(LogLevel::Info);
        let main = feed.start(settings(&path), &LogRooms::new());
        info!(log, "first");
        main.flush().await;
        let moved = path_of(&path, 1);
        fs::rename(&path, &moved).expect("it is ours");
        assert_eq!(main.clear().await, Err(LogError::NoFile));
        main.reopen().await;
        info!(log, "second");
        main.flush().await;
        assert_eq!(lines(&moved), ["INFO first"]);
        assert_eq!(lines(&path), ["INFO second"]);
        assert_eq!(main.clear().await, Ok(()));
        assert_eq!(fs::read(&path).ok(), Some(Vec::new()));

        info!(log, "third");
        let other = path_of(&path, 2);
        assert_eq!(main.reconfigure(settings(&other)).await, Ok(()));
        info!(log, "fourth");
        main.flush().await;
        assert_eq!(lines(&path), ["INFO third"]);
        assert_eq!(lines(&other), ["INFO fourth"]);

        let missing = other.join("missing");
        let errno = "ENOTDIR".to_owned();
        let refused = main.reconfigure(settings(&missing)).await;
        assert_eq!(refused, Err(OpenError { errno }));
        info!(log, "fifth");
        main.flush().await;
        assert_eq!(lines(&other), ["INFO fourth", "INFO fifth"]);
    });
}

#[test]
fn a_log_that_cannot_be_opened_is_said_and_tried_again() {
    run(async |path| {
        let folder = path.with_extension("folder");
        let (log, feed) = new(LogLevel::Info);
        let inside = folder.join("x.log");
        let main = feed.start(settings(&inside), &LogRooms::new());
        let errno = "ENOENT".to_owned();
        assert_eq!(main.opened().await, Err(OpenError { errno }));
        fs::create_dir(&folder).expect("the name is free");
        while lines(&inside).is_empty() {
            info!(log, "here");
            main.flush().await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn what_does_not_fit_into_the_queue_is_counted() {
    run(async |path| {
        let (log, feed) = new(LogLevel::Info);
        let text = "x".repeat(1024 * 1024);
        for _ in 0..6 {
            info!(log, "{text}");
        }
        feed.start(settings(&path), &LogRooms::new()).flush().await;
        let last = lines(&path).pop();
        let expected = "WARN 3 lines of this log came faster than they could be written, \
                        and are missing";
        assert_eq!(last.as_deref(), Some(expected));
    });
}

#[test]
fn a_stop_of_the_system_loses_no_line() {
    let folder = Folder::new();
    let path = folder.path().join("supervisord.log");
    let (log, feed) = new(LogLevel::Info);
    let system = actix_rt::System::new();
    let main = system.block_on(async {
        let main = feed.start(settings(&path), &LogRooms::new());
        main.flush().await;
        info!(log, "last words");
        actix_rt::System::current().stop();
        main
    });
    system.run().expect("it was told to stop");
    while lines(&path).is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(lines(&path), ["INFO last words"]);
    // Nobody is left to answer.
    actix_rt::System::new().block_on(main.flush());
}
