//! Why an action was given up, and what may help.

use super::ask::AskError;
use super::code::fault;
use crate::rpc::client::{Address, ClientError};
use std::path::PathBuf;

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
            Self::Client(error @ (ClientError::UnknownProtocol | ClientError::BadAddress)) => {
                format!("{error} {url}")
            }
            Self::Client(ClientError::Unauthorized) => {
                "the server answered 401 Unauthorized".to_owned()
            }
            Self::Client(ClientError::Fault(failed))
                if i64::from(failed.code) == fault::SHUTDOWN_STATE =>
            {
                format!(
                    "the server is shutting down or restarting ({})",
                    failed.text
                )
            }
            Self::Client(error) => error.to_string(),
            Self::Code { code, name, text } if *code == fault::SHUTDOWN_STATE => {
                format!("{name}: the server is shutting down or restarting ({text})")
            }
            Self::Code { code, name, text } => {
                format!("Unknown result code {code} for {name} ({text})")
            }
            Self::Ask(error) => error.to_string(),
        }
    }
}

/// Where the daemon's address came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From `-s`, or from `open`.
    Person,
    /// From this config file.
    File(PathBuf),
    /// From nowhere: no config file was found.
    Default,
}

/// What was tried, the likely cause and the command that fixes it, one line each; nothing for
/// errors that say all this themselves. The URL is one without a password.
pub(super) fn hint(error: &ClientError, url: &str, origin: &Origin) -> Vec<String> {
    let start = start(origin);
    let (cause, fix) = match (error, Address::parse(url).ok()) {
        (ClientError::NoSuchFile, Some(Address::Unix(_))) => (
            "supervisord does not run, or its [unix_http_server] has another file=".to_owned(),
            start,
        ),
        (ClientError::Refused, Some(Address::Unix(_))) => (
            "supervisord does not run; it left the socket behind when it was killed".to_owned(),
            format!("{start} (it replaces the socket)"),
        ),
        (ClientError::Refused, Some(Address::Tcp { .. })) if *origin == Origin::Default => (
            "nobody listens at the default address, which is tried where no config file is found"
                .to_owned(),
            "supervisorctl -c /path/to/supervisord.conf".to_owned(),
        ),
        (ClientError::Refused, Some(Address::Tcp { port, .. })) => (
            format!("supervisord does not run, or has no [inet_http_server] with port {port}"),
            start,
        ),
        (ClientError::PermissionDenied, Some(Address::Unix(_))) => (
            "the socket belongs to another user; chmod= and chown= in [unix_http_server] say \
             who may use it"
                .to_owned(),
            "sudo supervisorctl".to_owned() + &flag(origin),
        ),
        (ClientError::Unauthorized, _) => (
            "the user name or the password is missing or wrong".to_owned(),
            // Not `-p`: other users see what stands on a command line.
            "set username= and password= in [supervisorctl], or begin a shell, which asks for them"
                .to_owned(),
        ),
        _ => return Vec::new(),
    };
    let from = match origin {
        Origin::Person => String::new(),
        Origin::File(path) => format!(" (serverurl in {})", path.display()),
        Origin::Default => " (the default)".to_owned(),
    };
    vec![
        format!("tried: {url}{from}"),
        format!("likely cause: {cause}"),
        format!("to fix: {fix}"),
    ]
}

/// The command that starts a daemon, with this config if there is one.
fn start(origin: &Origin) -> String {
    "supervisord".to_owned() + &flag(origin)
}

fn flag(origin: &Origin) -> String {
    match origin {
        Origin::File(path) => format!(" -c {}", path.display()),
        Origin::Person | Origin::Default => " -c /path/to/supervisord.conf".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &ClientError, url: &str, origin: &Origin, lines: &str) {
        assert_eq!(hint(error, url, origin).join("\n"), lines);
    }

    #[test]
    fn a_hint_says_what_was_tried_why_it_failed_and_what_to_do() {
        let file = Origin::File("/etc/s.conf".into());
        check(
            &ClientError::NoSuchFile,
            "unix:///run/s.sock",
            &file,
            "tried: unix:///run/s.sock (serverurl in /etc/s.conf)\n\
             likely cause: supervisord does not run, or its [unix_http_server] has another file=\n\
             to fix: supervisord -c /etc/s.conf",
        );
        check(
            &ClientError::Refused,
            "unix:///run/s.sock",
            &file,
            "tried: unix:///run/s.sock (serverurl in /etc/s.conf)\n\
             likely cause: supervisord does not run; it left the socket behind when it was killed\n\
             to fix: supervisord -c /etc/s.conf (it replaces the socket)",
        );
        check(
            &ClientError::PermissionDenied,
            "unix:///run/s.sock",
            &file,
            "tried: unix:///run/s.sock (serverurl in /etc/s.conf)\n\
             likely cause: the socket belongs to another user; chmod= and chown= in \
             [unix_http_server] say who may use it\n\
             to fix: sudo supervisorctl -c /etc/s.conf",
        );
        check(
            &ClientError::Refused,
            "http://localhost:9001",
            &Origin::Default,
            "tried: http://localhost:9001 (the default)\n\
             likely cause: nobody listens at the default address, which is tried where no config \
             file is found\n\
             to fix: supervisorctl -c /path/to/supervisord.conf",
        );
        check(
            &ClientError::Refused,
            "http://h:1",
            &Origin::Person,
            "tried: http://h:1\n\
             likely cause: supervisord does not run, or has no [inet_http_server] with port 1\n\
             to fix: supervisord -c /path/to/supervisord.conf",
        );
    }

    #[test]
    fn nobody_is_told_to_put_a_password_on_a_command_line() {
        check(
            &ClientError::Unauthorized,
            "http://u:***@h:1",
            &Origin::Person,
            "tried: http://u:***@h:1\n\
             likely cause: the user name or the password is missing or wrong\n\
             to fix: set username= and password= in [supervisorctl], or begin a shell, which asks \
             for them",
        );
    }

    #[test]
    fn where_the_sentence_says_it_all_there_is_no_hint() {
        let error = ClientError::Unexpected("name");
        check(&error, "http://h:1", &Origin::Person, "");
        check(&ClientError::NoSuchFile, "http://h:1", &Origin::Person, "");
    }
}
