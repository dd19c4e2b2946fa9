//! Text taken apart into sections and options, line by line, exactly as Python's
//! `RawConfigParser(inline_comment_prefixes=(';', '#'), strict=False)` takes it apart; and where
//! each value stands.
//!
//! The room above gives meaning to it; here a value is a text, and every option is welcome.

use crate::model::text::{is_space, repr, strip, strip_end};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file, as messages name it.
    pub(super) file: Arc<str>,
    /// Its line, from 1.
    pub(super) line: usize,
}

/// What an option is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// The text without white space around it; its lines without white space around them.
    pub(super) text: String,
    /// The line that its option stands on.
    pub(super) place: Place,
}

type Options = BTreeMap<String, Value>;

/// A section, of all files together.
#[derive(Debug)]
pub(super) struct Section {
    /// What stands between the brackets.
    pub(super) name: String,
    /// Where it begins for the first time.
    pub(super) place: Place,
    options: Options,
}

/// All sections, in the order in which they begin, and what `[DEFAULT]` gives to each of them.
#[derive(Debug, Default)]
pub(super) struct Document {
    sections: Vec<Section>,
    by_name: HashMap<String, usize>,
    defaults: Options,
    /// Sections that were read since `%(here)s` was last replaced.
    fresh: BTreeSet<usize>,
    fresh_defaults: bool,
}

impl Document {
    /// All sections, in the order in which they begin; `[DEFAULT]` is none of them.
    pub(super) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// A section by its whole name.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.by_name.get(name).map(|&index| &self.sections[index])
    }

    /// What an option is set to, in its section or else in `[DEFAULT]`.
    pub(super) fn value<'a>(&'a self, section: &'a Section, option: &str) -> Option<&'a Value> {
        section
            .options
            .get(option)
            .or_else(|| self.defaults.get(option))
    }

    /// Puts a folder in place of `%(here)s` in all that was read since the last call, so that
    /// each file's own folder is meant by it. What a section takes over from `[DEFAULT]` with a
    /// `%(here)s` in it becomes its own.
    pub(super) fn replace_here(&mut self, here: &str) {
        const HERE: &str = "%(here)s";
        let inherited: Vec<(String, Value)> = self
            .defaults
            .iter()
            .filter(|(_, value)| value.text.contains(HERE))
            .map(|(option, value)| (option.clone(), value.clone()))
            .collect();
        let fresh = std::mem::take(&mut self.fresh);
        let all = std::mem::take(&mut self.fresh_defaults).then_some(0..self.sections.len());
        let touched: BTreeSet<usize> = fresh.into_iter().chain(all.into_iter().flatten()).collect();
        for index in touched {
            let options = &mut self.sections[index].options;
            for (option, value) in &inherited {
                options
                    .entry(option.clone())
                    .or_insert_with(|| value.clone());
            }
            for value in options
                .values_mut()
                .filter(|value| value.text.contains(HERE))
            {
                value.text = value.text.replace(HERE, here);
            }
        }
    }

    /// Reads a file's text on top of what is there already: sections of one name are one, and the
    /// last value of an option counts.
    ///
    /// # Errors
    /// Python's sentences, with file and line in them.
    pub(super) fn read(&mut self, file: &str, text: &str) -> Result<(), String> {
        let file: Arc<str> = file.into();
        let mut reader = Reader::new(self, file);
        for (index, line) in Lines(text).enumerate() {
            reader.line(index + 1, &line)?;
        }
        reader.finish()
    }

    fn begin(&mut self, name: &str, place: Place) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        let index = self.sections.len();
        self.by_name.insert(name.to_owned(), index);
        self.sections.push(Section {
            name: name.to_owned(),
            place,
            options: Options::new(),
        });
        index
    }
}

/// Lines with their ends, which are all made `\n`; the last one may have none.
struct Lines<'a>(&'a str);

impl Iterator for Lines<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let Some(end) = self.0.find(['\r', '\n']) else {
            return Some(std::mem::take(&mut self.0).to_owned());
        };
        let after = &self.0[end..];
        let ending = if after.starts_with("\r\n") { 2 } else { 1 };
        let line = format!("{}\n", &self.0[..end]);
        self.0 = &after[ending..];
        Some(line)
    }
}

/// Where the lines that are read belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Nowhere,
    Defaults,
    Section(usize),
}

