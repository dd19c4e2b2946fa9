//! Lines, put together from pieces of a stream.

/// Puts the lines of one stream together. No line is longer than it is told to; what is beyond
/// that makes further lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    longest: usize,
    begun: Vec<u8>,
}

impl Lines {
    /// Lines of at most `longest` bytes, which is at least 1.
    pub fn new(longest: usize) -> Self {
        Self {
            longest: longest.max(1),
            begun: Vec::new(),
        }
    }

    /// Hands each line that a piece completes to `take`, without its newline. The beginning of
    /// another is kept.
    pub fn split(&mut self, piece: &[u8], take: &mut dyn FnMut(&[u8])) {
        let mut rest = piece;
        while !rest.is_empty() {
            let room = self.longest - self.begun.len();
            let window = &rest[..rest.len().min(room + 1)];
            let newline = window.iter().position(|&byte| byte == b'\n');
            let (line, after) = match newline {
                Some(end) => (&rest[..end], &rest[end + 1..]),
                None if window.len() > room => rest.split_at(room),
                None => {
                    self.begun.extend_from_slice(rest);
                    return;
                }
            };
            if self.begun.is_empty() {
                take(line);
            } else {
                self.begun.extend_from_slice(line);
                take(&self.begun);
                self.begun.clear();
            }
            rest = after;
        }
    }

    /// The stream has ended: hands what is kept to `take`, if anything.
    pub fn finish(&mut self, take: &mut dyn FnMut(&[u8])) {
        let begun = std::mem::take(&mut self.begun);
        if !begun.is_empty() {
            take(&begun);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let (mut lines, mut taken) = (Lines::new(5), Vec::new());
        let mut take = |line: &[u8]| taken.push(String::from_utf8_lossy(line).into_owned());
        for piece in pieces {
            lines.split(piece, &mut take);
        }
        lines.finish(&mut take);
        taken
    }

    fn check(input: &str, expected: &[&str]) {
        let bytes = input.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(lines(pieces), expected, "{input:?} at {first} and {second}");
            }
        }
    }

    #[test]
    fn lines_are_the_same_however_they_are_split() {
        check("", &[]);
        check("one\n", &["one"]);
        check("one\ntwo", &["one", "two"]);
        check("\n\na\n\n", &["", "", "a", ""]);
    }

    #[test]
    fn a_line_that_is_too_long_becomes_several() {
        check("12345\n", &["12345"]);
        check("123456\n", &["12345", "6"]);
        check("1234567890\nab", &["12345", "67890", "ab"]);
        check("12345678901", &["12345", "67890", "1"]);
    }
}
