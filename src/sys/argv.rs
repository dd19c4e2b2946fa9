//! Our own command line, which every user of the machine can read in `/proc`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

/// The field of `/proc/self/stat` that holds where the command line begins in our memory, counted
/// from the one behind the program's name, which is the third.
const ARG_START: usize = 48 - 3;

/// Puts an `x` over the bytes that `secrets` finds: for each, which argument and from which byte
/// of it on. Linux shows the memory that we were started with, so that is what is changed.
/// Whatever holds the arguments already, such as `std::env::args`, must have been asked before.
pub fn hide(secrets: impl Fn(&[&[u8]]) -> Vec<(usize, usize)>) -> io::Result<()> {
    let cmdline = fs::read("/proc/self/cmdline")?;
    let arguments: Vec<&[u8]> = cmdline.split(|&byte| byte == 0).collect();
    let found = secrets(&arguments);
    if found.is_empty() {
        return Ok(());
    }
    let begin =
        arg_start(&fs::read_to_string("/proc/self/stat")?).ok_or(io::ErrorKind::InvalidData)?;
    let memory = File::options().write(true).open("/proc/self/mem")?;
    for (index, from) in found {
        let (Some(argument), before) = (
            arguments.get(index),
            arguments.iter().take(index).map(|text| text.len() + 1),
        ) else {
            continue;
        };
        let secret = argument.get(from..).unwrap_or_default();
        let place = begin + before.sum::<usize>() as u64 + from as u64;
        memory.write_all_at(&vec![b'x'; secret.len()], place)?;
    }
    Ok(())
}

/// Where the command line begins in memory. The program's name may hold anything but is the only
/// thing in parentheses at the end of which nothing but numbers follows.
fn arg_start(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(ARG_START)?.parse().ok()
}
