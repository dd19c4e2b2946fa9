//! Who may ask: Basic auth on the unix socket and on TCP.

use crate::harness::{
    BASE, Daemon, Dir, Printed, Start, exchange, foreign, run_supervisorctl, supervisorctl, wait,
    with_port,
};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// `anna:secret` in base64.
const GOOD: &str = "YW5uYTpzZWNyZXQ=";
/// `anna:wrong` in base64.
const BAD: &str = "YW5uYTp3cm9uZw==";

/// Checks the status of an answer to a call with these credentials, and that a refusal names
/// its realm.
#[track_caller]
fn answers(stream: impl std::io::Read + std::io::Write, credentials: Option<&str>, status: u16) {
    let call = "<?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName>\
                <params></params></methodCall>";
    let header = credentials.map_or_else(String::new, |text| {
        format!("Authorization: Basic {text}\r\n")
    });
    let answer = exchange(
        stream,
        &format!(
            "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\n{header}\
             Content-Length: {}\r\n\r\n{call}",
            call.len()
        ),
    );
    let line = answer.lines().next().unwrap_or("");
    assert_eq!(
        line.split(' ').nth(1),
        Some(status.to_string().as_str()),
        "{answer}"
    );
    let realm = answer
        .to_ascii_lowercase()
        .contains("www-authenticate: basic realm=\"default\"");
    assert_eq!(realm, status == 401, "{answer}");
}

/// Checks what the client says without the right password, before more about the error.
#[track_caller]
fn refused(said: &Printed) {
    let sentence = "Server requires authentication\n";
    assert!(said.out.starts_with(sentence) && said.code == 1, "{said:?}");
}

fn guarded_socket(password: &str) -> Daemon {
    let dir = Dir::new();
    let guarded = BASE.replace(
        "file={dir}/s.sock\n",
        &format!("file={{dir}}/s.sock\nusername=anna\npassword={password}\n"),
    );
    dir.write("sd.conf", &guarded);
    dir.write(
        "good.conf",
        "[supervisorctl]\nserverurl=unix://{dir}/s.sock\nusername=anna\npassword=secret\n",
    );
    dir.write(
        "bad.conf",
        "[supervisorctl]\nserverurl=unix://{dir}/s.sock\nusername=anna\npassword=wrong\n",
    );
    Daemon::start(dir, &Start::default())
}

#[test]
fn a_unix_socket_with_a_password_answers_nobody_without_it() {
    let daemon = guarded_socket("secret");
    answers(daemon.connect(), None, 401);
    answers(daemon.connect(), Some(BAD), 401);
    if !foreign() {
        // The original answers these with an internal error.
        answers(daemon.connect(), Some("!!!"), 401);
        answers(daemon.connect(), Some(""), 401);
        answers(daemon.connect(), Some("YW5uYQ=="), 401);
    }
    answers(daemon.connect(), Some(GOOD), 200);
    let ctl = |config: &str| run_supervisorctl(&daemon.dir, &["-c", config, "pid"]);
    refused(&ctl("{dir}/bad.conf"));
    ctl("{dir}/good.conf").is(&format!("{}\n", daemon.pid()), 0);
    let flags = ["-c", "{dir}/bad.conf", "-u", "anna", "-p", "secret", "pid"];
    run_supervisorctl(&daemon.dir, &flags).is(&format!("{}\n", daemon.pid()), 0);
}

#[test]
fn status_without_the_password_says_that_one_is_needed() {
    let daemon = guarded_socket("secret");
    refused(&run_supervisorctl(
        &daemon.dir,
        &["-c", "{dir}/bad.conf", "status"],
    ));
}

#[test]
fn a_password_may_be_kept_as_its_hash() {
    // The SHA-1 of "secret".
    let daemon = guarded_socket("{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4");
    answers(daemon.connect(), Some(GOOD), 200);
    answers(daemon.connect(), Some(BAD), 401);
}

#[test]
fn tcp_answers_with_the_password_only() {
    let (daemon, port) =
        with_port("[inet_http_server]\nport=127.0.0.1:{port}\nusername=anna\npassword=secret\n");
    let connect = || TcpStream::connect(("127.0.0.1", port)).expect("the daemon listens");
    answers(connect(), None, 401);
    answers(connect(), Some(BAD), 401);
    answers(connect(), Some(GOOD), 200);
    let url = format!("http://127.0.0.1:{port}");
    let pid = format!("{}\n", daemon.pid());
    run_supervisorctl(
        &daemon.dir,
        &[
            "-c",
            "{dir}/sd.conf",
            "-s",
            &url,
            "-u",
            "anna",
            "-p",
            "secret",
            "pid",
        ],
    )
    .is(&pid, 0);
    refused(&run_supervisorctl(
        &daemon.dir,
        &["-c", "{dir}/sd.conf", "-s", &url, "status"],
    ));
    // The unix socket beside it has no password.
    answers(daemon.connect(), None, 200);
}

#[test]
fn tcp_without_a_password_is_open_and_said_to_be() {
    let (daemon, port) = with_port("[inet_http_server]\nport=127.0.0.1:{port}\n");
    let connect = || TcpStream::connect(("127.0.0.1", port)).expect("the daemon listens");
    answers(connect(), None, 200);
    daemon.wait_for_entry(
        "CRIT",
        "Server 'inet_http_server' running without any HTTP authentication checking",
    );
    daemon.wait_for_entry(
        "CRIT",
        "Server 'unix_http_server' running without any HTTP authentication checking",
    );
}

#[test]
fn the_unix_socket_is_its_owners_alone() {
    let daemon = Daemon::with("");
    assert_eq!(crate::harness::mode(&daemon.dir.path("s.sock")), 0o700);
}

#[test]
fn the_mode_of_the_unix_socket_can_be_set() {
    let dir = Dir::new();
    let open = BASE.replace("file={dir}/s.sock\n", "file={dir}/s.sock\nchmod=0764\n");
    dir.write("sd.conf", &open);
    let daemon = Daemon::start(dir, &Start::default());
    assert_eq!(crate::harness::mode(&daemon.dir.path("s.sock")), 0o764);
}

#[test]
fn a_username_without_a_password_is_refused() {
    let dir = Dir::new();
    for half in ["username=anna\n", "password=secret\n"] {
        let config = BASE.replace(
            "file={dir}/s.sock\n",
            &format!("file={{dir}}/s.sock\n{half}"),
        );
        dir.write("sd.conf", &config);
        let said = crate::harness::run_supervisord(&dir, &["-n", "-c", "{dir}/sd.conf"]);
        assert_eq!(said.code, 2, "{said:?}");
        let sentence = "Error: Section [unix_http_server] contains incomplete authentication: If a \
                        username or a password is specified, both the username and password must be \
                        specified";
        assert!(said.err.starts_with(sentence), "{said:?}");
    }
}

#[test]
fn a_password_on_the_command_line_is_hidden_from_others() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with("");
    let config = daemon.dir.path("sd.conf");
    let mut shell = Command::new(supervisorctl())
        .arg("-c")
        .arg(config)
        .args(["-u", "anna", "-p", "hunter2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("our client can be run");
    let cmdline = format!("/proc/{}/cmdline", shell.id());
    wait("the hiding of the password", || {
        let words = std::fs::read(&cmdline).expect("it waits for a line");
        words.ends_with(b"\0-u\0anna\0-p\0xxxxxxx\0").then_some(())
    });
    drop(shell.stdin.take());
    shell.wait().expect("its input has ended");
}
