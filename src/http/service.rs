//! One request in, one answer out.

use super::bounds::{BIG_BODY, BODY_TIME, MAX_BODIES, MAX_BODY, MAX_QUOTED, MAX_TAILS};
use super::origin::{host_is_ours, is_browser};
use super::pages;
use super::reply::{Content, Counted, Outgoing, Refusal, Reply, counted, stream, whole};
use super::route::{Route, route};
use super::server::Server;
use super::tail::{self, NoTail};
use super::watch::{Phase, Watch};
use crate::model::python::bytes_literal;
use crate::rpc::xml::{XmlError, read_call};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use slog::error;
use std::path::PathBuf;
use std::rc::Rc;
use tokio::task::spawn_local;
use tokio::time::timeout;

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers a request.
pub(super) async fn answer(
    server: &Rc<Server>,
    watch: &Rc<Watch>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    watch.enter(Phase::Busy);
    let (parts, body) = request.into_parts();
    let mut reply = match admit(server, &parts) {
        Ok(()) => serve(server, &parts, body).await,
        Err(refusal) => Err(refusal),
    }
    .unwrap_or_else(Refusal::reply);
    let headers = reply.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Content::Stream(_) = reply.body() {
        watch.enter(Phase::Tail);
    }
    reply.map(|content| Outgoing::new(content, watch))
}

/// Whether the client may ask at all. Nothing of the body was read yet.
fn admit(server: &Server, parts: &Parts) -> Result<(), Refusal> {
    let Some(guard) = &server.guard else {
        return Ok(());
    };
    if guard.admits(parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED).and_close())
}

async fn serve(server: &Rc<Server>, parts: &Parts, body: Incoming) -> Result<Reply, Refusal> {
    if parts.headers.contains_key(TRANSFER_ENCODING) {
        return Err(last(
            StatusCode::LENGTH_REQUIRED,
            "A body is taken with its Content-Length only",
        ));
    }
    let wanted = route(parts.method.as_str(), parts.uri.path());
    check_host(server, parts, &wanted)?;
    match wanted {
        Route::Rpc => {
            let (bytes, _counted) = read_body(server, parts, body).await?;
            rpc(server, bytes).await
        }
        Route::LogTail { name, channel } => {
            let row = server.api.row(&name);
            let path = row.and_then(|row| row.logfile(channel).cloned());
            tail(server, path.map(|path| path.to_path_buf())).await
        }
        Route::MainLogTail => tail(server, server.api.supervisor().main_log()).await,
        Route::Status => pages::status(server, parts.uri.query().unwrap_or("")),
        Route::Act => {
            let (bytes, _counted) = read_body(server, parts, body).await?;
            pages::act(server, &parts.headers, &bytes).await
        }
        Route::Tail => Ok(pages::tail(server, parts.uri.query().unwrap_or("")).await),
        Route::Ok => Ok(whole(StatusCode::OK, "text/plain", "OK")),
        Route::Stylesheet => Ok(whole(StatusCode::OK, "text/css", pages::STYLESHEET)),
        Route::WrongMethod => Err(unread(&body, StatusCode::BAD_REQUEST)),
        Route::Nothing => Err(unread(&body, StatusCode::NOT_FOUND)),
    }
}

/// Where no password is asked for, a stranger's name that points at us must not open us to the
/// stranger's pages. Scripts and `supervisorctl` may call us by any name.
fn check_host(server: &Server, parts: &Parts, wanted: &Route) -> Result<(), Refusal> {
    let exposed = server.is_tcp && server.guard.is_none();
    let by_person = wanted.is_page() || is_browser(&parts.headers);
    let authority = parts
        .uri
        .authority()
        .map(hyper::http::uri::Authority::as_str);
    if exposed && by_person && !host_is_ours(&parts.headers, authority) {
        return Err(last(
            StatusCode::FORBIDDEN,
            "Without a username and password in the config, browsers may call this server by its \
             address or a local name only",
        ));
    }
    Ok(())
}

