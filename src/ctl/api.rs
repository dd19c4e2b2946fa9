//! What actions ask of a daemon, and the one that really asks.

use crate::rpc::client::{Client, ClientError, Followed, Login};
use crate::rpc::xml::Value;
use std::cell::RefCell;
use std::future::pending;
use std::io::{self, Write as _};
use std::rc::Rc;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// What actions ask of a daemon. Tests answer from a script.
pub(super) trait Api {
    /// Calls a method of the `supervisor` namespace, or of another that it names.
    fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, ClientError>;
    /// Feeds what comes from a path until Ctrl-C, the server's end or an error of `feed`.
    fn follow(
        &mut self,
        path: &str,
        feed: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Followed, ClientError>;
    /// Shows what comes from a path while something else happens, until the value is dropped.
    fn attach(&mut self, path: &str) -> Attached;
    /// Waits a little before the daemon is asked again how far something has come.
    fn pause(&mut self);
    /// Where the daemon is, as the user gave it, but for a password in it.
    fn url(&self) -> String;
    /// Speaks with another daemon from now on.
    fn open(&mut self, url: &str);
    /// Sends these names from now on.
    fn log_in(&mut self, login: Login);
}

/// How long a person at a terminal may wait for news; asking costs the daemon well below a
/// millisecond.
const PAUSE: Duration = Duration::from_millis(100);

/// A log that is shown in the background until this is dropped.
#[derive(Default)]
pub(super) struct Attached {
    thread: Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>,
}

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            // A thread that panicked has shown that already.
            let _ = thread.join();
        }
    }
}

/// Which daemon is spoken with, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) login: Login,
}

impl Target {
    /// The URL for messages: a password in it stays out of them.
    fn shown_url(&self) -> String {
        let hide = || {
            let (scheme, rest) = self.url.split_once("://")?;
            let end = rest.find('/').unwrap_or(rest.len());
            let (login, host) = rest[..end].rsplit_once('@')?;
            let (user, _) = login.split_once(':')?;
            Some(format!("{scheme}://{user}:***@{host}{}", &rest[end..]))
        };
        hide().unwrap_or_else(|| self.url.clone())
    }

    fn client(&self) -> Result<Client, ClientError> {
        Client::new(&self.url, self.login.clone())
    }
}

/// A daemon at the other end of a socket. The target is shared with the shell's completion.
#[derive(Debug)]
pub(super) struct Live {
    target: Rc<RefCell<Target>>,
    /// Ctrl-C ends a call with an error instead of ending us.
    interruptible: bool,
}

impl Live {
    pub(super) fn new(target: Rc<RefCell<Target>>, interruptible: bool) -> Self {
        Self {
            target,
            interruptible,
        }
    }
}

/// That a log cannot be followed, as it is said on standard error.
pub(super) fn refusal(url: &str, path: &str, error: &ClientError) -> String {
    match error {
        ClientError::Unauthorized => format!("{url}{path} Cannot read, status code 401"),
        ClientError::Http { status, .. } => {
            format!("{url}{path} Cannot read, status code {status}")
        }
        error => format!("{url}{path} Cannot connect, error: {error}"),
    }
}

/// Ready at Ctrl-C, or never if the system does not tell.
async fn ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}

impl Api for Live {
    fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        let client = self.target.borrow().client()?;
        let method = if method.contains('.') {
            method.to_owned()
        } else {
            format!("supervisor.{method}")
        };
        if self.interruptible {
            client.call_until(&method, params, ctrl_c())
        } else {
            client.call(&method, params)
        }
    }

    fn follow(
        &mut self,
        path: &str,
        feed: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Followed, ClientError> {
        self.target.borrow().client()?.follow(path, ctrl_c(), feed)
    }

    fn attach(&mut self, path: &str) -> Attached {
        let target = self.target.borrow().clone();
        let path = path.to_owned();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let stopped = async {
                // Both a word and the loss of the other end mean the same.
                let _ = stopped.await;
            };
            let shown = target
                .client()
                .and_then(|client| client.follow(&path, stopped, show));
            if let Err(error) = shown {
                // Standard error may be closed; there is no third place to say so.
                let _ = writeln!(
                    io::stderr(),
                    "{}",
                    refusal(&target.shown_url(), &path, &error)
                );
            }
        });
        Attached {
            thread: Some((stop, thread)),
        }
    }

    fn pause(&mut self) {
        thread::sleep(PAUSE);
    }

    fn url(&self) -> String {
        self.target.borrow().shown_url()
    }

    fn open(&mut self, url: &str) {
        url.clone_into(&mut self.target.borrow_mut().url);
    }

    fn log_in(&mut self, login: Login) {
        self.target.borrow_mut().login = login;
    }
}

fn show(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, shown: &str) {
        let target = Target {
            url: url.to_owned(),
            login: Login::default(),
        };
        assert_eq!(target.shown_url(), shown);
    }

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        check("http://u:secret@h:1/x", "http://u:***@h:1/x");
        check("http://u:se@cret@h:1", "http://u:***@h:1");
        check("http://h:1/a@b:c", "http://h:1/a@b:c");
        check("unix:///run/a:b@c.sock", "unix:///run/a:b@c.sock");
        check("nonsense", "nonsense");
    }
}
