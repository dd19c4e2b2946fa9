//! `[inet_http_server]`, `[unix_http_server]` and `[rpcinterface:supervisor]`.

use super::error::Fault;
use super::groups::is_object;
use super::percent::Names;
use super::reader::{Context, View};
use super::types::{Credentials, ServerAddress, ServerConfig};
use super::values;
use crate::model::text::strip;

/// All servers: those on TCP ports first, then those on unix sockets.
pub(super) fn servers(context: &Context<'_>) -> Result<Vec<ServerConfig>, Fault> {
    let mut servers = Vec::new();
    for (section, _) in context.sections_of("inet_http_server") {
        servers.push(inet(&context.view(section, &Names::new()))?);
    }
    for (section, _) in context.sections_of("unix_http_server") {
        let names = context.here_name();
        servers.push(unix(
            context,
            &context.view(section, &names),
            section.name.clone(),
        )?);
    }
    Ok(servers)
}

/// What children are told to ask: the first unix server, else the first TCP one.
pub(super) fn serverurl(servers: &[ServerConfig]) -> Option<String> {
    let unix = servers.iter().find_map(|server| match &server.address {
        ServerAddress::Unix { path, .. } => Some(format!("unix://{}", path.display())),
        ServerAddress::Tcp { .. } => None,
    });
    let tcp = || {
        servers.iter().find_map(|server| match &server.address {
            ServerAddress::Tcp { host, port } if host.is_empty() => {
                Some(format!("http://localhost:{port}"))
            }
            ServerAddress::Tcp { host, port } => Some(format!("http://{host}:{port}")),
            ServerAddress::Unix { .. } => None,
        })
    };
    unix.or_else(tcp)
}

fn inet(view: &View<'_>) -> Result<ServerConfig, Fault> {
    let section = &view.section.name;
    let credentials = credentials(view)?;
    let (host, port) = view.read("port", values::inet_address)?.ok_or_else(|| {
        let why = format!("section [{section}] has no port value");
        view.fault("port", why)
    })?;
    Ok(ServerConfig {
        section: section.clone(),
        address: ServerAddress::Tcp { host, port },
        credentials,
    })
}

fn unix(context: &Context<'_>, view: &View<'_>, section: String) -> Result<ServerConfig, Fault> {
    let around = context.around;
    let file = view.text("file")?.ok_or_else(|| {
        let why = format!("section [{section}] has no file value");
        view.fault("file", why)
    })?;
    // Only the path may name the folder.
    let nothing = Names::new();
    let view = context.view(view.section, &nothing);
    let credentials = credentials(&view)?;
    let owner = view.read("chown", |text| {
        values::owner(text, around.host).ok_or_else(|| format!("Invalid sockchown value {text}"))
    })?;
    let mode = view.read("chmod", |text| {
        values::octal(text).map_err(|_| format!("Invalid chmod value {text}"))
    })?;
    Ok(ServerConfig {
        section,
        address: ServerAddress::Unix {
            path: around.normalized(strip(&file)).into(),
            mode: mode.unwrap_or(0o700),
            owner,
        },
        credentials,
    })
}

/// Who may ask. Half of it is refused as in the original, and so is what is empty: it would look
/// like a lock and be none.
fn credentials(view: &View<'_>) -> Result<Option<Credentials>, Fault> {
    let section = &view.section.name;
    let username = view.text("username")?;
    let password = view.text("password")?;
    let (username, password) = match (username, password) {
        (None, None) => return Ok(None),
        (Some(username), Some(password)) => (username, password),
        (username, _) => {
            let given = if username.is_some() {
                "username"
            } else {
                "password"
            };
            let why = format!(
                "Section [{section}] contains incomplete authentication: If a username or a \
                 password is specified, both the username and password must be specified"
            );
            return Err(view.fault(given, why));
        }
    };
    for (option, text) in [("username", &username), ("password", &password)] {
        if text.is_empty() {
            let why = format!("Section [{section}] contains an empty {option}");
            return Err(view.fault(option, why));
        }
    }
    Ok(Some(Credentials { username, password }))
}

/// Whether the `supervisor.*` methods are wanted. No other interface can be had: they are
/// Python's objects in the original.
pub(super) fn supervisor_rpc(context: &Context<'_>) -> Result<bool, Fault> {
    const OPTION: &str = "supervisor.rpcinterface_factory";
    const FACTORY: &str = "supervisor.rpcinterface:make_main_rpcinterface";
    let mut wanted = false;
    for (section, name) in context.sections_of("rpcinterface:") {
        let names = Names::new();
        let view = context.view(section, &names);
        let factory = view.text(OPTION)?.ok_or_else(|| {
            let why = format!("section [{}] does not specify a {OPTION}", section.name);
            view.fault(OPTION, why)
        })?;
        if name != "supervisor" || !is_object(&factory, FACTORY) {
            let why = format!("{factory} cannot be resolved within [{}]", section.name);
            return Err(view.fault(OPTION, why));
        }
        wanted = true;
    }
    Ok(wanted)
}
