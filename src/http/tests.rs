//! Whole servers at the level of bytes.

use super::{Edge, Listener, ServerHandle};
use crate::actors::handle::in_system;
use crate::config::Credentials;
use crate::model::state::Mood;
use crate::rpc::fixture;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

const STATE: &str = "<?xml version='1.0'?><methodCall><methodName>supervisor.getState\
    </methodName></methodCall>";

/// A server on a port of its own.
struct Site {
    port: u16,
    handle: ServerHandle,
}

impl Site {
    fn open() -> Self {
        Self::begin(None, None)
    }

    fn begin(credentials: Option<&Credentials>, log: Option<&Path>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        listener
            .set_nonblocking(true)
            .expect("a socket can be set so");
        let port = listener.local_addr().expect("it is bound").port();
        let edge = Edge::new(
            fixture::api(Mood::Running, true, log),
            slog::Logger::root(slog::Discard, slog::o!()),
        );
        let handle = edge.serve(Listener::Tcp(listener), "inet_http_server", credentials);
        Self { port, handle }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port))
            .await
            .expect("the server listens")
    }

    /// Sends bytes and reads until the server closes.
    async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream
            .write_all(request.as_bytes())
            .await
            .expect("the server reads");
        rest_of(&mut stream).await
    }

    async fn check(&self, request: &str, status: &str, holds: &[&str]) {
        let answer = self.ask(request).await;
        let first = answer.lines().next().unwrap_or("");
        assert_eq!(first, status, "{request}\n{answer}");
        for piece in holds {
            assert!(answer.contains(piece), "{request}\n{piece}\n{answer}");
        }
    }
}

async fn rest_of(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes))
        .await
        .expect("the server closes soon")
        .expect("the connection is not reset");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until the bytes end in this text.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while !bytes.ends_with(end.as_bytes()) {
            bytes.push(stream.read_u8().await.expect("the server is not done"));
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("the server answers soon");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\
         {headers}\r\n{body}",
        body.len()
    )
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
}

const OK: &str = "HTTP/1.1 200 OK";
const BAD: &str = "HTTP/1.1 400 Bad Request";

