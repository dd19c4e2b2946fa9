//! Paths as Python's `os.path` handles them: by their text alone, and `~` by the host's users.

use super::host::Host;
use std::path::{Path, PathBuf};

/// Where relative paths begin, and who has a home.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The working directory, absolute.
    pub cwd: &'a Path,
    /// Who knows the users.
    pub host: &'a dyn Host,
}

impl Surroundings<'_> {
    /// The path with a leading `~` or `~user` replaced by that home, where there is one.
    pub(super) fn expand_user(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix('~') else {
            return path.to_owned();
        };
        let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let user = Some(user).filter(|user| !user.is_empty());
        let Some(home) = self.host.home_of(user) else {
            return path.to_owned();
        };
        match format!("{}{rest}", home.trim_end_matches('/')) {
            empty if empty.is_empty() => "/".to_owned(),
            path => path,
        }
    }

    /// The path from the root on, without `.`, `..` and doubled slashes. Links are not looked at.
    pub(super) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            return normal(path);
        }
        normal(&format!("{}/{path}", self.cwd.to_string_lossy()))
    }

    /// What the original makes of paths that outlive a change of directory: `~` replaced, then
    /// absolute.
    pub(super) fn normalized(&self, path: &str) -> String {
        self.absolute(&self.expand_user(path))
    }

    /// For a question to the file system: the path from the root on, as it is.
    pub(super) fn located(&self, path: &str) -> PathBuf {
        self.cwd.join(path)
    }

    /// Whether a directory is there; the empty path is none.
    pub(super) fn is_dir(&self, path: &str) -> bool {
        !path.is_empty() && self.located(path).is_dir()
    }
}

/// All before the last slash, without slashes at its end unless it is nothing else.
pub(super) fn dirname(path: &str) -> &str {
    let Some(slash) = path.rfind('/') else {
        return "";
    };
    let head = &path[..=slash];
    match head.trim_end_matches('/') {
        "" => head,
        trimmed => trimmed,
    }
}

/// A path within a directory; an absolute one stands alone.
pub(super) fn join(directory: &str, path: &str) -> String {
    match (directory, path) {
        (_, path) if path.starts_with('/') => path.to_owned(),
        ("", path) => path.to_owned(),
        (directory, path) if directory.ends_with('/') => format!("{directory}{path}"),
        (directory, path) => format!("{directory}/{path}"),
    }
}

/// A path without `.`, `..` and doubled slashes; exactly two slashes at its beginning stay two,
/// which POSIX leaves to the system.
fn normal(path: &str) -> String {
    let root = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            ".." if !root.is_empty() => {}
            part => parts.push(part),
        }
    }
    match format!("{root}{}", parts.join("/")) {
        empty if empty.is_empty() => ".".to_owned(),
        path => path,
    }
}

/// The directory for temporary files, as Python's `tempfile.gettempdir` picks it, except that it
/// must only be there: nothing is written to find out.
pub(super) fn temporary_directory(
    env: &std::collections::BTreeMap<String, String>,
    around: Surroundings<'_>,
) -> String {
    let named = ["TMPDIR", "TEMP", "TMP"]
        .into_iter()
        .filter_map(|name| env.get(name));
    named
        .map(String::as_str)
        .filter(|path| !path.is_empty())
        .chain(["/tmp", "/var/tmp", "/usr/tmp"])
        .map(|path| around.absolute(path))
        .find(|path| around.is_dir(path))
        .unwrap_or_else(|| around.absolute(""))
}

#[cfg(test)]
mod tests {
    use super::super::host::tests::TableHost;
    use super::*;

    // Expected values returned by Python's os.path, here and below.
    #[test]
    fn paths_are_made_normal() {
        for (path, expected) in [
            ("/a//b/./c/../d/", "/a/b/d"),
            ("/..", "/"),
            ("//a", "//a"),
            ("///a", "/a"),
            ("a/../..", ".."),
            ("../../a", "../../a"),
            ("", "."),
            ("./", "."),
        ] {
            assert_eq!(normal(path), expected, "{path}");
        }
    }

    #[test]
    fn paths_are_taken_apart_and_joined() {
        for (path, expected) in [
            ("a", ""),
            ("a/b", "a"),
            ("/a", "/"),
            ("//a", "//"),
            ("a//b", "a"),
            ("a/", "a"),
        ] {
            assert_eq!(dirname(path), expected, "{path}");
        }
        assert_eq!(join("/a", "b"), "/a/b");
        assert_eq!(join("/a/", "b"), "/a/b");
        assert_eq!(join("/a", "/b"), "/b");
        assert_eq!(join("", "b"), "b");
    }

    #[test]
    fn a_tilde_is_a_home() {
        let around = Surroundings {
            cwd: Path::new("/srv"),
            host: &TableHost,
        };
        for (path, expected) in [
            ("~", "/home/me"),
            ("~/x", "/home/me/x"),
            ("~ann/x", "/home/ann/x"),
            ("~nobody-here/x", "~nobody-here/x"),
            ("~root", "/"),
            ("a~", "a~"),
        ] {
            assert_eq!(around.expand_user(path), expected, "{path}");
        }
        assert_eq!(around.normalized("~/../x"), "/home/x");
        assert_eq!(around.normalized("x/../y"), "/srv/y");
        assert_eq!(around.normalized(""), "/srv");
    }
}
