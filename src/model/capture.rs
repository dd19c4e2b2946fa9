//! Capture mode: what a process writes between two tokens becomes an event and does not come
//! into its log (`dispatchers.py`, `record_output`; `docs/events.rst`, "Capture Mode").
//!
//! The stream comes in pieces, and the tokens may be split over any number of them. At most the
//! beginning of a token is held back, never anything else.

/// Begins a capture.
pub const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";

/// Ends a capture.
pub const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// A part of the stream, in its order. The tokens themselves are in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Outside of a capture.
    Text(&'a [u8]),
    /// Within a capture.
    Captured(&'a [u8]),
    /// A capture is complete, maybe an empty one.
    Complete,
}

/// Splits one stream at its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Splitter {
    capturing: bool,
    /// How many bytes of the next token have been seen at the end of the last piece.
    held: usize,
}

impl Splitter {
    /// Hands the parts of a piece to `take`.
    pub fn split(&mut self, piece: &[u8], take: &mut dyn FnMut(Part<'_>)) {
        let mut rest = piece;
        while !rest.is_empty() {
            let token = self.token();
            if self.held == 0 {
                let start = rest.iter().position(|&byte| byte == token[0]);
                let (before, after) = rest.split_at(start.unwrap_or(rest.len()));
                self.pass(before, take);
                rest = after;
            }
            // Of a token only its first byte is `<`, so after a mismatch no later start within
            // what was held can be one.
            let wanted = &token[self.held..];
            let same = rest.iter().zip(wanted).take_while(|(a, b)| a == b).count();
            self.held += same;
            rest = &rest[same..];
            if self.held == token.len() {
                self.held = 0;
                if self.capturing {
                    take(Part::Complete);
                }
                self.capturing = !self.capturing;
            } else if !rest.is_empty() {
                self.let_go(take);
            }
        }
    }

    /// The stream has ended: hands what was held back to `take`. The next piece begins a new
    /// stream. Answers whether a capture was open.
    pub fn finish(&mut self, take: &mut dyn FnMut(Part<'_>)) -> bool {
        self.let_go(take);
        std::mem::take(&mut self.capturing)
    }

    const fn token(&self) -> &'static [u8] {
        if self.capturing { END } else { BEGIN }
    }

    fn let_go(&mut self, take: &mut dyn FnMut(Part<'_>)) {
        let held = std::mem::take(&mut self.held);
        self.pass(&self.token()[..held], take);
    }

    fn pass(&self, bytes: &[u8], take: &mut dyn FnMut(Part<'_>)) {
        if bytes.is_empty() {
            return;
        }
        take(if self.capturing {
            Part::Captured(bytes)
        } else {
            Part::Text(bytes)
        });
    }
}

/// Keeps what is captured, about as much as it is told to (`loggers.py`, `BoundIO`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounded {
    maxbytes: u64,
    kept: Vec<u8>,
}

impl Bounded {
    /// Keeps nothing yet.
    pub const fn new(maxbytes: u64) -> Self {
        Self {
            maxbytes,
            kept: Vec::new(),
        }
    }

    /// Adds bytes. Where that would be more than allowed, as many of the oldest are dropped as
    /// are added, and not fewer; bytes that are added at once are all kept, however many.
    pub fn push(&mut self, bytes: &[u8]) {
        let total = (self.kept.len() + bytes.len()) as u64;
        if total > self.maxbytes {
            self.kept.drain(..bytes.len().min(self.kept.len()));
        }
        self.kept.extend_from_slice(bytes);
    }

    /// Takes all that is kept.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of a stream in one line: text as it is, captures in braces, `}` where complete.
    fn split<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let (mut splitter, mut text, mut captured) =
            (Splitter::default(), String::new(), String::new());
        let mut take = |part: Part<'_>| match part {
            Part::Text(bytes) => text += &String::from_utf8_lossy(bytes),
            Part::Captured(bytes) => captured += &String::from_utf8_lossy(bytes),
            Part::Complete => {
                text.extend(["{", &std::mem::take(&mut captured), "}"]);
            }
        };
        for piece in pieces {
            splitter.split(piece, &mut take);
        }
        if splitter.finish(&mut take) {
            text.extend(["{", &captured]);
        }
        text
    }

    const B: &str = "<!--XSUPERVISOR:BEGIN-->";
    const E: &str = "<!--XSUPERVISOR:END-->";

    fn check(input: &str, output: &str) {
        let input = input.replace("(B)", B).replace("(E)", E);
        let output = output.replace("(B)", B).replace("(E)", E);
        let bytes = input.as_bytes();
        assert_eq!(split([bytes]), output, "{input}");
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(split(pieces), output, "{input} at {first} and {second}");
            }
        }
        assert_eq!(split(bytes.chunks(1)), output, "{input} byte by byte");
    }

    #[test]
    fn tokens_are_found_however_they_are_split() {
        check("", "");
        check("plain", "plain");
        check("a(B)b(E)c", "a{b}c");
        check("(B)(E)", "{}");
        check("(B)one(E)(B)two(E)", "{one}{two}");
        check("(B)a(B)b(E)(E)", "{a(B)b}(E)");
        check("(E)a(B)b", "(E)a{b");
    }

    #[test]
    fn what_only_looks_like_a_token_is_text() {
        check("<<!--XSUPERVISOR:BEGI", "<<!--XSUPERVISOR:BEGI");
        check("<!--XSUPERVISOR:<!--x", "<!--XSUPERVISOR:<!--x");
        check(
            "<!--XSUPERVISOR:BEGIN--(B)x(E)",
            "<!--XSUPERVISOR:BEGIN--{x}",
        );
        check("(B)<!--XSUP(E)<!--", "{<!--XSUP}<!--");
        check("(B)x<", "{x<");
    }

    #[test]
    fn a_token_cannot_begin_within_a_token() {
        for token in [BEGIN, END] {
            assert!(!token[1..].contains(&token[0]));
        }
    }

    #[test]
    fn nothing_but_a_beginning_of_a_token_is_held_back() {
        let mut seen = Vec::new();
        let mut splitter = Splitter::default();
        splitter.split(b"short<", &mut |part| {
            if let Part::Text(bytes) = part {
                seen.extend_from_slice(bytes);
            }
        });
        assert_eq!(seen, b"short");
    }

    fn check_kept(maxbytes: u64, pushes: &[&str], kept: &str) {
        let mut bounded = Bounded::new(maxbytes);
        for push in pushes {
            bounded.push(push.as_bytes());
        }
        assert_eq!(bounded.take(), kept.as_bytes(), "{maxbytes} {pushes:?}");
        assert_eq!(bounded.take(), b"");
    }

    // Expected values printed by the original's own class.
    #[test]
    fn as_much_is_dropped_as_the_original_drops() {
        check_kept(10, &["abcde", "fghij"], "abcdefghij");
        check_kept(10, &["abcde", "fghij", "k"], "bcdefghijk");
        check_kept(10, &["abc", "defghijk"], "defghijk");
        check_kept(10, &["abcdefghi", "jkl"], "defghijkl");
        check_kept(4, &["abcdefgh"], "abcdefgh");
        check_kept(4, &["abcdefgh", "i"], "bcdefghi");
        check_kept(0, &["a", "b"], "b");
    }
}
