//! Where lines go. Output is gathered and shown before anything is waited for.

use crate::model::state::ProcessState;
use std::io::{self, Write};

/// Standard output, or a test's buffer. A reader that went away is no error: as with other
/// tools, what it does not want to see is dropped.
pub(super) struct Out<'a> {
    sink: &'a mut dyn Write,
    gathered: Vec<u8>,
    /// Whether states are coloured and long work is shown as it happens.
    pub(super) lively: bool,
}

impl<'a> Out<'a> {
    pub(super) fn new(sink: &'a mut dyn Write, lively: bool) -> Self {
        Self {
            sink,
            gathered: Vec::new(),
            lively,
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        self.gathered.extend_from_slice(line.as_bytes());
        self.gathered.push(b'\n');
    }

    /// Shows bytes as they are, and at once.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.gathered.extend_from_slice(bytes);
        self.try_flush()
    }

    pub(super) fn flush(&mut self) {
        let _ = self.try_flush();
    }

    fn try_flush(&mut self) -> io::Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        self.sink.write_all(&gathered)?;
        self.sink.flush()
    }
}

/// A text in the colour of a state, by the escape sequences that all terminals know.
pub(super) fn coloured(text: &str, state: Option<ProcessState>) -> String {
    let colour = match state {
        Some(ProcessState::Running) => "32",
        Some(ProcessState::Starting | ProcessState::Backoff | ProcessState::Stopping) => "33",
        Some(ProcessState::Fatal | ProcessState::Unknown) | None => "31",
        Some(ProcessState::Stopped | ProcessState::Exited) => "2",
    };
    format!("\x1b[{colour}m{text}\x1b[0m")
}
