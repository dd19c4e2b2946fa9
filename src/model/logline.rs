//! A line of the main log: `2021-01-12 17:57:21,705 INFO message` (`loggers.py`, `LogRecord`;
//! `docs/logging.rst`, "Activity Log").

use super::time::LocalTime;
use std::fmt::Write as _;
use std::io::Write as _;

/// The levels of the main log, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Needs somebody's attention.
    Critical,
    /// Something went wrong.
    Error,
    /// Something may be wrong.
    Warn,
    /// What happens.
    Info,
    /// What happens within, for those who write configs.
    Debug,
    /// For those who write plugins.
    Trace,
    /// For those who write the daemon.
    Blather,
}

impl LogLevel {
    /// The name that stands in the line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "CRIT",
            Self::Error => "ERRO",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBG",
            Self::Trace => "TRAC",
            Self::Blather => "BLAT",
        }
    }
}

/// Appends a line with its newline.
pub fn write(
    log: &mut Vec<u8>,
    time: &LocalTime,
    milliseconds: u32,
    severity: LogLevel,
    message: &str,
) {
    let LocalTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = time;
    let name = severity.name();
    // Writing into a vector cannot fail.
    let _ = writeln!(
        log,
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},{milliseconds:03} \
         {name} {message}"
    );
}

/// The message without anything that would end its line or move a terminal's cursor: control
/// characters but the tabulator are written as Python escapes them.
pub fn on_one_line(message: String) -> String {
    if !message.chars().any(is_unruly) {
        return message;
    }
    let mut line = String::with_capacity(message.len() + 8);
    for c in message.chars() {
        // Writing into a string cannot fail.
        let _ = match c {
            '\n' => line.write_str("\\n"),
            '\r' => line.write_str("\\r"),
            c if is_unruly(c) => match u32::from(c) {
                code @ ..=0xff => write!(line, "\\x{code:02x}"),
                code => write!(line, "\\u{code:04x}"),
            },
            c => line.write_char(c),
        };
    }
    line
}

/// Line and paragraph separators end a line too, for those who read the log as Unicode.
fn is_unruly(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_as_the_original_writes_it() {
        let time = LocalTime {
            year: 2021,
            month: 1,
            day: 2,
            hour: 3,
            minute: 4,
            second: 5,
        };
        let mut log = Vec::new();
        write(
            &mut log,
            &time,
            7,
            LogLevel::Info,
            "spawned: 'x' with pid 1",
        );
        let expected = "2021-01-02 03:04:05,007 INFO spawned: 'x' with pid 1\n";
        assert_eq!(String::from_utf8_lossy(&log), expected);
    }

    #[test]
    fn a_message_cannot_forge_a_line() {
        let check = |message: &str, line: &str| {
            assert_eq!(on_one_line(message.to_owned()), line);
        };
        check("caf\u{e9}\tplain", "caf\u{e9}\tplain");
        check("a\nb\r\n", "a\\nb\\r\\n");
        check("\x1b[2J\0\x7f", "\\x1b[2J\\x00\\x7f");
        check("a\u{85}b\u{2028}c", "a\\x85b\\u2028c");
    }
}
