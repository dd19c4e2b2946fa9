//! `environment=A="x,y",B=z` taken apart, with the tokens of Python's `shlex.shlex` as the
//! original sets it up: `/.+-():` belong to words, quotes stay in a token until the end, and `#`
//! hides the rest of its line.

use std::collections::BTreeMap;

/// The variables of an `environment` option; of two with one name the last counts.
///
/// # Errors
/// The original's sentence.
pub(super) fn key_value_pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let tokens = Tokens::of(text).collect::<Result<Vec<_>, _>>()?;
    tokens
        .chunks(4)
        // The fourth token is what separates two pairs; what it is does not matter.
        .map(|pair| match pair {
            [key, equals, value, ..] if equals == "=" => {
                Ok((key.clone(), value.trim_matches(['\'', '"']).to_owned()))
            }
            _ => Err(format!(
                "Unexpected end of key/value pairs in value '{text}'"
            )),
        })
        .collect()
}

struct Tokens<'a> {
    rest: std::str::Chars<'a>,
    /// A character that ended a word and is a token of its own.
    held: Option<char>,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            rest: text.chars(),
            held: None,
        }
    }

    fn skip_line(&mut self) {
        self.rest.find(|&c| c == '\n');
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut token = String::from(quote);
        for c in self.rest.by_ref() {
            token.push(c);
            if c == quote {
                return Ok(token);
            }
        }
        Err("No closing quotation".to_owned())
    }

    fn word(&mut self, first: char) -> String {
        let mut token = String::from(first);
        while let Some(c) = self.rest.next() {
            match c {
                c if is_blank(c) => break,
                '#' => self.skip_line(),
                c if is_word(c) || matches!(c, '\'' | '"') => token.push(c),
                c => {
                    self.held = Some(c);
                    break;
                }
            }
        }
        token
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.+-():".contains(c)
}

impl Iterator for Tokens<'_> {
    type Item = Result<String, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(held) = self.held.take() {
            return Some(Ok(held.to_string()));
        }
        loop {
            match self.rest.next()? {
                c if is_blank(c) => {}
                '#' => self.skip_line(),
                quote @ ('\'' | '"') => return Some(self.quoted(quote)),
                c if is_word(c) => return Some(Ok(self.word(c))),
                c => return Some(Ok(c.to_string())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, pairs: &[(&str, &str)]) {
        let expected = pairs
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(key_value_pairs(text), Ok(expected), "{text:?}");
    }

    fn check_refused(text: &str) {
        let sentence = format!("Unexpected end of key/value pairs in value '{text}'");
        assert_eq!(key_value_pairs(text), Err(sentence), "{text:?}");
    }

    // Expected values returned by the original.
    #[test]
    fn pairs_are_read_as_the_original_reads_them() {
        check("", &[]);
        check("A=b", &[("A", "b")]);
        check("A=b,C=d", &[("A", "b"), ("C", "d")]);
        check(" A = b ,\n C\t=\td ,", &[("A", "b"), ("C", "d")]);
        check("A=\"x,y\",B='z w'", &[("A", "x,y"), ("B", "z w")]);
        check("A='it\"s',B=\"\"", &[("A", "it\"s"), ("B", "")]);
        check(
            "PATH=/bin:/usr/bin,N=(1.5e+3)",
            &[("PATH", "/bin:/usr/bin"), ("N", "(1.5e+3)")],
        );
        check("A=b;C=d", &[("A", "b"), ("C", "d")]);
        check("A=b C D=e", &[("A", "b"), ("D", "e")]);
        check("A=1,A=2", &[("A", "2")]);
        check("A=b#comment\nc,D=e", &[("A", "bc"), ("D", "e")]);
        check("A=b # comment\n,C=d", &[("A", "b"), ("C", "d")]);
        check("\"A\"=b", &[("\"A\"", "b")]);
        check("A=b\"c", &[("A", "b\"c")]);
        check("A=\"caf\u{e9} $HOME\\n\"", &[("A", "caf\u{e9} $HOME\\n")]);
        check("A==", &[("A", "=")]);
        check("A=caf\u{e9}", &[("A", "caf")]);
        check("A=$HOME", &[("A", "$")]);
    }

    #[test]
    fn what_the_original_refuses_is_refused_in_its_words() {
        for text in [
            "A",
            "A=",
            "=b",
            "A=a@b",
            "A=b,C",
            "A=b,,C=d",
            "A=caf\u{e9}s",
            "A B=c",
            "A=x*y",
        ] {
            check_refused(text);
        }
        for text in ["A=\"b", "A='", "A=b,C='d"] {
            assert_eq!(
                key_value_pairs(text),
                Err("No closing quotation".to_owned()),
                "{text:?}"
            );
        }
    }
}
