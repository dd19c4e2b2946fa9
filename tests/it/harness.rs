//! A daemon of one's own: a folder, a config in it, the daemon as a child, and `supervisorctl`
//! beside it.
//!
//! What a test waits for is polled with a generous deadline; nothing waits for time to pass. A
//! folder is removed when its test passed and kept, with its path said, when it failed. Only
//! processes that a test started are ended, by their pid.
//!
//! `IT_SUPERVISORD` and `IT_SUPERVISORCTL` point the suite at other binaries, such as the
//! original's: that is how the tests themselves are tested. Tests of what we do better than the
//! original then end early; see [`foreign`].

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a thing may take before a test says that it did not happen. Long, because machines
/// that run tests are busy; nothing waits this long when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(45);

/// What every config of these tests begins with. `{dir}` is the test's folder.
pub(crate) const BASE: &str = "\
[unix_http_server]
file={dir}/s.sock

[supervisord]
logfile={dir}/main.log
pidfile={dir}/d.pid
childlogdir={dir}
loglevel=debug

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{dir}/s.sock
";

/// Whether the suite runs against other binaries than ours. A test of something that the
/// original does not do, or does worse, ends early then.
pub(crate) fn foreign() -> bool {
    std::env::var_os("IT_SUPERVISORD").is_some()
}

/// The daemon's program.
pub(crate) fn supervisord() -> PathBuf {
    program("IT_SUPERVISORD", env!("CARGO_BIN_EXE_supervisord"))
}

/// The client's program.
pub(crate) fn supervisorctl() -> PathBuf {
    program("IT_SUPERVISORCTL", env!("CARGO_BIN_EXE_supervisorctl"))
}

/// A program of ours, or the one that a variable names.
pub(crate) fn program(variable: &str, ours: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| PathBuf::from(ours), PathBuf::from)
}

/// Polls until `look` sees something, and fails the test with `what` if it never does.
#[track_caller]
pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < until, "did not happen: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A folder of a test's own.
pub(crate) struct Dir {
    root: PathBuf,
}

