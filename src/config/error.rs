//! What is wrong with a config, in the original's words, and where it stands.

use super::raw::Place;
use crate::model::text::repr;
use std::fmt;

/// A config that cannot be used. It holds all there is to say, on one line or, for a file that
/// cannot be taken apart, on several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The original's sentence, and after it the place where that is known.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// A sentence on its way up to where its place is added to it.
#[derive(Debug)]
pub(super) struct Fault {
    sentence: String,
    place: Option<Place>,
    /// The file that the sentence already names.
    named_file: Option<String>,
}

impl Fault {
    /// Something that stands nowhere, or whose place is in the sentence.
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            place: None,
            named_file: None,
        }
    }

    pub(super) fn at(sentence: impl Into<String>, place: &Place) -> Self {
        Self {
            place: Some(place.clone()),
            ..Self::new(sentence)
        }
    }

    /// Names the section of a process and the file that began it, as the original does for
    /// whatever is wrong with a process.
    pub(super) fn in_section(mut self, section: &str, file: &str) -> Self {
        let (section, quoted) = (repr(section), repr(file));
        self.sentence = format!("{} in section {section} (file: {quoted})", self.sentence);
        self.named_file = Some(file.to_owned());
        self
    }
}

impl From<Fault> for ConfigError {
    fn from(fault: Fault) -> Self {
        let Fault {
            sentence,
            place,
            named_file,
        } = fault;
        let message = match place {
            None => sentence,
            Some(place) if named_file.as_deref() == Some(&place.file) => {
                format!("{sentence} (line {})", place.line)
            }
            Some(place) => {
                format!(
                    "{sentence} (file: {}, line {})",
                    repr(&place.file),
                    place.line
                )
            }
        };
        Self { message }
    }
}
