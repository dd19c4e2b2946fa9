//! `supervisorctl`.

#![forbid(unsafe_code)]

use std::process::exit;

fn main() {
    let mut args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let program = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    exit(supervisord::ctl::main(&program, &args, |_| Ok(None)));
}
