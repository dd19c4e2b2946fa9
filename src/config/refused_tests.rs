//! What is said of configs that are wrong.

use super::super::host::tests::TableHost;
use super::super::testing::Folder;
use super::tests::{load_in, load_text};
use super::*;

fn check_refused(text: &str, sentence: &str) {
    let message = load_text(text).map(|_| ()).map_err(|error| error.message);
    assert_eq!(message, Err(sentence.to_owned()), "{text}");
}

// The original's sentences, to which the place is added.
#[test]
fn what_is_wrong_with_the_daemon_is_said_with_its_line() {
    for (option, sentence) in [
        ("minfds=x", "invalid literal for int() with base 10: 'x'"),
        (
            "directory=/no/such",
            "/no/such is not an existing directory",
        ),
        ("user=eve", "Invalid user name eve"),
        ("user=7", "Invalid user id 7"),
        ("umask=9", "9 can not be converted to an octal type"),
        (
            "logfile=/no/such/x",
            "The directory named as part of the path /no/such/x does not exist",
        ),
        (
            "logfile_maxbytes=20M",
            "invalid literal for int() with base 10: '20m'",
        ),
        ("loglevel=Loud", "bad logging level name 'Loud'"),
        ("nodaemon=", "not a valid boolean value: ''"),
        ("childlogdir=", " is not an existing directory"),
        (
            "environment=A",
            "Unexpected end of key/value pairs in value 'A'",
        ),
        ("environment=A='b", "No closing quotation"),
        (
            "identifier=%(host_node_name)s",
            "Format string '%(host_node_name)s' for 'supervisord.identifier' contains names \
             ('host_node_name') which cannot be expanded. Available names: ENV_GREETING, \
             ENV_HOME, ENV_TMPDIR, here",
        ),
        (
            "identifier=100%",
            "Format string '100%' for 'supervisord.identifier' is badly formatted: incomplete \
             format",
        ),
    ] {
        check_refused(
            &format!("[supervisord]\n{option}\n"),
            &format!("{sentence} (file: 'x.conf', line 2)"),
        );
    }
    check_refused(
        "[DEFAULT]\nminfds=x\n\n[supervisord]\n",
        "invalid literal for int() with base 10: 'x' (file: 'x.conf', line 2)",
    );
    let folder = Folder::new();
    folder.write("x.conf", "[a]\n");
    let message = load_in(&folder, &Overrides::default()).map_err(|error| error.message);
    let sentence = ".ini file does not include supervisord section".to_owned();
    assert_eq!(message, Err(sentence));
}

#[test]
fn what_is_wrong_with_a_process_is_said_with_its_section_and_line() {
    for (option, sentence) in [
        ("autostart=x", "not a valid boolean value: 'x'"),
        ("autorestart=X", "invalid 'autorestart' value 'x'"),
        ("exitcodes=256", "not a valid list of exit codes: '256'"),
        ("stopsignal=NOPE", "value 'NOPE' is not a valid signal name"),
        ("stopsignal=99", "value '99' is not a valid signal number"),
        ("user=eve", "Invalid user name eve"),
        ("umask=rw", "rw can not be converted to an octal type"),
        (
            "process_name=a b",
            "Invalid name: 'a b' because of character: ' '",
        ),
        (
            "process_name=%(nope)s",
            "Format string '%(nope)s' for 'process_name' contains names ('nope') which cannot be \
             expanded. Available names: ENV_GREETING, ENV_HOME, ENV_TMPDIR, group_name, here, \
             host_node_name, numprocs, process_num, program_name",
        ),
        (
            "stdout_logfile=/no/such/x",
            "The directory named as part of the path /no/such/x does not exist",
        ),
        (
            "environment=A=a@b",
            "Unexpected end of key/value pairs in value 'A=a@b'",
        ),
    ] {
        check_refused(
            &format!("[program:x]\ncommand=c\n{option}\n"),
            &format!("{sentence} in section 'program:x' (file: 'x.conf') (line 3)"),
        );
    }
    // The group's priority is read before its members.
    check_refused(
        "[program:x]\npriority=x\n",
        "invalid literal for int() with base 10: 'x' (file: 'x.conf', line 2)",
    );
    check_refused(
        "[program:x]\n",
        "program section program:x does not specify a command in section 'program:x' (file: \
         'x.conf') (line 1)",
    );
    check_refused(
        "[program:x]\ncommand=c\nnumprocs=2\n",
        "%(process_num) must be present within process_name when numprocs > 1 in section \
         'program:x' (file: 'x.conf') (line 1)",
    );
    check_refused(
        "[program:x]\ncommand=c\nprocess_name=%(process_num)d\nnumprocs=100001\n",
        "numprocs 100001 is above upper bound (100000) in section 'program:x' (file: 'x.conf') \
         (line 4)",
    );
    check_refused(
        "[program:x]\ncommand=c\nstopasgroup=true\nkillasgroup=false\n",
        "Cannot set stopasgroup=true and killasgroup=false in section 'program:x' (file: \
         'x.conf') (line 4)",
    );
    check_refused(
        "[program:a b]\ncommand=c\n",
        "Invalid name: 'a b' because of character: ' ' (file: 'x.conf', line 1)",
    );
}

