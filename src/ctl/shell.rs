//! The interactive shell: lines from a person or a pipe, until the end of either.

use super::answer::{ProcessInfo, list};
use super::api::{Api, Live, Target};
use super::ask::{Ask, AskError};
use super::complete::{complete, last_word};
use super::out::Out;
use super::session::{Flow, Session};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

/// Shows the status, then obeys line after line.
pub(super) fn run(session: &mut Session<'_>, prompt: &str, lines: &mut dyn Ask) {
    let mut flow = session.obey("status");
    while flow == Flow::Go {
        flow = match lines.line(prompt, &mut session.out) {
            Ok(line) => session.obey(&line),
            Err(AskError::End) => session.obey("EOF"),
            Err(AskError::Interrupted) => {
                session.say("");
                Flow::Leave
            }
            Err(error @ AskError::Unreadable(_)) => {
                session.say(&format!("error: {error}"));
                Flow::Leave
            }
        };
    }
    session.out.flush();
}

/// A person at a terminal, with history and completion.
pub(super) struct Typist {
    editor: Editor<Completion, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Typist {
    /// A history file that cannot be read is an empty one.
    pub(super) fn new(
        target: Rc<RefCell<Target>>,
        history: Option<PathBuf>,
    ) -> Result<Self, AskError> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Completion {
            target,
            known: RefCell::new(None),
        }));
        if let Some(history) = &history {
            let _ = editor.load_history(history);
        }
        Ok(Self { editor, history })
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        if let Some(history) = &self.history {
            // As in the original, a history that cannot be kept is no reason to fail.
            let _ = self.editor.save_history(history);
        }
    }
}

impl Ask for Typist {
    fn line(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError> {
        out.flush();
        if let Some(completion) = self.editor.helper() {
            completion.known.take();
        }
        Ok(self.editor.readline(prompt)?)
    }

    fn secret(&mut self, prompt: &str, out: &mut Out<'_>) -> Result<String, AskError> {
        self.line(prompt, out)
    }
}

/// Completes lines with what the daemon knows, which is asked once a line.
struct Completion {
    target: Rc<RefCell<Target>>,
    known: RefCell<Option<Vec<(String, String)>>>,
}

impl Completion {
    /// Groups and names of all processes; none if the daemon cannot be asked.
    fn processes(&self) -> Vec<(String, String)> {
        let mut known = self.known.borrow_mut();
        known
            .get_or_insert_with(|| {
                let mut api = Live::new(Rc::clone(&self.target), true);
                api.call("getAllProcessInfo", &[])
                    .and_then(|value| list(&value, ProcessInfo::read))
                    .unwrap_or_default()
                    .into_iter()
                    .map(|info| (info.group, info.name))
                    .collect()
            })
            .clone()
    }
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> Result<(usize, Vec<String>), ReadlineError> {
        let line = line.get(..position).unwrap_or(line);
        let start = line.len() - last_word(line).len();
        Ok((start, complete(line, || self.processes())))
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}

impl Validator for Completion {}

impl Helper for Completion {}