impl Dir {
    /// Makes the folder. Its path is short: the path of a unix socket may have 107 bytes.
    pub(crate) fn new() -> Dir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sd-it-{}-{count}", std::process::id());
        let root = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("tmp")).expect("a folder for the test");
        Dir {
            root: root.canonicalize().expect("the folder was just made"),
        }
    }

    /// The path of something in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file, folders above it included, with the placeholders `{dir}`, `{user}` and
    /// `{group}` filled in.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let above = path.parent().expect("a file in the folder has a parent");
        fs::create_dir_all(above).expect("a folder in the folder");
        fs::write(&path, self.fill(text)).expect("a file in the folder");
        path
    }

    /// The text with its placeholders filled in.
    pub(crate) fn fill(&self, text: &str) -> String {
        let root = self.root.to_str().expect("the folder's path is text");
        text.replace("{dir}", root)
            .replace("{user}", &whoami("-un"))
            .replace("{group}", &whoami("-gn"))
    }

    /// A file's text; empty if there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.bytes(name)).into_owned()
    }

    /// A file's bytes; empty if there is none.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_default()
    }

    /// Whether the folder has that file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Waits until a file has a text in it, and returns its whole text.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, name: &str, text: &str) -> String {
        let text = self.fill(text);
        wait(&format!("{name} with {text:?}"), || {
            let now = self.read(name);
            now.contains(&text).then_some(now)
        })
    }

    /// The names of the files in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).expect("the folder is there");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry of the folder").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the test's files are in {}", self.root.display());
        } else {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

fn whoami(flag: &str) -> String {
    let output = Command::new("id").arg(flag).output().expect("id runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Printed {
    fn of(output: &std::process::Output) -> Printed {
        Printed {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Checks the whole standard output and the exit code.
    #[track_caller]
    pub(crate) fn is(&self, out: &str, code: i32) {
        assert_eq!((self.out.as_str(), self.code), (out, code), "{self:?}");
    }
}

/// One entry of the main log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Milliseconds of the day.
    pub(crate) at: u64,
    /// `INFO`, `WARN` and so on.
    pub(crate) level: String,
    /// The message, with the lines that follow its first.
    pub(crate) text: String,
}

/// Reads a log of the main log's format. Lines that do not begin with a time belong to the
/// entry before them.
pub(crate) fn entries(log: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in log.lines() {
        match entry(line) {
            Some(entry) => entries.push(entry),
            None => {
                if let Some(last) = entries.last_mut() {
                    let _ = write!(last.text, "\n{line}");
                }
            }
        }
    }
    entries
}

fn entry(line: &str) -> Option<Entry> {
    let (date, rest) = line.split_once(' ')?;
    let (time, rest) = rest.split_once(' ')?;
    let (level, text) = rest.split_once(' ')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let shaped = date.len() == 10 && date.split('-').all(digits) && level.len() == 4;
    let (clock, milliseconds) = time.split_once(',')?;
    let mut numbers = clock.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (numbers.next()??, numbers.next()??, numbers.next()??);
    shaped.then(|| Entry {
        at: ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds.parse().unwrap_or(0),
        level: level.to_owned(),
        text: text.to_owned(),
    })
}

/// Runs the daemon's program until it ends by itself, as with a config that it refuses.
pub(crate) fn run_supervisord(dir: &Dir, arguments: &[&str]) -> Printed {
    let mut child = Command::new(supervisord())
        .args(arguments.iter().map(|argument| dir.fill(argument)))
        .current_dir(dir.path(""))
        .env("TMPDIR", dir.path("tmp"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the daemon's program runs");
    let until = Instant::now() + DEADLINE;
    while child.try_wait().expect("our own child").is_none() {
        if Instant::now() > until {
            let _ = child.kill();
            let output = child.wait_with_output().expect("our own child");
            panic!("it went on running: {:?}", Printed::of(&output));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Printed::of(&child.wait_with_output().expect("our own child"))
}

/// Runs `supervisorctl` with a config of the folder.
pub(crate) fn run_supervisorctl(dir: &Dir, arguments: &[&str]) -> Printed {
    let output = Command::new(supervisorctl())
        .args(arguments.iter().map(|argument| dir.fill(argument)))
        .current_dir(dir.path(""))
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::null())
        .output()
        .expect("supervisorctl runs");
    Printed::of(&output)
}

/// How to start a daemon.
pub(crate) struct Start<'a> {
    /// The config's file in the folder.
    pub(crate) config: &'a str,
    /// The main log's file.
    pub(crate) log: &'a str,
    /// The pidfile.
    pub(crate) pidfile: &'a str,
    /// The unix socket, if the config has one.
    pub(crate) socket: Option<&'a str>,
    /// Flags besides `-n -c …`.
    pub(crate) flags: &'a [&'a str],
    /// Variables besides ours.
    pub(crate) env: &'a [(&'a str, &'a str)],
}

impl Default for Start<'_> {
    fn default() -> Self {
        Start {
            config: "sd.conf",
            log: "main.log",
            pidfile: "d.pid",
            socket: Some("s.sock"),
            flags: &[],
            env: &[],
        }
    }
}

/// A daemon in the foreground, the child of a test.
pub(crate) struct Daemon {
    pub(crate) dir: Dir,
    child: Child,
    config: String,
    log: String,
    socket: PathBuf,
}

impl Daemon {
    /// Starts a daemon on [`BASE`] with these sections after it.
    #[track_caller]
    pub(crate) fn with(sections: &str) -> Daemon {
        Daemon::within(Dir::new(), sections)
    }

    /// As [`Daemon::with`], in a folder that has the test's scripts already.
    #[track_caller]
    pub(crate) fn within(dir: Dir, sections: &str) -> Daemon {
        dir.write("sd.conf", &format!("{BASE}\n{sections}"));
        Daemon::start(dir, &Start::default())
    }

    /// Starts a daemon and waits until it has written its pidfile and answers on its socket.
    #[track_caller]
    pub(crate) fn start(dir: Dir, start: &Start<'_>) -> Daemon {
        let output = |name: &str| fs::File::create(dir.path(name)).expect("a file for its output");
        let child = Command::new(supervisord())
            .arg("-n")
            .arg("-c")
            .arg(dir.path(start.config))
            .args(start.flags.iter().map(|flag| dir.fill(flag)))
            .current_dir(dir.path(""))
            .env("TMPDIR", dir.path("tmp"))
            .envs(
                start
                    .env
                    .iter()
                    .map(|(name, value)| (name, dir.fill(value))),
            )
            .stdin(Stdio::null())
            .stdout(output("daemon.out"))
            .stderr(output("daemon.err"))
            .spawn()
            .expect("the daemon's program runs");
        let mut daemon = Daemon {
            child,
            config: start.config.to_owned(),
            log: start.log.to_owned(),
            socket: dir.path(start.socket.unwrap_or("no-socket")),
            dir,
        };
        let own = format!("{}\n", daemon.pid());
        wait("the daemon's start", || {
            let ended = daemon.child.try_wait().expect("our own child");
            assert!(
                ended.is_none(),
                "the daemon ended: {ended:?}: {}",
                daemon.dir.read("daemon.err")
            );
            let named = daemon.dir.read(start.pidfile) == own;
            let answers = start.socket.is_none() || UnixStream::connect(&daemon.socket).is_ok();
            (named && answers).then_some(())
        });
        daemon
    }

    /// The daemon's pid.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends the daemon a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Whether the daemon still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_none()
    }

    /// Waits until the daemon has left.
    #[track_caller]
    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        wait("the daemon's exit", || {
            self.child.try_wait().expect("our own child")
        })
    }

    /// Sends TERM and waits until the daemon has left; its folder stays for a look.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Stopped {
        self.signal(Signal::SIGTERM);
        let status = self.wait_for_exit();
        assert!(status.success(), "{status:?}");
        Stopped(self)
    }

    /// Runs one `supervisorctl` action.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Printed {
        let config = format!("{{dir}}/{}", self.config);
        let mut all = vec!["-c", &config];
        all.extend_from_slice(arguments);
        run_supervisorctl(&self.dir, &all)
    }

    /// The entries of the main log.
    pub(crate) fn log(&self) -> Vec<Entry> {
        entries(&self.dir.read(&self.log))
    }

    /// Waits for an entry of the main log with exactly this level and text.
    #[track_caller]
    pub(crate) fn wait_for_entry(&self, level: &str, text: &str) -> Entry {
        let text = self.dir.fill(text);
        let mut last = Vec::new();
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            last = self.log();
            if let Some(entry) = last.iter().find(|entry| entry.text == text) {
                assert_eq!(entry.level, level, "{entry:?}");
                return entry.clone();
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("no entry {level} {text:?} in {last:#?}");
    }

    /// How many entries of the main log begin with a text.
    pub(crate) fn count(&self, beginning: &str) -> usize {
        let log = self.log();
        let hits = log.iter().filter(|entry| entry.text.starts_with(beginning));
        hits.count()
    }

    /// Waits for so many entries of the main log that begin with a text, and checks that there
    /// are no more of them. The log is written beside everything else, so it may lag behind.
    #[track_caller]
    pub(crate) fn counts(&self, beginning: &str, exactly: usize) {
        self.wait_for_count(beginning, exactly);
        assert_eq!(self.count(beginning), exactly, "{beginning}");
    }

    /// Waits until at least so many entries of the main log begin with a text.
    #[track_caller]
    pub(crate) fn wait_for_count(&self, beginning: &str, least: usize) {
        wait(&format!("{least} times {beginning:?}"), || {
            (self.count(beginning) >= least).then_some(())
        });
    }

    /// Asks the daemon by XML-RPC over its unix socket; the answer's body.
    pub(crate) fn rpc(&self, method: &str, arguments: &[&str]) -> String {
        let texts = arguments
            .iter()
            .map(|text| format!("<string>{text}</string>"));
        self.rpc_raw(method, &texts.collect::<Vec<_>>())
    }

    /// As [`Daemon::rpc`], with arguments that say what type they have.
    pub(crate) fn rpc_raw(&self, method: &str, arguments: &[String]) -> String {
        let params: String = arguments
            .iter()
            .map(|value| format!("<param><value>{value}</value></param>"))
            .collect();
        let call = format!(
            "<?xml version='1.0'?><methodCall><methodName>{method}</methodName>\
             <params>{params}</params></methodCall>"
        );
        UnixStream::connect(&self.socket)
            .map_or_else(|_| String::new(), |socket| post(socket, &call))
    }

    /// Asks for something to be done to a process, and not to wait until it is.
    pub(crate) fn rpc_without_waiting(&self, method: &str, process: &str) {
        let call = format!(
            "<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>\
             <param><value><string>{process}</string></value></param>\
             <param><value><boolean>0</boolean></value></param></params></methodCall>"
        );
        post(self.connect(), &call);
    }

    /// A field of `getProcessInfo`; none if there is no answer or no such process.
    pub(crate) fn field(&self, process: &str, field: &str) -> Option<String> {
        member(&self.rpc("supervisor.getProcessInfo", &[process]), field)
    }

    /// Waits until a process is in a state, and returns its pid (0 if it has none).
    #[track_caller]
    pub(crate) fn wait_for_state(&self, process: &str, state: &str) -> u32 {
        let mut last = None;
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            let answer = self.rpc("supervisor.getProcessInfo", &[process]);
            last = member(&answer, "statename");
            if last.as_deref() == Some(state) {
                let pid = member(&answer, "pid").expect("an answer names the pid");
                return pid.parse().expect("a pid is a number");
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{process} is {last:?}, not {state}: {:#?}", self.log());
    }

    /// The pid of a process, 0 if it has none.
    #[track_caller]
    pub(crate) fn pid_of(&self, process: &str) -> u32 {
        let pid = self.field(process, "pid").expect("the process is known");
        pid.parse().expect("a pid is a number")
    }

    /// Opens the unix socket.
    pub(crate) fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).expect("the daemon listens")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.runs() {
            self.signal(Signal::SIGTERM);
            let until = Instant::now() + Duration::from_secs(20);
            while self.runs() && Instant::now() < until {
                thread::sleep(Duration::from_millis(10));
            }
        }
        if self.runs() {
            // It does not leave: end its children by their pids, then itself.
            for child in children_of(self.pid()) {
                send(child, Signal::SIGKILL);
            }
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// A daemon that has left.
pub(crate) struct Stopped(Daemon);

impl Stopped {
    /// The folder that it worked in.
    pub(crate) fn dir(&self) -> &Dir {
        &self.0.dir
    }

    /// The entries of its main log.
    pub(crate) fn log(&self) -> Vec<Entry> {
        self.0.log()
    }

    /// The texts of its main log that begin with one of these.
    pub(crate) fn texts(&self, beginnings: &[&str]) -> Vec<String> {
        let wanted = |entry: &Entry| beginnings.iter().any(|text| entry.text.starts_with(text));
        let hits = self.log().into_iter().filter(wanted);
        hits.map(|entry| entry.text).collect()
    }
}

/// Sends a signal to a process; one that is gone is no error.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).expect("a pid fits");
    assert!(pid > 1, "{pid} is nobody's child");
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Whether a process is there and not a zombie.
pub(crate) fn lives(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.state != 'Z' && stat.state != 'X')
}

/// Waits until a process is gone.
#[track_caller]
pub(crate) fn wait_for_death(pid: u32) {
    wait(&format!("the death of {pid}"), || {
        (!lives(pid)).then_some(())
    });
}

/// What `/proc/PID/stat` says of a process.
pub(crate) struct Stat {
    pub(crate) state: char,
    pub(crate) parent: u32,
    pub(crate) group: u32,
}

/// Reads `/proc/PID/stat`; none if there is no such process.
pub(crate) fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything, brackets too.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
    })
}

