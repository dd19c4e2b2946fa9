//! Namespecs: how a person names a process, `group:process`, or a whole group, `group:*`
//! (`docs/running.rst`, "supervisorctl Actions").

use std::fmt;

/// A name as a client gave it, taken apart. Whether anything has that name is another matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespec<'a> {
    /// The name of the group.
    pub group: &'a str,
    /// The name of the process within it; none means every process of the group.
    pub process: Option<&'a str>,
}

impl<'a> Namespec<'a> {
    /// Takes a name apart at its first colon. A name without one names the process of that name
    /// in the group of that name; `group:` and `group:*` name the whole group.
    pub fn parse(text: &'a str) -> Self {
        match text.split_once(':') {
            None => Self {
                group: text,
                process: Some(text),
            },
            Some((group, "" | "*")) => Self {
                group,
                process: None,
            },
            Some((group, process)) => Self {
                group,
                process: Some(process),
            },
        }
    }
}

/// A process as output names it: the short form where group and process share their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisplayName<'a> {
    /// The name of the group.
    pub group: &'a str,
    /// The name of the process.
    pub process: &'a str,
}

impl fmt::Display for DisplayName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` and not `write_str`: columns of output give a width.
        if self.group == self.process {
            f.pad(self.process)
        } else {
            f.pad(&format!("{}:{}", self.group, self.process))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, group: &str, process: Option<&str>) {
        assert_eq!(Namespec::parse(text), Namespec { group, process }, "{text}");
    }

    #[test]
    fn a_namespec_splits_at_its_first_colon() {
        check("cat", "cat", Some("cat"));
        check("pets:cat", "pets", Some("cat"));
        check("pets:cat:tom", "pets", Some("cat:tom"));
        check("pets:*", "pets", None);
        check("pets:", "pets", None);
        check(":cat", "", Some("cat"));
        check("", "", Some(""));
    }

    #[test]
    fn a_process_named_like_its_group_is_shown_by_its_short_name() {
        let show = |group, process| DisplayName { group, process }.to_string();
        assert_eq!(show("cat", "cat"), "cat");
        assert_eq!(show("pets", "cat"), "pets:cat");
    }
}