#[test]
fn what_is_wrong_with_a_group_is_said_with_its_line() {
    let more = "[program:a]\ncommand=c\n[program:b]\ncommand=c\n[fcgi-program:b]\ncommand=c\nsocket=tcp://h:1\n";
    for (text, sentence) in [
        (
            "[group:g]\nprograms=a, zz\n",
            "[group:g] names unknown program or fcgi-program zz (file: 'x.conf', line 2)",
        ),
        (
            "[group:g]\nprograms=b\n",
            "[group:g] name b is ambiguous (exists as program and fcgi-program) (file: 'x.conf', \
             line 2)",
        ),
        (
            "[eventlistener:l]\nbuffer_size=0\n",
            "[eventlistener:l] section sets invalid buffer_size (0) (file: 'x.conf', line 2)",
        ),
        (
            "[eventlistener:l]\nevents=TICK\npayload_length=words\n",
            "invalid 'payload_length' value 'words', it is 'characters' or 'bytes' (file: \
             'x.conf', line 3)",
        ),
        (
            "[eventlistener:l]\nresult_handler=my:handler\n",
            "my:handler cannot be resolved within [eventlistener:l] (file: 'x.conf', line 2)",
        ),
        (
            "[eventlistener:l]\n",
            "[eventlistener:l] section requires an \"events\" line (file: 'x.conf', line 1)",
        ),
        (
            "[eventlistener:l]\nevents=TICK, tack\n",
            "Unknown event type TACK in [eventlistener:l] events (file: 'x.conf', line 2)",
        ),
        (
            "[eventlistener:l]\nevents=TICK\nredirect_stderr=true\n",
            "[eventlistener:l] section sets redirect_stderr=true but this is not allowed because \
             it will interfere with the eventlistener protocol (file: 'x.conf', line 3)",
        ),
        (
            "[fcgi-program:f]\nsocket=\n",
            "[fcgi-program:f] section requires a \"socket\" line (file: 'x.conf', line 2)",
        ),
        (
            "[fcgi-program:f]\nsocket=unix://x\n",
            "Unix socket path x is not an absolute path in [fcgi-program:f] socket (file: \
             'x.conf', line 2)",
        ),
        (
            "[fcgi-program:f]\nsocket=http://x\n",
            "Bad socket format http://x in [fcgi-program:f] socket (file: 'x.conf', line 2)",
        ),
        (
            "[fcgi-program:f]\nsocket=tcp://x:0\n",
            "0 is below lower bound (1) in [fcgi-program:f] socket (file: 'x.conf', line 2)",
        ),
        (
            "[fcgi-program:f]\nsocket=tcp://x:1\nsocket_mode=0700\n",
            "socket_owner and socket_mode params should only be used with a Unix domain socket \
             in [fcgi-program:f] socket (file: 'x.conf', line 2)",
        ),
        (
            "[fcgi-program:f]\nsocket_backlog=65536\n",
            "Invalid socket_backlog value 65536 (file: 'x.conf', line 2)",
        ),
        (
            "[fcgi-program:f]\nsocket_owner=eve\n",
            "Invalid socket_owner value eve (file: 'x.conf', line 2)",
        ),
        (
            "[fcgi-program:f]\nsocket_mode=rw\n",
            "Invalid socket_mode value rw (file: 'x.conf', line 2)",
        ),
    ] {
        check_refused(&format!("{text}{more}"), sentence);
    }
}

