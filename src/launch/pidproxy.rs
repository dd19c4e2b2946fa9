//! `pidproxy`: stands in for a program that runs in the background and writes a pidfile. It runs
//! a command that starts the program, and passes the signals that it gets on to the pid in the
//! file.
//!
//! As in the original, it ends when the command ends, and after having passed on a signal that
//! asks for an end. Other than there, it ends at once and not at the next of five seconds; a
//! program that is not there is a sentence and not a traceback; a pidfile that names many
//! processes (0 and below) or init is not believed.

use crate::model::number::python_int;
use crate::model::signal::Signal;
use crate::sys::standin::{News, StandIn};
use crate::sys::{errno, kill};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
pidproxy -- run command and proxy signals to it via its pidfile.

This executable runs a command and then monitors a pidfile.  When this
executable receives a signal, it sends the same signal to the pid
in the pidfile.

Usage: %s <pidfile name> <command> [<cmdarg1> ...]

";

/// As a shell ends whose command cannot be executed.
const NOT_EXECUTED: u8 = 127;

/// The program `pidproxy`.
pub fn pidproxy() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    let (Some(pidfile), command) = (args.next(), args.collect::<Vec<OsString>>()) else {
        return usage(&program);
    };
    let Some(file) = command.first() else {
        return usage(&program);
    };
    match StandIn::run(file, &command) {
        Ok(command) => stand_in(&command, Path::new(&pidfile)),
        Err(error) => {
            let errno = errno::text(errno::of(&error));
            say(&format!("couldn't exec {}: {errno}\n", file.display()));
            ExitCode::from(NOT_EXECUTED)
        }
    }
}

fn usage(program: &OsString) -> ExitCode {
    say(&USAGE.replace("%s", &program.to_string_lossy()));
    ExitCode::FAILURE
}

fn stand_in(command: &StandIn, pidfile: &Path) -> ExitCode {
    loop {
        let signal = match command.next() {
            News::Signal(signal) => signal,
            News::Over => return ExitCode::SUCCESS,
        };
        let Some(pid) = read(pidfile) else {
            say(&format!(
                "Can't read child pidfile {}!\n",
                pidfile.display()
            ));
            continue;
        };
        let sent = kill::kill(pid, signal);
        if let Err(errno) = sent {
            let errno = errno::text(errno);
            say(&format!("Can't send {signal} to pid {pid}: {errno}\n"));
        }
        match (signal, sent) {
            (Signal::TERM | Signal::INT | Signal::QUIT, Ok(())) => return ExitCode::SUCCESS,
            (Signal::TERM | Signal::INT | Signal::QUIT, Err(_)) => return ExitCode::FAILURE,
            (Signal(_), _) => {}
        }
    }
}

/// The pid in the file, if it is one of a single process that may be signalled.
fn read(pidfile: &Path) -> Option<i32> {
    let pid = python_int(&std::fs::read_to_string(pidfile).ok()?)?;
    i32::try_from(pid).ok().filter(|&pid| pid > 1)
}

fn say(text: &str) {
    // Whoever listened had enough of it.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
