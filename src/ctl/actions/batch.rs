//! What start, stop and signal have in common: a deed done to one process, to a group, or to
//! all, and what became of each.

use crate::ctl::answer::{Outcome, ProcessInfo, display, list};
use crate::ctl::code::fault;
use crate::ctl::session::Session;
use crate::ctl::trouble::Trouble;
use crate::model::name::Namespec;
use crate::model::state::ProcessState;
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
    /// What became of a process, by its state, once that is known; none for a deed that is done
    /// when it is answered.
    pub(super) settled: Option<fn(ProcessState) -> Option<i64>>,
    /// The exit code where a group does not exist.
    pub(super) no_group: i32,
}

impl Deed<'_> {
    /// Does it to all that is named.
    pub(super) fn run(&self, session: &mut Session<'_>, names: &[&str]) -> Result<(), Trouble> {
        if names.contains(&"all") {
            return self.to_many(session, self.all, self.extra.to_vec());
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
        match self.to_many(session, self.group, self.params(group)) {
            Err(Trouble::Client(ClientError::Fault(failed)))
                if i64::from(failed.code) == fault::BAD_NAME =>
            {
                session.say(&format!("{group}: ERROR (no such group)"));
                session.status = self.no_group;
                Ok(())
            }
            shown => shown,
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

    /// Calls a method that answers what became of many, and shows that.
    fn to_many(
        &self,
        session: &mut Session<'_>,
        method: &str,
        mut params: Vec<Value>,
    ) -> Result<(), Trouble> {
        let settled = self.settled.filter(|_| session.out.lively);
        if settled.is_some() {
            params.push(Value::Bool(false));
        }
        let outcomes = list(&session.call(method, &params)?, Outcome::read)?;
        match settled {
            None => outcomes
                .iter()
                .try_for_each(|outcome| self.show(session, outcome)),
            Some(settled) => self.watch(session, outcomes, settled),
        }
    }

    /// Shows what becomes of processes as it happens: those that the daemon has only begun with
    /// are looked after until their state tells.
    fn watch(
        &self,
        session: &mut Session<'_>,
        outcomes: Vec<Outcome>,
        settled: fn(ProcessState) -> Option<i64>,
    ) -> Result<(), Trouble> {
        let (begun, failed): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .partition(|outcome| outcome.status == fault::SUCCESS);
        for outcome in &failed {
            self.show(session, outcome)?;
        }
        let mut waiting = begun;
        while !waiting.is_empty() {
            let infos = session.call("getAllProcessInfo", &[])?;
            let infos = list(&infos, ProcessInfo::read)?;
            let mut left = Vec::new();
            for mut outcome in waiting {
                let info = infos.iter().find(|info| info.display() == outcome.display);
                // A process that is gone has no state to wait for.
                let state = info.map(ProcessInfo::known_state);
                match state.map_or(Some(fault::BAD_NAME), |state| settled(state?)) {
                    None => left.push(outcome),
                    Some(status) => {
                        outcome.status = status;
                        self.show(session, &outcome)?;
                    }
                }
            }
            waiting = left;
            if !waiting.is_empty() {
                session.out.flush();
                session.api.pause();
            }
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
