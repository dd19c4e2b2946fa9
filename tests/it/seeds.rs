//! Configs that people wrote and published, word for word in `seeds/`; each test adapts only
//! what cannot be on another machine, its paths, users and commands, and shows how.

use crate::harness::{
    BASE, Daemon, Dir, Start, free_port, lives, run_supervisorctl, run_supervisord, stat, wait,
    wait_for_death,
};

/// A text with replacements, each of which must have something to replace.
#[track_caller]
fn adapt(text: &str, replacements: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "{from:?} is not in the seed");
        text = text.replace(from, to);
    }
    text
}

const GAME: &str = include_str!("seeds/game.conf");

/// The paths and commands of the game; its user is another matter.
fn game(dir: &Dir) -> String {
    dir.write("opt/bin/test.py", "echo playing\nexec sleep 1000\n");
    adapt(
        GAME,
        &[
            ("/usr/bin/python", "/bin/sh"),
            ("/opt/bin", "{dir}/opt/bin"),
            ("/tmp/", "{dir}/"),
        ],
    )
}

#[test]
fn the_games_user_does_not_exist_here_and_is_refused() {
    let dir = Dir::new();
    let config = game(&dir).replace("user = test", "user = test-of-the-game");
    dir.write("sd.conf", &format!("{BASE}{config}"));
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    let sentence = dir.fill(
        "Error: Invalid user name test-of-the-game in section 'program:game' (file: '{dir}/sd.conf')",
    );
    assert!(
        said.err.starts_with(&sentence) && said.code == 2,
        "{said:?}"
    );
}

#[test]
fn the_games_20m_is_refused_by_its_name() {
    let dir = Dir::new();
    let config = adapt(&game(&dir), &[("user = test", "user = {user}")]);
    dir.write("sd.conf", &format!("{BASE}{config}"));
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    let place = dir.fill("'20m' in section 'program:game' (file: '{dir}/sd.conf')");
    assert!(
        said.err.starts_with("Error: ") && said.err.contains(&place),
        "{said:?}"
    );
    assert_eq!(said.code, 2);
}

#[test]
fn the_game_runs_once_its_size_is_mended() {
    let dir = Dir::new();
    let config = adapt(
        &game(&dir),
        &[("user = test", "user = {user}"), ("20M", "20MB")],
    );
    let daemon = Daemon::within(dir, &config);
    daemon.wait_for_state("game", "RUNNING");
    daemon.wait_for_state("test", "RUNNING");
    for log in ["game_stdout.log", "test_stdout.log"] {
        daemon.dir.wait_for_text(log, "playing\n");
    }
    // The game's stderr goes where its stdout goes, so its stderr log is left out, and said so.
    assert!(!daemon.dir.has("game_stderr.log") && daemon.dir.has("test_stderr.log"));
    daemon.wait_for_entry(
        "WARN",
        "For [program:game], redirect_stderr=true but stderr_logfile has also been set to a \
         filename, the filename has been ignored",
    );
    // As the page says: status, stop, start, stop all, start all.
    assert_eq!(daemon.ctl(&["status"]).code, 0);
    daemon.ctl(&["stop", "test"]).is("test: stopped\n", 0);
    daemon.ctl(&["start", "test"]).is("test: started\n", 0);
    assert_eq!(daemon.ctl(&["stop", "all"]).out.lines().count(), 2);
    assert_eq!(daemon.ctl(&["start", "all"]).out.lines().count(), 2);
}

