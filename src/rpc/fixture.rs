//! A daemon for tests: a table with three processes and no actors behind it.

use super::Api;
use crate::actors::Supervisor;
use crate::actors::table::{GroupRows, Row, Table};
use crate::config::{
    Aftermath, AutoRestart, Config, DaemonConfig, GroupConfig, GroupKind, LogFile, LogLevel,
    MainLogTarget, ProcessConfig, ProgramConfig, StreamConfig, Waits,
};
use crate::model::signal::Signal;
use crate::model::state::{Mood, ProcessState};
use crate::model::time::LocalTime;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An api for `cat` (RUNNING), `pets:tom` (STOPPED, was started) and `pets:jerry` (FATAL).
pub(crate) fn api(mood: Mood, supervisor_rpc: bool, log: Option<&Path>) -> Api {
    let mut config = config(supervisor_rpc);
    config.groups = vec![
        group("pets", 5, &["tom", "jerry"]).into(),
        group("cat", 999, &["cat"]).into(),
    ];
    let rows = config.groups.iter().map(|group| rows(group, log)).collect();
    let table = Table::with(config, mood, rows);
    let row = |group, name| table.row(group, name).expect("the row was just added");
    row("cat", "cat").write(|live| {
        live.state = ProcessState::Running;
        live.pid = Some(77);
        live.start = 1 << 40;
    });
    row("pets", "tom").write(|live| {
        live.start = 1000;
        live.stop = 2000;
        live.exitstatus = Some(3);
    });
    row("pets", "jerry").write(|live| {
        live.state = ProcessState::Fatal;
        live.spawnerr = Some("can't find command '<x>'".into());
    });
    Api::new(
        Supervisor::for_table(table),
        clock,
        slog::Logger::root(slog::Discard, slog::o!()),
    )
}

fn clock(seconds: i64) -> LocalTime {
    LocalTime {
        year: 2026,
        month: 11,
        day: 20,
        hour: 5,
        minute: u8::try_from(seconds / 100 % 60).expect("a minute is below 60"),
        second: 0,
    }
}

fn rows(group: &GroupConfig, log: Option<&Path>) -> GroupRows {
    let name: Arc<str> = group.name.as_str().into();
    let row = |process: &Arc<ProcessConfig>| {
        let log = log.filter(|_| process.name == "cat").map(Arc::from);
        let name = Arc::clone(&name);
        Arc::new(Row::new(name, process.name.as_str().into(), [log, None]))
    };
    let rows = group.processes.iter().map(row).collect();
    GroupRows::new(Arc::clone(&name), group.priority, rows)
}

fn config(supervisor_rpc: bool) -> Config {
    Config {
        daemon: DaemonConfig {
            configfile: PathBuf::from("/etc/supervisord.conf"),
            logfile: MainLogTarget::Syslog,
            logfile_maxbytes: 0,
            logfile_backups: 0,
            loglevel: LogLevel::Info,
            pidfile: PathBuf::from("/run/supervisord.pid"),
            umask: 0o22,
            nodaemon: true,
            silent: true,
            minfds: 1024,
            minprocs: 200,
            nocleanup: false,
            childlogdir: PathBuf::from("/tmp"),
            user: None,
            directory: None,
            strip_ansi: false,
            identifier: "fixture".to_owned(),
            serverurl: None,
        },
        servers: Vec::new(),
        supervisor_rpc,
        groups: Vec::new(),
        notes: Vec::new(),
    }
}

fn group(name: &str, priority: i64, processes: &[&str]) -> GroupConfig {
    GroupConfig {
        name: name.to_owned(),
        priority,
        kind: GroupKind::Programs,
        processes: processes.iter().map(|name| process(name).into()).collect(),
    }
}

fn process(name: &str) -> ProcessConfig {
    let stream = StreamConfig {
        logfile: LogFile::Auto,
        maxbytes: 50 << 20,
        backups: 10,
        capture_maxbytes: 0,
        events_enabled: false,
        syslog: false,
        style: None,
    };
    ProcessConfig {
        name: name.to_owned(),
        command: format!("/bin/{name} <&>"),
        directory: None,
        stdout: stream.clone().into(),
        stderr: StreamConfig {
            logfile: LogFile::None,
            ..stream
        }
        .into(),
        environment: BTreeMap::new(),
        common: Arc::new(ProgramConfig {
            umask: None,
            priority: 999,
            autostart: true,
            autorestart: AutoRestart::Unexpected,
            startsecs: 1,
            startretries: 3,
            waits: Waits::ORIGINAL,
            restart_limit: None,
            on_exit: Aftermath::Stay,
            on_fatal: Aftermath::Stay,
            uid: None,
            stopsignal: Signal::TERM,
            stopwaitsecs: 10,
            stopasgroup: false,
            killasgroup: false,
            exitcodes: vec![0, 2],
            redirect_stderr: true,
            serverurl: None,
        }),
    }
}
