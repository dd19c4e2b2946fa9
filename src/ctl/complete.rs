//! What a line that is being typed may become.

use super::actions::{self, ACTIONS, Words};

/// The words that the last word of `line` may be completed to, each with a space behind it.
/// `processes` gives groups and names of all processes; it is asked only if they matter.
pub(super) fn complete(
    line: &str,
    processes: impl FnOnce() -> Vec<(String, String)>,
) -> Vec<String> {
    let typed = last_word(line);
    let first = line.split_whitespace().next().unwrap_or_default();
    let first_is_being_typed = line.trim_start() == first;
    let possible = if first_is_being_typed {
        action_names()
    } else {
        match actions::find(first).map(|action| action.words) {
            None | Some(Words::Free) => Vec::new(),
            Some(Words::Actions) => action_names(),
            Some(Words::Groups) => group_names(&processes()),
            Some(Words::Processes) => process_names(&processes(), typed),
        }
    };
    possible
        .into_iter()
        .filter(|word| word.starts_with(typed))
        .map(|word| word + " ")
        .collect()
}

/// The part of a line behind its last white space.
pub(super) fn last_word(line: &str) -> &str {
    line.rsplit(char::is_whitespace).next().unwrap_or_default()
}

fn action_names() -> Vec<String> {
    ACTIONS
        .iter()
        .map(|action| action.name.to_owned())
        .collect()
}

fn group_names(processes: &[(String, String)]) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for (group, _) in processes {
        if !groups.contains(group) {
            groups.push(group.clone());
        }
    }
    groups
}

/// Short names where group and process share theirs, unless a colon was typed already.
fn process_names(processes: &[(String, String)], typed: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (group, process) in processes {
        if group == process && !typed.contains(':') {
            names.push(process.clone());
            continue;
        }
        names.push(format!("{group}:{process}"));
        let whole = format!("{group}:*");
        if !names.contains(&whole) {
            names.push(whole);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, words: &[&str]) {
        let processes = || {
            [("cat", "cat"), ("pets", "dog"), ("pets", "eel")]
                .map(|(group, name)| (group.to_owned(), name.to_owned()))
                .into()
        };
        assert_eq!(complete(line, processes), words, "{line}");
    }

    #[test]
    fn the_first_word_is_an_action() {
        check("sta", &["start ", "status "]);
        check("  ver", &["version "]);
        check("nosuch", &[]);
        assert_eq!(complete("", Vec::new).len(), ACTIONS.len());
        assert_eq!(complete("  ", Vec::new).len(), ACTIONS.len());
    }

    #[test]
    fn the_others_are_what_the_action_takes() {
        check("help ver", &["version "]);
        check("start ", &["cat ", "pets:dog ", "pets:* ", "pets:eel "]);
        check("start cat pets:d", &["pets:dog "]);
        check("stop cat:", &["cat:cat ", "cat:* "]);
        check("stop p", &["pets:dog ", "pets:* ", "pets:eel "]);
        check("update ", &["cat ", "pets "]);
        check("avail ", &[]);
        check("nosuch ", &[]);
    }
}
