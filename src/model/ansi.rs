//! Escape sequences of terminals, taken out of a stream of bytes (`dispatchers.py`,
//! `stripEscapes`).
//!
//! A sequence is `ESC [` and everything up to one of a few letters. The stream comes in pieces,
//! and a sequence may be split over any number of them.

const ESCAPE: u8 = 0x1b;

/// The letters that end a sequence.
const FINAL: &[u8] = b"HfABCDRsuJKhlpm";

/// Takes escape sequences out of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stripper {
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Outside of any sequence.
    #[default]
    Text,
    /// After an escape that ended a piece: it is held back until the next byte tells what it is.
    Escape,
    /// Within a sequence.
    Sequence,
}

impl Stripper {
    /// What is left of a piece: the piece itself where nothing is to be taken out, else what was
    /// put into `room`, which is emptied first.
    pub fn strip<'a>(&mut self, piece: &'a [u8], room: &'a mut Vec<u8>) -> &'a [u8] {
        if self.state == State::Text && !piece.contains(&ESCAPE) {
            return piece;
        }
        room.clear();
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            match self.state {
                State::Text => {
                    let text = rest.iter().position(|&byte| byte == ESCAPE);
                    let (text, after) = rest.split_at(text.unwrap_or(rest.len()));
                    room.extend_from_slice(text);
                    if let Some((_, after)) = after.split_first() {
                        self.state = State::Escape;
                        rest = after;
                    } else {
                        rest = after;
                    }
                }
                State::Escape if first == b'[' => {
                    self.state = State::Sequence;
                    rest = &rest[1..];
                }
                State::Escape => {
                    room.push(ESCAPE);
                    self.state = State::Text;
                }
                State::Sequence => {
                    let end = rest.iter().position(|byte| FINAL.contains(byte));
                    if let Some(end) = end {
                        self.state = State::Text;
                        rest = &rest[end + 1..];
                    } else {
                        rest = &[];
                    }
                }
            }
        }
        room
    }

    /// The stream has ended: what was held back, if anything. The next piece begins a new stream.
    pub fn finish(&mut self) -> &'static [u8] {
        match std::mem::take(&mut self.state) {
            State::Escape => &[ESCAPE],
            State::Text | State::Sequence => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let (mut stripper, mut room, mut kept) = (Stripper::default(), Vec::new(), Vec::new());
        for piece in pieces {
            kept.extend_from_slice(stripper.strip(piece, &mut room));
        }
        kept.extend_from_slice(stripper.finish());
        kept
    }

    const TABLE: [(&[u8], &[u8]); 12] = [
        (b"", b""),
        (b"plain\n", b"plain\n"),
        (b"\x1b[31mred\x1b[0m", b"red"),
        (b"a\x1b[1;5Hb", b"ab"),
        (b"\x1b[2J\x1b[Hx", b"x"),
        // Only these letters end a sequence, so one that the original does not know runs on.
        (b"a\x1b[3Gbcdef", b"a"),
        // Within a sequence another one does not begin.
        (b"\x1b[\x1b[31mx", b"x"),
        (b"a\x1bb", b"a\x1bb"),
        (b"a\x1b\x1b[0mb", b"a\x1bb"),
        (b"end\x1b", b"end\x1b"),
        (b"end\x1b[", b"end"),
        (b"\xff\x1b[0m\x00\n", b"\xff\x00\n"),
    ];

    #[test]
    fn sequences_are_taken_out_however_they_are_split() {
        for (input, output) in TABLE {
            assert_eq!(strip([input]), output, "{input:?}");
            for first in 0..=input.len() {
                for second in first..=input.len() {
                    let pieces = [&input[..first], &input[first..second], &input[second..]];
                    assert_eq!(strip(pieces), output, "{pieces:?}");
                }
            }
            assert_eq!(strip(input.chunks(1)), output, "{input:?} byte by byte");
        }
    }

    #[test]
    fn text_without_an_escape_is_not_copied() {
        let mut room = Vec::new();
        let text = Stripper::default()
            .strip(b"plain", &mut room)
            .as_ptr_range();
        assert!(!room.as_ptr_range().contains(&text.start));
        assert!(room.is_empty());
    }

    #[test]
    fn a_stream_after_the_end_of_another_begins_anew() {
        let (mut stripper, mut room) = (Stripper::default(), Vec::new());
        stripper.strip(b"\x1b[", &mut room);
        stripper.finish();
        assert_eq!(stripper.strip(b"31m", &mut room), b"31m");
    }
}
