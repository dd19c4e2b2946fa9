//! Pages for people: plain HTML that works without scripts.
//!
//! A page changes nothing by being looked at. What changes something is a form that is posted
//! together with the token that only our own pages tell; an old bookmark such as
//! `index.html?action=stop` shows that form instead.

mod action;
mod status;

use super::form::{Form, encode};
use super::html::escape;
use super::origin::origin_is_ours;
use super::reply::{Refusal, Reply, whole};
use super::server::Server;
use action::Action;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, LOCATION, REFERRER_POLICY,
    X_FRAME_OPTIONS,
};
use std::rc::Rc;

/// How all pages look.
pub(super) const STYLESHEET: &str = include_str!("supervisor.css");

/// Nothing but our own stylesheet and forms, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// The fewest bytes of a log that its page shows, as in the original.
const TAIL_LEAST: i64 = 1024;

/// Characters of a message that a link may bring along.
const MAX_MESSAGE: usize = 1000;

/// `/` and `/index.html`: the table of all processes, or the question that an old link asks.
pub(super) fn status(server: &Rc<Server>, query: &str) -> Result<Reply, Refusal> {
    let form = Form::parse(query);
    let message = match form.get("action") {
        None | Some("") => form.get("message").map(shortened),
        Some("refresh") => Some(format!("Page refreshed at {}", server.api.time())),
        Some(name) => {
            let Some(action) = Action::parse(name, form.get("processname")) else {
                return Err(no_such_action());
            };
            let question = status::question(&action, &server.token);
            return Ok(page("Supervisor", &question));
        }
    };
    let statuses = server.api.statuses();
    let body = status::table(&statuses, message.as_deref(), &server.token);
    Ok(page("Supervisor Status", &body))
}

/// A form of the status page: does what it says, then leads back to the page with a message.
pub(super) async fn act(
    server: &Rc<Server>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Reply, Refusal> {
    let form = Form::parse(&String::from_utf8_lossy(body));
    if !origin_is_ours(headers) || form.get("token") != Some(&server.token) {
        return Err(Refusal::because(
            StatusCode::FORBIDDEN,
            "This form does not come from the status page as it is now: load the page again and \
             repeat what you did",
        ));
    }
    let name = form.get("action").unwrap_or("");
    let Some(action) = Action::parse(name, form.get("processname")) else {
        return Err(no_such_action());
    };
    // In a task of its own: a command is carried out even if its client hangs up.
    let api = Rc::clone(&server.api);
    let done = tokio::task::spawn_local(async move { action.perform(&api).await }).await;
    let Ok(message) = done else {
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR));
    };
    let mut reply = whole(StatusCode::SEE_OTHER, "text/html", Bytes::new());
    // Relative, so that it needs no name of ours and holds behind any proxy.
    let target = format!("index.html?message={}", encode(&message));
    if let Ok(target) = HeaderValue::try_from(target) {
        reply.headers_mut().insert(LOCATION, target);
    }
    Ok(reply)
}

/// `/tail.html`: the end of a process's log.
pub(super) async fn tail(server: &Rc<Server>, query: &str) -> Reply {
    let form = Form::parse(query);
    let limit = form.get("limit").and_then(|limit| limit.parse().ok());
    let limit = limit.unwrap_or(TAIL_LEAST).max(TAIL_LEAST);
    let name = form.get("processname").unwrap_or("");
    let text = if name.is_empty() {
        "No process name found".to_owned()
    } else {
        match server.api.end_of_log(name, limit).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(fault) if fault.code == crate::rpc::FaultKind::NoFile.code() => {
                format!("No file for {name}")
            }
            Err(fault) => format!(
                "ERROR: unexpected rpc fault [{}] {}",
                fault.code, fault.text
            ),
        }
    };
    let title = format!("Supervisor tail of process {name}");
    let refresh = format!("tail.html?processname={}&limit={limit}", encode(name));
    let body = format!(
        "<h1>{}</h1>\n<pre>{}</pre>\n<div class=\"bar\"><a href=\"{}\">Refresh</a> \
         <a href=\"index.html\">All processes</a></div>\n",
        escape(&title),
        escape(&text),
        escape(&refresh)
    );
    page(&title, &body)
}

fn no_such_action() -> Refusal {
    Refusal::because(StatusCode::BAD_REQUEST, "There is no such action")
}

fn shortened(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

/// A whole page around its body.
fn page(title: &str, body: &str) -> Reply {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<link rel=\"stylesheet\" href=\"stylesheets/supervisor.css\">\n\
         </head>\n<body>\n{body}<footer>Supervisor {}</footer>\n</body>\n</html>\n",
        escape(title),
        escape(crate::VERSION)
    );
    let mut reply = whole(StatusCode::OK, "text/html;charset=utf-8", html);
    let headers = reply.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        // Browsers that are told not to name the page do not name its origin either.
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}
