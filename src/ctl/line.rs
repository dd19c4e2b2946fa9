//! A line of words, taken apart as Python's `cmd` module does it.

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Nothing.
    Empty,
    /// An action and all that follows it.
    Action {
        /// The name, which need not exist.
        name: &'a str,
        /// The rest, without white space around it.
        argument: &'a str,
    },
    /// Something that begins like no action.
    Unknown(&'a str),
}

impl<'a> Line<'a> {
    /// Takes a line apart. An action's name is letters, digits and `_`; what follows need not
    /// be separated from it. `?` stands for `help`.
    pub(super) fn parse(text: &'a str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Empty;
        }
        if let Some(argument) = text.strip_prefix('?') {
            return Self::Action {
                name: "help",
                argument: argument.trim(),
            };
        }
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        match text.split_at(end) {
            ("", _) => Self::Unknown(text),
            (name, argument) => Self::Action {
                name,
                argument: argument.trim(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, name: &str, argument: &str) {
        assert_eq!(Line::parse(text), Line::Action { name, argument }, "{text}");
    }

    #[test]
    fn an_action_ends_where_its_letters_end() {
        check("status", "status", "");
        check("  start  a  b:* \t", "start", "a  b:*");
        check("start:a", "start", ":a");
        check("tail-f", "tail", "-f");
        check("?start", "help", "start");
        check("?", "help", "");
    }

    #[test]
    fn what_begins_like_no_action_is_told_apart_from_nothing() {
        assert_eq!(Line::parse(" \t"), Line::Empty);
        assert_eq!(Line::parse("-f x"), Line::Unknown("-f x"));
        assert_eq!(Line::parse("!ls"), Line::Unknown("!ls"));
        assert_eq!(Line::parse("ü"), Line::Unknown("ü"));
    }
}
