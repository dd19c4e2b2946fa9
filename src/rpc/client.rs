//! The other end of the wire: calls a daemon's methods and follows its logs.
//!
//! Each call opens a connection of its own and closes it: a connection kept between two lines
//! that a person types would be stale by the second one, and a call must not be sent twice.
//! Nothing here times out, because `start` and `stop` answer when they have happened. What a
//! server sends is bounded by [`BODY`].

use super::xml::{self, Fault, Value, XmlError, base64_encode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::path::PathBuf;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime;

/// The most bytes that are taken as the answer to a call. `readLog` may answer a whole log.
pub const BODY: usize = 512 << 20;

/// Where a daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `unix:///path`
    Unix(PathBuf),
    /// `http://host:port`
    Tcp {
        /// A name or an address, without the brackets of IPv6.
        host: String,
        /// The port, 80 where the URL has none.
        port: u16,
    },
}

impl Address {
    /// Reads a URL as the original does: what follows `unix://` is a path whatever it is, and of
    /// an `http` URL only host and port count.
    pub fn parse(url: &str) -> Result<Self, ClientError> {
        if let Some(path) = url.strip_prefix("unix://") {
            return Ok(Self::Unix(path.into()));
        }
        let rest = url
            .strip_prefix("http://")
            .ok_or(ClientError::UnknownProtocol)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, port) = host_and_port(&rest[..end]).ok_or(ClientError::BadAddress)?;
        Ok(Self::Tcp {
            host: host.to_lowercase(),
            port,
        })
    }

    /// What the `Host` header says.
    fn host(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Tcp { host, port } => {
                let bracketed = if host.contains(':') {
                    format!("[{host}]")
                } else {
                    host.clone()
                };
                if *port == 80 {
                    bracketed
                } else {
                    format!("{bracketed}:{port}")
                }
            }
        }
    }
}

/// The host, without the brackets of IPv6, and the port of what stands between the slashes.
fn host_and_port(authority: &str) -> Option<(&str, u16)> {
    let (_, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':').unwrap_or(rest))
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    let port = if port.is_empty() {
        80
    } else {
        port.parse().ok()?
    };
    Some((host, port))
}

/// Why there is no answer. Shown as a sentence without a full stop; it never holds a password.
#[derive(Debug)]
pub enum ClientError {
    /// The daemon answered that the call failed.
    Fault(Fault),
    /// Nobody listens there.
    Refused,
    /// There is no such socket.
    NoSuchFile,
    /// The socket may not be used by this user.
    PermissionDenied,
    /// User name or password are missing or wrong.
    Unauthorized,
    /// Another answer than 200 OK.
    Http {
        /// The status code.
        status: u16,
        /// The words beside it.
        reason: String,
    },
    /// The URL is of no kind that we know.
    UnknownProtocol,
    /// The URL's host or port is none.
    BadAddress,
    /// The answer is not XML-RPC.
    Malformed(XmlError),
    /// The answer has other values than the method's answers have.
    Unexpected(&'static str),
    /// The answer is longer than [`BODY`].
    TooLong,
    /// Whoever asked wanted no more.
    Interrupted,
    /// The connection broke or could not be made.
    Io(io::Error),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "the server answered with {}", fault_words(fault)),
            Self::Refused => f.write_str("connection refused"),
            Self::NoSuchFile => f.write_str("no such file"),
            Self::PermissionDenied => f.write_str("permission denied"),
            Self::Unauthorized => f.write_str("Server requires authentication"),
            Self::Http { status, reason } => {
                write!(f, "the server answered {status} {reason}")
            }
            Self::UnknownProtocol => f.write_str("Unknown protocol for serverurl"),
            Self::BadAddress => f.write_str("no host and port in serverurl"),
            Self::Malformed(error) => write!(f, "the server's answer is not XML-RPC: {error}"),
            Self::Unexpected(what) => write!(f, "the server's answer has no {what}"),
            Self::TooLong => write!(f, "the server's answer is longer than {BODY} bytes"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Io(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

fn fault_words(fault: &Fault) -> String {
    format!("fault {}: {}", fault.code, fault.text)
}

impl std::error::Error for ClientError {}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NotFound => Self::NoSuchFile,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            _ => Self::Io(error),
        }
    }
}

impl From<hyper::Error> for ClientError {
    fn from(error: hyper::Error) -> Self {
        let cut = error.is_canceled() || error.is_closed() || error.is_incomplete_message();
        if cut {
            return Self::Io(io::Error::other("the server closed it without an answer"));
        }
        // What hyper says of an error of the system is less than the error itself.
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Self::Io(io::Error::other(cause.unwrap_or_else(|| error.to_string())))
    }
}

