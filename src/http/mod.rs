//! The edge: HTTP on unix sockets and TCP, authentication, log tails and pages.
//!
//! Everything here runs on one thread of its own, because everything that comes in is a
//! stranger's. A request goes through `server` (connections and their bounds), `service` (who
//! may, and what is asked), and then either to the room `rpc`, or to `tail`, or to `pages`. The
//! room has no process-wide state, takes no signals, and knows no actor: any number of servers
//! may run beside each other.

#![forbid(unsafe_code)]

mod auth;
mod bounds;
mod form;
#[cfg(fuzzing)]
pub mod fuzzing;
mod head;
mod html;
mod origin;
mod pages;
mod reply;
mod route;
mod server;
mod service;
mod tail;
#[cfg(test)]
mod tests;
mod watch;

use crate::config::Credentials;
use crate::rpc::Api;
use slog::{Logger, crit};
use std::rc::Rc;
use tokio::sync::watch as flag;
use tokio::task::spawn_local;

pub use server::Listener;

/// Where servers are begun.
pub struct Edge {
    api: Rc<Api>,
    log: Logger,
}

/// A running server. Closing or dropping it ends accepting, idle connections and tails; what is
/// being answered is finished.
#[must_use = "a server whose handle is dropped closes"]
#[derive(Debug)]
pub struct ServerHandle(flag::Sender<bool>);

impl ServerHandle {
    /// Closes the server, and answers when what was being answered is finished.
    pub async fn close(self) {
        self.0.send_replace(true);
        // The server and each of its connections hold a receiver as long as they live.
        self.0.closed().await;
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

impl Edge {
    /// An edge whose servers all ask the same api.
    pub fn new(api: Api, log: Logger) -> Self {
        Self {
            api: Rc::new(api),
            log,
        }
    }

    /// Begins to serve on a socket that is bound and does not block, for the config section of
    /// that name. Says in the log if anybody may ask. Must be called within a tokio `LocalSet`,
    /// such as an actix arbiter is.
    pub fn serve(
        &self,
        listener: Listener,
        section: &str,
        credentials: Option<&Credentials>,
    ) -> ServerHandle {
        if credentials.is_none() {
            self.warn(&listener, section);
        }
        let (sender, closing) = flag::channel(false);
        let server = server::Server::new(
            Rc::clone(&self.api),
            credentials.map(auth::Guard::new),
            matches!(listener, Listener::Tcp(_)),
            self.log.clone(),
            closing,
        );
        spawn_local(server::accept(server, listener));
        ServerHandle(sender)
    }

    fn warn(&self, listener: &Listener, section: &str) {
        crit!(
            self.log,
            "Server '{}' running without any HTTP authentication checking",
            section
        );
        let Listener::Tcp(socket) = listener else {
            return;
        };
        if let Ok(address) = socket.local_addr()
            && !address.ip().is_loopback()
        {
            crit!(
                self.log,
                "Server '{}' lets everybody who reaches {} start and stop programs: set a \
                 username and password, or bind it to 127.0.0.1",
                section,
                address
            );
        }
    }
}
