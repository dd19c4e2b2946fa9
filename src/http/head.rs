//! What the head of a request must be before hyper makes a request of it: well-formed, within
//! its bounds, and of one meaning.
//!
//! hyper is as strict, with one exception: it takes a length that is said twice for one. And it
//! refuses without a word. So this reads along with it, remembers nothing but the line it is in,
//! and says what is wrong. Bodies are only counted, to know where the next head begins.

use super::bounds::{MAX_HEAD, MAX_HEADERS};
use hyper::{Method, StatusCode, Uri};

/// What is wrong with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// More than [`MAX_HEAD`] bytes.
    TooLong,
    /// More than [`MAX_HEADERS`] headers.
    TooMany,
    /// The first line is none of a request.
    RequestLine,
    /// A line is no header.
    Header,
    /// The length of the body is no number.
    Length,
    /// The length of the body is said more than once.
    LengthTwice,
    /// The body is coded in a way that its length contradicts, or that its version does not have.
    Coding,
}

impl Flaw {
    /// The status and the sentence, without its full stop, that a client is told.
    pub(super) fn told(self) -> (StatusCode, String) {
        let bad = |why: &str| (StatusCode::BAD_REQUEST, why.to_owned());
        let large = |why: String| (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, why);
        match self {
            Self::TooLong => large(format!(
                "The first line and the headers may have at most {MAX_HEAD} bytes"
            )),
            Self::TooMany => large(format!("There may be at most {MAX_HEADERS} headers")),
            Self::RequestLine => bad("The first line is not that of an HTTP/1 request"),
            Self::Header => bad("A header is not well-formed"),
            Self::Length => bad("Content-Length is not a number of bytes"),
            Self::LengthTwice => bad("Content-Length is there more than once"),
            Self::Coding => bad("Transfer-Encoding is not understood here"),
        }
    }
}

/// Reads along with one connection.
#[derive(Debug)]
pub(super) struct HeadCheck(At);

#[derive(Debug)]
enum At {
    Head(Head),
    /// In a body of which so much is to come.
    Body(u64),
    /// Behind a head that is answered last, because its body has no length.
    Beyond,
}

/// What is known of a head that is not complete.
#[derive(Debug, Default)]
struct Head {
    /// What is here of the line.
    line: Vec<u8>,
    bytes: usize,
    /// The first line was read.
    is_begun: bool,
    is_old: bool,
    headers: usize,
    length: Option<u64>,
    is_coded: bool,
}

impl HeadCheck {
    /// At the beginning of a connection.
    pub(super) fn new() -> Self {
        Self(At::Head(Head::default()))
    }

    /// Reads what came next. If a head is flawed: how many of these bytes came before it, and
    /// what is wrong. There is nothing to be read behind a flaw.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), (usize, Flaw)> {
        let mut rest = bytes;
        let mut good = 0;
        while !rest.is_empty() {
            let next = match &mut self.0 {
                At::Beyond => return Ok(()),
                At::Body(left) => {
                    let here = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    rest = &rest[here..];
                    *left -= here as u64;
                    good = bytes.len() - rest.len();
                    (*left == 0).then(|| At::Head(Head::default()))
                }
                At::Head(head) => {
                    let next = head.feed(&mut rest).map_err(|flaw| (good, flaw))?;
                    if next.is_some() {
                        good = bytes.len() - rest.len();
                    }
                    next
                }
            };
            if let Some(next) = next {
                self.0 = next;
            }
        }
        Ok(())
    }
}

