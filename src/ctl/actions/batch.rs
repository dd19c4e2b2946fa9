//! What start, stop and signal have in common: a deed done to one process, to a group, or to
//! all, and what became of each.

use crate::ctl::answer::{Outcome, display, list};
use crate::ctl::code::fault;
use crate::ctl::session::Session;
use crate::ctl::trouble::Trouble;
use crate::model::name::Namespec;
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

/// Something that is done to processes.
pub(super) struct Deed<'a> {
    /// The methods for all, for a group and for one.
    pub(super) all: &'static str,
    pub(super) group: &'static str,
    pub(super) one: &'static str,
    /// The parameters behind the name.
    pub(super) extra: &'a [Value],
    /// What to say of one process; none for a code that makes no sense here.
    pub(super) render: fn(&Outcome) -> Option<String>,
    /// The code that is as good as success.
    pub(super) ignored: Option<i64>,
    /// The exit code where a group does not exist.
    pub(super) no_group: i32,
}

impl Deed<'_> {
    /// Does it to all that is named.
    pub(super) fn run(&self, session: &mut Session<'_>, names: &[&str]) -> Result<(), Trouble> {
        if names.contains(&"all") {
            let outcomes = session.call(self.all, self.extra)?;
            return self.show_all(session, &outcomes);
        }
        for name in names {
            match Namespec::parse(name) {
                Namespec {
                    group,
                    process: None,
                } => self.to_group(session, group)?,
                Namespec {
                    group,
                    process: Some(process),
                } => self.to_one(session, name, group, process)?,
            }
        }
        Ok(())
    }

    fn to_group(&self, session: &mut Session<'_>, group: &str) -> Result<(), Trouble> {
        match session.call(self.group, &self.params(group)) {
            Ok(outcomes) => self.show_all(session, &outcomes),
            Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::BAD_NAME => {
                session.say(&format!("{group}: ERROR (no such group)"));
                session.status = self.no_group;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn to_one(
        &self,
        session: &mut Session<'_>,
        name: &str,
        group: &str,
        process: &str,
    ) -> Result<(), Trouble> {
        let (status, description) = match session.call(self.one, &self.params(name)) {
            Ok(_) => (fault::SUCCESS, "OK".to_owned()),
            Err(ClientError::Fault(failed)) => (failed.code.into(), failed.text),
            Err(error) => return Err(error.into()),
        };
        let outcome = Outcome {
            display: display(group, process),
            status,
            description,
        };
        self.show(session, &outcome)
    }

    fn params(&self, name: &str) -> Vec<Value> {
        [&[name.into()], self.extra].concat()
    }

    fn show_all(&self, session: &mut Session<'_>, outcomes: &Value) -> Result<(), Trouble> {
        for outcome in list(outcomes, Outcome::read)? {
            self.show(session, &outcome)?;
        }
        Ok(())
    }

    pub(super) fn show(&self, session: &mut Session<'_>, outcome: &Outcome) -> Result<(), Trouble> {
        let line = (self.render)(outcome).ok_or_else(|| Trouble::Code {
            code: outcome.status,
            name: outcome.display.clone(),
            text: outcome.description.clone(),
        })?;
        session.say(&line);
        session.count(outcome.status, self.ignored);
        Ok(())
    }
}

/// The line for a process that did not do as asked.
pub(super) fn error(outcome: &Outcome, reason: &str) -> String {
    format!("{}: ERROR ({reason})", outcome.display)
}
