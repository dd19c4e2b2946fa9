//! The programs whose output is logged.

use std::fs::File;
use std::io::{Write, stdout};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Standard output without a buffer of ours.
fn out() -> File {
    let own = stdout().as_fd().try_clone_to_owned();
    own.expect("there is a standard output").into()
}

/// `SIZE TOTAL GO`: waits for a file, then writes so much in pieces of that size.
pub(crate) fn burst(arguments: &[String]) {
    let size: usize = arguments[0].parse().expect("a size");
    let total: usize = arguments[1].parse().expect("a total");
    await_file(Path::new(&arguments[2]));
    let mut piece = vec![b'x'; size];
    piece[size - 1] = b'\n';
    let mut out = out();
    for _ in 0..total / size {
        out.write_all(&piece).expect("somebody reads");
    }
}

fn await_file(path: &Path) {
    while !path.exists() {
        sleep(Duration::from_millis(1));
    }
}

/// `RATE`: writes so many lines a second, each at its time, for ever.
pub(crate) fn paced(arguments: &[String]) {
    let rate: u64 = arguments[0].parse().expect("a rate");
    let mut line = [b'y'; 80];
    line[79] = b'\n';
    let mut out = out();
    let start = Instant::now();
    for number in 0.. {
        let due = start + Duration::from_micros(number * 1_000_000 / rate);
        sleep(due.saturating_duration_since(Instant::now()));
        if out.write_all(&line).is_err() {
            return;
        }
    }
}
