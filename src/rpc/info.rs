//! What is true of the processes and what the config says of them, written from the table.

use super::api::Api;
use super::args::Args;
use super::faults::FaultKind;
use super::roll::{Roll, capped, fixed};
use super::xml::{Fault, Writer};
use crate::actors::table::{GroupRows, Row, Snapshot};
use crate::config::{GroupConfig, LogFile, ProcessConfig, StreamConfig};
use crate::model::listener::ListenerState;
use crate::model::name::Namespec;
use crate::model::state::{Channel, ProcessState};
use crate::model::time::{push_number, push_uptime};
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What a process is to a person: its state, and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The group's name.
    pub group: Arc<str>,
    /// The process's name.
    pub name: Arc<str>,
    /// Its state.
    pub state: ProcessState,
    /// Its pid and how long it is up, when it ended, or what is wrong with it.
    pub description: String,
}

impl Api {
    /// Every active process, sorted by group and name.
    pub fn statuses(&self) -> Vec<Status> {
        let now = now();
        let all = self.supervisor.table().all();
        all.rows
            .iter()
            .map(|row| {
                let live = row.read();
                let mut description = String::new();
                self.push_description(&row.name, &live, now, &mut description);
                Status {
                    group: Arc::clone(&row.group),
                    name: Arc::clone(&row.name),
                    state: live.state,
                    description,
                }
            })
            .collect()
    }

    /// The row of an active process by its namespec; none for a whole group.
    pub fn row(&self, name: &str) -> Option<Arc<Row>> {
        let spec = Namespec::parse(name);
        self.supervisor.table().row(spec.group, spec.process?)
    }

    /// The same, or the fault that says so.
    pub(super) fn need_row(&self, name: &str) -> Result<Arc<Row>, Fault> {
        self.row(name).ok_or_else(|| FaultKind::BadName.about(name))
    }

    pub(super) fn get_process_info<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let row = self.need_row(&args.text()?)?;
        let fixed = Arc::new(fixed(slice::from_ref(&row)));
        let mut roll = Roll::new(capped(now()), fixed);
        row.look(Instant::now(), |live| self.entry(&mut roll)(&row, live));
        roll.write_to(out);
        Ok(out)
    }

    pub(super) fn get_all_process_info<'w>(&self, out: &'w mut Writer) -> &'w mut Writer {
        out.begin_array();
        self.roll_of_all().write_to(out);
        out.end_array()
    }

    /// What is true of all processes now.
    pub(super) fn roll_of_all(&self) -> Roll {
        let all = self.supervisor.table().all();
        let mut roll = Roll::new(capped(now()), Arc::clone(all.texts(fixed)));
        all.look(Instant::now(), self.entry(&mut roll));
        roll
    }

    /// Puts down what is true of one process after the other.
    fn entry<'r>(&'r self, roll: &'r mut Roll) -> impl FnMut(&Row, &Snapshot) + 'r {
        let mut description = String::new();
        move |row, live| {
            description.clear();
            self.push_description(&row.name, live, roll.now(), &mut description);
            roll.push(live, &description);
        }
    }

    fn push_description(&self, name: &str, live: &Snapshot, now: i64, out: &mut String) {
        match live.state {
            ProcessState::Running => {
                out.push_str("pid ");
                push_number(live.pid.unwrap_or(0).into(), out);
                out.push_str(", uptime ");
                push_uptime(capped(now) - capped(live.start), out);
                // A listener that hears of nothing any more looks well otherwise.
                match live.listener {
                    Some(ListenerState::Unknown) => {
                        out.push_str(", listener is in the UNKNOWN state");
                    }
                    Some(
                        ListenerState::Acknowledged | ListenerState::Ready | ListenerState::Busy,
                    )
                    | None => {}
                }
                if let Some(trouble) = live.trouble() {
                    out.push_str(", ");
                    out.push_str(&trouble);
                }
            }
            ProcessState::Fatal | ProcessState::Backoff => match live.spawnerr.as_deref() {
                None | Some("") => {
                    out.push_str("unknown error (try \"tail ");
                    out.push_str(name);
                    out.push_str("\")");
                }
                Some(why) => out.push_str(why),
            },
            ProcessState::Stopped | ProcessState::Exited if live.start == 0 => {
                out.push_str("Not started");
            }
            ProcessState::Stopped | ProcessState::Exited => {
                out.push_str(&(self.clock)(capped(live.stop)).short());
            }
            ProcessState::Starting | ProcessState::Stopping | ProcessState::Unknown => {}
        }
    }

    pub(super) fn get_all_config_info<'w>(&self, out: &'w mut Writer) -> &'w mut Writer {
        let config = self.supervisor.table().config();
        let mut processes: Vec<_> = config
            .groups
            .iter()
            .flat_map(|group| {
                let active = self.supervisor.table().group(&group.name);
                let processes = group.processes.iter();
                processes.map(move |process| (process, group, active.clone()))
            })
            .collect();
        processes.sort_by(|(a, ..), (b, ..)| a.name.cmp(&b.name));
        out.begin_array();
        for (process, group, active) in processes {
            // An automatic log has a name once its group was made active. As in the original, a
            // config that was read after that does not know the name.
            let is_named = self.supervisor.table().is_of_last_config(&group.name);
            let named = active.as_deref().filter(|_| is_named);
            config_info(process, group, active.is_some(), named, out);
        }
        out.end_array()
    }
}

