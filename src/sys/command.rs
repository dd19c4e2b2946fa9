//! From a command line to a file that can be executed, with the original's sentences where there
//! is none (`docs/configuration.rst`, `command`).
//!
//! It asks file systems, which may hang: it belongs on the spawner's thread.

use crate::model::shlex;
use crate::model::text::repr;
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, access};
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where programs are looked for if nobody says, as in the original.
const DEFAULT_PATH: &str = "/bin:/usr/bin:/usr/local/bin";

/// A command line that can be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The file.
    pub file: PathBuf,
    /// The words of the command line.
    pub argv: Vec<String>,
}

/// Why a command line cannot be executed; shown as the original's sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// It cannot be split into words.
    Unparsable {
        /// The whole of it.
        command: String,
        /// Why.
        reason: String,
    },
    /// It has no words.
    Empty,
    /// There is no such file.
    NotFound(String),
    /// The file is a directory.
    Directory(PathBuf),
    /// Nobody may execute the file.
    NotExecutable(PathBuf),
    /// We may not execute the file.
    NoPermission(PathBuf),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |path: &Path| repr(&path.to_string_lossy());
        match self {
            Self::Unparsable { command, reason } => {
                write!(f, "can't parse command {}: {reason}", repr(command))
            }
            Self::Empty => f.write_str("command is empty"),
            Self::NotFound(name) => write!(f, "can't find command {}", repr(name)),
            Self::Directory(path) => write!(f, "command at {} is a directory", quoted(path)),
            Self::NotExecutable(path) => {
                write!(f, "command at {} is not executable", quoted(path))
            }
            Self::NoPermission(path) => {
                write!(f, "no permission to run command {}", quoted(path))
            }
        }
    }
}

impl std::error::Error for CommandError {}

impl Command {
    /// Splits a command line and finds its file: as it stands if it has a slash, else in the
    /// first directory of `path` that has it (`PATH` of the program or of the daemon; colons
    /// between). A file found there that cannot be executed ends the search, as in the original.
    pub fn resolve(command: &str, path: Option<&str>) -> Result<Self, CommandError> {
        let argv = shlex::split(command).map_err(|error| CommandError::Unparsable {
            command: command.to_owned(),
            reason: error.to_string(),
        })?;
        let program = argv.first().ok_or(CommandError::Empty)?;
        let file = if program.contains('/') {
            Some(PathBuf::from(program)).filter(|file| file.exists())
        } else {
            let path = path.filter(|path| !path.is_empty()).unwrap_or(DEFAULT_PATH);
            let candidates = path
                .split(':')
                .map(|directory| Path::new(directory).join(program));
            candidates.into_iter().find(|file| file.exists())
        };
        let file = file.ok_or_else(|| CommandError::NotFound(program.clone()))?;
        check(&file, program)?;
        Ok(Self { file, argv })
    }
}

fn check(file: &Path, program: &str) -> Result<(), CommandError> {
    let metadata =
        std::fs::metadata(file).map_err(|_| CommandError::NotFound(program.to_owned()))?;
    let anybody = Mode::S_IXUSR | Mode::S_IXGRP | Mode::S_IXOTH;
    if metadata.is_dir() {
        Err(CommandError::Directory(file.to_owned()))
    } else if metadata.permissions().mode() & anybody.bits() == 0 {
        Err(CommandError::NotExecutable(file.to_owned()))
    } else if access(file, AccessFlags::X_OK).is_err() {
        Err(CommandError::NoPermission(file.to_owned()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, path: Option<&str>, expected: &str) {
        let found = match Command::resolve(command, path) {
            Ok(command) => format!("{} {:?}", command.file.display(), command.argv),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{command}");
    }

    #[test]
    fn a_command_is_found_or_the_original_says_why_not() {
        check(
            "/bin/sh -c 'a b'",
            None,
            r#"/bin/sh ["/bin/sh", "-c", "a b"]"#,
        );
        check("sh", Some("/nowhere:/bin"), r#"/bin/sh ["sh"]"#);
        check("sh", Some(""), r#"/bin/sh ["sh"]"#);
        check("sh", Some("/nowhere"), "can't find command 'sh'");
        check("/no/such file", None, "can't find command '/no/such'");
        check(
            "it's",
            None,
            r#"can't parse command "it's": No closing quotation"#,
        );
        check("", None, "command is empty");
        check("/usr", None, "command at '/usr' is a directory");
        check("usr", Some("/"), "command at '/usr' is a directory");
        check(
            "/etc/passwd",
            None,
            "command at '/etc/passwd' is not executable",
        );
    }
}
