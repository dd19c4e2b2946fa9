//! Text as Python sees it, because the config dialect and the original's sentences were written
//! for it: what counts as white space, and how a text is quoted in a message.

use std::fmt::Write as _;

/// Whether `str.isspace` holds for the character: Unicode white space, and the four ASCII
/// separators that Unicode leaves out.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// The text without white space around it, as `str.strip()` gives it.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The text without white space behind it, as `str.rstrip()` gives it.
pub fn strip_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// The words of a text, as `str.split()` gives them.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// The text in quotes and on one line, as `repr(text)` gives it: in single quotes unless there is
/// a single quote within and no double one.
pub fn repr(text: &str) -> String {
    quoted(text, is_printable)
}

/// As [`repr`], with all that is not ASCII escaped, as `ascii(text)` gives it.
pub fn ascii(text: &str) -> String {
    quoted(text, |c| c.is_ascii() && is_printable(c))
}

fn quoted(text: &str, plain: impl Fn(char) -> bool) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for c in text.chars() {
        // Writing into a String cannot fail.
        let _ = match (c, u32::from(c)) {
            ('\\', _) => quoted.write_str("\\\\"),
            ('\n', _) => quoted.write_str("\\n"),
            ('\r', _) => quoted.write_str("\\r"),
            ('\t', _) => quoted.write_str("\\t"),
            (c, _) if c == quote => write!(quoted, "\\{c}"),
            (c, _) if plain(c) => quoted.write_char(c),
            (_, code @ ..=0xff) => write!(quoted, "\\x{code:02x}"),
            (_, code @ ..=0xffff) => write!(quoted, "\\u{code:04x}"),
            (_, code) => write!(quoted, "\\U{code:08x}"),
        };
    }
    quoted.push(quote);
    quoted
}

fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // The library shows its table of printable characters only through escaping. Within a text,
    // unlike at its beginning, it leaves combining marks as they are, and so does Python.
    format!("a{c}").escape_debug().eq(['a', c])
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values printed by Python 3 itself.
    #[test]
    fn a_text_is_quoted_as_python_quotes_it() {
        for (text, quoted) in [
            ("", "''"),
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("\"", "'\"'"),
            ("'\"", "'\\'\"'"),
            ("a\\b\n\r\t\0\x1b\x7f", r"'a\\b\n\r\t\x00\x1b\x7f'"),
            ("caf\u{e9} \u{4f60}\u{301}", "'caf\u{e9} \u{4f60}\u{301}'"),
            ("\u{a0}\u{ad}\u{85}", r"'\xa0\xad\x85'"),
            ("\u{feff}\u{2028}\u{3000}", r"'\ufeff\u2028\u3000'"),
            ("\u{1f600}\u{e0001}", "'\u{1f600}\\U000e0001'"),
        ] {
            assert_eq!(repr(text), quoted, "{text:?}");
        }
        assert_eq!(ascii("caf\u{e9}\u{4f60}"), r"'caf\xe9\u4f60'");
    }

    #[test]
    fn white_space_is_what_python_takes_for_it() {
        assert_eq!(strip("\x1c\u{3000} a b \u{85}\n"), "a b");
        assert_eq!(strip_end(" a \n"), " a");
        assert!(words(" a\u{a0}b\x1fc ").eq(["a", "b", "c"]));
        assert_eq!(strip("\u{feff}a\u{200b}"), "\u{feff}a\u{200b}");
    }
}
