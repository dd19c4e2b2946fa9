//! Groups: `[group:x]`, programs on their own, pools of listeners, and `FastCGI` programs.

use super::error::Fault;
use super::percent::Arg;
use super::programs::{once_each, processes, warning};
use super::raw::Section;
use super::reader::{Context, View};
use super::types::{
    FcgiAddress, FcgiSocket, GroupConfig, GroupKind, ListenerConfig, Note, ProcessConfig,
};
use super::values;
use crate::model::event::EventMask;
use crate::model::text::{is_space, strip};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The one function that may judge a listener's result.
const RESULT_HANDLER: &str = "supervisor.dispatchers:default_handler";

/// Reads groups of all kinds.
pub(super) struct Groups<'a> {
    pub(super) context: Context<'a>,
    /// What `[supervisord]` sets for every child.
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) notes: &'a mut Vec<Note>,
}

impl Groups<'_> {
    /// All groups, ascending by priority and then by name, each name once. Of two with one name
    /// the first is run, as in the original, and a warning says so.
    pub(super) fn read(mut self) -> Result<Vec<Arc<GroupConfig>>, Fault> {
        let mut groups = Vec::new();
        let mut members = HashSet::new();
        for (section, name) in self.context.sections_of("group:") {
            groups.push(self.group(section, name, &mut members)?);
        }
        for (section, name) in self.context.sections_of("program:") {
            if !members.contains(&section.name) {
                groups.push(self.program(section, name)?);
            }
        }
        for (section, name) in self.context.sections_of("eventlistener:") {
            groups.push(self.listeners(section, name)?);
        }
        for (section, name) in self.context.sections_of("fcgi-program:") {
            if !members.contains(&section.name) {
                groups.push(self.fcgi(section, name)?);
            }
        }
        groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        let mut seen = HashSet::new();
        groups.retain(|group| {
            let first = seen.insert(group.name.clone());
            if !first {
                self.notes.push(warning(format!(
                    "More than one group is named {}, only the first one is used",
                    group.name
                )));
            }
            first
        });
        Ok(groups.into_iter().map(Arc::new).collect())
    }

    fn group(
        &mut self,
        section: &Section,
        name: &str,
        members: &mut HashSet<String>,
    ) -> Result<GroupConfig, Fault> {
        let names = self.context.here_name();
        let view = self.context.view(section, &names);
        let name = group_name(section, name)?;
        let programs = view.text("programs")?.unwrap_or_default();
        let priority = priority(&view, 999)?;
        let mut processes = Vec::new();
        for program in values::list(&programs) {
            let member = member(&self.context, &view, program)?;
            members.insert(member.name.clone());
            processes.extend(self.processes(member, &name)?);
        }
        Ok(self.finished(name, priority, GroupKind::Programs, processes))
    }

    fn program(&mut self, section: &Section, name: &str) -> Result<GroupConfig, Fault> {
        let names = self.context.here_name();
        let view = self.context.view(section, &names);
        let name = group_name(section, name)?;
        let priority = priority(&view, 999)?;
        let processes = self.processes(section, &name)?;
        Ok(self.finished(name, priority, GroupKind::Programs, processes))
    }

    fn listeners(&mut self, section: &Section, name: &str) -> Result<GroupConfig, Fault> {
        let names = self.context.here_name();
        let view = self.context.view(section, &names);
        let priority = priority(&view, -1)?;
        let kind = GroupKind::Listeners(listener(&view)?);
        let redirected = view.read("redirect_stderr", values::boolean)?;
        if redirected == Some(true) {
            let why = format!(
                "[{}] section sets redirect_stderr=true but this is not allowed because it will \
                 interfere with the eventlistener protocol",
                section.name
            );
            return Err(view.fault("redirect_stderr", why));
        }
        let processes = self.processes(section, name)?;
        Ok(self.finished(name.to_owned(), priority, kind, processes))
    }

    fn fcgi(&mut self, section: &Section, name: &str) -> Result<GroupConfig, Fault> {
        let names = self.context.here_name();
        let view = self.context.view(section, &names);
        let name = group_name(section, name)?;
        let priority = priority(&view, 999)?;
        let kind = GroupKind::FastCgi(self.socket(section, &name)?);
        let processes = self.processes(section, &name)?;
        Ok(self.finished(name, priority, kind, processes))
    }

    fn socket(&self, section: &Section, program: &str) -> Result<FcgiSocket, Fault> {
        let host = self.context.around.host;
        let names = self.context.here_name();
        let view = self.context.view(section, &names);
        let user = view.read("user", |text| values::uid(text, host))?;
        let backlog = view.read("socket_backlog", backlog)?;
        let owner = view.read("socket_owner", |text| {
            values::owner(text, host).ok_or_else(|| format!("Invalid socket_owner value {text}"))
        })?;
        let mode = view.read("socket_mode", |text| {
            values::octal(text).map_err(|_| format!("Invalid socket_mode value {text}"))
        })?;
        let mut names = names.clone();
        names.insert("program_name".to_owned(), Arg::from(program));
        let view = self.context.view(section, &names);
        let socket = view.text("socket")?.filter(|socket| !socket.is_empty());
        let socket = socket.ok_or_else(|| {
            let why = format!("[{}] section requires a \"socket\" line", section.name);
            view.fault("socket", why)
        })?;
        let address = if let Some(path) = socket.strip_prefix("unix://") {
            self.unix_socket(path, owner, mode, user)
        } else if owner.is_some() || mode.is_some() {
            Err(
                "socket_owner and socket_mode params should only be used with a Unix domain \
                 socket"
                    .to_owned(),
            )
        } else {
            tcp_socket(&socket)
        };
        let address = address
            .map_err(|why| view.fault("socket", format!("{why} in [{}] socket", section.name)))?;
        Ok(FcgiSocket { address, backlog })
    }

    /// A unix socket belongs to the program's user unless somebody else is named.
    fn unix_socket(
        &self,
        path: &str,
        owner: Option<(u32, Option<u32>)>,
        mode: Option<u32>,
        user: Option<u32>,
    ) -> Result<FcgiAddress, String> {
        let around = self.context.around;
        if !path.starts_with('/') {
            return Err(format!("Unix socket path {path} is not an absolute path"));
        }
        let of_user = |uid| (uid, around.host.gid_of_uid(uid));
        let stranger = user.filter(|&uid| uid != around.host.own_uid());
        Ok(FcgiAddress::Unix {
            path: around.normalized(path).into(),
            owner: owner.or_else(|| stranger.map(of_user)),
            mode: mode.unwrap_or(0o700),
        })
    }

    fn processes(&mut self, section: &Section, group: &str) -> Result<Vec<ProcessConfig>, Fault> {
        processes(&self.context, section, group, self.environment, self.notes)
    }

    fn finished(
        &mut self,
        name: String,
        priority: i64,
        kind: GroupKind,
        processes: Vec<ProcessConfig>,
    ) -> GroupConfig {
        let given = once_each(processes, &name, self.notes);
        // A `collect` would go on using the place of the values, which is many times as big.
        let mut processes = Vec::with_capacity(given.len());
        processes.extend(given.into_iter().map(Arc::new));
        GroupConfig {
            name,
            priority,
            kind,
            processes,
        }
    }
}

