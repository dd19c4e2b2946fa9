//! The status page: a row for each process, with its buttons.

use super::action::{Action, Verb};
use crate::http::form::encode;
use crate::http::html::escape;
use crate::model::name::DisplayName;
use crate::model::state::ProcessState;
use crate::rpc::Status;
use std::fmt::Write as _;

/// The body of the page with all processes.
pub(super) fn table(statuses: &[Status], message: Option<&str>, token: &str) -> String {
    let mut body = String::from("<h1>Supervisor Status</h1>\n");
    if let Some(message) = message {
        push(
            &mut body,
            format_args!("<p class=\"message\">{}</p>\n", escape(message)),
        );
    }
    push(
        &mut body,
        format_args!(
            "<div class=\"bar\">{} {} <a href=\"index.html?action=refresh\">Refresh</a></div>\n",
            button(token, "restartall", None, "Restart All"),
            button(token, "stopall", None, "Stop All")
        ),
    );
    if statuses.is_empty() {
        body.push_str("<p>No programs to manage</p>\n");
        return body;
    }
    body.push_str(
        "<table>\n<thead><tr><th>State</th><th>Description</th><th>Name</th><th>Action</th></tr>\
         </thead>\n<tbody>\n",
    );
    for status in statuses {
        row(&mut body, status, token);
    }
    body.push_str("</tbody>\n</table>\n");
    body
}

/// The body of the page that asks whether an action is meant.
pub(super) fn question(action: &Action, token: &str) -> String {
    let (name, process, what) = match action {
        Action::Refresh => ("refresh", None, "Refresh the page".to_owned()),
        Action::StopAll => ("stopall", None, "Stop all processes".to_owned()),
        Action::RestartAll => ("restartall", None, "Restart all processes".to_owned()),
        Action::One(verb, process) => {
            let what = match verb {
                Verb::Start => format!("Start {process}"),
                Verb::Stop => format!("Stop {process}"),
                Verb::Restart => format!("Restart {process}"),
                Verb::ClearLog => format!("Clear the logs of {process}"),
            };
            (verb.name(), Some(process.as_str()), what)
        }
    };
    format!(
        "<h1>{}?</h1>\n<p>A link alone changes nothing here.</p>\n<div class=\"bar\">{} \
         <a href=\"index.html\">No, show all processes</a></div>\n",
        escape(&what),
        button(token, name, process, "Yes")
    )
}

fn row(body: &mut String, status: &Status, token: &str) {
    let name = DisplayName {
        group: &status.group,
        process: &status.name,
    }
    .to_string();
    let link = encode(&name);
    let class = match status.state {
        ProcessState::Running => "running",
        ProcessState::Fatal | ProcessState::Backoff | ProcessState::Unknown => "error",
        ProcessState::Stopped
        | ProcessState::Starting
        | ProcessState::Stopping
        | ProcessState::Exited => "nominal",
    };
    let buttons: Vec<_> = verbs(status.state)
        .iter()
        .map(|verb| button(token, verb.name(), Some(&name), verb.label()))
        .collect();
    push(
        body,
        format_args!(
            "<tr><td class=\"state {class}\">{}</td><td class=\"what\">{}</td>\
             <td class=\"name\"><a href=\"tail.html?processname={link}\">{}</a></td>\
             <td class=\"actions\"><div>{} <a href=\"logtail/{link}\">Tail -f Stdout</a> \
             <a href=\"logtail/{link}/stderr\">Tail -f Stderr</a></div></td></tr>\n",
            status.state.name().to_lowercase(),
            escape(&status.description),
            escape(&name),
            buttons.join(" ")
        ),
    );
}

/// What can be done with a process in a state.
const fn verbs(state: ProcessState) -> &'static [Verb] {
    match state {
        ProcessState::Running => &[Verb::Restart, Verb::Stop, Verb::ClearLog],
        ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal => {
            &[Verb::Start, Verb::ClearLog]
        }
        ProcessState::Starting | ProcessState::Backoff => &[Verb::Stop, Verb::ClearLog],
        ProcessState::Stopping | ProcessState::Unknown => &[Verb::ClearLog],
    }
}

/// A form of one button.
fn button(token: &str, action: &str, process: Option<&str>, label: &str) -> String {
    let process = process.map_or_else(String::new, |process| hidden("processname", process));
    format!(
        "<form method=\"post\" action=\"index.html\">{}{process}\
         <button name=\"action\" value=\"{}\">{}</button></form>",
        hidden("token", token),
        escape(action),
        escape(label)
    )
}

fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
        escape(value)
    )
}

fn push(body: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a `String` never fails.
    let _ = body.write_fmt(piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str, state: ProcessState) -> Status {
        Status {
            group: name.into(),
            name: name.into(),
            state,
            description: format!("about {name}"),
        }
    }

    #[test]
    fn names_and_messages_never_become_markup() {
        let evil = "<script>alert(1)</script>\"'";
        let body = table(&[status(evil, ProcessState::Running)], Some(evil), evil)
            + &question(&Action::One(Verb::Stop, evil.to_owned()), evil);
        assert!(!body.contains("<script"), "{body}");
        assert!(!body.contains("1)</script>\"'"), "{body}");
    }

    #[test]
    fn each_state_offers_what_can_be_done() {
        let check = |state, has: &[&str], lacks: &[&str]| {
            let body = table(&[status("x", state)], None, "t");
            for verb in has {
                assert!(
                    body.contains(&format!("value=\"{verb}\"")),
                    "{state:?} {verb}"
                );
            }
            for verb in lacks {
                assert!(
                    !body.contains(&format!("value=\"{verb}\"")),
                    "{state:?} {verb}"
                );
            }
        };
        check(
            ProcessState::Running,
            &["stop", "restart", "clearlog"],
            &["start"],
        );
        check(
            ProcessState::Stopped,
            &["start", "clearlog"],
            &["stop", "restart"],
        );
        check(
            ProcessState::Stopping,
            &["clearlog"],
            &["start", "stop", "restart"],
        );
    }

    #[test]
    fn every_form_that_changes_something_brings_the_token() {
        let body = table(&[status("x", ProcessState::Running)], None, "SECRET");
        let forms = body.matches("<form method=\"post\"").count();
        assert_eq!(forms, 5);
        assert_eq!(
            body.matches("name=\"token\" value=\"SECRET\"").count(),
            forms
        );
    }
}
