//! What stands in the way of a child, looked for after it was in the way: which directory may not
//! be entered, which interpreter is missing.
//!
//! It asks file systems, which may hang: it belongs on the spawner's thread. It explains, and
//! decides nothing: by the time it looks, things may have changed.

use super::spawn::User;
use super::users;
use nix::unistd::{getegid, geteuid, getgroups};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Who is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The user's name; the uid where it has none.
    pub name: String,
    uid: u32,
    groups: Vec<u32>,
}

impl Who {
    /// Whose rights a child has, or would have.
    pub fn of(user: &User) -> Self {
        let named = |uid: u32, groups: &[u32]| Self {
            name: users::Identity::lookup(uid).map_or_else(|_| uid.to_string(), |user| user.name),
            uid,
            groups: groups.to_vec(),
        };
        match user {
            User::Same => {
                let groups = getgroups().unwrap_or_default();
                let groups = groups.into_iter().chain([getegid()]);
                let groups: Vec<u32> = groups.map(nix::unistd::Gid::as_raw).collect();
                named(geteuid().as_raw(), &groups)
            }
            User::Other { uid, groups, .. } => named(*uid, groups),
            User::Impossible { uid, .. } => named(*uid, &[]),
        }
    }

    /// Whether the mode bits let them pass.
    fn may_pass(&self, found: &fs::Metadata) -> bool {
        let bit = if found.uid() == self.uid {
            0o100
        } else if self.groups.contains(&found.gid()) {
            0o010
        } else {
            0o001
        };
        self.uid == 0 || found.mode() & bit != 0
    }
}

/// What is in the way on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// This is not there.
    Missing(PathBuf),
    /// This is not a directory.
    NotADirectory(PathBuf),
    /// This directory may not be entered.
    NoPermission(PathBuf),
}

/// The first obstacle for somebody on the way into a directory, if there is one to be seen.
pub fn on_the_way(directory: &Path, who: &Who) -> Option<Obstacle> {
    let directory = std::path::absolute(directory).ok()?;
    let mut steps: Vec<&Path> = directory.ancestors().collect();
    steps.reverse();
    for step in steps {
        let found = match fs::metadata(step) {
            Ok(found) => found,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::NotFound => Some(Obstacle::Missing(step.to_owned())),
                    ErrorKind::PermissionDenied => step
                        .parent()
                        .map(|above| Obstacle::NoPermission(above.to_owned())),
                    _ => None,
                };
            }
        };
        if !found.is_dir() {
            return Some(Obstacle::NotADirectory(step.to_owned()));
        }
        if !who.may_pass(&found) {
            return Some(Obstacle::NoPermission(step.to_owned()));
        }
    }
    None
}

/// The interpreter that a script's first line names.
pub fn interpreter(script: &Path) -> Option<PathBuf> {
    // As much of the line as the kernel reads.
    let mut line = Vec::new();
    File::open(script)
        .ok()?
        .take(256)
        .read_to_end(&mut line)
        .ok()?;
    let line = line.strip_prefix(b"#!")?;
    let mut words = line
        .split(|&byte| byte == b'\n')
        .next()?
        .split(|&byte| byte == b' ' || byte == b'\t');
    let word = words.find(|word| !word.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(word)))
}

#[cfg(test)]
mod tests {
    use super::super::scratch::Folder;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn stranger() -> Who {
        Who {
            name: "stranger".to_owned(),
            uid: 3_999_999_999,
            groups: vec![3_999_999_998],
        }
    }

    #[test]
    fn the_first_directory_in_the_way_is_named() {
        let scratch = Folder::new();
        let root = scratch.path().to_owned();
        // The test's own folder may be anywhere, also where strangers do not come.
        if on_the_way(&root, &stranger()).is_some() {
            fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("our own");
        }
        let (closed, inner) = (root.join("closed"), root.join("closed/inner"));
        fs::create_dir_all(&inner).expect("a folder of our own");
        fs::write(root.join("file"), "").expect("a file of our own");
        let check = |path: &Path, who: &Who, expected| {
            assert_eq!(on_the_way(path, who), expected, "{}", path.display());
        };
        check(&inner, &stranger(), None);
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o750)).expect("our own");
        let denied = Obstacle::NoPermission(closed.clone());
        check(&inner, &stranger(), Some(denied));
        check(&inner, &Who::of(&User::Same), None);
        let missing = root.join("none");
        let what = Some(Obstacle::Missing(missing.clone()));
        check(&missing.join("deeper"), &stranger(), what);
        let file = root.join("file");
        let what = Some(Obstacle::NotADirectory(file.clone()));
        check(&file, &stranger(), what);
    }

    #[test]
    fn a_scripts_interpreter_is_read_off_its_first_line() {
        let scratch = Folder::new();
        let path = scratch.path().join("script");
        for (text, expected) in [
            ("#!/bin/sh\nexit", Some("/bin/sh")),
            ("#! \t/usr/bin/env python\n", Some("/usr/bin/env")),
            ("#!/x", Some("/x")),
            ("#!", None),
            ("#!\n/bin/sh", None),
            ("", None),
            ("plain", None),
        ] {
            fs::write(&path, text).expect("a file of our own");
            assert_eq!(
                interpreter(&path).as_deref(),
                expected.map(Path::new),
                "{text:?}"
            );
        }
    }
}
