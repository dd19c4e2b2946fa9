//! Files by pattern, as Python's `glob.glob` finds them: `*`, `?` and `[…]` within one folder's
//! names, hidden files only where the pattern begins with a dot, and no error for anything.

use super::paths::{Surroundings, dirname, join};
use std::fs;

/// The paths that match, in no order. Names that are not UTF-8 never match.
pub(super) fn glob(pattern: &str, around: Surroundings<'_>) -> Vec<String> {
    find(pattern, around, false)
}

fn find(pattern: &str, around: Surroundings<'_>, only_folders: bool) -> Vec<String> {
    let (folder, name) = (dirname(pattern), basename(pattern));
    if !has_magic(pattern) {
        let found = if name.is_empty() {
            around.is_dir(folder)
        } else {
            exists(pattern, around)
        };
        return found.then(|| pattern.to_owned()).into_iter().collect();
    }
    let folders = if has_magic(folder) && folder != pattern {
        find(folder, around, true)
    } else {
        vec![folder.to_owned()]
    };
    folders
        .iter()
        .flat_map(|folder| {
            let names = if has_magic(name) {
                matching(folder, name, around, only_folders)
            } else {
                plain(folder, name, around).into_iter().collect()
            };
            names.into_iter().map(|name| join(folder, &name))
        })
        .collect()
}

fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

fn exists(path: &str, around: Surroundings<'_>) -> bool {
    // A link that leads nowhere is there.
    around.located(path).symlink_metadata().is_ok()
}

fn plain(folder: &str, name: &str, around: Surroundings<'_>) -> Option<String> {
    let found = if name.is_empty() {
        around.is_dir(folder)
    } else {
        exists(&join(folder, name), around)
    };
    found.then(|| name.to_owned())
}

fn matching(
    folder: &str,
    pattern: &str,
    around: Surroundings<'_>,
    only_folders: bool,
) -> Vec<String> {
    let Ok(entries) = fs::read_dir(around.located(folder)) else {
        return Vec::new();
    };
    let pieces = pieces(pattern);
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| pattern.starts_with('.') || !name.starts_with('.'))
        .filter(|name| fits(&pieces, &name.chars().collect::<Vec<_>>()))
        .filter(|name| !only_folders || around.is_dir(&join(folder, name)))
        .collect()
}

/// What a part of a pattern stands for.
enum Piece {
    /// Any number of characters.
    Star,
    /// One character, whichever.
    Any,
    /// This character.
    One(char),
    /// A character of these ranges, or of no one of them.
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Star | Self::Any => true,
            Self::One(wanted) => *wanted == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|&(low, high)| (low..=high).contains(&c)) != *negated
            }
        }
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        pieces.push(match c {
            '*' => Piece::Star,
            '?' => Piece::Any,
            '[' => match closing(&chars, at) {
                // A bracket that is not closed is one itself.
                None => Piece::One('['),
                Some(end) => {
                    let set = set(&chars[at..end]);
                    at = end + 1;
                    set
                }
            },
            c => Piece::One(c),
        });
    }
    pieces
}

/// Where the set ends whose inside begins here. A `]` right at the beginning belongs to it.
fn closing(chars: &[char], start: usize) -> Option<usize> {
    let first = start + usize::from(chars.get(start) == Some(&'!'));
    let from = first + usize::from(chars.get(first) == Some(&']'));
    let rest = chars.get(from..)?;
    rest.iter().position(|&c| c == ']').map(|at| from + at)
}

fn set(inside: &[char]) -> Piece {
    let (negated, mut rest) = match inside {
        ['!', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    while let [low, after @ ..] = rest {
        let (high, after) = match after {
            ['-', high, after @ ..] => (high, after),
            after => (low, after),
        };
        ranges.push((*low, *high));
        rest = after;
    }
    Piece::Set { negated, ranges }
}

/// Whether the pieces cover the whole name. On a mismatch only the last star is given one
/// character more, so the work is bounded by the product of both lengths.
fn fits(pieces: &[Piece], name: &[char]) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pieces.get(piece) {
            Some(Piece::Star) => {
                star = Some((piece, at));
                piece += 1;
            }
            Some(one) if one.takes(name[at]) => {
                piece += 1;
                at += 1;
            }
            Some(_) | None => {
                let Some((back, taken)) = star else {
                    return false;
                };
                star = Some((back, taken + 1));
                piece = back + 1;
                at = taken + 1;
            }
        }
    }
    pieces[piece..]
        .iter()
        .all(|piece| matches!(piece, Piece::Star))
}

#[cfg(test)]
mod tests {
    use super::super::host::tests::TableHost;
    use super::super::testing::Folder;
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let pieces = pieces(pattern);
        let fits = |name: &str| fits(&pieces, &name.chars().collect::<Vec<_>>());
        for name in matching {
            assert!(fits(name), "{pattern} {name}");
        }
        for name in others {
            assert!(!fits(name), "{pattern} {name}");
        }
    }

    // Expected values returned by Python's fnmatch.
    #[test]
    fn names_fit_as_python_fits_them() {
        check("*.conf", &["a.conf", ".conf"], &["a.conf~", "conf"]);
        check("a*b*c", &["abc", "axxbyybzc"], &["ab", "abcd"]);
        check("**", &["", "ab"], &[]);
        check("?.ini", &["a.ini", "\u{e9}.ini"], &["ab.ini", ".ini"]);
        check("[a-c]1", &["a1", "c1"], &["d1", "-1"]);
        check("[!a-c]1", &["d1", "!1"], &["a1"]);
        check("[]x]", &["]", "x"], &["["]);
        check("[a-]", &["a", "-"], &["b"]);
        check("[z-a]", &[], &["z", "a", "-"]);
        check("a[b", &["a[b"], &["ab"]);
        check("[^a]", &["^", "a"], &["b"]);
        check("[!]", &["[!]"], &["a"]);
    }

    #[test]
    fn files_are_found() {
        let folder = Folder::new();
        for name in [
            "b.conf",
            "a.conf",
            ".h.conf",
            "c.ini",
            "d/x.conf",
            "e/y.conf",
            "d[1].conf",
        ] {
            folder.write(name, "");
        }
        let around = Surroundings {
            cwd: folder.path(),
            host: &TableHost,
        };
        let check = |pattern: &str, expected: &[&str]| {
            let base = folder.path().to_string_lossy().into_owned();
            let mut found = glob(&join(&base, pattern), around);
            found.sort();
            let expected: Vec<_> = expected.iter().map(|name| join(&base, name)).collect();
            assert_eq!(found, expected, "{pattern}");
        };
        check("*.conf", &["a.conf", "b.conf", "d[1].conf"]);
        check(".*.conf", &[".h.conf"]);
        check("*/*.conf", &["d/x.conf", "e/y.conf"]);
        check("?/x.conf", &["d/x.conf"]);
        check("a.conf", &["a.conf"]);
        check("d[[]1].conf", &["d[1].conf"]);
        check("d[1].conf", &[]);
        check("none", &[]);
        check("none/*", &[]);
        check("[de]/", &["d/", "e/"]);
        check("d/../*.ini", &["d/../c.ini"]);
    }
}
