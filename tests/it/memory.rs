//! Memory that was needed for something and is given back after it.

use crate::harness::{BASE, Daemon, Dir, Start, foreign, wait};
use std::fs;

/// What Linux says of the daemon's memory under a name, in KiB.
pub(crate) fn told(daemon: &Daemon, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid()));
    let status = status.expect("the daemon runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|it| it.strip_prefix(':')?.trim().strip_suffix(" kB"));
    number
        .and_then(|it| it.parse().ok())
        .expect("Linux says so")
}

/// What is not the contents of a file.
fn own(daemon: &Daemon) -> u64 {
    told(daemon, "RssAnon")
}

#[test]
fn the_memory_of_programs_that_were_removed_is_given_back() {
    if foreign() {
        return;
    }
    let base = BASE.replace("loglevel=debug\n", "minfds=8000\n");
    let many = "[program:many]\ncommand=/bin/cat\nnumprocs=1000\nautostart=false\n\
                process_name=%(process_num)04d\nstdout_logfile=NONE\nstderr_logfile=NONE\n";
    let dir = Dir::new();
    dir.write("sd.conf", &base);
    let daemon = Daemon::start(dir, &Start::default());
    let before = own(&daemon);
    daemon.dir.write("sd.conf", &format!("{base}{many}"));
    daemon.ctl(&["update"]).is("many: added process group\n", 0);
    let taken = own(&daemon) - before;
    assert!(taken > 500, "a thousand programs take {taken} KiB");
    daemon.dir.write("sd.conf", &base);
    daemon
        .ctl(&["update"])
        .is("many: stopped\nmany: removed process group\n", 0);
    wait("most of what they took", || {
        (own(&daemon) < before + taken / 2).then_some(())
    });
}

#[test]
fn the_memory_of_long_answers_is_given_back() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    dir.write("cat.out", &"a line of a log\n".repeat(2 << 20));
    let daemon = Daemon::within(
        dir,
        "[program:cat]\ncommand=/bin/cat\nautostart=false\nstdout_logfile={dir}/cat.out\n\
         stdout_logfile_maxbytes=0\n",
    );
    let before = own(&daemon);
    // A heap that learns keeps from each what the next is made in.
    for length in [1_000_000, 5_000_000, 10_000_000, 20_000_000_usize] {
        let read = "supervisor.readProcessStdoutLog";
        let answer = daemon.rpc(read, &["cat", "0", &length.to_string()]);
        assert!(answer.len() > length, "{} bytes", answer.len());
    }
    assert!(told(&daemon, "VmHWM") > before + 20_000);
    wait("all but little of what they took", || {
        (own(&daemon) < before + 4000).then_some(())
    });
}