#[test]
fn what_is_wrong_with_a_server_is_said_with_its_line() {
    let half = "contains incomplete authentication: If a username or a password is specified, \
                both the username and password must be specified (file: 'x.conf', line 2)";
    for (text, sentence) in [
        (
            "[inet_http_server]\n",
            "section [inet_http_server] has no port value (file: 'x.conf', line 1)",
        ),
        (
            "[inet_http_server]\nport=http\n",
            "not a valid port number: 'http'  (file: 'x.conf', line 2)",
        ),
        (
            "[unix_http_server:2]\n",
            "section [unix_http_server:2] has no file value (file: 'x.conf', line 1)",
        ),
        (
            "[unix_http_server]\nchown=eve\nfile=/s\n",
            "Invalid sockchown value eve (file: 'x.conf', line 2)",
        ),
        (
            "[unix_http_server]\nchmod=rw\nfile=/s\n",
            "Invalid chmod value rw (file: 'x.conf', line 2)",
        ),
        (
            "[inet_http_server]\nusername=u\nport=1\n",
            &format!("Section [inet_http_server] {half}"),
        ),
        (
            "[unix_http_server]\npassword=p\nfile=/s\n",
            &format!("Section [unix_http_server] {half}"),
        ),
        (
            "[inet_http_server]\nusername=\npassword=p\n",
            "Section [inet_http_server] contains an empty username (file: 'x.conf', line 2)",
        ),
        (
            "[inet_http_server]\npassword=\nusername=u\n",
            "Section [inet_http_server] contains an empty password (file: 'x.conf', line 2)",
        ),
        (
            "[rpcinterface:supervisor]\n",
            "section [rpcinterface:supervisor] does not specify a \
             supervisor.rpcinterface_factory (file: 'x.conf', line 1)",
        ),
        (
            "[rpcinterface:twiddler]\nsupervisor.rpcinterface_factory = twiddler:make\n",
            "twiddler:make cannot be resolved within [rpcinterface:twiddler] (file: 'x.conf', \
             line 2)",
        ),
    ] {
        check_refused(text, sentence);
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let refused = |folder: &Folder, path: &str| {
        let request = LoadRequest {
            path,
            overrides: &Overrides::default(),
            env: &BTreeMap::new(),
            cwd: folder.path(),
        };
        load(&request, &TableHost)
            .map(|_| ())
            .map_err(|error| error.message)
    };
    let folder = Folder::new();
    folder.write("d/bytes", b"[a]\nx=\xff\n");
    let check = |path: &str, sentence: &str| {
        assert_eq!(refused(&folder, path), Err(sentence.to_owned()), "{path}");
    };
    check("none", "could not find config file none");
    check("", "could not find config file ");
    check("d", "could not read config file d");
    check(
        "d/bytes",
        "'utf-8' codec can't decode byte 0xff in position 6: invalid start byte (file: 'd/bytes', \
         line 2)",
    );
}

#[test]
fn a_log_that_cannot_look_so_is_refused() {
    for (options, sentence, line) in [
        (
            "stdout_logfile_format=xml",
            "invalid log format 'xml', it is 'raw', 'timestamp' or 'json'",
            3,
        ),
        (
            "stderr_logfile_rotate=weekly",
            "invalid time of rotation 'weekly', it is 'daily' or 'hourly'",
            3,
        ),
        (
            "stdout_logfile_compress=bzip2",
            "invalid compression 'bzip2', it is 'gzip' or 'zstd'",
            3,
        ),
        (
            "stdout_logfile_format=json\nstdout_logfile_prefix=a",
            "stdout_logfile_prefix cannot stand before what stdout_logfile_format=json writes, \
             which names the program itself",
            4,
        ),
        (
            "stdout_logfile_prefix=a\n b",
            "stdout_logfile_prefix is to stand on one line",
            3,
        ),
    ] {
        check_refused(
            &format!("[program:x]\ncommand=y\n{options}\n"),
            &format!("{sentence} in section 'program:x' (file: 'x.conf') (line {line})"),
        );
    }
}
