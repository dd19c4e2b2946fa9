//! An event listener in Rust, to be copied: says on its stderr what it hears.
//!
//! ```ini
//! [eventlistener:hears]
//! command=target/debug/examples/listener
//! events=PROCESS_STATE,TICK_60
//! payload_length=bytes
//! ```
//!
//! Its stdout is for its answers alone. By default `len:` counts characters, as in Supervisor;
//! here it is asked for in bytes.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};

fn main() -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    let mut stdout = io::stdout().lock();
    loop {
        stdout.write_all(b"READY\n")?;
        stdout.flush()?;
        let mut header = String::new();
        if stdin.read_line(&mut header)? == 0 {
            // The daemon is gone.
            return Ok(());
        }
        let header = pairs(&header);
        let length = header.get("len").and_then(|length| length.parse().ok());
        let mut payload = vec![0; length.unwrap_or(0)];
        stdin.read_exact(&mut payload)?;
        let answer = match handle(&header, &String::from_utf8_lossy(&payload)) {
            Ok(()) => "OK",
            // The event is sent again, to this listener or another of its pool.
            Err(_) => "FAIL",
        };
        write!(stdout, "RESULT {}\n{answer}", answer.len())?;
    }
}

/// `key:value` pairs between spaces.
fn pairs(text: &str) -> HashMap<&str, &str> {
    let words = text.split_whitespace();
    words.filter_map(|word| word.split_once(':')).collect()
}

fn handle(header: &HashMap<&str, &str>, payload: &str) -> io::Result<()> {
    let name = header
        .get("eventname")
        .unwrap_or(&"an event without a name");
    writeln!(io::stderr(), "{name}: {payload}")
}
