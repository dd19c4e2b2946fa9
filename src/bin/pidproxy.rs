//! `pidproxy`: passes signals on to a program that runs in the background.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    supervisord::launch::pidproxy()
}
