//! `supervisorctl`: a line of words becomes an action, an action a call, an answer a text.
//!
//! ```text
//!  argv, config ─► Options ─► Session ◄─ lines (one, or a shell's)
//!                                │
//!            actions: words ─► calls (Api) ─► answers ─► lines (Out), exit code
//! ```
//!
//! Text and exit codes are the original's, because scripts read them. Where the original prints
//! a Python exception, a line that begins with `error: ` says the same in a sentence, and what
//! may help follows on standard error. The room knows nothing of actors: it would work with any
//! daemon that speaks the interface, and does with the original.

#![forbid(unsafe_code)]

mod actions;
mod answer;
mod api;
mod ask;
mod code;
mod complete;
mod details;
mod json;
mod line;
mod options;
mod out;
mod session;
mod shell;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trouble;

use crate::config::ClientConfig;
use api::{Live, Target};
use ask::{Ask, AskError, Piped, Terminal};
pub use options::secrets;
use options::{Options, Stop};
use out::Out;
use session::Session;
use shell::Typist;
use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::rc::Rc;

/// Runs `supervisorctl`: what the arguments say, with the config that `load` finds (it is given
/// the value of `-c`, and answers a message if the file cannot be used). Gives the exit code.
pub fn main(
    program: &str,
    args: &[String],
    load: impl FnOnce(Option<&str>) -> Result<Option<(PathBuf, ClientConfig)>, String>,
) -> i32 {
    match Options::read(program, args, load) {
        Ok(options) => run(options),
        Err(Stop::Help(text)) => {
            // Nobody fails because help cannot be shown.
            let _ = io::stdout().write_all(text.as_bytes());
            code::SUCCESS
        }
        Err(Stop::Usage(text)) => {
            let _ = io::stderr().write_all(text.as_bytes());
            code::INVALID_ARGS
        }
    }
}

fn run(options: Options) -> i32 {
    let target = Rc::new(RefCell::new(options.target));
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let lively = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let is_shell = options.words.is_empty();
    let mut ask: Box<dyn Ask> = if is_terminal {
        Box::new(Terminal)
    } else {
        Box::new(Piped)
    };
    // Not locked: the logs that `fg` shows are written by threads of their own.
    let mut stdout = io::stdout();
    let mut stderr = io::stderr();
    let mut session = Session {
        api: &mut Live::new(Rc::clone(&target), is_shell),
        ask: ask.as_mut(),
        out: Out::new(&mut stdout, lively),
        err: &mut stderr,
        interactive: options.interactive,
        origin: options.origin,
        json: false,
        status: code::SUCCESS,
    };
    if !is_shell {
        session.obey(&options.words.join(" "));
        return session.status;
    }
    let prompt = format!("{}> ", options.prompt);
    match lines(is_terminal, target, options.history_file) {
        Ok(mut lines) => {
            shell::run(&mut session, &prompt, lines.as_mut());
            code::SUCCESS
        }
        Err(error) => {
            session.say(&format!("error: {error}"));
            session.out.flush();
            code::GENERIC
        }
    }
}

fn lines(
    is_terminal: bool,
    target: Rc<RefCell<Target>>,
    history: Option<PathBuf>,
) -> Result<Box<dyn Ask>, AskError> {
    Ok(if is_terminal {
        Box::new(Typist::new(target, history)?)
    } else {
        Box::new(Piped)
    })
}