/// The whole body of a request that must say how long it is, counted while it is used.
async fn read_body(
    server: &Server,
    parts: &Parts,
    body: Incoming,
) -> Result<(Bytes, Counted), Refusal> {
    if !parts.headers.contains_key(CONTENT_LENGTH) {
        return Err(Refusal::new(StatusCode::LENGTH_REQUIRED));
    }
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BODY {
        return Err(last(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("A body may have at most {MAX_BODY} bytes"),
        ));
    }
    let counted = if announced <= BIG_BODY {
        Counted::default()
    } else if server.bodies.get() + announced <= MAX_BODIES {
        Counted::new(&server.bodies, announced)
    } else {
        return Err(last(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many big requests come at the same time",
        ));
    };
    match timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(whole)) => Ok((whole.to_bytes(), counted)),
        // The connection broke; nobody will hear this.
        Ok(Err(_)) => Err(last(StatusCode::BAD_REQUEST, "The body is not complete")),
        Err(_) => Err(last(
            StatusCode::REQUEST_TIMEOUT,
            "The body did not come in time",
        )),
    }
}

async fn rpc(server: &Rc<Server>, bytes: Bytes) -> Result<Reply, Refusal> {
    let call = read_call(&bytes).map_err(|why| not_understood(server, &bytes, &why))?;
    drop(bytes);
    // In a task of its own: a command is carried out even if its client hangs up.
    let api = Rc::clone(&server.api);
    let xml = spawn_local(async move { api.answer(call).await }).await;
    let Ok(xml) = xml else {
        error!(server.log, "an XML-RPC call ended without an answer");
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR));
    };
    let waiting = Counted::new(server.api.unread(), xml.held());
    Ok(counted(StatusCode::OK, "text/xml", xml, waiting))
}

fn not_understood(server: &Server, bytes: &[u8], why: &XmlError) -> Refusal {
    let quoted = &bytes_literal(&bytes[..bytes.len().min(MAX_QUOTED)])[1..];
    let reason = match why {
        XmlError::NoMethod => "no method name",
        XmlError::Malformed(_)
        | XmlError::NotUtf8
        | XmlError::Character(_)
        | XmlError::TooDeep(_)
        | XmlError::TooMany(_)
        | XmlError::TooLong(_)
        | XmlError::Doctype
        | XmlError::Entity(_) => "unmarshallable",
    };
    error!(
        server.log,
        "XML-RPC request data {} is invalid: {}", quoted, reason
    );
    Refusal::because(
        StatusCode::BAD_REQUEST,
        format!("The call is not understood: {why}"),
    )
}

async fn tail(server: &Rc<Server>, path: Option<PathBuf>) -> Result<Reply, Refusal> {
    if server.tails.get() >= MAX_TAILS {
        return Err(last(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many logs are being followed",
        ));
    }
    let nothing = || Refusal::new(StatusCode::NOT_FOUND);
    let path = path.ok_or_else(nothing)?;
    let pieces = tail::begin(server, path).await.map_err(|why| match why {
        NoTail::NoLog => nothing(),
        NoTail::Hung => last(
            StatusCode::SERVICE_UNAVAILABLE,
            "The log's file system does not answer in time",
        ),
    })?;
    let mut reply = stream(pieces);
    // Proxies such as nginx would keep lines back.
    let headers = reply.headers_mut();
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    // What comes behind such a request is never answered.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(reply)
}

/// A refusal that ends the connection if there is a body that nobody reads.
fn unread(body: &Incoming, status: StatusCode) -> Refusal {
    let refusal = Refusal::new(status);
    if body.is_end_stream() {
        refusal
    } else {
        refusal.and_close()
    }
}

/// A refusal after which the connection ends.
fn last(status: StatusCode, why: impl Into<String>) -> Refusal {
    Refusal::because(status, why).and_close()
}
