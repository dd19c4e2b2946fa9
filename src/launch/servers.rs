//! The servers' sockets: bound here, served on the edge, and kept over a restart, so that
//! clients find somebody there all the time.

use crate::actors::Supervisor;
use crate::config::{ServerAddress, ServerConfig};
use crate::http::{Edge, Listener, ServerHandle};
use crate::rpc::Api;
use crate::sys::clock;
use crate::sys::sockets::{self, BindError, SocketFile};
use actix_rt::ArbiterHandle;
use futures_util::future::join_all;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long clients have for taking their last answers.
const PATIENCE: Duration = Duration::from_secs(2);

/// A bound socket; a unix socket's file goes with it.
pub(super) enum Bound {
    Unix(UnixListener, #[allow(dead_code)] SocketFile),
    Tcp(TcpListener),
}

impl Bound {
    /// Binds it. Besides it come remarks for stderr, in the original's words.
    pub(super) fn bind(address: &ServerAddress) -> Result<(Self, Vec<String>), BindError> {
        match address {
            ServerAddress::Unix { path, mode, owner } => {
                let socket = sockets::bind_unix(path, *mode, *owner)?;
                Ok((Self::Unix(socket.listener, socket.file), socket.notes))
            }
            ServerAddress::Tcp { host, port } => {
                let listener = sockets::bind_tcp(host, *port)?;
                Ok((Self::Tcp(listener), Vec::new()))
            }
        }
    }

    fn listener(&self) -> io::Result<Listener> {
        Ok(match self {
            Self::Unix(listener, _) => Listener::Unix(listener.try_clone()?),
            Self::Tcp(listener) => Listener::Tcp(listener.try_clone()?),
        })
    }
}

/// All servers of the daemon.
pub(super) struct Servers {
    edge: ArbiterHandle,
    log: slog::Logger,
    held: Vec<Held>,
}

struct Held {
    config: ServerConfig,
    bound: Bound,
    /// Dropped, the server closes.
    serving: Option<ServerHandle>,
}

impl Servers {
    /// Those whose sockets are bound already; nobody is served yet.
    pub(super) fn new(
        edge: ArbiterHandle,
        log: slog::Logger,
        bound: Vec<(ServerConfig, Bound)>,
    ) -> Self {
        let held = bound.into_iter().map(|(config, bound)| Held {
            config,
            bound,
            serving: None,
        });
        Self {
            edge,
            log,
            held: held.collect(),
        }
    }

    /// Serves what these sections ask for and nothing else. A socket whose address stays is kept.
    /// One that cannot be bound is said in the log; the others serve all the same.
    pub(super) async fn serve(&mut self, wanted: &[ServerConfig], supervisor: &Supervisor) {
        let stays = |held: &Held| {
            wanted
                .iter()
                .any(|config| config.address == held.config.address)
        };
        // Those that go, go first: another may want their place.
        let mut kept: Vec<Held> = std::mem::take(&mut self.held);
        kept.retain(stays);
        for config in wanted {
            let place = kept
                .iter()
                .position(|held| held.config.address == config.address);
            let bound = place.map(|place| kept.swap_remove(place).bound);
            match self.begin(config, bound, supervisor).await {
                Ok(held) => self.held.push(held),
                Err(why) => slog::crit!(self.log, "no server for [{}]: {}", config.section, why),
            }
        }
    }

    /// Closes all servers, and with them their sockets. Answered when what was being answered is
    /// finished (whoever asked us to leave hears that we do), or after a while: a client that
    /// does not read does not keep us.
    pub(super) async fn close(self) {
        let close = |held: Held| async move {
            if let Some(serving) = held.serving {
                serving.close().await;
            }
        };
        let closed = join_all(self.held.into_iter().map(close));
        let _ = tokio::time::timeout(PATIENCE, closed).await;
    }

    /// Binds, if that was not done, and begins to serve; on the edge, where strangers belong.
    async fn begin(
        &self,
        config: &ServerConfig,
        bound: Option<Bound>,
        supervisor: &Supervisor,
    ) -> Result<Held, String> {
        if supervisor.table().config().supervisor_rpc {
            slog::info!(self.log, "RPC interface 'supervisor' initialized");
        }
        let (answer, answered) = oneshot::channel();
        let (supervisor, log) = (supervisor.clone(), self.log.clone());
        let config = config.clone();
        self.edge.spawn(async move {
            let begin = || {
                let bound = match bound {
                    Some(bound) => bound,
                    None => {
                        Bound::bind(&config.address)
                            .map_err(|error| error.to_string())?
                            .0
                    }
                };
                let listener = bound.listener().map_err(|error| error.to_string())?;
                let api = Api::new(supervisor, clock::local_time, log.clone());
                let credentials = config.credentials.as_ref();
                let serving = Edge::new(api, log).serve(listener, &config.section, credentials);
                Ok(Held {
                    config,
                    bound,
                    serving: Some(serving),
                })
            };
            // Nobody waits for it only if the daemon is gone.
            let _ = answer.send(begin());
        });
        answered
            .await
            .unwrap_or_else(|_| Err("the edge is gone".to_owned()))
    }
}
