//! Text as Python writes it, where its way of writing reached the wire or the main log.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of a stranger as the original puts them into an event or a log line: the text itself
/// where it is UTF-8, and otherwise `Undecodable: ` and the bytes as a Python literal
/// (`events.py`, `dispatchers.py`).
pub fn text_or_undecodable(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(format!("Undecodable: {}", bytes_literal(bytes))),
    }
}

/// Bytes as `repr(bytes)` of Python 3 writes them, e.g. `b'caf\xe9\n'`.
///
/// It quotes with `'`, and with `"` only where that saves escaping: when there is a `'` within
/// and no `"`.
pub fn bytes_literal(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut literal = String::with_capacity(bytes.len() + 3);
    literal.push('b');
    literal.push(quote);
    for &byte in bytes {
        match byte {
            b'\t' => literal.push_str("\\t"),
            b'\n' => literal.push_str("\\n"),
            b'\r' => literal.push_str("\\r"),
            b'\\' => literal.push_str("\\\\"),
            b'\'' | b'"' if char::from(byte) == quote => {
                literal.push('\\');
                literal.push(quote);
            }
            b' '..=b'~' => literal.push(char::from(byte)),
            // Writing into a String cannot fail.
            0..=0x1f | 0x7f..=0xff => {
                let _ = write!(literal, "\\x{byte:02x}");
            }
        }
    }
    literal.push(quote);
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], literal: &str) {
        assert_eq!(bytes_literal(bytes), literal);
    }

    // Expected values printed by Python 3 itself.
    #[test]
    fn a_bytes_literal_is_written_as_python_writes_it() {
        check(b"", "b''");
        check(b"plain ~", "b'plain ~'");
        check(
            b"\t\n\r\\\x00\x1f\x7f\x80\xff",
            r"b'\t\n\r\\\x00\x1f\x7f\x80\xff'",
        );
        check(b"it's", "b\"it's\"");
        check(b"say \"hi\"", "b'say \"hi\"'");
        check(b"it's \"so\"", r#"b'it\'s "so"'"#);
    }

    #[test]
    fn only_what_is_not_utf_8_is_written_as_a_literal() {
        assert_eq!(text_or_undecodable("caf\u{e9}".as_bytes()), "caf\u{e9}");
        assert_eq!(text_or_undecodable(b"\x00"), "\0");
        assert_eq!(text_or_undecodable(b"caf\xe9"), r"Undecodable: b'caf\xe9'");
        // A lone surrogate and an overlong zero are refused, as by Python.
        assert_eq!(
            text_or_undecodable(b"\xed\xa0\x80"),
            r"Undecodable: b'\xed\xa0\x80'"
        );
        assert_eq!(
            text_or_undecodable(b"\xc0\x80"),
            r"Undecodable: b'\xc0\x80'"
        );
    }
}
