//! What logs cost: ours beside the original, `cat > file` and a plain loop in C, in one run.
//!
//! ```text
//! ORIGINAL=/path/to/venv/bin/supervisord cargo bench --bench logs
//! ```
//!
//! Prints tables in Markdown. Without `ORIGINAL` its columns stay empty. `ROUNDS` says how often
//! each is measured (5); what is shown is the median. `BENCH_DIR` is where the logs are written.
//! The contestants take turns, so that a busy machine is busy for all of them.

// Figures for people: what a float loses here nobody sees.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod contestants;
mod measure;
mod writers;

use contestants::{Daemon, Kind, PipeTo};
use measure::{Burst, median};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// Writers: how much at once, and how much in all.
const SIZES: [(&str, usize, u64); 3] = [
    ("64 B", 64, 128 * MIB),
    ("1 KiB", 1024, 512 * MIB),
    ("64 KiB", 64 * 1024, 1024 * MIB),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("writer") => writers::burst(&arguments[2..]),
        Some("pacer") => writers::paced(&arguments[2..]),
        Some("--bench") => bench(),
        _ => println!("this is a measurement: cargo bench --bench logs"),
    }
}

fn bench() {
    let rounds = std::env::var("ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(5);
    let place = Place::new();
    let kinds = Kind::all();
    bursts(&place, &kinds, rounds);
    let daemons: Vec<Kind> = kinds.into_iter().filter(Kind::is_daemon).collect();
    many_programs(&place, &daemons);
    quiet_pipes(&place, &daemons);
    latency(&place, &daemons);
}

/// A folder for one run.
pub(crate) struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let above = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = above.join(format!("bench-logs-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder for the logs");
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// CPU and throughput of one writer that writes as fast as it can.
fn bursts(place: &Place, kinds: &[Kind], rounds: usize) {
    let mut tables = [
        String::from("\n### CPU of the reader, seconds per GiB\n\n| writes of |"),
        String::from("\n### Throughput, MiB/s\n\n| writes of |"),
    ];
    for table in &mut tables {
        for kind in kinds {
            let _ = write!(table, " {} |", kind.name());
        }
        let _ = write!(table, "\n| --- |{}", " ---: |".repeat(kinds.len()));
    }
    for (name, size, total) in SIZES {
        let mut results: Vec<Vec<Burst>> = vec![Vec::new(); kinds.len()];
        for round in 0..rounds {
            for step in 0..kinds.len() {
                // Each goes first once in a while.
                let at = (round + step) % kinds.len();
                let burst = match &kinds[at] {
                    Kind::Daemon(_, program) => Daemon::burst(place, program, size, total),
                    Kind::Pipe(_, program) => PipeTo::burst(place, program, size, total),
                };
                results[at].push(burst);
            }
        }
        let gib = total as f64 / (1024.0 * MIB as f64);
        let _ = write!(tables[0], "\n| {name} |");
        let _ = write!(tables[1], "\n| {name} |");
        for bursts in &results {
            let cpu = median(bursts.iter().map(|burst| burst.cpu / gib));
            let rate = median(bursts.iter().map(|burst| gib * 1024.0 / burst.wall));
            let _ = write!(tables[0], " {cpu:.2} |");
            let _ = write!(tables[1], " {rate:.0} |");
        }
    }
    for table in tables {
        println!("{table}");
    }
}

/// CPU of a daemon while fifty programs print a thousand lines a second each.
fn many_programs(place: &Place, daemons: &[Kind]) {
    println!("\n### 50 programs, 1000 lines of 80 bytes a second each\n");
    println!("| | CPU of the daemon, % of one core |\n| --- | ---: |");
    for kind in daemons {
        let window = Duration::from_secs(5);
        let share = Daemon::paced(place, kind.program(), 50, 1000, window);
        println!("| {} | {:.1} |", kind.name(), share * 100.0);
    }
}

/// What a pipe costs on which nothing happens: programs with two of them less programs with one.
fn quiet_pipes(place: &Place, daemons: &[Kind]) {
    const PROGRAMS: u32 = 500;
    println!("\n### A quiet pipe\n");
    println!("| | KiB for each |\n| --- | ---: |");
    for kind in daemons {
        let one = Daemon::private_memory(place, kind.program(), PROGRAMS, true);
        let two = Daemon::private_memory(place, kind.program(), PROGRAMS, false);
        let each = (two - one) / f64::from(PROGRAMS);
        println!("| {} | {each:.2} |", kind.name());
    }
}

/// How long `getState` takes while a program floods its log.
fn latency(place: &Place, daemons: &[Kind]) {
    println!("\n### `getState` while a program floods its log, ms\n");
    println!("| | median | 99th percentile | worst |\n| --- | ---: | ---: | ---: |");
    for kind in daemons {
        let mut times = Daemon::latencies(place, kind.program(), 1000);
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "| {} | {:.2} | {:.2} | {:.2} |",
            kind.name(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}
