//! Bad input: one clear sentence, the right exit code, and nobody else's files touched.

use crate::harness::{BASE, Daemon, Dir, Start, foreign, root, run_supervisord, supervisord, wait};

/// Checks that the daemon refuses a config with a sentence: two lines on stderr and exit 2. The
/// sentence may end with more than the original says, such as the line in the file.
#[track_caller]
fn refuses(sections: &str, sentence: &str) {
    let dir = Dir::new();
    dir.write("sd.conf", &format!("{BASE}{sections}"));
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    let sentence = format!("Error: {}", dir.fill(sentence));
    assert!(
        said.err.starts_with(&sentence),
        "{sentence:?} is not in {said:?}"
    );
    let help = format!("\nFor help, use {} -h\n", supervisord().display());
    assert!(said.err.ends_with(&help), "{said:?}");
    assert_eq!(said.code, 2);
    assert!(!dir.has("s.sock") && !dir.has("d.pid") && !dir.has("main.log"));
}

#[test]
fn a_config_that_is_not_there_is_named() {
    let dir = Dir::new();
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/nothing.conf"]);
    let sentence = dir.fill("Error: could not find config file {dir}/nothing.conf\n");
    assert!(said.err.starts_with(&sentence), "{said:?}");
    assert_eq!(said.code, 2);
}

#[test]
fn a_config_that_cannot_be_read_is_named() {
    let dir = Dir::new();
    // A folder cannot be read as a file by anyone, root included.
    std::fs::create_dir(dir.path("folder.conf")).expect("a folder");
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/folder.conf"]);
    let sentence = dir.fill("Error: could not read config file {dir}/folder.conf\n");
    assert!(said.err.starts_with(&sentence), "{said:?}");
    assert_eq!(said.code, 2);
    if !root() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = dir.write("secret.conf", BASE);
        let mode = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(path, mode).expect("our own file");
        let said = run_supervisord(&dir, &["-n", "-c", "{dir}/secret.conf"]);
        let sentence = dir.fill("Error: could not read config file {dir}/secret.conf\n");
        assert!(
            said.err.starts_with(&sentence) && said.code == 2,
            "{said:?}"
        );
    }
}

#[test]
fn a_config_without_a_supervisord_section_is_refused() {
    let dir = Dir::new();
    dir.write("sd.conf", "[program:cat]\ncommand=/bin/cat\n");
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    let sentence = "Error: .ini file does not include supervisord section\n";
    assert!(said.err.starts_with(sentence) && said.code == 2, "{said:?}");
}

#[test]
fn a_bad_value_is_named_with_its_section_and_file() {
    let place = |section: &str| format!("in section '{section}' (file: '{{dir}}/sd.conf')");
    let check = |option: &str, sentence: &str| {
        refuses(
            &format!("[program:p]\ncommand=/bin/cat\n{option}\n"),
            &format!("{sentence} {}", place("program:p")),
        );
    };
    check("autostart=maybe", "not a valid boolean value: 'maybe'");
    check(
        "autorestart=sometimes",
        "invalid 'autorestart' value 'sometimes'",
    );
    check(
        "stopsignal=NONSENSE",
        "value 'NONSENSE' is not a valid signal name",
    );
    check("exitcodes=0,999", "not a valid list of exit codes: '0,999'");
    check("umask=9", "9 can not be converted to an octal type");
    check(
        "numprocs=2",
        "%(process_num) must be present within process_name when numprocs > 1",
    );
    check(
        "stopasgroup=true\nkillasgroup=false",
        "Cannot set stopasgroup=true and killasgroup=false",
    );
    check(
        "stdout_logfile={dir}/nowhere/x.log",
        "The directory named as part of the path {dir}/nowhere/x.log does not exist",
    );
    check(
        "user=nobody-of-that-name",
        "Invalid user name nobody-of-that-name",
    );
    check("user=4000000000", "Invalid user id 4000000000");
}

