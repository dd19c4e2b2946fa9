//! Command lines taken apart into words, as Python's `shlex.split(text)` does it: quotes and
//! backslashes as in a POSIX shell, and nothing else of a shell; `#` begins no comment.

use std::fmt;

/// Why a command line has no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// The text ends within quotes.
    NoClosingQuotation,
    /// The text ends right after a backslash.
    NoEscapedCharacter,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoClosingQuotation => "No closing quotation",
            Self::NoEscapedCharacter => "No escaped character",
        })
    }
}

impl std::error::Error for SplitError {}

/// Takes a command line apart at blanks, tabs and line ends.
///
/// Single quotes keep everything; within double quotes a backslash is itself except before a
/// double quote or another backslash; outside of quotes it keeps the next character, also a line
/// end. Empty quotes make an empty word.
pub fn split(text: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => {
                let kept = chars.next().ok_or(SplitError::NoEscapedCharacter)?;
                word.get_or_insert_default().push(kept);
            }
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Appends what stands up to the closing quote.
fn quoted(
    quote: char,
    chars: &mut std::str::Chars<'_>,
    word: &mut String,
) -> Result<(), SplitError> {
    loop {
        match chars.next().ok_or(SplitError::NoClosingQuotation)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                let next = chars.next().ok_or(SplitError::NoEscapedCharacter)?;
                if next != '"' && next != '\\' {
                    word.push('\\');
                }
                word.push(next);
            }
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, words: &[&str]) {
        assert_eq!(
            split(text).as_deref().unwrap_or_default(),
            words,
            "{text:?}"
        );
        assert!(split(text).is_ok(), "{text:?}");
    }

    // Expected values printed by Python 3 itself.
    #[test]
    fn words_are_split_as_python_splits_them() {
        check("", &[]);
        check(" \t\r\n", &[]);
        check("/bin/cat", &["/bin/cat"]);
        check("a  b\nc\td", &["a", "b", "c", "d"]);
        check("sh -c 'a; b # c'", &["sh", "-c", "a; b # c"]);
        check("a # b", &["a", "#", "b"]);
        check(r#"x"y z"'w'"#, &["xy zw"]);
        check(r"a\ b \c \\ \' \#", &["a b", "c", "\\", "'", "#"]);
        check(r#""a\"b\\c\d\$""#, &[r#"a"b\c\d\$"#]);
        check(r"'a\b'", &[r"a\b"]);
        check("'' \"\" a''", &["", "", "a"]);
        check("a\\\nb", &["a\nb"]);
        check(
            "caf\u{e9}\u{a0}x \u{1f600}",
            &["caf\u{e9}\u{a0}x", "\u{1f600}"],
        );
        check("a=1;b&&c|d>e", &["a=1;b&&c|d>e"]);
    }

    #[test]
    fn what_is_left_open_is_refused() {
        for text in ["'", "a 'b", "\"a", "\"a\\\"", "''\""] {
            assert_eq!(split(text), Err(SplitError::NoClosingQuotation), "{text:?}");
        }
        for text in ["\\", "a b\\", "\"a\\"] {
            assert_eq!(split(text), Err(SplitError::NoEscapedCharacter), "{text:?}");
        }
        assert_eq!(
            SplitError::NoClosingQuotation.to_string(),
            "No closing quotation"
        );
        assert_eq!(
            SplitError::NoEscapedCharacter.to_string(),
            "No escaped character"
        );
    }
}