impl Target {
    fn options(self, document: &mut Document) -> Option<&mut Options> {
        match self {
            Self::Nowhere => None,
            Self::Defaults => Some(&mut document.defaults),
            Self::Section(index) => Some(&mut document.sections[index].options),
        }
    }
}

struct Reader<'a> {
    document: &'a mut Document,
    file: Arc<str>,
    target: Target,
    /// The option that indented lines continue.
    option: Option<String>,
    indent: usize,
    errors: String,
}

impl<'a> Reader<'a> {
    fn new(document: &'a mut Document, file: Arc<str>) -> Self {
        Self {
            document,
            file,
            target: Target::Nowhere,
            option: None,
            indent: 0,
            errors: String::new(),
        }
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let comment = comment_start(line);
        let content = strip(&line[..comment.unwrap_or(line.len())]);
        if content.is_empty() {
            // An empty line is part of a value, unless there is a comment on it.
            if comment.is_none() {
                self.continue_value("");
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|&c| is_space(c)).count();
        if self.option.is_some() && indent > self.indent {
            self.continue_value(content);
            return Ok(());
        }
        self.indent = indent;
        if let Some(name) = header(content) {
            self.begin(name, number);
            return Ok(());
        }
        if self.target == Target::Nowhere {
            return Err(format!(
                "File contains no section headers.\nfile: {}, line: {number}\n{}",
                repr(&self.file),
                repr(line)
            ));
        }
        match content.split_once(['=', ':']) {
            Some((option, value)) if !strip_end(option).is_empty() => {
                self.set(strip_end(option), strip(value), number);
            }
            Some(_) => {
                self.leave_option();
                self.complain(number, line);
            }
            None => self.complain(number, line),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), String> {
        self.leave_option();
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(format!(
            "Source contains parsing errors: {}{}",
            repr(&self.file),
            self.errors
        ))
    }

    fn begin(&mut self, name: &str, line: usize) {
        self.leave_option();
        self.target = if name == "DEFAULT" {
            self.document.fresh_defaults = true;
            Target::Defaults
        } else {
            let index = self.document.begin(name, self.place(line));
            self.document.fresh.insert(index);
            Target::Section(index)
        };
    }

    fn set(&mut self, option: &str, value: &str, line: usize) {
        self.leave_option();
        let option = option.to_lowercase();
        let value = Value {
            text: value.to_owned(),
            place: self.place(line),
        };
        if let Some(options) = self.target.options(self.document) {
            options.insert(option.clone(), value);
        }
        self.option = Some(option);
    }

    fn continue_value(&mut self, content: &str) {
        if let Some(value) = self.value() {
            value.text.push('\n');
            value.text.push_str(content);
        }
    }

    /// Ends a value: empty lines behind it are no part of it.
    fn leave_option(&mut self) {
        if let Some(value) = self.value() {
            let end = strip_end(&value.text).len();
            value.text.truncate(end);
        }
        self.option = None;
    }

    fn complain(&mut self, number: usize, line: &str) {
        // Writing into a String cannot fail.
        let _ = write!(self.errors, "\n\t[line {number:2}]: {}", repr(line));
    }

    fn value(&mut self) -> Option<&mut Value> {
        let option = self.option.as_deref()?;
        self.target.options(self.document)?.get_mut(option)
    }

    fn place(&self, line: usize) -> Place {
        Place {
            file: self.file.clone(),
            line,
        }
    }
}

/// The byte where a comment begins. A line that begins with `;` or `#` is one; within a line
/// white space must stand before the sign.
///
/// Python looks at the first `;` and the first `#`, then at the second of each, and so on, and
/// stops as soon as it found one that begins a comment: in `a#b #c ;d` that is the `;`.
fn comment_start(line: &str) -> Option<usize> {
    if strip(line).starts_with(['#', ';']) {
        return Some(0);
    }
    let mut semicolons = line.match_indices(';');
    let mut hashes = line.match_indices('#');
    loop {
        let next = [semicolons.next(), hashes.next()];
        if next == [None, None] {
            return None;
        }
        let found = next
            .into_iter()
            .flatten()
            .map(|(index, _)| index)
            .filter(|&index| line[..index].chars().next_back().is_none_or(is_space))
            .min();
        if found.is_some() {
            return found;
        }
    }
}

/// The name of the section that a line begins: all between `[` and the last `]`.
fn header(content: &str) -> Option<&str> {
    let end = content.rfind(']')?;
    content
        .get(..end)?
        .strip_prefix('[')
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
#[path = "raw_tests.rs"]
mod tests;
