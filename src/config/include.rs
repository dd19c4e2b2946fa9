//! `[include]`: further files, read on top of the main one.
//!
//! Each file's `%(here)s` is its own folder, and an `[include]` in an included file means nothing.

use super::error::Fault;
use super::glob::glob;
use super::paths::{Surroundings, dirname, join};
use super::percent::{Arg, Names, Scope, expand};
use super::raw::Document;
use super::types::{Note, NoteLevel};
use crate::model::text::{repr, words};
use std::fs;

/// Reads the files that the main file asks for. `configfile` is that one's name, `globals` the
/// `ENV_…` of the environment.
pub(super) fn include(
    document: &mut Document,
    configfile: &str,
    globals: &Names,
    around: Surroundings<'_>,
    notes: &mut Vec<Note>,
) -> Result<(), Fault> {
    if document.section("include").is_none() {
        return Ok(());
    }
    let base = dirname(&around.absolute(configfile)).to_owned();
    document.replace_here(&base);
    let files = files(document, &base, globals, around)?;
    for pattern in words(&files) {
        let pattern = join(&base, pattern);
        let mut found = glob(&pattern, around);
        found.sort();
        if found.is_empty() {
            let text = format!("No file matches via include \"{pattern}\"");
            notes.push(note(NoteLevel::Warning, text));
        }
        for file in found {
            read(document, &file, around, notes)?;
        }
    }
    Ok(())
}

/// The patterns, with white space between them.
fn files(
    document: &Document,
    here: &str,
    globals: &Names,
    around: Surroundings<'_>,
) -> Result<String, Fault> {
    let value = document
        .section("include")
        .and_then(|section| document.value(section, "files"))
        .ok_or_else(|| Fault::new(".ini file has [include] section, but no files setting"))?;
    let names = Names::from([
        ("here".to_owned(), Arg::from(here)),
        (
            "host_node_name".to_owned(),
            Arg::Text(around.host.node_name()),
        ),
    ]);
    let scope = Scope {
        local: &names,
        global: globals,
    };
    expand(&value.text, scope, "include.files")
        .map(std::borrow::Cow::into_owned)
        .map_err(|sentence| Fault::at(sentence, &value.place))
}

fn read(
    document: &mut Document,
    file: &str,
    around: Surroundings<'_>,
    notes: &mut Vec<Note>,
) -> Result<(), Fault> {
    let text = format!("Included extra file \"{file}\" during parsing");
    notes.push(note(NoteLevel::Info, text));
    match fs::read(around.located(file)) {
        Ok(bytes) => document
            .read(file, &decoded(bytes, file)?)
            .map_err(Fault::new)?,
        // The original passes over such a file without a word.
        Err(error) => {
            let text = format!("Extra file \"{file}\" could not be read: {error}");
            notes.push(note(NoteLevel::Warning, text));
        }
    }
    let absolute = around.absolute(file);
    document.replace_here(dirname(&absolute));
    Ok(())
}

fn note(level: NoteLevel, text: String) -> Note {
    Note { level, text }
}

/// A file's bytes as text, or what is wrong with them in Python's words.
pub(super) fn decoded(bytes: Vec<u8>, file: &str) -> Result<String, Fault> {
    String::from_utf8(bytes).map_err(|error| {
        let utf8 = error.utf8_error();
        let start = utf8.valid_up_to();
        let bytes = error.as_bytes();
        let bad = bytes.get(start).copied().unwrap_or_default();
        // Python reports all bytes of a character that was begun well, and names the reason.
        let length = utf8.error_len().unwrap_or(bytes.len() - start);
        let reason = match (utf8.error_len(), bad) {
            (None, _) => "unexpected end of data",
            (Some(_), 0xc2..=0xf4) => "invalid continuation byte",
            (Some(_), _) => "invalid start byte",
        };
        let what = if length == 1 {
            format!("byte {bad:#04x} in position {start}")
        } else {
            format!("bytes in position {start}-{}", start + length - 1)
        };
        let line = bytes[..start].split(|&byte| byte == b'\n').count();
        Fault::new(format!(
            "'utf-8' codec can't decode {what}: {reason} (file: {}, line {line})",
            repr(file)
        ))
    })
}

#[cfg(test)]
#[path = "include_tests.rs"]
mod tests;
