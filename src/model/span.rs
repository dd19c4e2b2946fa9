//! Which bytes of a log an answer holds (`options.py`, `readFile` and `tailFile`).

/// A piece of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins, in bytes from the start of the log.
    pub start: u64,
    /// How many bytes it has at most.
    pub length: u64,
}

/// A piece from the end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailSpan {
    /// The piece.
    pub span: Span,
    /// There is more than was asked for.
    pub overflow: bool,
}

/// An offset and a length that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadArguments;

/// The piece for `readLog` and its kin, of a log of `size` bytes and never more than `limit`:
/// `length` bytes from `offset`, or all of them if it is 0; or with a negative offset and no
/// length so many bytes from the end.
pub fn read_span(size: u64, offset: i64, length: i64, limit: u64) -> Result<Span, BadArguments> {
    if length < 0 || (offset < 0 && length != 0) {
        return Err(BadArguments);
    }
    let start = match u64::try_from(offset) {
        Ok(offset) => offset,
        Err(_) => size.saturating_sub(offset.unsigned_abs()),
    };
    let rest = size.saturating_sub(start);
    let wanted = if length == 0 {
        rest
    } else {
        rest.min(length.unsigned_abs())
    };
    Ok(Span {
        start,
        length: wanted.min(limit),
    })
}

/// The piece for `tailProcessLog` and its kin, of a log of `size` bytes and never more than the
/// last `limit`: what is between `offset` and `offset + length`; but if the log has more than
/// that or less, its last `length` bytes. Nothing if `offset` is behind its end.
pub fn tail_span(size: u64, offset: i64, length: i64, limit: u64) -> TailSpan {
    // As the original computes it, where numbers have no limits.
    let size = i128::from(size);
    let (mut offset, mut length) = (i128::from(offset), i128::from(length));
    let overflow = size > offset + length;
    if overflow {
        offset = size - 1;
    }
    if offset + length > size {
        if offset > size - 1 {
            length = 0;
        }
        offset = size - length;
    }
    let (start, length) = (offset.max(0), length.max(0));
    let length = length.min(size - start).max(0);
    let kept = length.min(i128::from(limit));
    let narrow = |number: i128| u64::try_from(number).unwrap_or(0);
    TailSpan {
        span: Span {
            start: narrow(start + length - kept),
            length: narrow(kept),
        },
        overflow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = u64::MAX;

    fn check_read(arguments: (i64, i64), expected: Option<&str>) {
        let log = b"0123456789";
        let (offset, length) = arguments;
        let read = read_span(10, offset, length, ALL).ok().map(|span| {
            let cut = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(log.len());
            let bytes = &log[cut(span.start)..cut(span.start.saturating_add(span.length))];
            std::str::from_utf8(bytes).expect("the log is ASCII")
        });
        assert_eq!(read, expected, "{arguments:?}");
    }

    // Expected values printed by the original's own function for the same ten bytes.
    #[test]
    fn reading_follows_the_original() {
        check_read((0, 0), Some("0123456789"));
        check_read((3, 0), Some("3456789"));
        check_read((3, 4), Some("3456"));
        check_read((8, 100), Some("89"));
        check_read((10, 0), Some(""));
        check_read((100, 5), Some(""));
        check_read((i64::MAX, i64::MAX), Some(""));
        check_read((-3, 0), Some("789"));
        check_read((-100, 0), Some("0123456789"));
        check_read((i64::MIN, 0), Some("0123456789"));
        check_read((-3, 1), None);
        check_read((0, -1), None);
        check_read((i64::MIN, i64::MIN), None);
    }

    fn check_tail(size: u64, arguments: (i64, i64), expected: (u64, u64, bool)) {
        let (offset, length) = arguments;
        let tail = tail_span(size, offset, length, ALL);
        let found = (tail.span.start, tail.span.length, tail.overflow);
        // Where nothing is read it does not matter where.
        let start = if expected.1 == 0 { found.0 } else { expected.0 };
        assert_eq!(
            found,
            (start, expected.1, expected.2),
            "{size} {arguments:?}"
        );
    }

    #[test]
    fn tailing_follows_the_original() {
        check_tail(10, (0, 10), (0, 10, false));
        check_tail(10, (0, 4), (6, 4, true));
        check_tail(10, (0, 100), (0, 10, false));
        check_tail(10, (4, 6), (4, 6, false));
        check_tail(10, (8, 6), (4, 6, false));
        check_tail(10, (10, 6), (0, 0, false));
        check_tail(10, (10, 0), (0, 0, false));
        check_tail(10, (0, 0), (0, 0, true));
        check_tail(10, (0, 1), (9, 1, true));
        check_tail(10, (-5, 3), (7, 3, true));
        check_tail(10, (0, -5), (0, 0, true));
        check_tail(0, (0, 10), (0, 0, false));
        check_tail(0, (0, 0), (0, 0, false));
        check_tail(10, (i64::MAX, i64::MAX), (0, 0, false));
        check_tail(10, (i64::MIN, i64::MIN), (0, 0, true));
        check_tail(10, (i64::MIN, i64::MAX), (0, 10, true));
    }

    #[test]
    fn an_answer_has_a_limit() {
        let span = |start, length| Span { start, length };
        assert_eq!(read_span(10, 0, 0, 4), Ok(span(0, 4)));
        assert_eq!(read_span(10, -8, 0, 4), Ok(span(2, 4)));
        assert_eq!(tail_span(10, 0, 10, 4).span, span(6, 4));
    }
}
