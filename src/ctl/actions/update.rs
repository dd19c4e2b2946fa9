//! `update`: makes active what the config file says, group by group.

use crate::ctl::answer::{Changes, Outcome, ProcessInfo, list};
use crate::ctl::code::{self, fault};
use crate::ctl::json::Json;
use crate::ctl::session::{Done, Flow, Session};
use crate::ctl::trouble::Trouble;
use crate::rpc::client::ClientError;
use std::collections::BTreeSet;

pub(super) const HELP: &str = "update\t\t\tReload config and add/remove as necessary, and will \
    restart affected programs\n\
    update all\t\tReload config and add/remove as necessary, and will restart affected programs\n\
    update <gname> [...]\tUpdate specific groups";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    let (json, argument) = Json::is_asked(argument);
    session.json = json;
    let changes = match session.call("reloadConfig", &[]) {
        Ok(value) => Changes::read(&value)?,
        Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::SHUTDOWN_STATE => {
            session.status = code::GENERIC;
            session.complain("ERROR: already shutting down");
            return Ok(Flow::Go);
        }
        Err(error) => return Err(error.into()),
    };
    let mut update = Update {
        session,
        only: Only::parse(argument),
        rows: Vec::new(),
    };
    update.refuse_unknown(&changes)?;
    for group in update.only.among(&changes.removed) {
        update.remove(group)?;
    }
    for group in update.only.among(&changes.changed) {
        update.replace(group)?;
    }
    for group in update.only.among(&changes.added) {
        update.add(group)?;
    }
    let rows = update.rows;
    if json {
        session.say(&Json::Array(rows).to_string());
    }
    Ok(Flow::Go)
}

/// The groups that the update is about.
#[derive(Clone, Debug)]
struct Only<'a>(Vec<&'a str>);

impl<'a> Only<'a> {
    /// No names and `all` mean everything.
    fn parse(argument: &'a str) -> Self {
        let mut names = Vec::new();
        for name in argument.split_whitespace() {
            if name == "all" {
                return Self(Vec::new());
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self(names)
    }

    fn among<'g>(&self, groups: &'g [String]) -> Vec<&'g str> {
        let wanted = |group: &&str| self.0.is_empty() || self.0.contains(group);
        groups.iter().map(String::as_str).filter(wanted).collect()
    }
}

/// An update that is under way.
struct Update<'s, 'a, 'n> {
    session: &'s mut Session<'a>,
    only: Only<'n>,
    /// What has become of groups, for JSON.
    rows: Vec<Json>,
}

impl Update<'_, '_, '_> {
    /// Says which of the names are no groups; the others are updated all the same.
    fn refuse_unknown(&mut self, changes: &Changes) -> Result<(), Trouble> {
        if self.only.0.is_empty() {
            return Ok(());
        }
        let infos = self.session.call("getAllProcessInfo", &[])?;
        let infos = list(&infos, ProcessInfo::read)?;
        let mut groups: BTreeSet<&str> = infos.iter().map(|info| info.group.as_str()).collect();
        groups.extend(changes.added.iter().map(String::as_str));
        for name in self.only.0.clone() {
            if !groups.contains(name) {
                self.session.status = code::GENERIC;
                self.say(&format!("ERROR: no such group: {name}"));
                self.rows.push(Json::object([
                    ("group", Json::text(name)),
                    ("error", Json::text("no such group")),
                ]));
            }
        }
        Ok(())
    }

    fn remove(&mut self, group: &str) -> Result<(), Trouble> {
        let outcomes = self.call("stopProcessGroup", group)?;
        self.say(&format!("{group}: stopped"));
        let outcomes = list(&outcomes, Outcome::read)?;
        if outcomes
            .iter()
            .any(|outcome| outcome.status == fault::FAILED)
        {
            self.say(&format!("{group}: has problems; not removing"));
            self.session.status = code::GENERIC;
            self.row(group, "not removed");
            return Ok(());
        }
        self.call("removeProcessGroup", group)?;
        self.say(&format!("{group}: removed process group"));
        self.row(group, "removed");
        Ok(())
    }

    fn replace(&mut self, group: &str) -> Result<(), Trouble> {
        self.call("stopProcessGroup", group)?;
        self.say(&format!("{group}: stopped"));
        self.call("removeProcessGroup", group)?;
        self.call("addProcessGroup", group)?;
        self.say(&format!("{group}: updated process group"));
        self.row(group, "updated");
        Ok(())
    }

    fn add(&mut self, group: &str) -> Result<(), Trouble> {
        self.call("addProcessGroup", group)?;
        self.say(&format!("{group}: added process group"));
        self.row(group, "added");
        Ok(())
    }

    fn call(&mut self, method: &str, group: &str) -> Result<crate::rpc::xml::Value, ClientError> {
        self.session.call(method, &[group.into()])
    }

    fn say(&mut self, line: &str) {
        if !self.session.json {
            self.session.say(line);
        }
    }

    fn row(&mut self, group: &str, result: &str) {
        self.rows.push(Json::object([
            ("group", Json::text(group)),
            ("result", Json::text(result)),
        ]));
    }
}
