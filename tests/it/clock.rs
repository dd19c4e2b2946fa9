//! A clock that jumps by years: nothing that was measured in seconds takes notice.
//!
//! The clock of the machine is left alone. The daemon finds another in its place: a small library
//! is put before the C library's, whose `clock_gettime` adds what a file says.

use crate::harness::{Daemon, Dir, Start, foreign, lives, wait};
use std::process::Command;
use std::time::{Duration, Instant};

const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    int result = syscall(SYS_clock_gettime, id, at);
    const char *path = getenv("IT_JUMP");
    if (id == CLOCK_REALTIME && path) {
        char text[32] = {0};
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            if (read(fd, text, sizeof text - 1) > 0) at->tv_sec += atoll(text);
            close(fd);
        }
    }
    return result;
}
"#;

/// As far as the 32 bits go in which clients are told the time, for some years to come.
const YEARS: i64 = 5 * 365 * 24 * 60 * 60;

/// Compiles C with the compiler that Rust links with.
#[track_caller]
pub(crate) fn compile(dir: &Dir, name: &str, source: &str, flags: &[&str]) {
    let file = dir.path("source.c");
    std::fs::write(&file, source).expect("a file in the folder");
    let compiled = Command::new("cc")
        .args(flags)
        .arg("-o")
        .arg(dir.path(name))
        .arg(file)
        .status();
    assert!(
        compiled.is_ok_and(|status| status.success()),
        "a C compiler is needed, which Rust links with"
    );
}

fn jump(daemon: &Daemon, seconds: i64) {
    // Put in place as a whole: nobody reads half a number.
    let next = daemon.dir.write("jump.next", &format!("{seconds}\n"));
    std::fs::rename(next, daemon.dir.path("jump")).expect("our own folder");
    let now = || daemon.field("p", "now")?.parse::<i64>().ok();
    let real = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    let real = i64::try_from(real.as_secs()).expect("before the end of times");
    wait("the jump", || {
        ((now()? - real - seconds).abs() < 60).then_some(())
    });
}

#[test]
fn a_clock_that_jumps_by_years_changes_no_start_no_wait_and_no_stop() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    compile(&dir, "clock.so", CLOCK, &["-shared", "-fPIC"]);
    dir.write(
        "p.sh",
        "trap '' TERM\necho up\nwhile ! test -e {dir}/end; do sleep 0.05; done\n",
    );
    dir.write(
        "sd.conf",
        &format!(
            "{}[program:p]\ncommand=/bin/sh {{dir}}/p.sh\nstartsecs=3\nstopwaitsecs=3\n\
             stdout_logfile={{dir}}/out\nkillasgroup=true\n\
             [program:q]\ncommand=/bin/sh -c \"exit 1\"\nstartretries=3\n",
            crate::harness::BASE
        ),
    );
    let env = [("LD_PRELOAD", "{dir}/clock.so"), ("IT_JUMP", "{dir}/jump")];
    let begin = Instant::now();
    let start = Start {
        env: &env,
        ..Start::default()
    };
    let daemon = Daemon::start(dir, &start);
    daemon.wait_for_state("p", "STARTING");
    // Forwards while starting, backwards while waiting.
    jump(&daemon, YEARS);
    assert_eq!(daemon.field("p", "statename").as_deref(), Some("STARTING"));
    jump(&daemon, -YEARS);
    // While it starts it need not have a pid yet.
    let pid = daemon.wait_for_state("p", "RUNNING");
    let up = begin.elapsed();
    assert!((3..15).contains(&up.as_secs()), "{up:?}");
    // One, two and three seconds between four tries: jumps made none of them shorter or longer.
    daemon.wait_for_state("q", "FATAL");
    let failed = begin.elapsed();
    assert!((6..20).contains(&failed.as_secs()), "{failed:?}");
    daemon.counts("spawned: 'q' with pid ", 4);

    daemon.dir.wait_for_text("out", "up\n");
    let asked = Instant::now();
    daemon.rpc_without_waiting("supervisor.stopProcess", "p");
    daemon.wait_for_state("p", "STOPPING");
    jump(&daemon, YEARS);
    assert!(lives(pid) || asked.elapsed() > Duration::from_secs(3));
    jump(&daemon, -YEARS);
    daemon.wait_for_state("p", "STOPPED");
    let gone = asked.elapsed();
    assert!((3..15).contains(&gone.as_secs()), "{gone:?}");
    jump(&daemon, 0);
}
