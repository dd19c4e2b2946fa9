//! A stream as lines of a log: each with the time at which its first byte was read, a prefix, or
//! as a JSON object. What goes out are whole lines, however the stream came in.
//!
//! ```text
//! timestamp  2026-11-20T06:52:50.123+01:00 listening on port 80
//! json       {"time":"…","program":"web","stream":"stdout","pid":7,"message":"listening…"}
//! ```
//!
//! A line that does not end is let go by [`Formatter::flush`] and goes on as another one; so does
//! one that is longer than [`LONGEST`]. In JSON such a piece has `"partial":true`: put together up
//! to the next one without it, the messages are what was written. A message that is not UTF-8 has
//! U+FFFD where it is not, and its bytes in Base64 as `message_base64`. In the other forms bytes
//! stay as they are.

use super::base64;
use super::logstyle::{Format, LogStyle};
use super::state::Channel;
use super::time::Moment;
use std::fmt::Write as _;

/// The longest line that is kept together, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// Makes the lines of one child's stream; see the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formatter {
    shape: Shape,
    /// The beginning of a line that has not ended, and what stands before it.
    begun: Vec<u8>,
    head: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Plain {
        /// With its blank.
        prefix: Vec<u8>,
        has_time: bool,
    },
    Json {
        /// What stands between the time and the message.
        middle: Vec<u8>,
    },
}

impl Formatter {
    /// For a child of a program. None where bytes are kept as they come.
    pub fn new(style: &LogStyle, program: &str, channel: Channel, pid: i32) -> Option<Self> {
        let shape = match style.format {
            Format::Json => Shape::Json {
                middle: json_middle(program, channel, pid),
            },
            Format::Raw | Format::Timestamp => Shape::Plain {
                prefix: match &style.prefix {
                    Some(prefix) => [prefix.as_bytes(), b" "].concat(),
                    None => Vec::new(),
                },
                has_time: style.format == Format::Timestamp,
            },
        };
        style.has_lines().then(|| Self {
            shape,
            begun: Vec::new(),
            head: Vec::new(),
        })
    }

    /// Takes a piece that was read at `now`, and hands `take` a buffer with each line that it
    /// completes appended; what `take` leaves in the buffer stays there. Answers whether there
    /// was any.
    pub fn format(
        &mut self,
        piece: &[u8],
        now: &Moment,
        buffer: &mut Vec<u8>,
        take: &mut dyn FnMut(&mut Vec<u8>),
    ) -> bool {
        let head = self.head_of(now);
        let mut any = false;
        let mut rest = piece;
        while !rest.is_empty() {
            if self.begun.is_empty() {
                self.head.clone_from(&head);
            }
            let room = LONGEST - self.begun.len();
            let window = &rest[..rest.len().min(room + 1)];
            let (line, after, ends) = match window.iter().position(|&byte| byte == b'\n') {
                Some(end) => (&rest[..end], &rest[end + 1..], true),
                None if window.len() > room => (&rest[..room], &rest[room..], false),
                None => {
                    self.begun.extend_from_slice(rest);
                    break;
                }
            };
            if self.begun.is_empty() {
                self.shape.write(buffer, &self.head, line, ends);
            } else {
                self.begun.extend_from_slice(line);
                self.shape.write(buffer, &self.head, &self.begun, ends);
                self.begun = Vec::new();
            }
            take(buffer);
            any = true;
            rest = after;
        }
        any
    }

    /// Lets go of a line that has not ended.
    pub fn flush(&mut self, buffer: &mut Vec<u8>) {
        let begun = std::mem::take(&mut self.begun);
        if !begun.is_empty() {
            self.shape.write(buffer, &self.head, &begun, false);
        }
    }

    /// Whether a line has begun and not ended.
    pub const fn is_waiting(&self) -> bool {
        !self.begun.is_empty()
    }

    fn head_of(&self, now: &Moment) -> Vec<u8> {
        match &self.shape {
            Shape::Plain { prefix, has_time } => {
                let mut head = prefix.clone();
                if *has_time {
                    head.extend_from_slice(now.rfc3339().as_bytes());
                    head.push(b' ');
                }
                head
            }
            Shape::Json { middle } => {
                [b"{\"time\":\"", now.rfc3339().as_bytes(), b"\"", middle].concat()
            }
        }
    }
}

impl Shape {
    fn write(&self, buffer: &mut Vec<u8>, head: &[u8], line: &[u8], ends: bool) {
        buffer.extend_from_slice(head);
        match self {
            Self::Plain { .. } => buffer.extend_from_slice(line),
            Self::Json { .. } => {
                let text = String::from_utf8_lossy(line);
                write_json_text(buffer, &text);
                // A text that is borrowed is the line itself.
                if matches!(text, std::borrow::Cow::Owned(_)) {
                    buffer.extend_from_slice(b",\"message_base64\":\"");
                    buffer.extend_from_slice(base64::encode(line).as_bytes());
                    buffer.push(b'"');
                }
                if !ends {
                    buffer.extend_from_slice(b",\"partial\":true");
                }
                buffer.push(b'}');
            }
        }
        buffer.push(b'\n');
    }
}

fn json_middle(program: &str, channel: Channel, pid: i32) -> Vec<u8> {
    let mut middle = b",\"program\":".to_vec();
    write_json_text(&mut middle, program);
    let rest = format!(
        ",\"stream\":\"{}\",\"pid\":{pid},\"message\":",
        channel.name()
    );
    middle.extend_from_slice(rest.as_bytes());
    middle
}