#[test]
fn the_demos_log_shows_the_recorded_sequence() {
    let dir = Dir::new();
    // The demo logged ten lines to stderr and left with 0 before its ten seconds were over.
    dir.write(
        "demo.sh",
        "for i in 0 1 2; do echo \"INFO | demo - $i\" >&2; sleep 0.05; done\nexit 0\n",
    );
    let config = adapt(
        include_str!("seeds/demo.conf"),
        &[("python3 demo.py", "/bin/sh demo.sh")],
    );
    dir.write("supervisord.conf", &config);
    // No paths, no socket: log and pidfile lie in the working directory.
    let start = Start {
        config: "supervisord.conf",
        log: "supervisord.log",
        pidfile: "supervisord.pid",
        socket: None,
        ..Start::default()
    };
    let daemon = Daemon::start(dir, &start);
    let gave_up = "gave up: tester entered FATAL state, too many start retries too quickly";
    daemon.wait_for_entry("INFO", gave_up);
    let log = daemon.log();
    let sequence: Vec<String> = log
        .iter()
        .map(|entry| entry.text.as_str())
        .filter_map(|text| match text.split(' ').next()? {
            "supervisord" => Some("started".to_owned()),
            "spawned:" => Some(text.split(" with").next()?.to_owned()),
            "exited:" | "gave" => Some(text.to_owned()),
            _ => None,
        })
        .collect();
    let mut recorded = vec!["started"];
    for _ in 0..4 {
        recorded.push("spawned: 'tester'");
        recorded.push("exited: tester (exit status 0; not expected)");
    }
    recorded.push(gave_up);
    assert_eq!(sequence, recorded);

    // Backoff of one, two and three seconds.
    let waits = crate::life::waits(&log, "tester");
    assert_eq!(waits.len(), 3);
    for (wait, seconds) in waits.iter().zip(1..) {
        assert!(*wait >= seconds * 1000, "{waits:?}");
    }
    assert!(
        waits[0] + 400 < waits[1] && waits[1] + 400 < waits[2],
        "{waits:?}"
    );

    // At loglevel debug what it printed is in the main log, line by line or several in one.
    let printed: String = log
        .iter()
        .filter(|entry| entry.level == "DEBG")
        .filter_map(|entry| entry.text.strip_prefix("'tester' stderr output:\n"))
        .collect();
    assert_eq!(printed.matches("INFO | demo - 1").count(), 4, "{printed}");
    let told = log
        .iter()
        .filter(|entry| entry.text == "received SIGCHLD indicating a child quit");
    assert!(told.count() >= 4);
}

#[test]
fn the_gunicorn_recipe_runs_in_a_folder_whose_name_holds_a_semicolon() {
    let dir = Dir::new();
    let seed = include_str!("seeds/gunicorn.conf");
    // The comment after "directory" has no space before it, so it is no comment.
    let (_, rest) = seed
        .split_once("/home/einverne/projects/")
        .expect("the seed's directory");
    let folder = rest.lines().next().expect("the rest of the line").trim();
    assert!(folder.starts_with("name; "), "{folder}");
    std::fs::create_dir_all(dir.path("projects").join(folder)).expect("a folder");
    std::fs::create_dir_all(dir.path("logs")).expect("a folder");
    dir.write("gunicorn", "pwd\nexec sleep 1000\n");
    let config = adapt(
        seed,
        &[
            ("/home/einverne", "{dir}"),
            ("gunicorn -c gunicorn.py wsgi:app", "/bin/sh {dir}/gunicorn"),
            ("user = root", "user = {user}"),
            ("/data/logs", "{dir}/logs"),
            ("startsecs = 5", "startsecs = 1"),
        ],
    );
    let daemon = Daemon::within(dir, &config);
    daemon.wait_for_state("your_program_name", "RUNNING");
    let text = daemon
        .dir
        .wait_for_text("logs/program_name_stdout.log", "\n");
    assert!(text.trim_end().ends_with(folder), "{text}");
}

#[test]
fn the_groups_members_are_named_after_their_group() {
    let dir = Dir::new();
    let config = adapt(
        include_str!("seeds/groups.conf"),
        &[
            ("command=xxx", "command=/bin/cat"),
            ("user=redis", "user={user}"),
            ("stdout_logfile=xxx", "stdout_logfile={dir}/xxx.out"),
            ("stderr_logfile=xxx", "stderr_logfile={dir}/xxx.err"),
        ],
    );
    let daemon = Daemon::within(dir, &config);
    let members = ["group1:group-member-1", "group1:group-member-2"];
    let pids = members.map(|member| daemon.wait_for_state(member, "RUNNING"));
    let status = daemon.ctl(&["status"]);
    let names: Vec<&str> = status
        .out
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, members);
    daemon
        .ctl(&["status", "group-member-1"])
        .is("group-member-1: ERROR (no such process)\n", 4);
    assert_eq!(daemon.ctl(&["stop", "group1:*"]).out.lines().count(), 2);
    assert!(pids.into_iter().all(|pid| !lives(pid)));
    let started = daemon.ctl(&["start", "group1:*"]);
    let mut lines: Vec<&str> = started.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "group1:group-member-1: started",
            "group1:group-member-2: started"
        ]
    );
}

