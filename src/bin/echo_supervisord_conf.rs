//! `echo_supervisord_conf`: prints a sample config.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::process::ExitCode;
use supervisord::config::SAMPLE;

fn main() -> ExitCode {
    match io::stdout().lock().write_all(SAMPLE.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it had enough of it, e.g. `head`.
        Err(_) => ExitCode::FAILURE,
    }
}
