//! Questions to the person at the keyboard.

use super::out::Out;
use rustyline::completion::Completer;
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Editor, Helper};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead as _};

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AskError {
    /// The input has ended.
    End,
    /// Ctrl-C.
    Interrupted,
    /// The input cannot be read.
    Unreadable(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the input ended before the question was answered"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Unreadable(reason) => write!(f, "the input cannot be read: {reason}"),
        }
    }
}

impl From<ReadlineError> for AskError {
    fn from(error: ReadlineError) -> Self {
        match error {
            ReadlineError::Eof => Self::End,
            ReadlineError::Interrupted => Self::Interrupted,
            error => Self::Unreadable(error.to_string()),
        }
    }
}

/// Somebody who answers questions, line by line.
pub(super) trait Ask {
    /// Asks for a line, which comes without its line feed.
    fn line(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError>;
    /// Asks for a line that is not shown as it is typed.
    fn secret(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError>;
}

/// Lines of a pipe or a file. The prompts are shown all the same, as Python shows them.
#[derive(Debug)]
pub(super) struct Piped;

impl Ask for Piped {
    fn line(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError> {
        // A reader of the prompt that went away does not matter.
        let _ = out.bytes(prompt.as_bytes());
        let mut line = Vec::new();
        let length = io::stdin()
            .lock()
            .read_until(b'\n', &mut line)
            .map_err(|error| AskError::Unreadable(error.to_string()))?;
        if length == 0 {
            return Err(AskError::End);
        }
        if line.ends_with(b"\n") {
            line.pop();
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn secret(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError> {
        self.line(prompt, out)
    }
}

/// A person at a terminal, with line editing.
#[derive(Debug)]
pub(super) struct Terminal;

impl Ask for Terminal {
    fn line(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError> {
        out.flush();
        Ok(Editor::<(), DefaultHistory>::new()?.readline(prompt)?)
    }

    fn secret(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError> {
        out.flush();
        let mut editor = Editor::<Masked, DefaultHistory>::new()?;
        editor.set_helper(Some(Masked));
        editor.set_color_mode(rustyline::ColorMode::Forced);
        editor.set_auto_add_history(false);
        Ok(editor.readline(prompt)?)
    }
}

/// Shows spaces instead of what is typed.
struct Masked;

impl Highlighter for Masked {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(" ".repeat(line.chars().count()))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}

impl Completer for Masked {
    type Candidate = String;
}

impl Hinter for Masked {
    type Hint = String;
}

impl Validator for Masked {}

impl Helper for Masked {}
