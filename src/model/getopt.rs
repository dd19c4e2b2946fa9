//! Options of a command line, read as Python's `getopt.getopt` reads them, because its error
//! sentences are part of the interface: short flags that may be glued together, long ones that
//! may be shortened as long as they are unique, and the first word that is neither ends it all.

use std::fmt;

/// One flag that a program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The letter of its short form, if it has one.
    pub short: Option<char>,
    /// The word of its long form, without dashes, if it has one.
    pub long: Option<&'static str>,
    /// Whether a value follows.
    pub takes_value: bool,
}

/// A flag as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<'a> {
    /// Which of the known flags it is: the index in the table.
    pub index: usize,
    /// How messages name it: `-x`, or `--word` in full length.
    pub name: String,
    /// Its value; empty for a flag that takes none.
    pub value: &'a str,
}

/// Why a command line cannot be read. Names stand as they were typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GetoptError {
    /// No flag has this name; with its dashes.
    NotRecognized(String),
    /// The flag wants a value and there is none; with its dashes.
    RequiresArgument(String),
    /// The long flag has a value and wants none; without dashes.
    MustNotHaveArgument(String),
    /// Several long flags begin like this; without dashes.
    NotUnique(String),
}

impl fmt::Display for GetoptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRecognized(name) => write!(f, "option {name} not recognized"),
            Self::RequiresArgument(name) => write!(f, "option {name} requires argument"),
            Self::MustNotHaveArgument(name) => {
                write!(f, "option --{name} must not have an argument")
            }
            Self::NotUnique(name) => write!(f, "option --{name} not a unique prefix"),
        }
    }
}

impl std::error::Error for GetoptError {}

/// The flags in the order given, and the words that follow them: those after `--`, or from the
/// first one that does not begin with a dash (a lone `-` is such a word).
pub fn getopt<'a>(
    args: &'a [String],
    known: &[Known],
) -> Result<(Vec<Given<'a>>, &'a [String]), GetoptError> {
    let mut given = Vec::new();
    let mut rest = args;
    while let [word, following @ ..] = rest {
        if word == "--" {
            rest = following;
            break;
        }
        rest = if let Some(long) = word.strip_prefix("--") {
            read_long(long, following, known, &mut given)?
        } else if let Some(shorts) = word.strip_prefix('-').filter(|text| !text.is_empty()) {
            read_shorts(shorts, following, known, &mut given)?
        } else {
            break;
        };
    }
    Ok((given, rest))
}

fn read_long<'a>(
    text: &'a str,
    following: &'a [String],
    known: &[Known],
    given: &mut Vec<Given<'a>>,
) -> Result<&'a [String], GetoptError> {
    let (typed, glued) = match text.split_once('=') {
        Some((typed, value)) => (typed, Some(value)),
        None => (text, None),
    };
    let (index, full) = find_long(typed, known)?;
    let (value, rest) = match (known[index].takes_value, glued, following) {
        (true, Some(value), rest) => (value, rest),
        (true, None, [value, rest @ ..]) => (value.as_str(), rest),
        (true, None, []) => return Err(GetoptError::RequiresArgument(format!("--{full}"))),
        (false, None, rest) => ("", rest),
        (false, Some(_), _) => return Err(GetoptError::MustNotHaveArgument(full.to_owned())),
    };
    given.push(Given {
        index,
        name: format!("--{full}"),
        value,
    });
    Ok(rest)
}

/// The long flag of this name, or the only one that begins like it.
fn find_long(typed: &str, known: &[Known]) -> Result<(usize, &'static str), GetoptError> {
    let possible = known
        .iter()
        .enumerate()
        .filter_map(|(index, flag)| Some((index, flag.long?)));
    let mut found = None;
    let mut unique = true;
    for (index, long) in possible.filter(|(_, long)| long.starts_with(typed)) {
        if long == typed {
            return Ok((index, long));
        }
        unique = found.is_none();
        found = found.or(Some((index, long)));
    }
    match found {
        None => Err(GetoptError::NotRecognized(format!("--{typed}"))),
        Some(_) if !unique => Err(GetoptError::NotUnique(typed.to_owned())),
        Some(flag) => Ok(flag),
    }
}

fn read_shorts<'a>(
    shorts: &'a str,
    following: &'a [String],
    known: &[Known],
    given: &mut Vec<Given<'a>>,
) -> Result<&'a [String], GetoptError> {
    let mut chars = shorts.chars();
    while let Some(letter) = chars.next() {
        let name = format!("-{letter}");
        let Some(index) = known.iter().position(|flag| flag.short == Some(letter)) else {
            return Err(GetoptError::NotRecognized(name));
        };
        if !known[index].takes_value {
            given.push(Given {
                index,
                name,
                value: "",
            });
            continue;
        }
        let (value, rest) = match (chars.as_str(), following) {
            ("", []) => return Err(GetoptError::RequiresArgument(name)),
            ("", [value, rest @ ..]) => (value.as_str(), rest),
            (glued, rest) => (glued, rest),
        };
        given.push(Given { index, name, value });
        return Ok(rest);
    }
    Ok(following)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn flag(short: char, long: &'static str, takes_value: bool) -> Known {
        Known {
            short: Some(short),
            long: Some(long),
            takes_value,
        }
    }

    const KNOWN: [Known; 5] = [
        flag('c', "configuration", true),
        flag('n', "nodaemon", false),
        flag('s', "silent", false),
        flag('t', "strip_ansi", false),
        Known {
            short: None,
            long: Some("nodaemonize"),
            takes_value: true,
        },
    ];

    fn check(args: &str, expected: &str) {
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        let said = match getopt(&args, &KNOWN) {
            Err(error) => error.to_string(),
            Ok((given, rest)) => {
                let given: Vec<_> = given
                    .iter()
                    .map(|flag| format!("{}={}", flag.name, flag.value))
                    .collect();
                format!("{} | {}", given.join(" "), rest.join(" "))
            }
        };
        assert_eq!(said, expected, "{args:?}");
    }

    // Expected values printed by Python 3 itself.
    #[test]
    fn flags_are_read_as_python_reads_them() {
        check("-c x -n y -s", "-c=x -n= | y -s");
        check("-nsc x", "-n= -s= -c=x | ");
        check("-ncx=y", "-n= -c=x=y | ");
        check("-c -n", "-c=-n | ");
        check("--conf x", "--configuration=x | ");
        check("--conf=x=y", "--configuration=x=y | ");
        check("--configuration= -n", "--configuration= -n= | ");
        check("--nodaemon", "--nodaemon= | ");
        check("--nodaemoni=1", "--nodaemonize=1 | ");
        check("-n -- -s", "-n= | -s");
        check("-n - -s", "-n= | - -s");
        check("", " | ");
    }

    #[test]
    fn what_python_refuses_is_refused_in_its_words() {
        check("--foo", "option --foo not recognized");
        check("--foo=1", "option --foo not recognized");
        check("-nx", "option -x not recognized");
        check("-n-", "option -- not recognized");
        check("-c", "option -c requires argument");
        check("--conf", "option --configuration requires argument");
        check("--silent=1", "option --silent must not have an argument");
        check("--si=", "option --silent must not have an argument");
        check("--s", "option --s not a unique prefix");
        check("--no", "option --no not a unique prefix");
        check("--=1", "option -- not a unique prefix");
    }
}