/// The children of a process, zombies too.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("there is a /proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| stat(pid).is_some_and(|stat| stat.parent == parent))
        .collect()
}

/// The text of a member of an XML-RPC struct.
pub(crate) fn member(answer: &str, name: &str) -> Option<String> {
    let (_, rest) = answer.split_once(&format!("<name>{name}</name>"))?;
    let (value, _) = rest.split_once("</value>")?;
    let mut text = String::new();
    let mut within = false;
    for character in value.chars() {
        match character {
            '<' => within = true,
            '>' => within = false,
            other if !within => text.push(other),
            _ => {}
        }
    }
    Some(text.trim().to_owned())
}

/// Posts an XML-RPC call and returns the answer's body.
fn post(stream: impl Read + Write, call: &str) -> String {
    let request = format!(
        "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
         Content-Length: {}\r\n\r\n{call}",
        call.len()
    );
    let answer = exchange(stream, &request);
    answer
        .split_once("\r\n\r\n")
        .map_or_else(String::new, |(_, body)| body.to_owned())
}

/// Sends a request and reads until the other side closes.
pub(crate) fn exchange(mut stream: impl Read + Write, request: &str) -> String {
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).is_ok() {
        let _ = stream.read_to_end(&mut answer);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// A TCP port of the loopback that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket").port()
}

/// Starts a daemon whose config needs a free TCP port, written `{port}`; should somebody else
/// take the port in the meantime, again with another one.
#[track_caller]
pub(crate) fn with_port(sections: &str) -> (Daemon, u16) {
    for _ in 0..5 {
        let port = free_port();
        let dir = Dir::new();
        let text = format!("{BASE}\n{sections}").replace("{port}", &port.to_string());
        dir.write("sd.conf", &text);
        let held = std::net::TcpListener::bind(("127.0.0.1", port));
        if held.is_err() {
            continue;
        }
        drop(held);
        let daemon = Daemon::start(dir, &Start::default());
        wait("the TCP server", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        return (daemon, port);
    }
    panic!("five ports in a row were taken");
}

/// Whether the test runs as root.
pub(crate) fn root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The mode bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    let found = fs::metadata(path).expect("the file is there");
    found.permissions().mode() & 0o7777
}
