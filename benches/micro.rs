//! Micro-benchmarks of the pure parts: `cargo bench --bench micro`.
//!
//! Each is repeated for a fraction of a second, several times; the least time counts, for all that
//! disturbs only adds to it. Only the ratio of two builds on one machine says anything.

use std::hint::black_box;
use std::time::{Duration, Instant};
use supervisord::model::capture::Splitter;
use supervisord::model::{shlex, time};
use supervisord::rpc::xml::{Value, Writer, read_call, write_call};

/// How long one measurement takes.
const LENGTH: Duration = Duration::from_millis(100);

/// Of so many measurements the least counts.
const MEASUREMENTS: u32 = 7;

fn measure(name: &str, bytes: usize, mut once: impl FnMut()) {
    let mut least = f64::INFINITY;
    for _ in 0..MEASUREMENTS {
        let begun = Instant::now();
        let mut times = 0_u32;
        while begun.elapsed() < LENGTH {
            for _ in 0..10 {
                once();
            }
            times += 10;
        }
        least = least.min(begun.elapsed().as_secs_f64() / f64::from(times));
    }
    let nanos = least * 1e9;
    if bytes == 0 {
        println!("{name:<40} {nanos:>12.0} ns");
    } else {
        // Sizes here are small numbers.
        #[expect(clippy::cast_precision_loss)]
        let rate = bytes as f64 / least / 1e6;
        println!("{name:<40} {nanos:>12.0} ns {rate:>10.0} MB/s");
    }
}

fn main() {
    measure("a command line split", 0, || {
        let line = "/usr/bin/env -i sh -c 'exec \"$0\" --port 80' server\\ one";
        black_box(shlex::split(black_box(line)).is_ok());
    });
    measure("an uptime told", 0, || {
        black_box(time::uptime(black_box(93_784)));
    });

    let call = write_call("supervisor.getProcessInfo", &[Value::String("a:b".into())]);
    measure("a call read", call.len(), || {
        black_box(read_call(black_box(&call)).is_ok());
    });
    measure("an answer of a hundred structs written", 0, || {
        let mut out = Writer::response();
        out.begin_array();
        for number in 0..100 {
            out.begin_struct();
            for name in ["name", "group", "description", "logfile"] {
                out.member(name, |out| {
                    out.string("a text of a usual length");
                });
                out.member("start", |out| {
                    out.int(black_box(number));
                });
            }
            out.end_struct();
        }
        out.end_array();
        black_box(out.finish());
    });

    let text = "a line of output as programs write them\n".repeat(1600);
    measure("output without tokens split", text.len(), || {
        let mut splitter = Splitter::default();
        splitter.split(black_box(text.as_bytes()), &mut |part| {
            black_box(part);
        });
    });
}
