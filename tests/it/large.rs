//! Logs of many gigabytes, and clients who ask for them.

use crate::harness::{Daemon, Dir, foreign, wait};
use crate::memory;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const GIB: u64 = 1 << 30;

/// A daemon with a stopped program whose log has eight gibibytes, mostly holes: no bytes but
/// `here` at five gibibytes and `the end` at the end.
fn with_a_large_log() -> Daemon {
    let dir = Dir::new();
    let log = File::create(dir.path("cat.out")).expect("the folder can be written");
    for (text, place) in [("here", 5 * GIB), ("the end", 8 * GIB - 7)] {
        log.write_all_at(text.as_bytes(), place)
            .expect("a hole takes no room");
    }
    Daemon::within(
        dir,
        "[program:cat]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n\
         stdout_logfile={dir}/cat.out\nstdout_logfile_maxbytes=0\n",
    )
}

/// The most memory that the daemon ever had, in MiB.
fn peak(daemon: &Daemon) -> u64 {
    memory::told(daemon, "VmHWM") / 1024
}

#[test]
fn a_log_of_gigabytes_is_read_anywhere_at_once() {
    if foreign() {
        // The original reads offsets of 32 bits only, and the whole log to show its end.
        return;
    }
    let daemon = with_a_large_log();
    let begun = Instant::now();
    let check = |method: &str, arguments: [&str; 2], text: &str| {
        let answer = daemon.rpc(method, &["cat", arguments[0], arguments[1]]);
        assert!(answer.contains(text), "{method} {arguments:?}: {answer}");
    };
    let read = "supervisor.readProcessStdoutLog";
    check(read, [&(5 * GIB).to_string(), "4"], "<string>here</string>");
    check(read, ["-7", "0"], "<string>the end</string>");
    let tail = "supervisor.tailProcessStdoutLog";
    check(tail, ["0", "7"], "<string>the end</string>");
    check(
        tail,
        [&(8 * GIB - 3).to_string(), "3"],
        "<string>end</string>",
    );
    let said = daemon.ctl(&["tail", "-3", "cat"]);
    assert!(said.out.contains("end"), "{said:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    assert!(peak(&daemon) < 64, "{} MiB", peak(&daemon));
}

#[test]
fn while_whole_logs_are_read_others_are_answered() {
    if foreign() {
        return;
    }
    let daemon = with_a_large_log();
    let done = AtomicBool::new(false);
    let call = "<?xml version='1.0'?><methodCall><methodName>supervisor.readProcessStdoutLog\
                </methodName><params><param><value>cat</value></param><param><value>0</value>\
                </param><param><value>0</value></param></params></methodCall>";
    let length = call.len();
    let request = format!("POST /RPC2 HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{call}");
    let mut waits = std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            let mut waits = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let answer = daemon.rpc("supervisor.getState", &[]);
                assert!(answer.contains("RUNNING"), "{answer}");
                waits.push(begun.elapsed());
            }
            waits
        });
        let greedy: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = daemon.connect();
                    stream.write_all(request.as_bytes()).expect("it is taken");
                    let mut room = vec![0; 1 << 20];
                    let mut all = 0;
                    while let Ok(count @ 1..) = stream.read(&mut room) {
                        all += count;
                    }
                    all
                })
            })
            .collect();
        for client in greedy {
            let bytes = client.join().expect("it only reads");
            // A hole is U+FFFD, of three bytes; or too much waited already.
            assert!(!(1000..64 << 20).contains(&bytes), "{bytes}");
        }
        done.store(true, Ordering::Relaxed);
        others.join().expect("others were answered")
    });
    waits.sort_unstable();
    let late = waits[waits.len() * 99 / 100];
    assert!(
        late < Duration::from_millis(500),
        "{late:?} of {}",
        waits.len()
    );
    // Twice the bytes and their XML: what is being written, and what waits for its client.
    assert!(peak(&daemon) < 700, "{} MiB", peak(&daemon));
}

#[test]
fn a_client_that_hangs_up_has_its_command_carried_out() {
    let daemon = Daemon::with(
        "[program:slow]\ncommand=/bin/sh -c \"trap 'sleep 0.5; exit 0' TERM; touch {dir}/up; \
         while :; do sleep 0.1; done\"\nstartsecs=0\n",
    );
    daemon.wait_for_state("slow", "RUNNING");
    wait("its trap", || daemon.dir.has("up").then_some(()));
    let call = "<?xml version='1.0'?><methodCall><methodName>system.multicall</methodName><params>\
                <param><value><array><data><value><struct><member><name>methodName</name><value>\
                supervisor.stopProcess</value></member><member><name>params</name><value><array>\
                <data><value>slow</value></data></array></value></member></struct></value><value>\
                <struct><member><name>methodName</name><value>supervisor.sendRemoteCommEvent\
                </value></member><member><name>params</name><value><array><data><value>a</value>\
                <value>b</value></data></array></value></member></struct></value></data></array>\
                </value></param></params></methodCall>";
    let length = call.len();
    let mut stream = daemon.connect();
    write!(
        stream,
        "POST /RPC2 HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{call}"
    )
    .expect("it is taken");
    daemon.wait_for_state("slow", "STOPPING");
    drop(stream);
    daemon.wait_for_state("slow", "STOPPED");
}

#[test]
fn a_quiet_tail_is_let_go_as_soon_as_its_client_is_gone() {
    let daemon = Daemon::with(
        "[program:quiet]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile={dir}/quiet.out\n",
    );
    daemon.wait_for_state("quiet", "RUNNING");
    let open = || {
        let fds = fs::read_dir(format!("/proc/{}/fd", daemon.pid())).expect("it is ours");
        fds.count()
    };
    let before = open();
    let tails: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = daemon.connect();
            stream
                .write_all(b"GET /logtail/quiet HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .expect("it is taken");
            let mut answer = [0; 15];
            stream.read_exact(&mut answer).expect("it is answered");
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
            stream
        })
        .collect();
    assert!(open() >= before + 20);
    drop(tails);
    wait("the end of the tails", || (open() <= before).then_some(()));
}