/// A user name and a password. Both must be there to be sent, as with the original.
#[derive(Clone, Default)]
pub struct Login {
    /// The user name.
    pub username: Option<String>,
    /// The password; it appears in no message.
    pub password: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Login {
    fn header(&self) -> Option<HeaderValue> {
        let pair = format!("{}:{}", self.username.as_ref()?, self.password.as_ref()?);
        let basic = format!("Basic {}", base64_encode(pair.as_bytes()));
        let mut value = HeaderValue::try_from(basic).expect("base64 has only header characters");
        value.set_sensitive(true);
        Some(value)
    }
}

/// How a log that was followed came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The server ended it.
    Ended,
    /// Whoever followed wanted no more.
    Stopped,
}

/// Calls the methods of one daemon. It holds no connection between calls.
#[derive(Debug)]
pub struct Client {
    address: Address,
    login: Login,
    runtime: runtime::Runtime,
}

impl Client {
    /// Prepares to call the daemon at a URL; nothing is connected yet.
    pub fn new(url: &str, login: Login) -> Result<Self, ClientError> {
        let address = Address::parse(url)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            address,
            login,
            runtime,
        })
    }

    /// Calls a method and waits for its answer, however long it takes.
    pub fn call(&self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        self.call_until(method, params, pending())
    }

    /// Calls a method and waits for its answer until `stop` is ready. The daemon carries out
    /// what it has heard either way.
    pub fn call_until(
        &self,
        method: &str,
        params: &[Value],
        stop: impl Future<Output = ()>,
    ) -> Result<Value, ClientError> {
        let request = self
            .request("POST", "/RPC2")
            .header(header::CONNECTION, "close")
            .header(header::CONTENT_TYPE, "text/xml")
            .header(header::ACCEPT, "text/xml")
            .body(Full::from(xml::write_call(method, params)));
        let request = request.expect(VALID);
        let answer = async {
            let mut exchange = self.send(request).await?;
            exchange.whole_body().await
        };
        let body = self.runtime.block_on(async {
            tokio::select! {
                answer = answer => answer,
                () = stop => Err(ClientError::Interrupted),
            }
        })?;
        match xml::read_response(&body) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(fault)) => Err(ClientError::Fault(fault)),
            Err(error) => Err(ClientError::Malformed(error)),
        }
    }

    /// Gets what is at a path and feeds it on as it comes, until the server ends it, `stop` is
    /// ready or `feed` fails. What stands in the path must be escaped already.
    pub fn follow(
        &self,
        path: &str,
        stop: impl Future<Output = ()>,
        mut feed: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Followed, ClientError> {
        // Without `Connection: close`: the original's server would then hold everything back
        // until the end, which never comes.
        let request = self
            .request("GET", path)
            .header(header::ACCEPT, "*/*")
            .body(Full::default())
            .map_err(|error| ClientError::Io(io::Error::other(error)))?;
        let follow = async {
            let mut exchange = self.send(request).await?;
            while let Some(frame) = exchange.response.frame().await {
                if let Ok(bytes) = frame?.into_data()
                    && feed(&bytes).is_err()
                {
                    return Ok(Followed::Stopped);
                }
            }
            Ok(Followed::Ended)
        };
        self.runtime.block_on(async {
            tokio::select! {
                ended = follow => ended,
                () = stop => Ok(Followed::Stopped),
            }
        })
    }

    fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.host())
            .header(
                header::USER_AGENT,
                concat!("supervisorctl/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(login) = self.login.header() {
            request = request.header(header::AUTHORIZATION, login);
        }
        request
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Exchange, ClientError> {
        match &self.address {
            Address::Unix(path) => Exchange::begin(UnixStream::connect(path).await?, request).await,
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                Exchange::begin(stream, request).await
            }
        }
    }
}

const VALID: &str = "the parts of the request are constants, a parsed host and base64";

/// One request that was answered with 200 OK, and its connection.
struct Exchange {
    response: Response<Incoming>,
    /// Drives the connection; ends with the exchange.
    _driver: Driver,
}

struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Exchange {
    async fn begin<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Self, ClientError>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = Driver(tokio::spawn(async move {
            // Whatever breaks the connection is told to the request, too.
            let _ = connection.await;
        }));
        let response = sender.send_request(request).await?;
        match response.status() {
            StatusCode::OK => Ok(Self {
                response,
                _driver: driver,
            }),
            StatusCode::UNAUTHORIZED => Err(ClientError::Unauthorized),
            status => Err(ClientError::Http {
                status: status.as_u16(),
                reason: reason(&response),
            }),
        }
    }

    async fn whole_body(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(frame) = self.response.frame().await {
            if let Ok(bytes) = frame?.into_data() {
                if body.len() + bytes.len() > BODY {
                    return Err(ClientError::TooLong);
                }
                body.extend_from_slice(&bytes);
            }
        }
        Ok(body)
    }
}

/// The words beside a status code: the server's own if it has some, else the usual ones.
fn reason(response: &Response<Incoming>) -> String {
    response
        .extensions()
        .get::<hyper::ext::ReasonPhrase>()
        .map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned())
        .or_else(|| response.status().canonical_reason().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