#[test]
fn a_number_that_is_none_is_named() {
    let dir = Dir::new();
    for (option, value) in [
        ("startsecs", "soon"),
        ("startretries", "1.5"),
        ("numprocs", ""),
    ] {
        dir.write(
            "sd.conf",
            &format!("{BASE}[program:p]\ncommand=/bin/cat\n{option}={value}\n"),
        );
        let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
        let named = format!("'{value}'");
        let placed = dir.fill("in section 'program:p' (file: '{dir}/sd.conf')");
        assert!(
            said.err.contains(&named) && said.err.contains(&placed),
            "{said:?}"
        );
        assert_eq!(said.code, 2);
    }
}

#[test]
fn a_program_without_a_command_is_refused() {
    refuses(
        "[program:p]\nautostart=true\n",
        "program section program:p does not specify a command in section 'program:p' \
         (file: '{dir}/sd.conf')",
    );
}

#[test]
fn a_bad_value_in_an_included_file_names_that_file() {
    let dir = Dir::new();
    dir.write(
        "sd.conf",
        &format!("{BASE}[include]\nfiles=conf.d/*.conf\n"),
    );
    dir.write(
        "conf.d/p.conf",
        "[program:p]\ncommand=/bin/cat\nautostart=maybe\n",
    );
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    let sentence = dir.fill(
        "Error: not a valid boolean value: 'maybe' in section 'program:p' \
         (file: '{dir}/conf.d/p.conf')",
    );
    assert!(
        said.err.starts_with(&sentence) && said.code == 2,
        "{said:?}"
    );
}

#[test]
fn a_group_of_unknown_programs_is_refused() {
    refuses(
        "[group:g]\nprograms=nobody\n",
        "[group:g] names unknown program or fcgi-program nobody",
    );
}

#[test]
fn a_line_that_is_no_option_is_named_with_its_number() {
    let dir = Dir::new();
    dir.write("sd.conf", "[supervisord]\nthis is nothing\n");
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    assert!(
        said.err.starts_with("Error: ") && said.code == 2,
        "{said:?}"
    );
    let file = dir.fill("{dir}/sd.conf");
    assert!(
        said.err.contains(&file) && said.err.contains("this is nothing"),
        "{said:?}"
    );
}

#[test]
fn an_unknown_expansion_is_named() {
    let dir = Dir::new();
    dir.write(
        "sd.conf",
        &format!("{BASE}[program:p]\ncommand=/bin/cat %(ENV_NOBODY_SET_THIS)s\n"),
    );
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    assert!(
        said.err.contains("ENV_NOBODY_SET_THIS") && said.code == 2,
        "{said:?}"
    );
    assert!(said.err.contains("command"), "{said:?}");
}

#[test]
fn a_main_log_that_cannot_be_opened_is_one_sentence_and_no_crash() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    dir.write("sd.conf", &BASE.replace("main.log", "tmp"));
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    assert!(said.err.contains(&dir.fill("{dir}/tmp")), "{said:?}");
    assert!(
        !said.err.contains("panicked") && said.err.lines().count() <= 3,
        "{said:?}"
    );
    assert_eq!(said.code, 2);
    assert!(!dir.has("d.pid") && !dir.has("s.sock"));
}

/// What a second daemon says that finds the socket of a living one.
const TAKEN: &str = "Error: Another program is already listening on a port that one of our HTTP \
    servers is configured to use.  Shut this program down first before starting supervisord.\n";

/// Starts a second daemon on a config of the first one's folder, and checks that it refuses with
/// `sentence` and that the first one and its files are as they were.
#[track_caller]
fn second(change: impl Fn(&str) -> String, sentence: impl Fn(u32) -> String) {
    let program = "[program:cat]\ncommand=/bin/sh -c \"echo hello; exec /bin/cat\"\nstartsecs=0\n";
    let dir = Dir::new();
    dir.write("second.conf", &change(&format!("{BASE}{program}")));
    let daemon = Daemon::within(dir, program);
    let cat = daemon.wait_for_state("cat", "RUNNING");
    let files = wait("the program's log", || {
        let names = daemon.dir.names();
        names
            .iter()
            .any(|name| name.contains("cat-stdout---"))
            .then_some(names)
    });
    let said = run_supervisord(&daemon.dir, &["-n", "-c", "{dir}/second.conf"]);
    let sentence = daemon.dir.fill(&sentence(daemon.pid()));
    assert!(said.err.starts_with(&sentence), "{said:?}");
    assert_eq!(said.code, 2);
    assert_eq!(daemon.dir.read("d.pid"), format!("{}\n", daemon.pid()));
    daemon.ctl(&["pid", "cat"]).is(&format!("{cat}\n"), 0);
    if !foreign() {
        // The original removes the first one's automatic logs before it looks for a server.
        assert_eq!(daemon.dir.names(), files);
    }
}