/// Appends a text as a JSON string (RFC 8259, section 7).
fn write_json_text(buffer: &mut Vec<u8>, text: &str) {
    buffer.push(b'"');
    let mut rest = text;
    // All that is to be escaped is ASCII, so that each place is one between characters.
    while let Some(at) = rest.bytes().position(is_escaped) {
        let byte = rest.as_bytes()[at];
        buffer.extend_from_slice(&rest.as_bytes()[..at]);
        match byte {
            b'"' => buffer.extend_from_slice(b"\\\""),
            b'\\' => buffer.extend_from_slice(b"\\\\"),
            b'\n' => buffer.extend_from_slice(b"\\n"),
            b'\r' => buffer.extend_from_slice(b"\\r"),
            b'\t' => buffer.extend_from_slice(b"\\t"),
            other => {
                let mut code = String::new();
                // Writing into a string cannot fail.
                let _ = write!(code, "\\u{other:04x}");
                buffer.extend_from_slice(code.as_bytes());
            }
        }
        rest = &rest[at + 1..];
    }
    buffer.extend_from_slice(rest.as_bytes());
    buffer.push(b'"');
}

const fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f | 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::LocalTime;

    /// The moment so many milliseconds after a full minute.
    fn at(millis: u32) -> Moment {
        Moment {
            time: LocalTime {
                year: 2026,
                month: 11,
                day: 20,
                hour: 6,
                minute: 52,
                second: u8::try_from(millis / 1000).expect("less than a minute"),
            },
            millis: millis % 1000,
            offset: 3600,
        }
    }

    fn style(format: Format, prefix: Option<&str>) -> LogStyle {
        LogStyle {
            format,
            prefix: prefix.map(str::to_owned),
            ..LogStyle::default()
        }
    }

    /// What comes out of pieces that are read a second after another; at the end the last line
    /// is let go.
    fn formatted(style: &LogStyle, pieces: &[&[u8]]) -> Vec<u8> {
        let mut formatter =
            Formatter::new(style, "web", Channel::Stdout, 7).expect("lines are asked for");
        let mut out = Vec::new();
        for (piece, second) in pieces.iter().zip(0..) {
            formatter.format(piece, &at(second * 1000), &mut out, &mut |_| {});
        }
        formatter.flush(&mut out);
        assert!(!formatter.is_waiting());
        out
    }

    fn check(style: &LogStyle, pieces: &[&str], expected: &str) {
        let bytes: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
        let out = formatted(style, &bytes);
        assert_eq!(String::from_utf8_lossy(&out), expected, "{pieces:?}");
    }

    #[test]
    fn raw_without_a_prefix_is_no_matter_of_lines() {
        assert!(Formatter::new(&LogStyle::default(), "web", Channel::Stdout, 7).is_none());
    }

    #[test]
    fn a_line_has_the_time_of_its_first_byte() {
        check(
            &style(Format::Timestamp, None),
            &["one\ntw", "o\nthree\n", "\n"],
            "2026-11-20T06:52:00.000+01:00 one\n\
             2026-11-20T06:52:00.000+01:00 two\n\
             2026-11-20T06:52:01.000+01:00 three\n\
             2026-11-20T06:52:02.000+01:00 \n",
        );
    }

    #[test]
    fn a_prefix_stands_before_each_line_and_before_its_time() {
        check(
            &style(Format::Raw, Some("web")),
            &["a\nb", "c\nd"],
            "web a\nweb bc\nweb d\n",
        );
        check(
            &style(Format::Timestamp, Some("web")),
            &["a\n"],
            "web 2026-11-20T06:52:00.000+01:00 a\n",
        );
    }

    #[test]
    fn a_line_becomes_an_object() {
        check(
            &style(Format::Json, None),
            &["say \"hi\"\\\t\u{1b}[0mü\r\nno end"],
            "{\"time\":\"2026-11-20T06:52:00.000+01:00\",\"program\":\"web\",\"stream\":\"stdout\",\
             \"pid\":7,\"message\":\"say \\\"hi\\\"\\\\\\t\\u001b[0mü\\r\"}\n\
             {\"time\":\"2026-11-20T06:52:00.000+01:00\",\"program\":\"web\",\"stream\":\"stdout\",\
             \"pid\":7,\"message\":\"no end\",\"partial\":true}\n",
        );
    }

    #[test]
    fn bytes_that_are_no_text_survive() {
        let out = formatted(&style(Format::Json, None), &[b"a\xff\xfe\n"]);
        let text = String::from_utf8(out).expect("JSON is text");
        let end = "\"message\":\"a\u{fffd}\u{fffd}\",\"message_base64\":\"Yf/+\"}\n";
        assert!(text.ends_with(end), "{text}");
        let out = formatted(&style(Format::Raw, Some("p")), &[b"a\xff\0\n"]);
        assert_eq!(out, b"p a\xff\0\n");
    }

    #[test]
    fn a_line_that_is_too_long_becomes_several() {
        let piece = vec![b'x'; LONGEST + 1];
        let out = formatted(&style(Format::Raw, Some("p")), &[&piece, b"y\n"]);
        let lines: Vec<usize> = out.split(|&byte| byte == b'\n').map(<[u8]>::len).collect();
        assert_eq!(lines, [LONGEST + 2, 4, 0]);
    }

    #[test]
    fn lines_are_the_same_however_they_are_split() {
        let text = b"one\n\ntwo\nthree";
        let style = style(Format::Raw, Some("p"));
        let expected = formatted(&style, &[text]);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(formatted(&style, &pieces), expected, "{first} {second}");
            }
        }
    }
}
