//! What stands between a pipe and its log where more than copying is asked for: capture mode,
//! escape sequences, and the lines of the system's log.

use crate::model::ansi::Stripper;
use crate::model::capture::{Bounded, Part, Splitter};
use crate::model::lines::Lines;

/// The longest line that goes to the system's log in one message; common ones cut there anyway.
const LONGEST_LINE: usize = 8 * 1024;

/// The filters of one stream.
pub(super) struct Filters {
    splitter: Option<Splitter>,
    captured: Bounded,
    stripper: Option<Stripper>,
    lines: Option<Lines>,
    process: Vec<u8>,
}

/// What comes out of the filters, in the order of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filtered<'a> {
    /// Goes to the log.
    Text(&'a [u8]),
    /// Does not, but is output all the same.
    Captured(&'a [u8]),
    /// What was captured is complete.
    Complete(&'a [u8]),
    /// A message for the system's log.
    Line(&'a [u8]),
}

/// What is asked of the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub process: &'a str,
    pub capture_maxbytes: u64,
    pub strip_ansi: bool,
    pub syslog: bool,
}

impl Filters {
    /// The filters for what is asked; none if nothing is.
    pub(super) fn new(asked: Asked<'_>) -> Option<Self> {
        let Asked {
            process,
            capture_maxbytes,
            strip_ansi,
            syslog,
        } = asked;
        (capture_maxbytes > 0 || strip_ansi || syslog).then(|| Self {
            splitter: (capture_maxbytes > 0).then(Splitter::default),
            captured: Bounded::new(capture_maxbytes),
            stripper: strip_ansi.then(Stripper::default),
            lines: syslog.then(|| Lines::new(LONGEST_LINE)),
            process: process.as_bytes().to_vec(),
        })
    }

    /// Hands what comes out for a piece to `take`. `room` is a place to work in.
    pub(super) fn filter(
        &mut self,
        piece: &[u8],
        room: &mut Vec<u8>,
        take: &mut dyn FnMut(Filtered<'_>),
    ) {
        let mut splitter = self.splitter.take();
        match &mut splitter {
            None => self.pass(Part::Text(piece), room, take),
            Some(splitter) => splitter.split(piece, &mut |part| self.pass(part, room, take)),
        }
        self.splitter = splitter;
    }

    /// The stream has ended: hands what was held back to `take`. Answers whether a capture was
    /// not complete; what it held is dropped.
    pub(super) fn finish(
        &mut self,
        room: &mut Vec<u8>,
        take: &mut dyn FnMut(Filtered<'_>),
    ) -> bool {
        let mut splitter = self.splitter.take();
        let open = splitter
            .as_mut()
            .is_some_and(|splitter| splitter.finish(&mut |part| self.pass(part, room, take)));
        self.splitter = splitter;
        let held = self.stripper.as_mut().map_or(&[][..], Stripper::finish);
        if !open {
            self.give(held, take);
        }
        if let Some(lines) = &mut self.lines {
            lines.finish(&mut |line| take(Filtered::Line(&message(&self.process, line))));
        }
        self.captured.take();
        open
    }

    fn pass(&mut self, part: Part<'_>, room: &mut Vec<u8>, take: &mut dyn FnMut(Filtered<'_>)) {
        let (bytes, captured) = match part {
            Part::Text(bytes) => (bytes, false),
            Part::Captured(bytes) => (bytes, true),
            Part::Complete => return take(Filtered::Complete(&self.captured.take())),
        };
        let bytes = match &mut self.stripper {
            Some(stripper) => stripper.strip(bytes, room),
            None => bytes,
        };
        if !captured {
            self.give(bytes, take);
        } else if !bytes.is_empty() {
            self.captured.push(bytes);
            take(Filtered::Captured(bytes));
        }
    }

    fn give(&mut self, text: &[u8], take: &mut dyn FnMut(Filtered<'_>)) {
        if text.is_empty() {
            return;
        }
        take(Filtered::Text(text));
        if let Some(lines) = &mut self.lines {
            let process = &self.process;
            lines.split(text, &mut |line| {
                take(Filtered::Line(&message(process, line)));
            });
        }
    }
}

/// As the original names the program in front of each line.
fn message(process: &[u8], line: &[u8]) -> Vec<u8> {
    [process, b" ", line].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out, in one line: `t` text, `c` captured, `!` complete, `l` a line.
    fn filtered(asked: Asked<'_>, pieces: &[&str]) -> Vec<String> {
        let mut filters = Filters::new(asked).expect("something is asked");
        let (mut room, mut out) = (Vec::new(), Vec::new());
        let mut take = |filtered: Filtered<'_>| {
            let (kind, bytes) = match filtered {
                Filtered::Text(bytes) => ('t', bytes),
                Filtered::Captured(bytes) => ('c', bytes),
                Filtered::Complete(bytes) => ('!', bytes),
                Filtered::Line(bytes) => ('l', bytes),
            };
            out.push(format!("{kind} {}", String::from_utf8_lossy(bytes)));
        };
        for piece in pieces {
            filters.filter(piece.as_bytes(), &mut room, &mut take);
        }
        filters.finish(&mut room, &mut take);
        out
    }

    const NOTHING: Asked<'static> = Asked {
        process: "cat",
        capture_maxbytes: 0,
        strip_ansi: false,
        syslog: false,
    };

    #[test]
    fn where_nothing_is_asked_there_are_no_filters() {
        assert!(Filters::new(NOTHING).is_none());
    }

    #[test]
    fn captured_text_is_stripped_and_does_not_come_into_the_log() {
        let asked = Asked {
            capture_maxbytes: 100,
            strip_ansi: true,
            syslog: true,
            ..NOTHING
        };
        let pieces = [
            "a\x1b[1mb<!--XSUPERVISOR:BE",
            "GIN-->c\x1b[",
            "0md<!--XSUPERVISOR:END-->e\nf",
        ];
        let expected = [
            "t ab",
            "c c",
            "c d",
            "! cd",
            "t e\nf",
            "l cat abe",
            "l cat f",
        ];
        assert_eq!(filtered(asked, &pieces), expected);
    }

    #[test]
    fn nothing_is_withheld_at_the_end() {
        let asked = Asked {
            capture_maxbytes: 100,
            strip_ansi: true,
            ..NOTHING
        };
        assert_eq!(filtered(asked, &["a<!--", ""]), ["t a", "t <!--"]);
        assert_eq!(filtered(asked, &["a\x1b"]), ["t a", "t \x1b"]);
    }
}
