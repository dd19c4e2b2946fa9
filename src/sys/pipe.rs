//! Our ends of a child's pipes: how much they hold, reading and writing.

use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd;
use std::io;
use std::os::fd::AsFd;

/// What a pipe holds unless somebody changed it.
const USUAL: usize = 64 * 1024;

/// How many bytes a pipe can hold. For what is no pipe, as many as are usual.
pub fn capacity(pipe: impl AsFd) -> usize {
    fcntl(pipe, FcntlArg::F_GETPIPE_SZ)
        .ok()
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(USUAL)
}

/// Makes a pipe hold more, if the system lets us; answers how many bytes it can hold then.
pub fn grow(pipe: impl AsFd + Copy, size: i32) -> usize {
    // Where it is refused, as for a user who has many big pipes, it stays as it was.
    let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(size));
    capacity(pipe)
}

/// Reads once, and answers how many bytes; 0 at its end. `WouldBlock` if there are none now and
/// the descriptor does not block.
pub fn read(pipe: impl AsFd, room: &mut [u8]) -> io::Result<usize> {
    Ok(unistd::read(pipe, room)?)
}

/// Writes once, and answers how many bytes were taken. `WouldBlock` if there is no room now and
/// the descriptor does not block; `BrokenPipe` if nobody will ever read.
pub fn write(pipe: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(unistd::write(pipe, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn a_pipe_grows_and_what_is_no_pipe_does_not() {
        let (reader, _writer) = std::io::pipe().expect("descriptors are to be had");
        assert_eq!(capacity(&reader), USUAL);
        assert_eq!(grow(reader.as_fd(), 128 * 1024), 128 * 1024);
        let file = File::open("/dev/null").expect("it is there");
        assert_eq!(grow(file.as_fd(), 128 * 1024), USUAL);
    }
}