/// The section of a group's member.
fn member<'a>(
    context: &Context<'a>,
    group: &View<'_>,
    program: &str,
) -> Result<&'a Section, Fault> {
    let document = context.document;
    let section = &group.section.name;
    let plain = document.section(&format!("program:{program}"));
    let fcgi = document.section(&format!("fcgi-program:{program}"));
    let why = match (plain, fcgi) {
        (Some(member), None) | (None, Some(member)) => return Ok(member),
        (None, None) => format!("[{section}] names unknown program or fcgi-program {program}"),
        (Some(_), Some(_)) => {
            format!("[{section}] name {program} is ambiguous (exists as program and fcgi-program)")
        }
    };
    Err(group.fault("programs", why))
}

fn group_name(section: &Section, name: &str) -> Result<String, Fault> {
    values::name(name).map_err(|why| Fault::at(why, &section.place))
}

fn priority(view: &View<'_>, default: i64) -> Result<i64, Fault> {
    Ok(view.read("priority", values::integer)?.unwrap_or(default))
}

fn listener(view: &View<'_>) -> Result<ListenerConfig, Fault> {
    let section = &view.section.name;
    let buffer_size = view.read("buffer_size", values::integer)?.unwrap_or(10);
    let size = usize::try_from(buffer_size).ok().filter(|&size| size > 0);
    let buffer_size = size.ok_or_else(|| {
        let why = format!("[{section}] section sets invalid buffer_size ({buffer_size})");
        view.fault("buffer_size", why)
    })?;
    let handler = view.text("result_handler")?;
    let handler = handler.unwrap_or_else(|| RESULT_HANDLER.to_owned());
    if !is_object(&handler, RESULT_HANDLER) {
        let why = format!("{handler} cannot be resolved within [{section}]");
        return Err(view.fault("result_handler", why));
    }
    let text = view.text("events")?.unwrap_or_default();
    let names = values::list(&text).into_iter().map(str::to_uppercase);
    let mut events = BTreeSet::new();
    for name in names {
        if EventMask::of_name(&name).is_none() {
            let why = format!("Unknown event type {name} in [{section}] events");
            return Err(view.fault("events", why));
        }
        events.insert(name);
    }
    if events.is_empty() {
        let why = format!("[{section}] section requires an \"events\" line");
        return Err(view.fault("events", why));
    }
    let payload_length = view.read("payload_length", values::payload_length)?;
    let restart_unknown = view.read("restart_unknown", values::boolean)?;
    let event_details = view.read("event_details", values::boolean)?;
    Ok(ListenerConfig {
        buffer_size,
        events: events.into_iter().collect(),
        result_handler: RESULT_HANDLER.to_owned(),
        payload_length: payload_length.unwrap_or_default(),
        restart_unknown: restart_unknown.unwrap_or(false),
        event_details: event_details.unwrap_or(false),
    })
}

/// Whether a text names this object of Python's, `module:name`; white space around the colon
/// makes no difference to Python.
pub(super) fn is_object(text: &str, object: &str) -> bool {
    let parts =
        |text| str::split_once(text, ':').map(|(module, name)| (strip(module), strip(name)));
    parts(text) == parts(object)
}

fn backlog(text: &str) -> Result<u32, String> {
    let number = values::integer(text)?;
    u32::try_from(number)
        .ok()
        .filter(|backlog| (1..=65535).contains(backlog))
        .ok_or_else(|| format!("Invalid socket_backlog value {number}"))
}

fn tcp_socket(text: &str) -> Result<FcgiAddress, String> {
    let bad = || format!("Bad socket format {text}");
    let (host, port) = text
        .strip_prefix("tcp://")
        .and_then(|address| address.split_once(':'))
        .ok_or_else(bad)?;
    let host_is_good = !host.is_empty() && !host.contains(is_space);
    let port_is_good = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if !host_is_good || !port_is_good {
        return Err(bad());
    }
    Ok(FcgiAddress::Tcp {
        host: host.to_lowercase(),
        port: values::port(port)?,
    })
}