#[test]
fn the_usercenter_stops_with_all_its_workers() {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.path("projects/usercenter")).expect("a folder");
    // A master with two workers.
    dir.write(
        "gunicorn",
        "sleep 1000 &\nsleep 1001 &\necho \"workers of $$ up\"\nwait\n",
    );
    let config = adapt(
        include_str!("seeds/usercenter.conf"),
        &[
            ("/home/leon", "{dir}"),
            (
                "gunicorn -w 8 -b 0.0.0.0:17510 wsgi:app",
                "/bin/sh {dir}/gunicorn",
            ),
            ("user = leon", "user = {user}"),
            ("/data/logs", "{dir}"),
            ("startsecs = 5", "startsecs = 1"),
        ],
    );
    let daemon = Daemon::within(dir, &config);
    let master = daemon.wait_for_state("usercenter", "RUNNING");
    daemon.dir.wait_for_text(
        "usercenter_stdout.log",
        &format!("workers of {master} up\n"),
    );
    let workers = crate::harness::children_of(master);
    assert_eq!(workers.len(), 2);
    assert!(
        workers
            .iter()
            .all(|&pid| stat(pid).is_some_and(|stat| stat.group == master))
    );
    daemon
        .ctl(&["stop", "usercenter"])
        .is("usercenter: stopped\n", 0);
    for worker in workers {
        wait_for_death(worker);
    }
}

#[test]
fn the_laravel_recipe_works_as_its_manual_says() {
    let dir = Dir::new();
    let worker = adapt(
        include_str!("seeds/laravel-worker.conf"),
        &[
            ("php /home/forge/app.com/artisan", "/bin/sh {dir}/artisan"),
            ("/home/forge/app.com", "{dir}"),
            ("user=forge", "user={user}"),
        ],
    );
    dir.write("artisan", "echo \"working with $1\"\nsleep 1000 &\nwait\n");
    dir.write(
        "sd.conf",
        &format!("{BASE}[include]\nfiles = {{dir}}/conf.d/*.conf\n"),
    );
    let daemon = Daemon::start(dir, &Start::default());
    daemon.ctl(&["status"]).is("", 0);
    daemon.dir.write("conf.d/laravel-worker.conf", &worker);

    daemon.ctl(&["reread"]).is("laravel-worker: available\n", 0);
    daemon
        .ctl(&["update"])
        .is("laravel-worker: added process group\n", 0);
    let names: Vec<String> = (0..8)
        .map(|number| format!("laravel-worker:laravel-worker_{number:02}"))
        .collect();
    // The workers start by themselves, so there may be nothing left to start.
    let started = daemon.ctl(&["start", "laravel-worker:*"]);
    assert_eq!(started.code, 0, "{started:?}");
    for line in started.out.lines() {
        let name = line.strip_suffix(": started").expect("nothing but starts");
        assert!(names.iter().any(|known| known == name), "{started:?}");
    }
    let masters: Vec<u32> = names
        .iter()
        .map(|name| daemon.wait_for_state(name, "RUNNING"))
        .collect();
    let status = daemon.ctl(&["status"]);
    let listed: Vec<&str> = status
        .out
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        (listed, status.code),
        (names.iter().map(String::as_str).collect(), 0)
    );
    // Eight programs write into one log.
    wait("eight greetings", || {
        let log = daemon.dir.read("worker.log");
        (log.matches("working with queue:work\n").count() == 8).then_some(())
    });
    // A deployment restarts them; nobody waits an hour for those who go at once.
    let restarted = daemon.ctl(&["restart", "laravel-worker:*"]);
    assert_eq!(
        (restarted.out.lines().count(), restarted.code),
        (16, 0),
        "{restarted:?}"
    );
    assert!(masters.into_iter().all(|pid| !lives(pid)));
}

const SAMPLE: &str = include_str!("seeds/sample.conf");

/// The sample with the options of these sections no longer commented out, and with what cannot
/// exist replaced.
fn uncommented(sections: &[&str], port: u16) -> String {
    let mut text = String::new();
    let mut within = false;
    for line in SAMPLE.lines() {
        let bare = line.trim_start_matches(';');
        if let Some(header) = bare.strip_prefix('[') {
            within = sections.iter().any(|section| header.starts_with(section));
        }
        // Prose begins with "; ", an option or a section that is switched off with ";".
        let option = bare.starts_with(|first: char| first == '[' || first.is_ascii_lowercase());
        text += if within && option { bare } else { line };
        text.push('\n');
    }
    text = adapt(
        &text,
        &[
            ("=/tmp/", "={dir}/"),
            ("=unix:///tmp/", "=unix://{dir}/"),
            ("=/tmp ", "={dir} "),
            ("chrism", "{user}"),
            ("username=chris ", "username=user "),
            ("nobody:nogroup", "{user}:{group}"),
            ("127.0.0.1:9001", &format!("127.0.0.1:{port}")),
            ("/bin/eventlistener", "/bin/cat"),
            ("/a/path", "{dir}/a.log"),
        ],
    );
    if sections.contains(&"group:") {
        text += "[program:progname1]\ncommand=/bin/cat\n[program:progname2]\ncommand=/bin/cat\n";
    }
    text
}

