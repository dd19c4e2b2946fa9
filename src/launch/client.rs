//! How `supervisorctl` comes to be: arguments, config file, one action or a shell.

use super::host::Machine;
use crate::config::{ClientConfig, find_default, load_client};
use crate::ctl;
use crate::sys::argv;
use std::env;
use std::path::PathBuf;

/// Runs `supervisorctl` with the arguments of this process; gives its exit code.
pub fn supervisorctl() -> i32 {
    let (program, args) = super::command_line();
    // Where it cannot be hidden, the password is as visible as it was before we came.
    let _ = argv::hide(ctl::secrets);
    ctl::main(&program, &args, |named| config(&program, named))
}

/// The config file that is named, or else found, and what it says; none if there is none.
fn config(program: &str, named: Option<&str>) -> Result<Option<(PathBuf, ClientConfig)>, String> {
    let cwd = env::current_dir().map_err(|error| format!("no working directory: {error}"))?;
    let path = match named {
        // As in the original, no name means no file, and none is looked for.
        Some("") => return Ok(None),
        Some(path) => path.to_owned(),
        None => match find_default(program, &cwd) {
            Ok(path) => path,
            // Without a file, the defaults hold.
            Err(_) => return Ok(None),
        },
    };
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let env = env::vars_os()
        .map(|(name, value)| (lossy(name), lossy(value)))
        .collect();
    let config = load_client(&path, &env, &cwd, &Machine).map_err(|error| error.to_string())?;
    Ok(Some((cwd.join(path), config)))
}
