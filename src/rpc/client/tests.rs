use super::*;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

/// Answers one connection with these bytes, and gives what was asked.
fn serve(answer: Vec<u8>) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client connects");
        let mut asked = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&asked) {
            match stream.read(&mut buffer).expect("a request comes") {
                0 => break,
                length => asked.extend_from_slice(&buffer[..length]),
            }
        }
        stream.write_all(&answer).expect("the client reads");
        String::from_utf8(asked).expect("a request is UTF-8")
    });
    (url, asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a length is a number"));
    body.len() >= length
}

fn call(head: &str, body: &[u8], login: Login) -> (Result<Value, ClientError>, String) {
    let mut answer =
        format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    let (url, asked) = serve(answer);
    let answer = Client::new(&url, login)
        .expect("the URL is good")
        .call("supervisor.getState", &["x".into()]);
    (answer, asked.join().expect("the server does not panic"))
}

#[test]
fn a_call_is_one_request_and_its_answer_a_value() {
    let mut out = xml::Writer::response();
    out.int(7);
    let login = Login {
        username: Some("user".to_owned()),
        password: Some("123".to_owned()),
    };
    let (answer, asked) = call("200 OK", &out.finish(), login);
    assert_eq!(answer.expect("an answer"), Value::Int(7));
    assert!(asked.starts_with("POST /RPC2 HTTP/1.1\r\n"), "{asked}");
    assert!(
        asked.contains("authorization: Basic dXNlcjoxMjM=\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("<methodName>supervisor.getState</methodName>"),
        "{asked}"
    );
}

#[test]
fn each_failure_is_told_from_the_others() {
    let check = |head: &str, body: &[u8], sentence: &str| {
        let (answer, asked) = call(head, body, Login::default());
        assert_eq!(answer.expect_err(head).to_string(), sentence);
        assert!(!asked.contains("authorization"));
    };
    check("401 Unauthorized", b"", "Server requires authentication");
    check("404 Not Here", b"", "the server answered 404 Not Here");
    check(
        "500 Internal Server Error",
        b"",
        "the server answered 500 Internal Server Error",
    );
    check(
        "200 OK",
        b"<html>",
        "the server's answer is not XML-RPC: the element 'html' does not belong here",
    );
    check(
        "200 OK",
        &xml::fault(10, "BAD_NAME: x"),
        "the server answered with fault 10: BAD_NAME: x",
    );
}

#[test]
fn a_server_that_says_nothing_is_an_error() {
    let (url, asked) = serve(Vec::new());
    let client = Client::new(&url, Login::default()).expect("the URL is good");
    let error = client.call("a.b", &[]).expect_err("no answer");
    assert_eq!(
        error.to_string(),
        "the connection failed: the server closed it without an answer"
    );
    asked.join().expect("the server does not panic");
}

#[test]
fn where_nobody_listens_the_reason_is_typed() {
    let call = |url: &str| {
        let client = Client::new(url, Login::default()).expect("the URL is good");
        client.call("a.b", &[]).expect_err("nobody listens")
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    assert!(matches!(call(&url), ClientError::Refused));
    assert!(matches!(
        call("unix:///nonexistent/s.sock"),
        ClientError::NoSuchFile
    ));
    let refused = Client::new("https://x", Login::default());
    assert!(matches!(refused, Err(ClientError::UnknownProtocol)));
}

#[test]
fn a_log_is_fed_on_as_it_comes() {
    let chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let follow = |stop_at: usize| {
        let (url, asked) = serve(chunks.as_bytes().to_vec());
        let client = Client::new(&url, Login::default()).expect("the URL is good");
        let mut log = Vec::new();
        let ended = client.follow("/logtail/x", pending(), |bytes| {
            log.extend_from_slice(bytes);
            if log.len() >= stop_at {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Ok(())
        });
        asked.join().expect("the server does not panic");
        (
            ended.expect("a log"),
            String::from_utf8(log).expect("the log is UTF-8"),
        )
    };
    assert_eq!(follow(usize::MAX), (Followed::Ended, "abcde".to_owned()));
    assert_eq!(follow(1).0, Followed::Stopped);
}

#[test]
fn addresses_are_read_as_the_original_reads_them() {
    let tcp = |host: &str, port| {
        Some(Address::Tcp {
            host: host.to_owned(),
            port,
        })
    };
    for (url, address) in [
        (
            "unix:///run/s.sock",
            Some(Address::Unix("/run/s.sock".into())),
        ),
        ("unix://s.sock", Some(Address::Unix("s.sock".into()))),
        ("http://localhost:9001", tcp("localhost", 9001)),
        ("http://LOCALHOST/x:1", tcp("localhost", 80)),
        ("http://u:p@h:1?x", tcp("h", 1)),
        ("http://[::1]:9001", tcp("::1", 9001)),
        ("http://[::1]", tcp("::1", 80)),
        ("http://h:x", None),
        ("http://[::1", None),
        ("https://h", None),
        ("h:1", None),
    ] {
        assert_eq!(Address::parse(url).ok(), address, "{url}");
    }
}
