//! Options that are read and mean nothing yet. Whoever sets one is told so when the daemon
//! starts: nobody may believe that it works when it does not.

use super::raw::Document;
use super::types::{Note, NoteLevel};

/// An option without its behaviour.
struct Lack {
    /// How the names of its sections begin.
    section: &'static str,
    option: &'static str,
    /// What does not happen, e.g. `its output is not sent to syslog`.
    sentence: &'static str,
}

/// All of them. A row goes when its behaviour comes.
const LACKING: &[Lack] = &[];

/// A warning for each option in use that means nothing yet.
pub(super) fn lacking(document: &Document) -> Vec<Note> {
    notes(document, LACKING)
}

fn notes(document: &Document, lacking: &[Lack]) -> Vec<Note> {
    let mut notes = Vec::new();
    for section in document.sections() {
        for lack in lacking {
            let set = section.name.starts_with(lack.section)
                && document.value(section, lack.option).is_some();
            if set {
                notes.push(Note {
                    level: NoteLevel::Warning,
                    text: format!(
                        "For [{}], {} is set but not supported yet: {}",
                        section.name, lack.option, lack.sentence
                    ),
                });
            }
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_means_nothing_is_said_where_it_is_set() {
        let lacking = [Lack {
            section: "program:",
            option: "stdout_syslog",
            sentence: "its output stays here",
        }];
        let mut document = Document::default();
        let text = "[program:a]\nstdout_syslog=true\n[program:b]\n[x]\nstdout_syslog=true\n";
        assert_eq!(document.read("x.conf", text), Ok(()));
        let said: Vec<_> = notes(&document, &lacking)
            .into_iter()
            .map(|note| note.text)
            .collect();
        assert_eq!(
            said,
            ["For [program:a], stdout_syslog is set but not supported yet: its output stays here"]
        );
    }
}
