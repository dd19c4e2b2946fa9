//! Answers: their bodies and the headers that all of them carry.

use super::bounds::PIECE;
use super::html::escape;
use super::watch::{Phase, Watch};
use crate::rpc::Answer;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, SERVER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::sync::mpsc::Receiver;

/// What follows the headers of an answer.
pub(super) enum Content {
    /// Known as a whole, handed over in pieces so that the rest stays where it is counted.
    Whole {
        /// What was not handed over yet.
        rest: Answer,
        /// Counts the answer for as long as some of it is here.
        _counted: Counted,
    },
    /// Endless; ends when its sender does.
    Stream(Receiver<Bytes>),
}

/// Content that ends a connection's being busy when it was sent or given up.
pub(super) struct Outgoing {
    content: Content,
    _busy: Busy,
}

struct Busy(Rc<Watch>);

impl Outgoing {
    /// Content on its way through a connection.
    pub(super) fn new(content: Content, watch: &Rc<Watch>) -> Self {
        Self {
            content,
            _busy: Busy(Rc::clone(watch)),
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

/// A number of bytes that are counted for as long as this lives.
#[derive(Default)]
pub(super) struct Counted {
    total: Rc<Cell<usize>>,
    bytes: usize,
}

impl Counted {
    /// Counts bytes into a total.
    pub(super) fn new(total: &Rc<Cell<usize>>, bytes: usize) -> Self {
        total.set(total.get() + bytes);
        Self {
            total: Rc::clone(total),
            bytes,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.total.set(self.total.get() - self.bytes);
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.get_mut().content {
            Content::Whole { rest, .. } if rest.is_empty() => Poll::Ready(None),
            Content::Whole { rest, .. } => Poll::Ready(Some(Ok(Frame::data(rest.take(PIECE))))),
            Content::Stream(pieces) => pieces
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole { rest, .. } => rest.is_empty(),
            Content::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole { rest, .. } => SizeHint::with_exact(rest.len() as u64),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

/// An answer.
pub(super) type Reply = Response<Content>;

/// A whole answer of a type.
pub(super) fn whole(status: StatusCode, kind: &'static str, bytes: impl Into<Bytes>) -> Reply {
    counted(status, kind, Answer::from(bytes), Counted::default())
}

/// A whole answer whose bytes are counted.
pub(super) fn counted(
    status: StatusCode,
    kind: &'static str,
    rest: Answer,
    counted: Counted,
) -> Reply {
    let content = Content::Whole {
        rest,
        _counted: counted,
    };
    with_type(status, kind, content)
}

/// An endless answer of plain text.
pub(super) fn stream(pieces: Receiver<Bytes>) -> Reply {
    with_type(
        StatusCode::OK,
        "text/plain;charset=utf-8",
        Content::Stream(pieces),
    )
}

/// Why a request is not served.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    why: String,
    last: bool,
}

impl Refusal {
    /// A refusal for which the status says enough.
    pub(super) fn new(status: StatusCode) -> Self {
        Self::because(status, "")
    }

    /// A refusal with its reason: a sentence without its full stop.
    pub(super) fn because(status: StatusCode, why: impl Into<String>) -> Self {
        Self {
            status,
            why: why.into(),
            last: false,
        }
    }

    /// The connection ends after it: there may be a body that nobody reads.
    pub(super) fn and_close(mut self) -> Self {
        self.last = true;
        self
    }

    /// The page that the original shows, with the reason in it.
    fn page(&self) -> String {
        let code = self.status.as_u16();
        let message = self.message();
        let why = if self.why.is_empty() {
            String::new()
        } else {
            format!("<p>{}.\r\n", escape(&self.why))
        };
        format!(
            "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
             <h1>Error response</h1>\r\n<p>Error code {code}.\r\n<p>Message: {message}.\r\n{why}\
             </body>\r\n"
        )
    }

    fn message(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    /// All bytes of the last answer on a connection, for a request that never became one.
    pub(super) fn raw(&self) -> Vec<u8> {
        let page = self.page();
        format!(
            "HTTP/1.1 {} {}\r\nServer: supervisord\r\nContent-Type: text/html\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{page}",
            self.status.as_u16(),
            self.message(),
            page.len()
        )
        .into_bytes()
    }

    /// The answer.
    pub(super) fn reply(self) -> Reply {
        let page = self.page();
        let mut reply = whole(self.status, "text/html", page);
        let headers = reply.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Basic realm=\"default\"");
            headers.insert(WWW_AUTHENTICATE, realm);
        }
        if self.last {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        reply
    }
}

fn with_type(status: StatusCode, kind: &'static str, content: Content) -> Reply {
    let mut reply = Response::new(content);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("supervisord"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