/// Starts a daemon on the sample with these sections; the client's flags to reach it.
fn sample(sections: &[&str]) -> Daemon {
    let dir = Dir::new();
    dir.write(
        "relative/directory/included.ini",
        "[program:included]\ncommand=/bin/cat\n",
    );
    dir.write("sd.conf", &uncommented(sections, free_port()));
    let start = Start {
        log: "supervisord.log",
        pidfile: "supervisord.pid",
        socket: Some("supervisor.sock"),
        ..Start::default()
    };
    Daemon::start(dir, &start)
}

#[test]
fn the_sample_starts_as_it_is() {
    let daemon = sample(&[]);
    daemon.ctl(&["status"]).is("", 0);
    daemon.ctl(&["avail"]).is("", 0);
}

#[test]
fn the_samples_unix_server_section_works() {
    let daemon = sample(&["unix_http_server]"]);
    assert_eq!(daemon.ctl(&["status"]).code, 1);
    daemon
        .ctl(&["-u", "user", "-p", "123", "pid"])
        .is(&format!("{}\n", daemon.pid()), 0);
}

#[test]
fn the_samples_inet_server_and_client_sections_work() {
    // The client's section names the TCP server once its lines are in force.
    let daemon = sample(&["inet_http_server]", "supervisorctl]"]);
    let config = daemon.dir.read("sd.conf");
    assert!(config.contains("\nserverurl=http://127.0.0.1:"), "{config}");
    daemon.ctl(&["pid"]).is(&format!("{}\n", daemon.pid()), 0);
    let socket = [
        "-c",
        "{dir}/none.conf",
        "-s",
        "unix://{dir}/supervisor.sock",
        "pid",
    ];
    daemon.dir.write("none.conf", "[supervisorctl]\n");
    run_supervisorctl(&daemon.dir, &socket).is(&format!("{}\n", daemon.pid()), 0);
}

#[test]
fn the_samples_supervisord_section_works() {
    let daemon = sample(&["supervisord]"]);
    daemon.ctl(&["status"]).is("", 0);
    assert!(
        daemon
            .rpc("supervisor.getIdentification", &[])
            .contains(">supervisor<")
    );
}

#[test]
fn the_samples_program_section_works() {
    let daemon = sample(&["program:"]);
    daemon.wait_for_state("theprogramname", "RUNNING");
    daemon
        .ctl(&["stop", "theprogramname"])
        .is("theprogramname: stopped\n", 0);
    daemon.wait_for_entry("WARN", "stopped: theprogramname (terminated by SIGQUIT)");
}

#[test]
fn the_samples_eventlistener_section_works() {
    let daemon = sample(&["eventlistener:"]);
    daemon.wait_for_state("theeventlistenername", "RUNNING");
}

#[test]
fn the_samples_group_section_works() {
    let daemon = sample(&["group:"]);
    daemon.wait_for_state("thegroupname:progname1", "RUNNING");
    daemon.wait_for_state("thegroupname:progname2", "RUNNING");
}

#[test]
fn the_samples_include_section_works() {
    let daemon = sample(&["include]"]);
    daemon.wait_for_state("included", "RUNNING");
    let text = "Included extra file \"{dir}/relative/directory/included.ini\" during parsing";
    daemon.wait_for_entry("INFO", text);
}

#[test]
fn the_whole_sample_works_at_once() {
    let daemon = sample(&[
        "unix_http_server]",
        "inet_http_server]",
        "supervisord]",
        "supervisorctl]",
        "program:",
        "eventlistener:",
        "group:",
        "include]",
    ]);
    wait("five running processes", || {
        let status = daemon.ctl(&["status"]).out;
        (status.matches(" RUNNING   pid ").count() == 5).then_some(())
    });
}
