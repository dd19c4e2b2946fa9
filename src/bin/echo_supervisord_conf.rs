//! `echo_supervisord_conf`.

#![forbid(unsafe_code)]

fn main() {}
