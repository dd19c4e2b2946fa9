//! A config file from its path to its meaning.

use super::daemon::DaemonSection;
use super::error::{ConfigError, Fault};
use super::groups::Groups;
use super::host::Host;
use super::include::{decoded, include};
use super::lacking::lacking;
use super::paths::{Surroundings, dirname};
use super::percent::{Arg, Names};
use super::raw::Document;
use super::reader::Context;
use super::servers::{servers, serverurl, supervisor_rpc};
use super::types::{Config, Note, Overrides};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a config depends on besides its files and the machine's users.
#[derive(Clone, Copy, Debug)]
pub struct LoadRequest<'a> {
    /// The file as it was named; messages name it so.
    pub path: &'a str,
    /// What the command line says.
    pub overrides: &'a Overrides,
    /// The environment, `%(ENV_X)s`.
    pub env: &'a BTreeMap<String, String>,
    /// Where relative paths begin, absolute.
    pub cwd: &'a Path,
}

/// Reads a config and all files it includes.
///
/// # Errors
/// The first thing that is wrong, in the original's words.
pub fn load(request: &LoadRequest<'_>, host: &dyn Host) -> Result<Config, ConfigError> {
    let around = Surroundings {
        cwd: request.cwd,
        host,
    };
    let globals = globals(request.env);
    let mut notes = Vec::new();
    let mut document = Document::default();
    read_main(&mut document, request.path, around)?;
    include(&mut document, request.path, &globals, around, &mut notes)?;
    meaning(&document, notes, globals, request, around)
}

/// Reads a config as if these bytes stood in its file. Nothing is included.
///
/// # Errors
/// As [`load`].
#[cfg(fuzzing)]
pub fn load_bytes(
    bytes: Vec<u8>,
    request: &LoadRequest<'_>,
    host: &dyn Host,
) -> Result<Config, ConfigError> {
    let around = Surroundings {
        cwd: request.cwd,
        host,
    };
    let mut document = Document::default();
    let text = decoded(bytes, request.path)?;
    document.read(request.path, &text).map_err(Fault::new)?;
    document.replace_here("/");
    meaning(&document, Vec::new(), globals(request.env), request, around)
}

/// What the sections of all files together mean.
fn meaning(
    document: &Document,
    mut notes: Vec<Note>,
    mut globals: Names,
    request: &LoadRequest<'_>,
    around: Surroundings<'_>,
) -> Result<Config, ConfigError> {
    let configfile = around.absolute(request.path);
    let here = dirname(&configfile);
    let early = Context {
        document,
        globals: &globals,
        around,
        here,
    };
    let daemon = DaemonSection::read(&early, request.env)?;
    for (name, value) in &daemon.environment {
        globals.insert(format!("ENV_{name}"), Arg::from(value.as_str()));
    }
    let context = Context {
        document,
        globals: &globals,
        around,
        here,
    };
    let supervisor_rpc = supervisor_rpc(&context)?;
    let groups = Groups {
        context,
        environment: &daemon.environment,
        notes: &mut notes,
    };
    let groups = groups.read()?;
    let servers = servers(&context)?;
    let serverurl = serverurl(&servers);
    let daemon = daemon.realized(
        request.overrides,
        &context,
        configfile.clone().into(),
        serverurl,
    )?;
    notes.extend(lacking(document));
    notes.sort_by_key(|note| note.level);
    Ok(Config {
        daemon,
        servers,
        supervisor_rpc,
        groups,
        notes,
    })
}

/// Reads the file that was named into an empty document.
pub(super) fn read_main(
    document: &mut Document,
    path: &str,
    around: Surroundings<'_>,
) -> Result<(), Fault> {
    let located = around.located(path);
    // Without this, an empty path would be the working directory.
    if path.is_empty() || !located.exists() {
        return Err(Fault::new(format!("could not find config file {path}")));
    }
    let bytes =
        fs::read(located).map_err(|_| Fault::new(format!("could not read config file {path}")))?;
    document
        .read(path, &decoded(bytes, path)?)
        .map_err(Fault::new)
}

/// The environment as values may name it.
pub(super) fn globals(env: &BTreeMap<String, String>) -> Names {
    env.iter()
        .map(|(name, value)| (format!("ENV_{name}"), Arg::from(value.as_str())))
        .collect()
}

#[cfg(test)]
#[path = "load_tests.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "refused_tests.rs"]
mod refused;
