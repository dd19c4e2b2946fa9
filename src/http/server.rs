//! One listening socket: accepting, counting and ending its connections.

use super::auth::Guard;
use super::bounds::{
    ACCEPT_PAUSE, ACCEPT_PAUSE_MAX, HEAD_TIME, LINGER_BYTES, LINGER_TIME, MAX_CONNECTIONS,
    MAX_HEAD, MAX_HEADERS, MAX_REFUSED,
};
use super::reply::{Counted, Refusal};
use super::service::answer;
use super::watch::{Overdue, Watch, Watched, poll_left};
use crate::rpc::Api;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use slog::{Logger, error};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// A listening socket, bound and non-blocking.
pub enum Listener {
    /// On a path.
    Unix(std::os::unix::net::UnixListener),
    /// On a port.
    Tcp(std::net::TcpListener),
}

/// What all connections of one listening socket share.
pub(super) struct Server {
    pub(super) api: Rc<Api>,
    pub(super) guard: Option<Guard>,
    pub(super) is_tcp: bool,
    pub(super) log: Logger,
    /// What a form must bring along to change anything: only our own pages tell it.
    pub(super) token: String,
    /// Bytes of big bodies that were sent or announced.
    pub(super) bodies: Rc<Cell<usize>>,
    /// Tails that are being sent.
    pub(super) tails: Rc<Cell<usize>>,
    /// True once the server is to close.
    pub(super) closing: watch::Receiver<bool>,
    connections: RefCell<BTreeMap<u64, Rc<Watch>>>,
    /// Clients that are being told that there is no room.
    refused: Rc<Cell<usize>>,
}

impl Server {
    pub(super) fn new(
        api: Rc<Api>,
        guard: Option<Guard>,
        is_tcp: bool,
        log: Logger,
        closing: watch::Receiver<bool>,
    ) -> Rc<Self> {
        Rc::new(Self {
            api,
            guard,
            is_tcp,
            log,
            token: token(),
            bodies: Rc::default(),
            tails: Rc::default(),
            closing,
            connections: RefCell::default(),
            refused: Rc::default(),
        })
    }

    /// Makes room for one more connection by ending the one that was idle for longest, if there
    /// are too many. False if none is idle.
    fn make_room(&self) -> bool {
        self.connections.borrow().len() < MAX_CONNECTIONS || self.evict()
    }

    fn evict(&self) -> bool {
        let mut connections = self.connections.borrow_mut();
        let idlest = connections
            .iter()
            .filter_map(|(id, watch)| Some((watch.idle_since()?, *id)))
            .min();
        let evicted = idlest.and_then(|(_, id)| connections.remove(&id));
        if let Some(watch) = &evicted {
            watch.evicted.notify_one();
        }
        evicted.is_some()
    }
}

/// A secret for this server's forms. The hasher's keys are random bytes of the system.
fn token() -> String {
    use std::hash::{BuildHasher, RandomState};
    let word = |number: u8| RandomState::new().hash_one(number);
    format!("{:016x}{:016x}", word(0), word(1))
}

/// Accepts connections until the server is to close.
pub(super) async fn accept(server: Rc<Server>, listener: Listener) {
    let log = server.log.clone();
    let result = match listener {
        Listener::Unix(listener) => match UnixListener::from_std(listener) {
            Ok(listener) => {
                accept_from(server, move |cx| listener.poll_accept(cx)).await;
                Ok(())
            }
            Err(why) => Err(why),
        },
        Listener::Tcp(listener) => match TcpListener::from_std(listener) {
            Ok(listener) => {
                accept_from(server, move |cx| listener.poll_accept(cx)).await;
                Ok(())
            }
            Err(why) => Err(why),
        },
    };
    if let Err(why) = result {
        error!(log, "a server cannot wait for connections: {}", why);
    }
}

/// Comes to an end when the server is to close.
pub(super) fn closed(server: &Server) -> impl Future<Output = ()> + use<> {
    let mut closing = server.closing.clone();
    async move {
        // A handle that is gone closes its server as well.
        let _ = closing.wait_for(|closing| *closing).await;
    }
}

/// A stream of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Small answers are sent at once.
    fn prepare(&self);
    /// Says something and gives up if that would wait.
    fn say(&self, bytes: &[u8]) -> io::Result<usize>;
}

impl Stream for TcpStream {
    fn prepare(&self) {
        // Without it answers are only slower.
        let _ = self.set_nodelay(true);
    }

