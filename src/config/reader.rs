//! One section at a time, option by option: values expanded, and errors that know their line.

use super::error::Fault;
use super::paths::Surroundings;
use super::percent::{Arg, Names, Scope, expand};
use super::raw::{Document, Section, Value};

/// What all sections of a config have in common while they are read.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// All files of it.
    pub(super) document: &'a Document,
    /// `ENV_…`: the environment, with what `[supervisord]` adds to it.
    pub(super) globals: &'a Names,
    pub(super) around: Surroundings<'a>,
    /// The folder of the main file, absolute.
    pub(super) here: &'a str,
}

impl<'a> Context<'a> {
    /// The section's options, which may name these locals besides the environment.
    pub(super) fn view(&self, section: &'a Section, locals: &'a Names) -> View<'a> {
        View {
            document: self.document,
            section,
            scope: Scope {
                local: locals,
                global: self.globals,
            },
        }
    }

    /// The sections whose names begin like this, with the rest of their names.
    pub(super) fn sections_of(
        &self,
        prefix: &'static str,
    ) -> impl Iterator<Item = (&'a Section, &'a str)> + use<'a> {
        let sections = self.document.sections().iter();
        sections.filter_map(move |section| Some((section, section.name.strip_prefix(prefix)?)))
    }

    /// `here`, the one name that most sections may use besides the environment.
    pub(super) fn here_name(&self) -> Names {
        Names::from([("here".to_owned(), Arg::from(self.here))])
    }

    /// `here` and `host_node_name`.
    pub(super) fn host_names(&self) -> Names {
        let mut names = self.here_name();
        let host = self.around.host.node_name();
        names.insert("host_node_name".to_owned(), Arg::Text(host));
        names
    }
}

/// A section and the names that its values may use.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    document: &'a Document,
    pub(super) section: &'a Section,
    pub(super) scope: Scope<'a>,
}

impl<'a> View<'a> {
    /// An option as it stands in the file.
    pub(super) fn raw(&self, option: &str) -> Option<&'a Value> {
        self.document.value(self.section, option)
    }

    /// An option with its names filled in.
    pub(super) fn text(&self, option: &str) -> Result<Option<String>, Fault> {
        let Some(value) = self.raw(option) else {
            return Ok(None);
        };
        let name = format!("{}.{option}", self.section.name);
        expand(&value.text, self.scope, &name)
            .map(|text| Some(text.into_owned()))
            .map_err(|sentence| Fault::at(sentence, &value.place))
    }

    /// An option as what it means.
    pub(super) fn read<T>(
        &self,
        option: &str,
        meaning: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        self.text(option)?
            .map(|text| meaning(&text).map_err(|sentence| self.fault(option, sentence)))
            .transpose()
    }

    /// Something wrong with an option, or with its lack.
    pub(super) fn fault(&self, option: &str, sentence: impl Into<String>) -> Fault {
        let place = self
            .raw(option)
            .map_or(&self.section.place, |value| &value.place);
        Fault::at(sentence, place)
    }
}
