//! Whole configs and what they come to.

use super::super::host::tests::TableHost;
use super::super::testing::Folder;
use super::*;
use crate::config::*;
use crate::model::envelope::PayloadLength;
use crate::model::logstyle::{Compression, Format, LogStyle, Period};
use crate::model::signal::Signal;

pub(crate) fn load_in(folder: &Folder, overrides: &Overrides) -> Result<Config, ConfigError> {
    let env = [("HOME", "/home/me"), ("TMPDIR", "/"), ("GREETING", "hi")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let request = LoadRequest {
        path: "x.conf",
        overrides,
        env: &env,
        cwd: folder.path(),
    };
    load(&request, &TableHost)
}

/// Loads a config of its own; `[supervisord]` is added if there is none.
pub(super) fn load_text(text: &str) -> Result<Config, ConfigError> {
    let folder = Folder::new();
    let text = if text.contains("[supervisord]") {
        text.to_owned()
    } else {
        format!("{text}\n[supervisord]\n")
    };
    folder.write("x.conf", text);
    load_in(&folder, &Overrides::default())
}

/// A config that is right.
pub(crate) fn loaded(text: &str) -> Config {
    load_text(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The sample with everything in it switched on, but for what this machine cannot have.
fn uncommented() -> String {
    let lines = SAMPLE.lines().map(|line| {
        let option = line
            .strip_prefix(';')
            .filter(|rest| !rest.starts_with([' ', ';']));
        option.filter(|option| !option.is_empty()).unwrap_or(line)
    });
    let text: Vec<_> = lines.collect();
    text.join("\n")
        .replace("nobody:nogroup", "ann:staff")
        .replace("nobody", "ann")
        .replace("program1,program2", "theprogramname,thefcginame")
}

#[test]
fn the_sample_is_a_config() {
    let config = loaded(SAMPLE);
    assert_eq!(config.servers.len(), 1);
    assert_eq!(config.groups, []);
    assert!(config.supervisor_rpc);
    assert_eq!(config.notes, []);
}

#[test]
fn the_sample_with_everything_switched_on_is_a_config() {
    let text = uncommented();
    let config = loaded(&text);
    let names: Vec<_> = config
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(names, ["thelistenername", "thegroupname"]);
    assert_eq!(config.groups[1].processes.len(), 6);
    assert_eq!(config.servers.len(), 2);
    let alone = loaded(&text.replace("[group:thegroupname]", "[no group]"));
    assert_eq!(alone.groups.len(), 3);
}

#[test]
fn the_sample_names_every_option() {
    let text = uncommented();
    let source = [
        include_str!("daemon.rs"),
        include_str!("programs.rs"),
        include_str!("groups.rs"),
        include_str!("servers.rs"),
        include_str!("client.rs"),
    ]
    .concat();
    // Each option is read by a quoted name right behind one of these.
    let mut options = Vec::new();
    for reader in ["view.read(", "view.text(", "view.raw(", "plain.text("] {
        for rest in source.split(reader).skip(1) {
            let quoted = rest.trim_start().strip_prefix('"');
            options.extend(quoted.and_then(|rest| rest.split('"').next()));
        }
    }
    assert!(options.len() > 50, "{options:?}");
    for option in options {
        assert!(text.contains(&format!("\n{option}=")), "{option}");
    }
}

#[test]
fn a_program_without_options_gets_the_defaults() {
    let config = loaded("[program:x]\ncommand=/bin/cat a  b\n");
    let log = StreamConfig {
        logfile: LogFile::Auto,
        maxbytes: 50 << 20,
        backups: 10,
        capture_maxbytes: 0,
        events_enabled: false,
        syslog: false,
        style: None,
    };
    let process = ProcessConfig {
        name: "x".to_owned(),
        command: "/bin/cat a  b".to_owned(),
        directory: None,
        stdout: log.clone().into(),
        stderr: log.into(),
        environment: BTreeMap::new(),
        common: std::sync::Arc::new(ProgramConfig {
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
            exitcodes: vec![0],
            redirect_stderr: false,
            serverurl: None,
        }),
    };
    let group = GroupConfig {
        name: "x".to_owned(),
        priority: 999,
        kind: GroupKind::Programs,
        processes: vec![process.into()],
    };
    assert_eq!(config.groups, [std::sync::Arc::new(group)]);
    assert_eq!(config.notes, []);
    assert_eq!(config.servers, []);
    assert!(!config.supervisor_rpc);
}

#[test]
fn a_daemon_without_options_gets_the_defaults() {
    let folder = Folder::new();
    folder.write("x.conf", "[supervisord]\n");
    let daemon = load_in(&folder, &Overrides::default()).map(|config| config.daemon);
    let expected = DaemonConfig {
        configfile: folder.path().join("x.conf"),
        logfile: MainLogTarget::File(folder.path().join("supervisord.log")),
        logfile_maxbytes: 50 << 20,
        logfile_backups: 10,
        loglevel: LogLevel::Info,
        pidfile: folder.path().join("supervisord.pid"),
        umask: 0o22,
        nodaemon: false,
        silent: false,
        minfds: 1024,
        minprocs: 200,
        nocleanup: false,
        childlogdir: "/".into(),
        user: None,
        directory: None,
        strip_ansi: false,
        identifier: "supervisor".to_owned(),
        serverurl: None,
    };
    assert_eq!(daemon, Ok(expected));
}

#[test]
fn flags_beat_the_file_but_do_not_excuse_it() {
    let folder = Folder::new();
    folder.write(
        "x.conf",
        "[supervisord]\nlogfile=/x.log\nuser=ann\numask=027\nloglevel=warn\nlogfile_maxbytes=-1\n",
    );
    let load = |overrides: &Overrides| load_in(&folder, overrides).map(|config| config.daemon);
    let file = load(&Overrides::default()).map(|daemon| {
        let DaemonConfig {
            logfile,
            user,
            umask,
            loglevel,
            logfile_maxbytes,
            ..
        } = daemon;
        (logfile, user, umask, loglevel, logfile_maxbytes)
    });
    let logfile = MainLogTarget::File("/x.log".into());
    assert_eq!(
        file,
        Ok((logfile, Some((1000, 50)), 0o27, LogLevel::Warn, 0))
    );
    let flags = Overrides {
        nodaemon: Some(true),
        user: Some("0".to_owned()),
        umask: Some(0o77),
        logfile: Some("syslog".to_owned()),
        pidfile: Some(String::new()),
        loglevel: Some(LogLevel::Blather),
        logfile_maxbytes: Some(5),
        ..Overrides::default()
    };
    let both = load(&flags).map(|daemon| {
        let DaemonConfig {
            logfile,
            user,
            umask,
            loglevel,
            logfile_maxbytes,
            nodaemon,
            ..
        } = daemon;
        (logfile, user, umask, loglevel, logfile_maxbytes, nodaemon)
    });
    let expected = (
        MainLogTarget::Syslog,
        Some((0, 0)),
        0o77,
        LogLevel::Blather,
        5,
        true,
    );
    assert_eq!(both, Ok(expected));
    let flags = Overrides {
        user: Some("eve".to_owned()),
        ..Overrides::default()
    };
    let message = load(&flags).map_err(|error| error.message);
    assert_eq!(message, Err("Invalid user name eve".to_owned()));
    folder.write("x.conf", "[supervisord]\nloglevel=x\n");
    let flags = Overrides {
        loglevel: Some(LogLevel::Info),
        ..Overrides::default()
    };
    assert!(load(&flags).is_err());
}

/// Name, command and environment of each process, group by group.
fn shown(config: &Config) -> String {
    let groups = config.groups.iter().map(|group| {
        let processes = group.processes.iter().map(|process| {
            let environment = process.environment.iter();
            let environment: Vec<_> = environment
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!(
                "{}({})[{}]",
                process.name,
                process.command,
                environment.join(" ")
            )
        });
        format!(
            "{}: {}",
            group.name,
            processes.collect::<Vec<_>>().join(" ")
        )
    });
    groups.collect::<Vec<_>>().join("; ")
}

fn check(text: &str, expected: &str) {
    assert_eq!(shown(&loaded(text)), expected, "{text}");
}

#[test]
fn numprocs_multiplies_a_program_out() {
    check(
        "[program:w]\ncommand=c %(process_num)d/%(numprocs)d %(group_name)s\nprocess_name=%(program_name)s_%(process_num)02d\nnumprocs=2\nnumprocs_start=8\n",
        "w: w_08(c 8/2 w)[] w_09(c 9/2 w)[]",
    );
    check("[program:w]\ncommand=c\nnumprocs=0\n", "w: ");
    check(
        "[program:w]\ncommand=%(ENV_N)s\nprocess_name=p%(process_num)d\nnumprocs=2\nenvironment=N=\"n%(process_num)d\"\n",
        "w: p0(n0)[N=n0] p1(n1)[N=n1]",
    );
    check(
        "[program:w]\ncommand=%(ENV_HOME)s\nprocess_name=p%(process_num)d\nnumprocs=2\nenvironment=HOME=\"%(ENV_HOME)s/x\"\n",
        "w: p0(/home/me/x)[HOME=/home/me/x] p1(/home/me/x)[HOME=/home/me/x]",
    );
}

#[test]
fn the_daemons_environment_is_expanded_twice_and_feeds_the_programs() {
    check(
        "[supervisord]\nenvironment=A=\"%(ENV_GREETING)s\",B=\"%%(host_node_name)s\",C=\"100%%%%\"\n[program:x]\ncommand=%(ENV_A)s %(ENV_B)s\nenvironment=A=own\n",
        "x: x(own box)[A=own B=box C=100%]",
    );
}

#[test]
fn members_leave_their_own_groups() {
    let programs = "[program:b]\ncommand=%(group_name)s\npriority=1\n[program:a]\ncommand=%(group_name)s\npriority=1\n[program:c]\ncommand=c\n";
    check(
        &format!("{programs}[group:g]\nprograms=b, a\npriority=1000\n"),
        "c: c(c)[]; g: b(g)[] a(g)[]",
    );
    check(programs, "a: a(a)[]; b: b(b)[]; c: c(c)[]");
    check("[group:g]\n", "g: ");
    check(
        "[fcgi-program:f]\ncommand=c\nsocket=tcp://h:1\n[group:g]\nprograms=f\n",
        "g: f(c)[]",
    );
}

#[test]
fn names_are_given_once() {
    let text = "[program:a]\ncommand=1\nprocess_name=p\n[program:b]\ncommand=2\npriority=1\nprocess_name=p\n[program:g]\ncommand=3\n[group:g]\nprograms=a,b\n";
    check(text, "g: p(2)[]");
    let notes: Vec<_> = loaded(text)
        .notes
        .into_iter()
        .map(|note| note.text)
        .collect();
    assert_eq!(
        notes,
        [
            "Group g has more than one process named p, only the last one is used",
            "More than one group is named g, only the first one is used",
        ]
    );
}

#[test]
fn logs_are_named() {
    let log = |value: &str| {
        let config = loaded(&format!("[program:x]\ncommand=c\nstdout_logfile={value}\n"));
        let stream = &config.groups[0].processes[0].stdout;
        (stream.logfile.clone(), stream.syslog)
    };
    let path = |path: &str| (LogFile::Path(path.into()), false);
    assert_eq!(log("None"), (LogFile::None, false));
    assert_eq!(log("OFF"), (LogFile::None, false));
    assert_eq!(log(""), (LogFile::None, false));
    assert_eq!(log("auto"), (LogFile::Auto, false));
    assert_eq!(log("syslog"), (LogFile::None, true));
    assert_eq!(log("/x%(process_num)02d.log"), path("/x00.log"));
    assert_eq!(log("/100%%%%"), path("/100%"));
    assert_eq!(log("~root/x"), path("/x"));
    assert_eq!(log("x.log"), path("x.log"));
}

#[test]
fn odd_logs_are_warned_of() {
    let notes = |options: &str| {
        let config = loaded(&format!("[program:x]\ncommand=c\n{options}\n"));
        let texts: Vec<_> = config.notes.into_iter().map(|note| note.text).collect();
        texts.join("\n")
    };
    assert_eq!(
        notes("stdout_logfile=syslog"),
        "For [program:x], stdout_logfile=syslog but this is deprecated and will be removed.  Use \
         stdout_syslog=true to enable syslog instead."
    );
    assert_eq!(
        notes("stderr_logfile_maxbytes=0"),
        "For [program:x], AUTO logging used for stderr_logfile without rollover, set maxbytes > 0 \
         to avoid filling up filesystem unintentionally"
    );
    assert_eq!(
        notes("redirect_stderr=true\nstderr_logfile=/x"),
        "For [program:x], redirect_stderr=true but stderr_logfile has also been set to a \
         filename, the filename has been ignored"
    );
    assert_eq!(notes("stdout_logfile=/x\nstdout_logfile_maxbytes=0"), "");
}

#[test]
fn listeners_and_fastcgi_programs_have_their_own_options() {
    let config = loaded(
        "[eventlistener:l]\ncommand=c\nevents=tick, PROCESS_STATE,TICK\nbuffer_size=3\n\
         payload_length=Bytes\nrestart_unknown=yes\nevent_details=on\n\
         [fcgi-program:f]\ncommand=c\nuser=ann\nsocket=unix:///x/../%(program_name)s.sock\nsocket_backlog=7\n\
         [fcgi-program:h]\ncommand=c\nsocket=tcp://Host:9\n",
    );
    let kinds: Vec<_> = config
        .groups
        .iter()
        .map(|group| (group.priority, &group.kind))
        .collect();
    let listener = GroupKind::Listeners(ListenerConfig {
        buffer_size: 3,
        events: vec!["PROCESS_STATE".to_owned(), "TICK".to_owned()],
        result_handler: "supervisor.dispatchers:default_handler".to_owned(),
        payload_length: PayloadLength::Bytes,
        restart_unknown: true,
        event_details: true,
    });
    assert_eq!(kinds[0], (-1, &listener));
    let GroupKind::FastCgi(socket) = kinds[1].1 else {
        panic!("{kinds:?}");
    };
    let address = FcgiAddress::Unix {
        path: "/f.sock".into(),
        owner: Some((1000, Some(50))),
        mode: 0o700,
    };
    assert_eq!((&socket.address, socket.backlog), (&address, Some(7)));
    let address = FcgiAddress::Tcp {
        host: "host".to_owned(),
        port: 9,
    };
    let GroupKind::FastCgi(socket) = kinds[2].1 else {
        panic!("{kinds:?}");
    };
    assert_eq!((&socket.address, socket.backlog), (&address, None));
}

#[test]
fn servers_are_read_tcp_first() {
    let config = loaded(
        "[unix_http_server]\nfile=%(here)s/../s\nchown=ann\nchmod=0770\n\
         [inet_http_server:2]\nport=*:2\nusername=u\npassword=%%p\n[inet_http_server]\nport=LOCALHOST:1\n",
    );
    let shown: Vec<_> = config
        .servers
        .iter()
        .map(|server| match &server.address {
            ServerAddress::Tcp { host, port } => format!("{} {host}:{port}", server.section),
            ServerAddress::Unix { mode, owner, .. } => {
                format!("{} {mode:o} {owner:?}", server.section)
            }
        })
        .collect();
    assert_eq!(
        shown,
        [
            "inet_http_server:2 :2",
            "inet_http_server localhost:1",
            "unix_http_server 770 Some((1000, None))",
        ]
    );
    let credentials = Credentials {
        username: "u".to_owned(),
        password: "%p".to_owned(),
    };
    assert_eq!(config.servers[0].credentials, Some(credentials));
    let url = config.daemon.serverurl.unwrap_or_default();
    assert!(
        url.starts_with("unix:///") && url.ends_with("/s") && !url.contains(".."),
        "{url}"
    );
    let url = |text: &str| loaded(text).daemon.serverurl;
    assert_eq!(
        url("[inet_http_server]\nport=9\n").as_deref(),
        Some("http://localhost:9")
    );
    assert_eq!(
        url("[inet_http_server]\nport=H:9\n").as_deref(),
        Some("http://h:9")
    );
    assert_eq!(url(""), None);
}

#[test]
fn what_a_log_looks_like_is_said_for_each_stream() {
    let config = loaded(
        "[program:x]\ncommand=y\nstdout_logfile_format=Timestamp\n\
         stdout_logfile_prefix=%(program_name)s:%(process_num)d\nstdout_logfile_rotate=daily\n\
         stderr_logfile_format=json\nstderr_logfile_compress=zstd\nstderr_logfile_prefix=\n",
    );
    let process = &config.groups[0].processes[0];
    let stdout = LogStyle {
        format: Format::Timestamp,
        prefix: Some("x:0".to_owned()),
        rotate: Some(Period::Day),
        compress: None,
    };
    assert_eq!(process.stdout.style.as_deref(), Some(&stdout));
    let stderr = LogStyle {
        format: Format::Json,
        prefix: None,
        rotate: None,
        compress: Some(Compression::Zstd),
    };
    assert_eq!(process.stderr.style.as_deref(), Some(&stderr));
}
