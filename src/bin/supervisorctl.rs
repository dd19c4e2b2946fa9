//! `supervisorctl`.

#![forbid(unsafe_code)]

fn main() {
    std::process::exit(supervisord::launch::supervisorctl());
}
