//! Why an action was given up, and what may help.

use super::ask::AskError;
use crate::rpc::client::{Address, ClientError};
use std::fmt;
use std::path::Path;

/// Why an action was given up. It is shown behind `error: `, where the original shows an
/// exception.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The daemon could not be asked, or answered with something else than the action knows.
    Client(ClientError),
    /// What became of a process has a code that the action does not know.
    Code {
        code: i64,
        name: String,
        text: String,
    },
    /// A question was left without an answer.
    Ask(AskError),
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<AskError> for Trouble {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}

impl Trouble {
    /// The sentence for it, which names the daemon's address where nobody was reached there.
    pub(super) fn sentence(&self, url: &str) -> String {
        match self {
            Self::Client(ClientError::Refused) => format!("{url} refused connection"),
            Self::Client(
                error @ (ClientError::NoSuchFile
                | ClientError::PermissionDenied
                | ClientError::Io(_)),
            ) => format!("{url} {error}"),
            Self::Client(ClientError::Unauthorized) => {
                "the server answered 401 Unauthorized".to_owned()
            }
            Self::Client(error) => error.to_string(),
            Self::Code { code, name, text } => {
                format!("Unknown result code {code} for {name} ({text})")
            }
            Self::Ask(error) => error.to_string(),
        }
    }
}

/// What was tried, the likely cause and the command that fixes it, one line each; nothing for
/// errors that say all this themselves.
pub(super) fn hint(error: &ClientError, url: &str, configfile: Option<&Path>) -> Vec<String> {
    let start = Start(configfile);
    let (cause, fix) = match (error, Address::parse(url)) {
        (ClientError::NoSuchFile, Some(Address::Unix(_))) => (
            "supervisord does not run, or its [unix_http_server] has another file=".to_owned(),
            format!("start it: {start}"),
        ),
        (ClientError::Refused, Some(Address::Unix(path))) => (
            "supervisord does not run; it left the socket behind when it was killed".to_owned(),
            format!(
                "start it, which replaces {}: {start}",
                path.to_string_lossy()
            ),
        ),
        (ClientError::Refused, Some(Address::Tcp { .. })) if configfile.is_none() => (
            "no config file was found, so the default address was tried, and nobody listens there"
                .to_owned(),
            "name the config file: supervisorctl -c /etc/supervisord.conf".to_owned(),
        ),
        (ClientError::Refused, Some(Address::Tcp { port, .. })) => (
            format!("supervisord does not run, or it has no [inet_http_server] with port {port}"),
            format!("start it: {start}"),
        ),
        (ClientError::PermissionDenied, Some(Address::Unix(path))) => (
            "the socket belongs to another user; chmod= and chown= in [unix_http_server] say \
             who may use it"
                .to_owned(),
            format!(
                "ask as its owner: sudo supervisorctl, or look: ls -l {}",
                path.to_string_lossy()
            ),
        ),
        (ClientError::Unauthorized, _) => (
            "the user name or the password is missing or wrong".to_owned(),
            "set username= and password= in [supervisorctl] as they are in the server's section, \
             or give -u and -p"
                .to_owned(),
        ),
        _ => return Vec::new(),
    };
    vec![
        format!("tried: {url}{}", source(configfile)),
        format!("likely cause: {cause}"),
        format!("to fix: {fix}"),
    ]
}

/// Where the address came from, as far as that is known.
fn source(configfile: Option<&Path>) -> String {
    configfile.map_or_else(String::new, |path| {
        format!(" (config file {})", path.display())
    })
}

/// The command that starts a daemon with this config.
struct Start<'a>(Option<&'a Path>);

impl fmt::Display for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(f, "supervisord -c {}", path.display()),
            None => f.write_str("supervisord -c /etc/supervisord.conf"),
        }
    }
}