impl Head {
    /// Reads a line, or what is here of it; answers what follows if the head is complete.
    fn feed(&mut self, rest: &mut &[u8]) -> Result<Option<At>, Flaw> {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let (here, behind) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
        *rest = behind;
        self.bytes += here.len();
        if self.bytes > MAX_HEAD {
            return Err(Flaw::TooLong);
        }
        self.line.extend_from_slice(here);
        let Some(line) = self.line.strip_suffix(b"\n") else {
            // hyper gives up as soon as its buffer is full.
            return match self.bytes {
                MAX_HEAD => Err(Flaw::TooLong),
                _ => Ok(None),
            };
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        self.line.clear();
        let next = self.line(&line)?;
        match next {
            None if self.bytes == MAX_HEAD => Err(Flaw::TooLong),
            next => Ok(next),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<At>, Flaw> {
        match (line.is_empty(), self.is_begun) {
            // Empty lines before a request are passed over (RFC 9112, 2.2).
            (true, false) => Ok(None),
            (true, true) => self.end().map(Some),
            (false, false) => {
                self.is_old = is_old(line).ok_or(Flaw::RequestLine)?;
                self.is_begun = true;
                Ok(None)
            }
            (false, true) => self.header(line).map(|()| None),
        }
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Flaw> {
        self.headers += 1;
        if self.headers > MAX_HEADERS {
            return Err(Flaw::TooMany);
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = line.split_at(colon.ok_or(Flaw::Header)?);
        let value = trimmed(&value[1..]);
        if !is_token(name) || !value.iter().copied().all(is_text) {
            return Err(Flaw::Header);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() {
                return Err(Flaw::LengthTwice);
            }
            self.length = Some(length(value).ok_or(Flaw::Length)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.is_coded || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Flaw::Coding);
            }
            self.is_coded = true;
        }
        Ok(())
    }

    fn end(&self) -> Result<At, Flaw> {
        match (self.is_coded, self.length) {
            (true, None) if !self.is_old => Ok(At::Beyond),
            (true, _) => Err(Flaw::Coding),
            (false, None | Some(0)) => Ok(At::Head(Self::default())),
            (false, Some(length)) => Ok(At::Body(length)),
        }
    }
}

/// Whether the version that a first line ends in is 1.0; none if that is no line of a request.
fn is_old(line: &[u8]) -> Option<bool> {
    let mut words = line.split(|&byte| byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let fits = words.next().is_none()
        && is_target(target)
        && Method::from_bytes(method).is_ok()
        && Uri::try_from(target).is_ok();
    match version {
        b"HTTP/1.0" if fits => Some(true),
        b"HTTP/1.1" if fits => Some(false),
        _ => None,
    }
}

/// What hyper does not look at, behind a `#`, must be text without blanks all the same.
fn is_target(target: &[u8]) -> bool {
    let is_sign = |byte: &u8| matches!(byte, b'!'..=b'~' | 0x80..);
    !target.is_empty() && target.iter().all(is_sign) && std::str::from_utf8(target).is_ok()
}

fn is_token(name: &[u8]) -> bool {
    let is_sign = |byte| b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}

/// Without blanks around it; a carriage return is none.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !b" \t".contains(byte);
    let start = value.iter().position(is_text).unwrap_or(value.len());
    let end = value.iter().rposition(is_text).map_or(start, |end| end + 1);
    &value[start..end]
}

const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// Beyond 2^63 nobody means it.
fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: u64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    i64::try_from(length).is_ok().then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes at once, and one by one: only where the flaw is found may differ.
    fn check(bytes: &[u8], expected: Result<(), (usize, Flaw)>) {
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(HeadCheck::new().feed(bytes), expected, "{shown}");
        let mut slow = HeadCheck::new();
        let flaw = bytes.iter().find_map(|byte| slow.feed(&[*byte]).err());
        let flaw = flaw.map(|(_, flaw)| flaw);
        assert_eq!(flaw, expected.err().map(|(_, flaw)| flaw), "{shown}");
    }

    fn check_head(head: &str, expected: Result<(), Flaw>) {
        check(head.as_bytes(), expected.map_err(|flaw| (0, flaw)));
    }

    #[test]
    fn well_formed_requests_pass_in_any_number() {
        check_head("GET / HTTP/1.1\r\n\r\n", Ok(()));
        check_head(
            "\r\n\nGET /a%20b?c=d#e HTTP/1.0\nHost:x\nX: \t\u{e4}\t \n\n",
            Ok(()),
        );
        check_head("OPTIONS * HTTP/1.1\r\nA:\r\n\r\nGET", Ok(()));
        check_head(
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab\n\nc\
             POST / HTTP/1.1\r\ncontent-length:0\r\n\r\nGET http://a/ HTTP/1.1\r\n\r\n",
            Ok(()),
        );
        check_head(
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\nx",
            Ok(()),
        );
    }

    #[test]
    fn a_length_is_said_once_and_is_a_number() {
        let check = |lines: &str, flaw| {
            let head = format!("POST / HTTP/1.1\r\n{lines}\r\n\r\n");
            check_head(&head, Err(flaw));
        };
        check("Content-Length: 5\r\ncontent-length: 5", Flaw::LengthTwice);
        check(
            "Content-Length: 5\nX: y\nCONTENT-LENGTH: 6",
            Flaw::LengthTwice,
        );
        for value in [
            "",
            "5, 5",
            "+5",
            "-1",
            "5 5",
            "0x5",
            "1e3",
            "9223372036854775808",
        ] {
            check(&format!("Content-Length: {value}"), Flaw::Length);
        }
        let huge = "9".repeat(5000);
        check(&format!("Content-Length: {huge}"), Flaw::Length);
    }

    #[test]
    fn a_length_and_a_coding_do_not_go_together() {
        let check = |lines: &str| check_head(lines, Err(Flaw::Coding));
        check("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
        check("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n");
        check("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
        check("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
        check(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
    }

    #[test]
    fn what_is_no_request_is_known_by_its_first_line() {
        for line in [
            "GET /",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET / HTTP/1.2",
            "GET / HTTP/2.0",
            "GET / http/1.1",
            "GET\t/ HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET / HTTP/1.1\r",
            "GET /\0 HTTP/1.1",
            "GET /#\0 HTTP/1.1",
            "\u{16}\u{3}\u{1}",
            "",
        ] {
            let expected = match line {
                "" => Ok(()),
                _ => Err(Flaw::RequestLine),
            };
            check_head(&format!("{line}\r\n"), expected);
        }
    }

    #[test]
    fn headers_are_names_and_values() {
        for line in [
            "x",
            ": y",
            "x : y",
            " x: y",
            "x: a\0b",
            "x: a\rb",
            "x: a\r",
            "x: \r",
            "\u{e4}: y",
            "x: \u{7f}",
        ] {
            check_head(
                &format!("GET / HTTP/1.1\r\n{line}\r\n\r\n"),
                Err(Flaw::Header),
            );
        }
    }

    #[test]
    fn heads_keep_to_their_bounds() {
        let first = "GET / HTTP/1.1\r\n";
        let of = |bytes: usize| {
            let filler = "y".repeat(bytes - first.len() - "X: \r\n\r\n".len());
            format!("{first}X: {filler}\r\n\r\n")
        };
        check_head(&of(MAX_HEAD), Ok(()));
        check_head(&of(MAX_HEAD + 1), Err(Flaw::TooLong));
        check_head(&"\r\n".repeat(MAX_HEAD), Err(Flaw::TooLong));
        let many = |count| format!("{first}{}\r\n", "X: y\r\n".repeat(count));
        check_head(&many(MAX_HEADERS), Ok(()));
        check_head(&many(MAX_HEADERS + 1), Err(Flaw::TooMany));
    }

    #[test]
    fn what_came_before_a_flawed_head_is_told_apart() {
        let good = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        let both = format!("{good}nonsense\r\n");
        check(both.as_bytes(), Err((good.len(), Flaw::RequestLine)));
    }
}
