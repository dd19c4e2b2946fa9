//! `avail`: what the config has.

use crate::ctl::answer::{ConfigInfo, list};
use crate::ctl::code::{self, fault};
use crate::ctl::json::Json;
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::client::ClientError;

pub(super) const HELP: &str = "avail\t\t\tDisplay all configured processes";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    let (json, argument) = Json::is_asked(argument);
    if !argument.is_empty() {
        return session.misused("Error: avail accepts no arguments", HELP, code::GENERIC);
    }
    session.json = json;
    match session.call("getAllConfigInfo", &[]) {
        Ok(value) => {
            let infos = list(&value, ConfigInfo::read)?;
            if json {
                let infos = Json::Array(infos.iter().map(render_json).collect());
                session.say(&infos.to_string());
            } else {
                for info in &infos {
                    session.say(&render(info));
                }
            }
        }
        Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::SHUTDOWN_STATE => {
            session.status = code::GENERIC;
            session.complain("ERROR: supervisor shutting down");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Flow::Go)
}

fn render(info: &ConfigInfo) -> String {
    format!(
        "{:<32} {:<9} {:<9} {}:{}",
        info.display(),
        if info.inuse { "in use" } else { "avail" },
        if info.autostart { "auto" } else { "manual" },
        info.group_prio,
        info.process_prio,
    )
}

fn render_json(info: &ConfigInfo) -> Json {
    Json::object([
        ("name", Json::text(&info.display())),
        ("group", Json::text(&info.group)),
        ("process", Json::text(&info.name)),
        ("inuse", Json::Bool(info.inuse)),
        ("autostart", Json::Bool(info.autostart)),
        ("group_priority", Json::Int(info.group_prio)),
        ("process_priority", Json::Int(info.process_prio)),
    ])
}