fn config_info(
    process: &ProcessConfig,
    group: &GroupConfig,
    inuse: bool,
    named: Option<&GroupRows>,
    out: &mut Writer,
) {
    let row = named.and_then(|group| group.row(&process.name));
    let log = |channel| row.and_then(|row| row.logfile(channel)).map(|log| &**log);
    out.begin_struct();
    boolean(out, "autostart", process.common.autostart);
    match &process.directory {
        Some(directory) => text(out, "directory", &directory.to_string_lossy()),
        None => text(out, "directory", NONE),
    }
    match process.common.uid {
        Some(uid) => long(out, "uid", uid.into()),
        None => text(out, "uid", NONE),
    }
    text(out, "command", &process.command);
    out.member("exitcodes", |out| {
        out.begin_array();
        for &code in &process.common.exitcodes {
            out.int(code.into());
        }
        out.end_array();
    });
    text(out, "group", &group.name);
    long(out, "group_prio", group.priority);
    boolean(out, "inuse", inuse);
    boolean(out, "killasgroup", process.common.killasgroup);
    text(out, "name", &process.name);
    long(out, "process_prio", process.common.priority);
    boolean(out, "redirect_stderr", process.common.redirect_stderr);
    long(out, "startretries", process.common.startretries);
    long(out, "startsecs", process.common.startsecs);
    stream_info("stdout", &process.stdout, log(Channel::Stdout), out);
    int(out, "stopsignal", process.common.stopsignal.0);
    long(out, "stopwaitsecs", process.common.stopwaitsecs);
    stream_info("stderr", &process.stderr, log(Channel::Stderr), out);
    text(
        out,
        "serverurl",
        process.common.serverurl.as_deref().unwrap_or(NONE),
    );
    out.end_struct();
}

/// What stands for a value that is not there: XML-RPC has no word for it.
const NONE: &str = "none";

fn stream_info(channel: &str, stream: &StreamConfig, name: Option<&Path>, out: &mut Writer) {
    let key = |option: &str| format!("{channel}_{option}");
    long(
        out,
        &key("capture_maxbytes"),
        saturated(stream.capture_maxbytes),
    );
    boolean(out, &key("events_enabled"), stream.events_enabled);
    let logfile = match &stream.logfile {
        LogFile::None => NONE.into(),
        LogFile::Auto => name.map_or("auto".into(), |path| path.to_string_lossy()),
        LogFile::Path(path) => path.to_string_lossy(),
    };
    text(out, &key("logfile"), &logfile);
    long(out, &key("logfile_backups"), stream.backups.into());
    long(out, &key("logfile_maxbytes"), saturated(stream.maxbytes));
    boolean(out, &key("syslog"), stream.syslog);
}

pub(super) fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The time in seconds of Unix time.
pub(super) fn now() -> i64 {
    // A clock that was set before 1970 counts as 1970.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    saturated(since.as_secs())
}

pub(super) fn text(out: &mut Writer, name: &str, value: &str) {
    out.member(name, |out| {
        out.string(value);
    });
}

pub(super) fn int(out: &mut Writer, name: &str, value: i32) {
    long(out, name, value.into());
}

pub(super) fn long(out: &mut Writer, name: &str, value: i64) {
    out.member(name, |out| {
        out.int(value);
    });
}

fn boolean(out: &mut Writer, name: &str, value: bool) {
    out.member(name, |out| {
        out.boolean(value);
    });
}
