//! Why there is no child, or one that came to nothing: the step, the error number and a sentence
//! for a person who has to mend it. The original's words for the same stand in `spawnerr`.

use super::table::Cause;
use crate::sys::blame::{self, Obstacle, Who};
use crate::sys::command::CommandError;
use crate::sys::errno;
use crate::sys::spawn::{Exec, Failure, SpawnError, Step, User};
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Cause {
    /// A cause without an error number.
    pub(super) fn plain(step: &'static str, reason: impl Into<String>) -> Self {
        Self {
            step,
            errno: None,
            reason: reason.into(),
        }
    }

    /// A cause with the text of its error number after the sentence.
    fn numbered(step: &'static str, errno: i32, sentence: &str) -> Self {
        Self {
            errno: errno::name(errno),
            ..Self::plain(step, format!("{sentence}: {}", lower(&errno::text(errno))))
        }
    }

    /// The command is not one.
    pub(super) fn of_command(error: &CommandError) -> Self {
        let (errno, reason) = match error {
            CommandError::Unparsable { reason, .. } => (
                "EINVAL",
                format!("command cannot be split into words: {reason}"),
            ),
            CommandError::Empty => ("EINVAL", "command is empty".to_owned()),
            CommandError::NotFound(name) => ("ENOENT", format!("command not found: {name}")),
            CommandError::Directory(path) => (
                "EISDIR",
                format!("command is a directory: {}", path.display()),
            ),
            CommandError::NotExecutable(path) => (
                "EACCES",
                format!("command is not executable (chmod +x): {}", path.display()),
            ),
            CommandError::NoPermission(path) => (
                "EACCES",
                format!("no permission to execute the command: {}", path.display()),
            ),
        };
        Self {
            errno: Some(errno),
            ..Self::plain("command", reason)
        }
    }

    /// No child could be made.
    pub(super) fn of_spawn(error: SpawnError) -> Self {
        match error {
            SpawnError::Pipes(errno) => Self::numbered("pipes", errno, "no pipes for the child"),
            SpawnError::Clone(errno) => Self::numbered("fork", errno, "no new process"),
        }
    }

    /// A child came to nothing before its program.
    pub(super) fn of_failure(failure: Failure, exec: &Exec) -> Self {
        let Failure { step, errno } = failure;
        let who = Who::of(&exec.user);
        match step {
            Step::ProcessGroup => Self::numbered("setpgid", errno, "no process group of its own"),
            Step::Descriptors => Self::numbered("dup2", errno, "its pipes cannot be put in place"),
            Step::User => match &exec.user {
                User::Impossible { reason, .. } => Self {
                    errno: errno::name(errno),
                    ..Self::plain(
                        "setuid",
                        format!("cannot become user '{}': {reason}", who.name),
                    )
                },
                User::Same | User::Other { .. } => {
                    let sentence = format!("cannot become user '{}'", who.name);
                    Self::numbered("setuid", errno, &sentence)
                }
            },
            Step::Directory => Self {
                errno: errno::name(errno),
                ..Self::plain("chdir", no_entry(exec.directory.as_deref(), errno, &who))
            },
            Step::Exec => Self {
                errno: errno::name(errno),
                ..Self::plain("exec", no_exec(&exec.file, errno, &who))
            },
        }
    }
}

fn no_entry(directory: Option<&CStr>, errno: i32, who: &Who) -> String {
    let directory = path(directory.unwrap_or_default());
    let (name, shown) = (&who.name, directory.display());
    match blame::on_the_way(directory, who) {
        Some(Obstacle::Missing(at)) => {
            format!("cannot enter {shown}: there is no {}", at.display())
        }
        Some(Obstacle::NotADirectory(at)) => {
            format!("cannot enter {shown}: {} is not a directory", at.display())
        }
        Some(Obstacle::NoPermission(at)) => format!(
            "user '{name}' cannot enter {shown}: permission denied at {}",
            at.display()
        ),
        None => {
            let why = lower(&errno::text(errno));
            format!("user '{name}' cannot enter {shown}: {why}")
        }
    }
}

fn no_exec(file: &CStr, errno: i32, who: &Who) -> String {
    let file = path(file);
    let (name, shown) = (&who.name, file.display());
    let why = match errno {
        errno::ENOENT => match blame::interpreter(file) {
            Some(interpreter) => {
                format!(
                    "its first line names {}, which is missing",
                    interpreter.display()
                )
            }
            None => "it is gone, or its dynamic loader is missing".to_owned(),
        },
        errno::ENOEXEC => {
            "it is neither a program for this machine nor a script that begins with #!".to_owned()
        }
        errno::EACCES => {
            let obstacle = file
                .parent()
                .and_then(|above| blame::on_the_way(above, who));
            let at = match obstacle {
                Some(Obstacle::NoPermission(at)) => {
                    format!("permission denied at {}", at.display())
                }
                Some(Obstacle::Missing(_) | Obstacle::NotADirectory(_)) | None => {
                    "permission denied by its mode or its file system".to_owned()
                }
            };
            return format!("user '{name}' cannot execute {shown}: {at}");
        }
        errno => lower(&errno::text(errno)),
    };
    format!("cannot execute {shown}: {why}")
}

fn path(text: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(text.to_bytes()))
}

/// A text to stand in the middle of a sentence.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