    fn say(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

impl Stream for UnixStream {
    fn prepare(&self) {}

    fn say(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

async fn accept_from<S: Stream, A>(
    server: Rc<Server>,
    mut poll_accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<(S, A)>>,
) {
    let mut closed = pin!(closed(&server));
    let mut next_id = 0_u64;
    let mut pause = ACCEPT_PAUSE;
    loop {
        let accepted = poll_fn(|cx| {
            if closed.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            poll_accept(cx).map(Some)
        });
        match accepted.await {
            None => return,
            Some(Ok((stream, _))) => {
                pause = ACCEPT_PAUSE;
                begin(&server, stream, next_id);
                next_id += 1;
            }
            Some(Err(why)) if is_of_one_connection(&why) => {}
            Some(Err(why)) => {
                if pause == ACCEPT_PAUSE {
                    error!(server.log, "a connection cannot be accepted: {}", why);
                }
                server.evict();
                sleep(pause).await;
                pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
            }
        }
    }
}

/// Whether an error of accepting was about one client, who went away before we came.
fn is_of_one_connection(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
    Content-Length: 25\r\nConnection: close\r\n\r\nToo many are connected.\r\n";

const LATE: &[u8] = b"HTTP/1.1 408 Request Time-out\r\nContent-Type: text/plain\r\n\
    Content-Length: 25\r\nConnection: close\r\n\r\nThe request is too slow.\n";

fn begin<S: Stream>(server: &Rc<Server>, stream: S, id: u64) {
    stream.prepare();
    if !server.make_room() {
        refuse(server, stream);
        return;
    }
    let watch = Watch::new();
    let connections = &server.connections;
    connections.borrow_mut().insert(id, Rc::clone(&watch));
    let server = Rc::clone(server);
    spawn_local(async move {
        converse(&server, stream, &watch).await;
        server.connections.borrow_mut().remove(&id);
    });
}

/// Tells a client that there is no room, and waits a moment that it hears it, unless too many
/// are being told already.
fn refuse<S: Stream>(server: &Rc<Server>, stream: S) {
    // Whether it is heard matters less than that it costs nothing.
    let _ = stream.say(FULL);
    if server.refused.get() < MAX_REFUSED {
        let counted = Counted::new(&server.refused, 1);
        spawn_local(async move {
            linger(stream).await;
            drop(counted);
        });
    }
}

/// All requests of one connection.
async fn converse<S: Stream>(server: &Rc<Server>, stream: S, watch: &Rc<Watch>) {
    let stream = Rc::new(RefCell::new(stream));
    let io = TokioIo::new(Watched::new(&stream, watch));
    let service = service_fn(|request| {
        let (server, watch) = (Rc::clone(server), Rc::clone(watch));
        async move { Ok::<_, Infallible>(answer(&server, &watch, request).await) }
    });
    let mut connection = http1::Builder::new()
        .max_header_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .title_case_headers(true)
        .serve_connection(io, service);
    let mut closed = pin!(closed(server));
    let mut told = false;
    let mut patience = LINGER_BYTES;
    let mut evicted = pin!(watch.evicted.notified());
    let mut alarm = pin!(sleep_until(Instant::now() + HEAD_TIME));
    let overdue = poll_fn(|cx| {
        if !told && closed.as_mut().poll(cx).is_ready() {
            told = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if Pin::new(&mut connection).poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if let Some(flaw) = watch.flaw() {
            return Poll::Ready(Some(Overdue::Flawed(flaw)));
        }
        if evicted.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Overdue::Silent));
        }
        if watch.is_tail() && poll_left(&stream, &mut patience, cx).is_ready() {
            return Poll::Ready(Some(Overdue::Silent));
        }
        let Some(deadline) = watch.deadline() else {
            return Poll::Pending;
        };
        if alarm.deadline() != deadline {
            alarm.as_mut().reset(deadline);
        }
        alarm.as_mut().poll(cx).map(|()| Some(watch.overdue()))
    })
    .await;
    drop(connection);
    let Some(stream) = Rc::into_inner(stream).map(RefCell::into_inner) else {
        return;
    };
    match overdue {
        None => linger(stream).await,
        Some(Overdue::Head) => {
            // Whether it is heard matters less than that it costs nothing.
            let _ = stream.say(LATE);
        }
        Some(Overdue::Flawed(flaw)) => {
            let (status, why) = flaw.told();
            let _ = stream.say(&Refusal::because(status, why).raw());
            linger(stream).await;
        }
        Some(Overdue::Silent) => {}
    }
}

/// Lets a client who is still sending come to an end, so that it sees the answer and no reset.
async fn linger<S: Stream>(mut stream: S) {
    let mut scratch = [0; 4096];
    let drain = async {
        let _ = stream.shutdown().await;
        let mut left = LINGER_BYTES;
        while let Ok(1..) = stream.read(&mut scratch).await {
            left = left.saturating_sub(scratch.len());
            if left == 0 {
                break;
            }
        }
    };
    // That it took too long is as good an end as any.
    let _ = timeout(LINGER_TIME, drain).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::Mood;
    use crate::rpc::fixture;
    use std::cell::Cell;
    use std::time::Duration;
    use tokio::task::LocalSet;

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn without_descriptors_accepting_pauses_and_does_not_spin() {
        let log = Logger::root(slog::Discard, slog::o!());
        let api = Rc::new(fixture::api(Mood::Running, true, None));
        let (_open, closing) = watch::channel(false);
        let server = Server::new(api, None, false, log, closing);
        let tries = Rc::new(Cell::new(0));
        let counted = Rc::clone(&tries);
        let accept = accept_from(server, move |_| {
            counted.set(counted.get() + 1);
            // EMFILE
            Poll::Ready(Err::<(UnixStream, ()), _>(io::Error::from_raw_os_error(24)))
        });
        let minute = timeout(Duration::from_secs(60), accept);
        let ended = LocalSet::new().run_until(minute).await;
        assert!(ended.is_err(), "accepting goes on");
        assert!((60..80).contains(&tries.get()), "{}", tries.get());
    }
}
