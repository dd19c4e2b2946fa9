//! `pid`: of the daemon, of processes, or of all of them.

use crate::ctl::answer::{ProcessInfo, list, whole_number};
use crate::ctl::code::{self, fault};
use crate::ctl::json::Json;
use crate::ctl::session::{Done, Flow, Session};
use crate::rpc::client::ClientError;

pub(super) const HELP: &str = "pid\t\t\tGet the PID of supervisord.\n\
    pid <name>\t\tGet the PID of a single child process by name.\n\
    pid all\t\t\tGet the PID of every child process, one per line.";

/// One line of the answer: a name, and its pid or why there is none.
struct Row {
    name: String,
    pid: Result<i64, &'static str>,
}

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    let (json, argument) = Json::is_asked(argument);
    session.json = json;
    if !session.upcheck()? {
        return Ok(Flow::Go);
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    let mut rows = Vec::new();
    if names.is_empty() {
        let pid = whole_number(&session.call("getPID", &[])?)?;
        rows.push(Row {
            name: "supervisord".to_owned(),
            pid: Ok(pid),
        });
    } else if names.contains(&"all") {
        let infos = list(&session.call("getAllProcessInfo", &[])?, ProcessInfo::read)?;
        rows.extend(infos.iter().map(|info| Row {
            name: info.display(),
            pid: Ok(info.pid),
        }));
    } else {
        for name in names {
            let row = of_process(session, name)?;
            if !json {
                session.say(&render(&row));
            }
            rows.push(row);
        }
        if !json {
            return Ok(Flow::Go);
        }
    }
    if json {
        let rows = Json::Array(rows.iter().map(render_json).collect());
        session.say(&rows.to_string());
    } else {
        for row in &rows {
            session.say(&render(row));
        }
    }
    Ok(Flow::Go)
}

fn of_process(session: &mut Session<'_>, name: &str) -> Result<Row, ClientError> {
    let pid = match session.call("getProcessInfo", &[name.into()]) {
        Ok(value) => {
            let pid = ProcessInfo::read(&value)?.pid;
            if pid == 0 {
                session.status = code::NOT_RUNNING;
            }
            Ok(pid)
        }
        Err(ClientError::Fault(failed)) if i64::from(failed.code) == fault::BAD_NAME => {
            session.status = code::GENERIC;
            Err("no such process")
        }
        Err(error) => return Err(error),
    };
    Ok(Row {
        name: name.to_owned(),
        pid,
    })
}

fn render(row: &Row) -> String {
    match row.pid {
        Ok(pid) => pid.to_string(),
        Err(_) => format!("No such process {}", row.name),
    }
}

fn render_json(row: &Row) -> Json {
    let name = ("name", Json::text(&row.name));
    match row.pid {
        Ok(0) => Json::object([name, ("pid", Json::Null)]),
        Ok(pid) => Json::object([name, ("pid", Json::Int(pid))]),
        Err(error) => Json::object([name, ("error", Json::text(error))]),
    }
}
