//! Bad days: no more processes, no more descriptors, a massacre, and many hands at once.

use crate::harness::{Daemon, Dir, children_of, foreign, lives, member, root, send, stat, wait};
use nix::sys::signal::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::thread;

/// Changes a limit of a process that runs, as its own user may.
fn limit(pid: u32, what: &str) {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;
    let owner = fs::metadata(format!("/proc/{pid}")).expect("it runs");
    let mut prlimit = Command::new("prlimit");
    if owner.uid() != nix::unistd::geteuid().as_raw() {
        prlimit.uid(owner.uid()).gid(owner.gid());
    }
    let done = prlimit
        .args([format!("--pid={pid}"), format!("--{what}")])
        .status();
    assert!(done.is_ok_and(|status| status.success()), "prlimit {what}");
}

fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("it runs")
        .count()
}

/// The soft limit of open files of a process.
fn nofile(pid: u32) -> String {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("it runs");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    soft.expect("every process has that limit").to_owned()
}

#[test]
fn without_descriptors_a_program_waits_and_comes_back_by_itself() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstartretries=1000\nautorestart=true\n\
         stdout_logfile={dir}/out\n[program:q]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    let before = daemon.wait_for_state("p", "RUNNING");
    let other = daemon.wait_for_state("q", "RUNNING");
    let (own, soft) = (daemon.pid(), nofile(daemon.pid()));
    let open = wait("the requests' end", || {
        let open = descriptors(own);
        thread::sleep(std::time::Duration::from_millis(50));
        (open == descriptors(own)).then_some(open)
    });
    limit(own, &format!("nofile={}:", open - 4));
    send(before, Signal::SIGKILL);
    // Its log or its pipes: whichever comes first.
    wait("two failed starts", || {
        let log = daemon.log();
        let failed = log.iter().filter(|entry| {
            entry.text == "spawnerr: too many open files to spawn 'p'"
                || entry.text == "spawnerr: unknown error making dispatchers for 'p': EMFILE"
        });
        (failed.count() >= 2).then_some(())
    });
    limit(own, &format!("nofile={soft}:"));
    let after = daemon.wait_for_state("p", "RUNNING");
    assert_ne!(before, after);
    assert_eq!(daemon.pid_of("q"), other);
    wait("as many descriptors as before", || {
        (descriptors(own) == open).then_some(())
    });
}

#[test]
fn without_processes_a_program_waits_says_so_and_comes_back_by_itself() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    let config = format!(
        "{}[program:p]\ncommand=/bin/cat\nstartsecs=0\nstartretries=1000\nautorestart=true\n",
        crate::harness::BASE
    );
    // The kernel limits nobody's processes who is root.
    let config = if root() {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(dir.path(""), fs::Permissions::from_mode(0o777)).expect("our own");
        fs::set_permissions(dir.path("tmp"), fs::Permissions::from_mode(0o777)).expect("our own");
        config.replace("[supervisord]\n", "[supervisord]\nuser=nobody\n")
    } else {
        config
    };
    dir.write("sd.conf", &config);
    let daemon = Daemon::start(dir, &crate::harness::Start::default());
    let before = daemon.wait_for_state("p", "RUNNING");
    let own = daemon.pid();
    limit(own, "nproc=1:");
    send(before, Signal::SIGKILL);
    daemon.wait_for_count(
        "spawnerr: Too many processes in process table to spawn 'p'",
        2,
    );
    let said = wait("the reason", || {
        let said = daemon.ctl(&["status", "-v", "p"]).out;
        said.contains("try ").then_some(said)
    });
    let reason = "    no new process: resource temporarily unavailable (fork EAGAIN)\n    try ";
    assert!(said.contains(reason), "{said}");
    limit(own, "nproc=4096:");
    daemon.wait_for_state("p", "RUNNING");
    assert_eq!(children_of(own).len(), 1);
}

#[test]
fn a_child_that_left_its_process_group_is_stopped_all_the_same() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    // It joins the daemon's group, of all groups.
    let source = "#define _GNU_SOURCE\n#include <unistd.h>\nint main(void) {\n\
                  if (setpgid(0, getpgid(getppid()))) return 1;\n\
                  if (write(1, \"moved\\n\", 6) != 6) return 2;\nfor (;;) pause();\n}\n";
    crate::clock::compile(&dir, "mover", source, &[]);
    let mut daemon = Daemon::within(
        dir,
        "[program:p]\ncommand={dir}/mover\nstopasgroup=true\nstartsecs=0\nstopwaitsecs=1000\n\
         stdout_logfile={dir}/out\n",
    );
    daemon.dir.wait_for_text("out", "moved\n");
    let pid = daemon.wait_for_state("p", "RUNNING");
    assert_ne!(stat(pid).expect("it runs").group, pid);
    daemon.ctl(&["stop", "p"]).is("p: stopped\n", 0);
    daemon.wait_for_entry("WARN", "stopped: p (terminated by SIGTERM)");
    assert!(daemon.runs());
}