#[test]
fn a_second_daemon_on_a_config_refuses() {
    second(str::to_owned, |_| TAKEN.to_owned());
}

#[test]
fn a_second_daemon_on_a_socket_refuses() {
    second(
        |config| config.replace("d.pid", "second.pid"),
        |_| TAKEN.to_owned(),
    );
}

#[test]
fn a_second_daemon_on_a_pidfile_refuses() {
    if foreign() {
        // The original starts, and each removes the file of the other.
        return;
    }
    second(
        |config| config.replace("s.sock", "second.sock"),
        |first| {
            format!(
                "Error: Another supervisord with pid {first} is already running and holds the \
                 pidfile {{dir}}/d.pid."
            )
        },
    );
}

#[test]
fn a_tcp_port_that_is_taken_is_refused() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = held.local_addr().expect("a bound socket").port();
    let dir = Dir::new();
    dir.write(
        "sd.conf",
        &format!("{BASE}[inet_http_server]\nport=127.0.0.1:{port}\n"),
    );
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    assert!(
        said.err
            .contains("Error: Another program is already listening on a port"),
        "{said:?}"
    );
    assert_eq!(said.code, 2);
    assert!(!dir.has("d.pid"));
}

#[test]
fn a_socket_in_a_folder_that_is_not_there_is_refused() {
    let dir = Dir::new();
    dir.write("sd.conf", &BASE.replace("s.sock", "nowhere/s.sock"));
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    assert!(
        said.err.contains(
            "Error: Cannot open an HTTP server: socket.error reported errno.ENOENT (2)\n"
        ),
        "{said:?}"
    );
    assert_eq!(said.code, 2);
}

#[test]
fn a_user_that_does_not_exist_is_refused() {
    let dir = Dir::new();
    dir.write(
        "sd.conf",
        &BASE.replace(
            "loglevel=debug\n",
            "loglevel=debug\nuser=nobody-of-that-name\n",
        ),
    );
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    assert!(
        said.err
            .starts_with("Error: Invalid user name nobody-of-that-name"),
        "{said:?}"
    );
    assert_eq!(said.code, 2);
}

#[test]
fn an_include_that_matches_nothing_is_a_warning() {
    let dir = Dir::new();
    dir.write(
        "sd.conf",
        &format!("{BASE}[include]\nfiles=conf.d/*.conf more.ini\n"),
    );
    dir.write(
        "more.ini",
        "[program:cat]\ncommand=/bin/cat\nautostart=false\n",
    );
    let daemon = Daemon::start(dir, &Start::default());
    daemon.wait_for_entry(
        "WARN",
        "No file matches via include \"{dir}/conf.d/*.conf\"",
    );
    daemon.wait_for_entry(
        "INFO",
        "Included extra file \"{dir}/more.ini\" during parsing",
    );
    daemon.ctl(&["status"]).is(
        "cat                              STOPPED   Not started\n",
        3,
    );
}

#[test]
fn another_rpcinterface_is_refused_by_name() {
    if foreign() {
        return;
    }
    let dir = Dir::new();
    let factory = "supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface";
    dir.write(
        "sd.conf",
        &format!("{BASE}[rpcinterface:twiddler]\nsupervisor.rpcinterface_factory = {factory}\n"),
    );
    let said = run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
    assert!(said.err.contains(factory) && said.code == 2, "{said:?}");
}
