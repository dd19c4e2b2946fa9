//! Which file system a path is on, by the table of mounts alone: asking the file system itself
//! would wait for one that hangs.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// The number of a file system's device, e.g. `8:1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Device {
    /// The kind of device.
    pub major: u32,
    /// Which of them.
    pub minor: u32,
}

/// The table of mounts, read again when the kernel says that it has changed.
#[derive(Debug)]
pub struct Mounts {
    source: Option<File>,
    table: Vec<Mount>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    point: PathBuf,
    device: Device,
}

impl Default for Mounts {
    fn default() -> Self {
        Self::new()
    }
}

impl Mounts {
    /// The mounts of this process. Where `/proc` is missing no path is on any file system that
    /// we know of.
    pub fn new() -> Self {
        let mut mounts = Self {
            source: File::open("/proc/self/mountinfo").ok(),
            table: Vec::new(),
        };
        mounts.read();
        mounts
    }

    /// The device of the file system that an absolute path is on, taken by its text: symbolic
    /// links are not followed, for that would mean to ask the file system.
    pub fn device_of(&mut self, path: &Path) -> Option<Device> {
        if self.has_changed() {
            self.read();
        }
        find(&self.table, &plain(path))
    }

    fn has_changed(&self) -> bool {
        let Some(source) = &self.source else {
            return false;
        };
        let mut asked = [PollFd::new(source.as_fd(), PollFlags::POLLPRI)];
        // A failure to ask is no reason to go without a table.
        poll(&mut asked, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    fn read(&mut self) {
        if let Ok(text) = self.text() {
            self.table = text
                .split(|&byte| byte == b'\n')
                .filter_map(parse)
                .collect();
        }
    }

    fn text(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        if let Some(source) = &mut self.source {
            source.rewind()?;
            source.read_to_end(&mut text)?;
        }
        Ok(text)
    }
}

/// The innermost mount decides, and among those at one point the last, which covers the others.
fn find(table: &[Mount], path: &Path) -> Option<Device> {
    table
        .iter()
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
        .map(|mount| mount.device)
}

/// The path without `.` and `..`, which are taken by the text.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    plain
}

/// A line of `mountinfo`: `36 35 98:0 /root /point options …` (`proc_pid_mountinfo(5)`).
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let device = std::str::from_utf8(fields.nth(2)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    let point = fields.nth(1)?;
    Some(Mount {
        point: PathBuf::from(OsString::from_vec(unescape(point))),
        device: Device {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        },
    })
}

/// White space and backslashes are written as three octal digits after a backslash.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let code = match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                Some((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'))
            }
            _ => None,
        };
        plain.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    plain
}

/// The absolute path of a path that is relative to the working directory.
pub fn absolute(path: &Path) -> PathBuf {
    if path.is_absolute() || path.as_os_str().as_bytes().is_empty() {
        return path.to_path_buf();
    }
    // A working directory that was removed has no path; then the root is as good as any.
    std::env::current_dir()
        .unwrap_or_else(|_| PathBuf::from("/"))
        .join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:5 / /dev rw,nosuid - devtmpfs udev rw
23 21 8:1 / /var/log rw - xfs /dev/sda1 rw
24 21 8:2 / /mnt/with\\040space\\134 rw - xfs /dev/sda2 rw
25 23 8:3 / /var/log rw - xfs /dev/sda3 rw
not a line of that kind
";

    fn check(path: &str, device: Option<(u32, u32)>) {
        let table: Vec<_> = TABLE
            .lines()
            .filter_map(|line| parse(line.as_bytes()))
            .collect();
        let found = find(&table, &plain(Path::new(path)));
        let device = device.map(|(major, minor)| Device { major, minor });
        assert_eq!(found, device, "{path}");
    }

    #[test]
    fn the_innermost_mount_decides() {
        check("/x.log", Some((254, 0)));
        check("/dev/stdout", Some((0, 5)));
        check("/devices/x.log", Some((254, 0)));
        check("/var/log", Some((8, 3)));
        check("/var/log/app/x.log", Some((8, 3)));
        check("/var/logs/x.log", Some((254, 0)));
    }

    #[test]
    fn dots_are_taken_by_the_text() {
        check("/var/log/../x.log", Some((254, 0)));
        check("/var/./log/./x.log", Some((8, 3)));
        check("/../../dev/null", Some((0, 5)));
    }

    #[test]
    fn points_with_white_space_are_found() {
        check("/mnt/with space\\/x.log", Some((8, 2)));
        check("/mnt/with/x.log", Some((254, 0)));
    }

    #[test]
    fn a_relative_path_is_on_no_known_file_system() {
        check("x.log", None);
        assert!(absolute(Path::new("x.log")).is_absolute());
    }

    #[test]
    fn our_own_table_knows_the_root_and_devices() {
        let mut mounts = Mounts::new();
        assert!(mounts.device_of(Path::new("/")).is_some());
        let (proc, root) = (
            mounts.device_of(Path::new("/proc/self/fd/1")),
            mounts.device_of(Path::new("/")),
        );
        assert_ne!(proc, root);
    }
}