#[test]
fn a_thousand_children_killed_at_once_are_all_back() {
    const MANY: usize = 1000;
    if foreign() {
        return;
    }
    let dir = Dir::new();
    let config = crate::harness::BASE
        .replace("[supervisord]\n", "[supervisord]\nminfds=4096\n")
        .replace("loglevel=debug", "loglevel=info");
    dir.write(
        "sd.conf",
        &format!(
            "{config}[program:p]\ncommand=/bin/cat\nnumprocs={MANY}\nstartsecs=0\n\
             process_name=p%(process_num)04d\nautorestart=true\nredirect_stderr=true\n\
             stdout_logfile=NONE\n"
        ),
    );
    let daemon = Daemon::start(dir, &crate::harness::Start::default());
    let alive = || {
        let pids = children_of(daemon.pid());
        let cats = pids.iter().filter(|&&pid| lives(pid)).count();
        (cats == MANY && pids.len() == MANY).then_some(pids)
    };
    let first: BTreeSet<u32> = wait("a thousand", alive).into_iter().collect();
    for &pid in &first {
        send(pid, Signal::SIGKILL);
    }
    let second = wait("a thousand others, and no zombie", || {
        alive().filter(|pids| pids.iter().all(|pid| !first.contains(pid)))
    });
    wait("what is told", || {
        let told = reported(&daemon);
        let running = told.values().filter(|(state, _)| state == "RUNNING");
        (running.count() == MANY).then_some(())
    });
    let told: BTreeSet<u32> = reported(&daemon).values().map(|(_, pid)| *pid).collect();
    assert_eq!(told, second.into_iter().collect());
    daemon.counts("exited: p", MANY);
}

/// State and pid of every process, by name, as the daemon tells them.
fn reported(daemon: &Daemon) -> BTreeMap<String, (String, u32)> {
    let answer = daemon.rpc("supervisor.getAllProcessInfo", &[]);
    let structs = answer.split("<struct>").skip(1);
    let one = |text: &str| {
        let name = format!("{}:{}", member(text, "group")?, member(text, "name")?);
        let pid = member(text, "pid")?.parse().ok()?;
        Some((name, (member(text, "statename")?, pid)))
    };
    structs.filter_map(one).collect()
}

#[test]
fn after_many_hands_at_once_every_reported_state_is_true() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(
        "[program:a]\ncommand=/bin/cat\nstartsecs=0\nautorestart=true\n\
         [program:b]\ncommand=/bin/cat\nnumprocs=3\nprocess_name=b%(process_num)d\nstartsecs=0\n\
         [program:c]\ncommand=/bin/sh -c \"trap '' HUP; exec sleep 1000\"\nstopsignal=KILL\n\
         [program:d]\ncommand=/bin/sh -c \"sleep 0.1; exit 1\"\nstartsecs=0\n\
         [program:e]\ncommand=/bin/sh -c \"trap '' TERM; while :; do sleep 0.1; done\"\n\
         stopwaitsecs=1\nstopasgroup=true\nstartsecs=0\n\
         [program:f]\ncommand={dir}/no-such-command\nstartretries=1\n",
    );
    thread::scope(|hands| {
        for seed in 1..=4_u64 {
            let daemon = &daemon;
            hands.spawn(move || meddle(daemon, seed, 120));
        }
    });
    let told = wait("rest", || {
        let told = reported(&daemon);
        // `d` comes and goes for ever.
        let moving = ["STARTING", "STOPPING", "BACKOFF"];
        let rests = |(name, (state, _)): (&String, &(String, u32))| {
            name == "d:d" || !moving.contains(&state.as_str())
        };
        (!told.is_empty() && told.iter().all(rests)).then_some(told)
    });
    daemon.ctl(&["stop", "d"]);
    let children: BTreeSet<u32> = wait("the burials", || {
        let children: BTreeSet<u32> = children_of(daemon.pid()).into_iter().collect();
        let running = reported(&daemon);
        let pids = running.values().map(|(_, pid)| *pid).filter(|&pid| pid > 0);
        (children == pids.collect()).then_some(children)
    });
    for (name, (state, pid)) in reported(&daemon) {
        assert_eq!(
            state == "RUNNING",
            pid > 0,
            "{name} {state} {pid}: {told:#?}"
        );
        if pid > 0 {
            let found = stat(pid).expect("it is there");
            assert!(found.parent == daemon.pid() && found.state != 'Z', "{name}");
            assert_eq!(found.group, pid, "{name}");
        }
    }
    assert!(children.len() <= 6);
    daemon.stop();
}

/// Does things to the daemon's programs as the seed says.
fn meddle(daemon: &Daemon, seed: u64, times: usize) {
    const NAMES: [&str; 8] = ["a", "b:b0", "b:b1", "b:b2", "c", "d", "e", "f"];
    const GROUPS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut roll = |bound: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        usize::try_from(dice % bound as u64).expect("small")
    };
    for _ in 0..times {
        let (name, group) = (NAMES[roll(8)], GROUPS[roll(6)]);
        let answer = match roll(9) {
            0 | 1 => daemon.rpc("supervisor.startProcess", &[name]),
            2 | 3 => daemon.rpc("supervisor.stopProcess", &[name]),
            4 => daemon.rpc("supervisor.signalProcess", &[name, "HUP"]),
            5 => daemon.rpc("supervisor.signalProcess", &[name, "KILL"]),
            6 => {
                daemon.rpc("supervisor.stopProcessGroup", &[group])
                    + &daemon.rpc("supervisor.removeProcessGroup", &[group])
            }
            7 => daemon.rpc("supervisor.addProcessGroup", &[group]),
            _ => daemon.ctl(&["update"]).out + "<methodResponse>",
        };
        assert!(answer.contains("<methodResponse>"), "{answer}");
    }
    // Whatever was removed comes back.
    daemon.ctl(&["update"]);
}
