//! `status`: what processes are about.

use crate::ctl::answer::{ProcessInfo, list};
use crate::ctl::code;
use crate::ctl::details::Details;
use crate::ctl::json::Json;
use crate::ctl::out::coloured;
use crate::ctl::session::{Done, Flow, Session};
use crate::model::name::Namespec;

pub(super) const HELP: &str = "status <name>\t\tGet status for a single process\n\
    status <gname>:*\tGet status for all processes in a group\n\
    status <name> <name>\tGet status for multiple named processes\n\
    status\t\t\tGet all process status info";

pub(super) fn run(session: &mut Session<'_>, argument: &str) -> Done {
    let (verbose, argument) = verbose(argument);
    let (json, argument) = Json::is_asked(argument);
    session.json = json;
    if !session.upcheck()? {
        session.status = code::STATUS_UNKNOWN;
        return Ok(Flow::Go);
    }
    let infos = list(&session.call("getAllProcessInfo", &[])?, ProcessInfo::read)?;
    let details = if json || verbose {
        Details::ask(session)?
    } else {
        Details::default()
    };
    let chosen = choose(&infos, argument);
    if !chosen.unknown.is_empty() {
        session.status = code::STATUS_UNKNOWN;
    }
    if json {
        let unknown = chosen.unknown.iter().map(Unknown::render_json);
        let shown = chosen.shown.iter().map(|info| render_json(info, &details));
        session.say(&Json::Array(unknown.chain(shown).collect()).to_string());
    } else {
        for unknown in &chosen.unknown {
            session.say(&unknown.render());
        }
        let lines = render(&chosen.shown, session.out.lively);
        for (info, line) in chosen.shown.iter().zip(lines) {
            session.say(&line);
            for line in details.lines(info) {
                session.say(&format!("    {line}"));
            }
        }
    }
    if chosen.shown.iter().any(|info| info.is_stopped()) {
        session.status = code::STATUS_NOT_RUNNING;
    }
    Ok(Flow::Go)
}

/// What some names mean among the processes that there are.
struct Chosen<'a> {
    unknown: Vec<Unknown<'a>>,
    /// In the order of the names; what is named twice is here twice.
    shown: Vec<&'a ProcessInfo>,
}

struct Unknown<'a> {
    name: &'a str,
    reason: &'static str,
}

impl Unknown<'_> {
    fn render(&self) -> String {
        format!("{}: ERROR ({})", self.name, self.reason)
    }

    fn render_json(&self) -> Json {
        Json::object([
            ("name", Json::text(self.name)),
            ("error", Json::text(self.reason)),
        ])
    }
}

fn choose<'a>(infos: &'a [ProcessInfo], names: &'a str) -> Chosen<'a> {
    let mut chosen = Chosen {
        unknown: Vec::new(),
        shown: Vec::new(),
    };
    let names: Vec<&str> = names.split_whitespace().collect();
    if names.is_empty() || names.contains(&"all") {
        chosen.shown.extend(infos);
        return chosen;
    }
    for name in names {
        let spec = Namespec::parse(name);
        let before = chosen.shown.len();
        chosen.shown.extend(infos.iter().filter(|info| {
            info.group == spec.group && spec.process.is_none_or(|process| info.name == process)
        }));
        if chosen.shown.len() == before {
            chosen.unknown.push(match spec.process {
                None => Unknown {
                    name: spec.group,
                    reason: "no such group",
                },
                Some(_) => Unknown {
                    name,
                    reason: "no such process",
                },
            });
        }
    }
    chosen
}

/// One line for each process, in columns.
fn render(infos: &[&ProcessInfo], coloured_states: bool) -> Vec<String> {
    let names: Vec<String> = infos.iter().map(|info| info.display()).collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let width = longest.unwrap_or(0).max(30) + 3;
    let line = |(info, name): (&&ProcessInfo, &String)| {
        let mut state = format!("{:<10}", info.statename);
        if coloured_states {
            state = coloured(&state, info.known_state());
        }
        format!("{name:<width$}{state}{}", info.description)
    };
    infos.iter().zip(&names).map(line).collect()
}

/// Whether the arguments begin with `-v`, and the rest of them.
fn verbose(arguments: &str) -> (bool, &str) {
    match arguments.strip_prefix("-v") {
        Some(rest) if rest.is_empty() || rest.starts_with(char::is_whitespace) => {
            (true, rest.trim_start())
        }
        Some(_) | None => (false, arguments),
    }
}

fn render_json(info: &ProcessInfo, details: &Details) -> Json {
    let members = [
        ("name", Json::text(&info.display())),
        ("group", Json::text(&info.group)),
        ("process", Json::text(&info.name)),
        ("state", Json::text(&info.statename)),
        ("statecode", Json::Int(info.state)),
        (
            "pid",
            if info.pid == 0 {
                Json::Null
            } else {
                Json::Int(info.pid)
            },
        ),
        ("description", Json::text(&info.description)),
    ];
    Json::Object(members.into_iter().chain(details.json(info)).collect())
}