#[tokio::test(flavor = "current_thread")]
async fn a_call_is_answered_in_xml() {
    local(async {
        let site = Site::open();
        let holds = [
            "Content-Type: text/xml\r\n",
            "Content-Length: 279\r\n",
            "RUNNING",
        ];
        site.check(&post("/RPC2", "", STATE), OK, &holds).await;
        site.check(&post("/RPC2/x?y", "", STATE), OK, &holds).await;
        let old = post("/RPC2", "", STATE).replace("HTTP/1.1", "HTTP/1.0");
        site.check(&old, "HTTP/1.0 200 OK", &holds).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn one_connection_takes_many_calls() {
    local(async {
        let site = Site::open();
        let kept = post("/RPC2", "", STATE).replace("Connection: close\r\n", "");
        let both = site.ask(&(kept.clone() + &post("/RPC2", "", STATE))).await;
        assert_eq!(both.matches(OK).count(), 2);
        let old = kept
            .replace("HTTP/1.1", "HTTP/1.0")
            .replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n");
        let both = site.ask(&(old + &post("/RPC2", "", STATE))).await;
        assert!(
            both.to_lowercase().contains("connection: keep-alive"),
            "{both}"
        );
        assert_eq!(both.matches("200 OK").count(), 2);
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_expects_it_is_told_to_continue() {
    local(async {
        let site = Site::open();
        let request = post("/RPC2", "Expect: 100-continue\r\n", STATE);
        let (head, body) = request.split_at(request.len() - STATE.len());
        let mut stream = site.connect().await;
        stream.write_all(head.as_bytes()).await.expect("it is read");
        let told = until(&mut stream, "\r\n\r\n").await;
        assert_eq!(told, "HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(body.as_bytes()).await.expect("it is read");
        assert!(rest_of(&mut stream).await.starts_with(OK));
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_call_is_refused_in_a_sentence() {
    local(async {
        let site = Site::open();
        let refused = |body| post("/RPC2", "", body);
        site.check(&refused("<a"), BAD, &["<p>Message: Bad Request."])
            .await;
        site.check(
            &refused("<methodCall></methodCall>"),
            BAD,
            &["names no method"],
        )
        .await;
        site.check(&refused(""), BAD, &[]).await;
        site.check(
            &refused("<!DOCTYPE x><methodCall/>"),
            BAD,
            &["document type"],
        )
        .await;
        site.check(&get("/RPC2", ""), BAD, &[]).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_body_must_say_its_length_and_keep_to_a_bound() {
    local(async {
        let site = Site::open();
        let length = "HTTP/1.1 411 Length Required";
        let head = "POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        site.check(&format!("{head}\r\n"), length, &[]).await;
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        site.check(&chunked, length, &[]).await;
        let both = format!(
            "{head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        );
        let coding = ["<p>Transfer-Encoding is not understood here."];
        site.check(&both, BAD, &coding).await;
        for second in [3, 4] {
            let two = format!("{head}Content-Length: 3\r\nContent-Length: {second}\r\n\r\nabcd");
            let twice = ["<p>Content-Length is there more than once."];
            site.check(&two, BAD, &twice).await;
        }
        let large = format!("{head}Content-Length: 4194305\r\n\r\n");
        site.check(&large, "HTTP/1.1 413 Payload Too Large", &["4194304"])
            .await;
        let absurd = format!("{head}Content-Length: 99999999999999999999\r\n\r\n");
        let number = ["<p>Content-Length is not a number of bytes."];
        site.check(&absurd, BAD, &number).await;
        let negative = format!("{head}Content-Length: -1\r\n\r\n");
        site.check(&negative, BAD, &number).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn headers_keep_to_a_bound() {
    local(async {
        let site = Site::open();
        let many = "X: y\r\n".repeat(200);
        let status = "HTTP/1.1 431 Request Header Fields Too Large";
        let most = ["<p>There may be at most 100 headers."];
        site.check(&get("/", &many), status, &most).await;
        let long = format!("X: {}\r\n", "y".repeat(100_000));
        let most = ["<p>The first line and the headers may have at most 16384 bytes."];
        site.check(&get("/", &long), status, &most).await;
        let line = ["<p>The first line is not that of an HTTP/1 request."];
        site.check("GARBAGE\r\n\r\n", BAD, &line).await;
        let header = ["<p>A header is not well-formed."];
        site.check("GET / HTTP/1.1\r\nHost x\r\n\r\n", BAD, &header)
            .await;
        site.check("GET / HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n", BAD, &header)
            .await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn requests_before_a_flawed_one_are_answered() {
    local(async {
        let site = Site::open();
        let call = post("/RPC2", "", STATE).replace("Connection: close\r\n", "");
        let answer = site
            .ask(&format!("{call}{call}GET / HTTP/1.1\r\nX\r\n\r\n"))
            .await;
        assert_eq!(answer.matches(OK).count(), 2, "{answer}");
        assert_eq!(answer.matches("RUNNING").count(), 2, "{answer}");
        assert_eq!(answer.matches(BAD).count(), 1, "{answer}");
        assert!(
            answer.ends_with("<p>A header is not well-formed.\r\n</body>\r\n"),
            "{answer}"
        );
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_is_served_without_the_right_password() {
    local(async {
        let credentials = Credentials {
            username: "u".to_owned(),
            password: "p".to_owned(),
        };
        let site = Site::begin(Some(&credentials), None);
        let status = "HTTP/1.1 401 Unauthorized";
        for path in [
            "/",
            "/index.html",
            "/tail.html",
            "/ok.html",
            "/logtail/cat",
            "/mainlogtail",
            "/stylesheets/supervisor.css",
            "/nothing",
            "/RPC2",
        ] {
            for headers in [
                "",
                "Authorization: Basic dTpx\r\n",
                "Authorization: Basic ?\r\n",
            ] {
                let answer = site.ask(&get(path, headers)).await;
                assert!(answer.starts_with(status), "{path} {answer}");
                assert!(answer.contains("Www-Authenticate: Basic realm=\"default\""));
            }
        }
        site.check(&post("/RPC2", "", STATE), status, &[]).await;
        let right = "Authorization: Basic dTpw\r\n";
        site.check(&post("/RPC2", right, STATE), OK, &["RUNNING"])
            .await;
        site.check(&get("/ok.html", right), OK, &["OK"]).await;
        // A body that nobody reads does not hide the answer.
        let large = "x".repeat(200_000);
        site.check(&post("/RPC2", "", &large), status, &[]).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn pages_show_processes_and_ask_before_they_act() {
    local(async {
        let site = Site::open();
        let page = [
            "pets:tom",
            "can&#39;t find command &#39;&lt;x&gt;&#39;",
            "4.3.0+rs",
        ];
        site.check(&get("/", ""), OK, &page).await;
        let safe = [
            "Content-Security-Policy: default-src 'none'",
            "X-Frame-Options: DENY",
            "X-Content-Type-Options: nosniff",
        ];
        site.check(&get("/index.html?message=%3Cb%3E", ""), OK, &safe)
            .await;
        site.check(
            &get("/?action=stopall", ""),
            OK,
            &["Stop all processes?", "value=\"stopall\""],
        )
        .await;
        site.check(&get("/?action=nope", ""), BAD, &[]).await;
        site.check(
            &get("/tail.html?processname=cat", ""),
            OK,
            &["No file for cat"],
        )
        .await;
        site.check(
            &get("/tail.html?processname=%3Cx%3E", ""),
            OK,
            &["BAD_NAME: &lt;x&gt;"],
        )
        .await;
        site.check(&get("/stylesheets/supervisor.css", ""), OK, &["text/css"])
            .await;
        let head = get("/", "").replace("GET", "HEAD");
        let answer = site.ask(&head).await;
        assert!(
            answer.starts_with(OK) && answer.ends_with("\r\n\r\n"),
            "{answer}"
        );
        site.check(&get("/nothing", ""), "HTTP/1.1 404 Not Found", &[])
            .await;
        site.check(&get("/../../etc/passwd", ""), "HTTP/1.1 404 Not Found", &[])
            .await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_form_needs_the_token_and_our_own_origin() {
    local(async {
        let site = Site::open();
        let page = site.ask(&get("/", "")).await;
        let token = page
            .split("name=\"token\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("the page has a token");
        let form = format!("token={token}&action=refresh");
        let forbidden = "HTTP/1.1 403 Forbidden";
        let posted = |headers: &str, form: &str| post("/index.html", headers, form);
        let location = ["Location: index.html?message=Page%20refreshed%20at%20"];
        site.check(&posted("", &form), "HTTP/1.1 303 See Other", &location)
            .await;
        site.check(
            &posted("Origin: http://localhost\r\n", &form),
            "HTTP/1.1 303 See Other",
            &[],
        )
        .await;
        site.check(
            &posted("Origin: http://evil.example\r\n", &form),
            forbidden,
            &[],
        )
        .await;
        site.check(&posted("Origin: null\r\n", &form), forbidden, &[])
            .await;
        site.check(&posted("", "token=x&action=refresh"), forbidden, &[])
            .await;
        site.check(&posted("", "action=stopall"), forbidden, &[])
            .await;
        let injected = format!("token={token}&action=start&processname=x%0d%0aEvil:1");
        let answer = site.ask(&posted("", &injected)).await;
        assert!(
            answer.contains("No%20such%20process%20named%20x%0D%0AEvil%3A1"),
            "{answer}"
        );
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_strangers_name_for_us_opens_nothing_to_a_browser() {
    local(async {
        let site = Site::open();
        let named = |request: String| request.replace("Host: localhost", "Host: evil.example");
        let forbidden = "HTTP/1.1 403 Forbidden";
        site.check(&named(get("/", "")), forbidden, &[]).await;
        let browser = "Origin: http://evil.example\r\n";
        site.check(&named(post("/RPC2", browser, STATE)), forbidden, &[])
            .await;
        site.check(
            &named(get("/mainlogtail", "User-Agent: Mozilla/5.0\r\n")),
            forbidden,
            &[],
        )
        .await;
        site.check(&named(post("/RPC2", "", STATE)), OK, &["RUNNING"])
            .await;
    })
    .await;
}

/// A log in the temporary directory.
struct Log(PathBuf);

impl Log {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("edge-{}-{name}.log", std::process::id()));
        std::fs::write(&path, text).expect("the temporary directory is writable");
        Self(path)
    }

    fn say(&self, text: &str) {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().append(true).open(&self.0);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("the log is there");
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_tail_goes_on_until_somebody_leaves() {
    in_system(async {
        let log = Log::new("tail", "one\n");
        let site = Site::begin(None, Some(&log.0));
        let mut stream = site.connect().await;
        let request = "GET /logtail/cat HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it is read");
        let head = until(&mut stream, "4\r\none\n\r\n").await;
        assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
        log.say("two\n");
        until(&mut stream, "4\r\ntwo\n\r\n").await;
        drop(site.handle);
        until(&mut stream, "0\r\n\r\n").await;
    });
}

#[test]
fn a_tail_for_an_old_client_ends_with_its_connection() {
    in_system(async {
        let log = Log::new("old", "one\n");
        let site = Site::begin(None, Some(&log.0));
        let mut stream = site.connect().await;
        let request = "GET /logtail/cat/stdout HTTP/1.0\r\n\r\n";
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it is read");
        until(&mut stream, "\r\n\r\none\n").await;
        drop(site);
        assert_eq!(rest_of(&mut stream).await, "");
    });
}

#[tokio::test(flavor = "current_thread")]
async fn only_logs_of_processes_are_tailed() {
    local(async {
        let site = Site::open();
        for path in [
            "/logtail/cat",
            "/logtail/nope",
            "/logtail/cat/stdin",
            "/logtail/..%2f..%2fetc%2fpasswd",
        ] {
            site.check(&get(path, ""), "HTTP/1.1 404 Not Found", &[])
                .await;
        }
        site.check(&post("/logtail/cat", "", ""), BAD, &[]).await;
    })
    .await;
}

#[test]
fn a_quiet_tail_is_freed_when_its_client_leaves() {
    in_system(async {
        let log = Log::new("quiet", "");
        let site = Site::begin(None, Some(&log.0));
        let mut held = Vec::new();
        for number in 0..super::bounds::MAX_TAILS {
            let mut stream = site.connect().await;
            // `supervisorctl` sends an empty line behind its request.
            let behind = if number % 2 == 0 { "" } else { "\r\n" };
            let request = format!("GET /logtail/cat HTTP/1.1\r\nHost: localhost\r\n\r\n{behind}");
            stream
                .write_all(request.as_bytes())
                .await
                .expect("it is read");
            until(&mut stream, "\r\n\r\n").await;
            held.push(stream);
        }
        let one_more = get("/logtail/cat", "");
        let full = "HTTP/1.1 503 Service Unavailable";
        site.check(&one_more, full, &["Too many logs"]).await;
        drop(held);
        let mut again = Vec::new();
        let follow_all = async {
            while again.len() < super::bounds::MAX_TAILS {
                let mut stream = site.connect().await;
                stream
                    .write_all(one_more.as_bytes())
                    .await
                    .expect("it is read");
                // A refusal means that the server has not seen all of them leave yet.
                if until(&mut stream, "\r\n\r\n").await.starts_with(OK) {
                    again.push(stream);
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), follow_all)
            .await
            .expect("there is room for all again");
    });
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_is_slow_with_its_body_is_told_and_left() {
    local(async {
        let site = Site::open();
        let mut stream = site.connect().await;
        let request = post("/RPC2", "", STATE);
        stream
            .write_all(&request.as_bytes()[..request.len() - 1])
            .await
            .expect("it is read");
        tokio::time::sleep(Duration::from_millis(50)).await;
        tokio::time::pause();
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("the connection is not reset");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("did not come in time"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_never_reads_its_answer_is_left() {
    local(async {
        let site = Site::open();
        let mut stream = site.connect().await;
        let help = "<value><struct><member><name>methodName</name><value>system.listMethods\
            </value></member></struct></value>";
        let many = help.repeat(4000);
        let calls = format!(
            "<methodCall><methodName>system.multicall</methodName><params><param><value><array>\
             <data>{many}</data></array></value></param></params></methodCall>"
        );
        let request = post("/RPC2", "", &calls);
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it is read");
        until(&mut stream, "\r\n\r\n").await;
        // Both ends' buffers fill up; then nothing happens but time.
        tokio::time::sleep(Duration::from_millis(200)).await;
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(70)).await;
        tokio::time::resume();
        let mut rest = Vec::new();
        // Whether it ends in a reset or not is up to the network.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.ends_with(b"</methodResponse>\n"), "it was cut off");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_is_slow_with_its_headers_is_told_and_left() {
    local(async {
        let site = Site::open();
        let mut stream = site.connect().await;
        stream.write_all(b"GET / HT").await.expect("it is read");
        // Until the server has seen the bytes; then nothing happens but time.
        tokio::time::sleep(Duration::from_millis(50)).await;
        tokio::time::pause();
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("the connection is not reset");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_full_server_lets_go_of_the_idle_and_refuses_when_none_is() {
    local(async {
        let site = Site::open();
        let mut held = Vec::new();
        for _ in 0..super::bounds::MAX_CONNECTIONS {
            let mut stream = site.connect().await;
            stream.write_all(b"GET / HT").await.expect("it is read");
            held.push(stream);
        }
        let refused = "HTTP/1.1 503 Service Unavailable";
        site.check(&get("/ok.html", ""), refused, &["Too many"])
            .await;
        let mut idle = held.pop().expect("some are held");
        idle.write_all(b"TP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .expect("it is read");
        until(&mut idle, "</html>\n").await;
        site.check(&get("/ok.html", ""), OK, &[]).await;
        assert_eq!(rest_of(&mut idle).await, "");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_closed_server_ends_its_idle_connections() {
    local(async {
        let site = Site::open();
        let mut stream = site.connect().await;
        let kept = post("/RPC2", "", STATE).replace("Connection: close\r\n", "");
        stream.write_all(kept.as_bytes()).await.expect("it is read");
        until(&mut stream, "</methodResponse>\n").await;
        let port = site.port;
        drop(site.handle);
        assert_eq!(rest_of(&mut stream).await, "");
        assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    })
    .await;
}
