//! How many events a second reach listeners that answer at once, and what that costs.
//!
//! One run measures ours, the original if the environment variable `ORIGINAL` names a folder with
//! its `supervisord`, and as the limits a bare ping-pong of the same bytes over two pipes: one that
//! sleeps until the answer comes, and one that looks for it all the time, so that its processor need
//! not be woken up. Events are buffered first, by listeners that say READY only on a sign; so what is measured is the
//! feeding alone, from the sign to the last answer.
//!
//! ```text
//! ORIGINAL=/path/to/venv/bin cargo bench --bench events
//! ```
//!
//! This program is also the tiny listener and the source of the events.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Events of one measurement.
const EVENTS: usize = 20_000;

/// How often each measurement is made, ours and the original's in turns; the best counts, for others
/// may use the machine too, which only takes.
const TIMES: usize = 3;

/// Events that the source writes at a time.
const BURST: usize = 10;

/// How long a measurement may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a listener answers to each event.
const ANSWER: &[u8] = b"RESULT 2\nOKREADY\n";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |word: &str| {
        let place = arguments.iter().position(|argument| argument == word)?;
        arguments.get(place + 1).map(PathBuf::from)
    };
    if let Some(sign) = after("--listen") {
        return listen(&sign);
    }
    if let Some(done) = after("--say") {
        return say(&done);
    }
    compare()
}

/// The tiny listener: says READY when there is a file at `sign`, then answers each event at once.
fn listen(sign: &Path) -> io::Result<()> {
    while !sign.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    let (mut stdin, mut stdout) = (io::stdin().lock(), unbuffered_stdout()?);
    let mut buffer = vec![0; 64 * 1024];
    let mut held = 0;
    stdout.write_all(b"READY\n")?;
    loop {
        let read = stdin.read(&mut buffer[held..])?;
        if read == 0 {
            return Ok(());
        }
        held += read;
        while let Some(length) = whole(&buffer[..held]) {
            buffer.copy_within(length..held, 0);
            held -= length;
            stdout.write_all(ANSWER)?;
        }
    }
}

/// The length of the event that begins the bytes, if all of it is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let header = std::str::from_utf8(&bytes[..end]).ok()?;
    let (_, length) = header.rsplit_once("len:")?;
    let length = end + 1 + length.parse::<usize>().ok()?;
    (length <= bytes.len()).then_some(length)
}

/// The standard library's own would divide what is written at its newlines.
fn unbuffered_stdout() -> io::Result<fs::File> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(stdout.into())
}

/// The source: writes events as captured words, then makes a file at `done`.
fn say(done: &Path) -> io::Result<()> {
    let mut stdout = unbuffered_stdout()?;
    // The original loses events if there are hundreds in one read: let there never be so many.
    fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(4096))?;
    for burst in 0..EVENTS / BURST {
        let word =
            |number| format!("<!--XSUPERVISOR:BEGIN-->word {number:>32}<!--XSUPERVISOR:END-->");
        let words: String = (0..BURST)
            .map(|place| word(burst * BURST + place))
            .collect();
        stdout.write_all(words.as_bytes())?;
    }
    fs::write(done, "")?;
    loop {
        thread::park();
    }
}

/// Listeners of a measurement.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    pools: usize,
    /// In each pool.
    listeners: usize,
}

const SHAPES: [Shape; 3] = [
    Shape {
        name: "one listener",
        pools: 1,
        listeners: 1,
    },
    Shape {
        name: "ten in a pool",
        pools: 1,
        listeners: 10,
    },
    Shape {
        name: "ten pools",
        pools: 10,
        listeners: 1,
    },
];

/// What a measurement gave.
struct Measured {
    /// Deliveries a second.
    rate: f64,
    /// Microseconds of processor time of the daemon for each.
    cost: f64,
}

impl Measured {
    /// Nothing yet: whatever is measured is better.
    const WORST: Self = Self {
        rate: 0.0,
        cost: f64::INFINITY,
    };

    /// Keeps the better of both.
    fn improve(&mut self, other: &Self) {
        self.rate = self.rate.max(other.rate);
        self.cost = self.cost.min(other.cost);
    }
}

fn compare() -> io::Result<()> {
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_supervisord"));
    let original = std::env::var_os("ORIGINAL").map(|it| Path::new(&it).join("supervisord"));
    println!("{EVENTS} events; deliveries a second, and processor time of the daemon for each");
    let show = |name: &str, measured: &Measured| {
        let Measured { rate, cost } = measured;
        println!("{name:<28}{rate:>10.0}/s {cost:>8.1} us");
    };
    let (mut limit, mut awake) = (Measured::WORST, Measured::WORST);
    for _ in 0..TIMES {
        limit.improve(&ping_pong(false)?);
        awake.improve(&ping_pong(true)?);
    }
    show("bare ping-pong", &limit);
    show("the same, always awake", &awake);
    for shape in SHAPES {
        let name = shape.name;
        let (mut our, mut their) = (Measured::WORST, Measured::WORST);
        for _ in 0..TIMES {
            our.improve(&daemon(&ours, shape)?);
            if let Some(original) = &original {
                their.improve(&daemon(original, shape)?);
            }
        }
        show(&format!("{name}, ours"), &our);
        let (of_limit, of_awake) = (our.rate / limit.rate, our.rate / awake.rate);
        println!(
            "{:>28}{of_limit:>10.2} of the ping-pong, {of_awake:.2} of the one that is awake",
            ""
        );
        if original.is_some() {
            show(&format!("{name}, original"), &their);
            let (faster, dearer) = (our.rate / their.rate, our.cost / their.cost);
            println!(
                "{:>28}{faster:>10.2} times the rate at {dearer:.2} of the cost",
                ""
            );
        }
    }
    Ok(())
}

/// The same bytes over two pipes, with nothing in between.
fn ping_pong(is_awake: bool) -> io::Result<Measured> {
    let folder = Folder::new()?;
    let sign = folder.0.join("sign");
    fs::write(&sign, "")?;
    let mut listener = Command::new(std::env::current_exe()?)
        .arg("--listen")
        .arg(sign)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let missing = || io::Error::other("a pipe that was asked for is not there");
    let mut stdin = listener.stdin.take().ok_or_else(missing)?;
    let mut stdout = listener.stdout.take().ok_or_else(missing)?;
    let mut answer = [0; 64];
    stdout.read_exact(&mut answer[..6])?;
    if is_awake {
        fcntl(&stdout, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    }
    let before = processor_time(std::process::id());
    let start = Instant::now();
    for number in 0..EVENTS {
        let payload = format!("processname:say groupname:say pid:12345\nword {number:>32}");
        let event = format!(
            "ver:3.0 server:supervisor serial:{number} pool:ear0 poolserial:{number} \
             eventname:PROCESS_COMMUNICATION_STDOUT len:{}\n{payload}",
            payload.len()
        );
        stdin.write_all(event.as_bytes())?;
        read_whole(&mut stdout, &mut answer[..ANSWER.len()])?;
    }
    let measured = measured(EVENTS, start, before, std::process::id());
    drop(stdin);
    listener.wait()?;
    Ok(measured)
}

/// Reads until the room is full, however often there is nothing to read.
fn read_whole(from: &mut impl Read, mut room: &mut [u8]) -> io::Result<()> {
    while !room.is_empty() {
        match from.read(room) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => room = &mut room[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A daemon with listeners of this shape, fed from full buffers.
fn daemon(program: &Path, shape: Shape) -> io::Result<Measured> {
    let folder = Folder::new()?;
    let path = |name: &str| folder.0.join(name);
    let own = std::env::current_exe()?;
    let (own, sign, done) = (own.display(), path("sign"), path("done"));
    let mut config = format!(
        "[supervisord]\nlogfile={}\npidfile={}\nchildlogdir={}\n\
         [program:say]\ncommand={own} --say {}\nstdout_capture_maxbytes=1MB\n\
         stdout_logfile=NONE\n",
        path("main.log").display(),
        path("pid").display(),
        folder.0.display(),
        done.display(),
    );
    for pool in 0..shape.pools {
        // Writing into a String cannot fail.
        let _ = write!(
            config,
            "[eventlistener:ear{pool}]\ncommand={own} --listen {}\nnumprocs={}\n\
             process_name=ear%(process_num)d\nevents=PROCESS_COMMUNICATION\n\
             buffer_size={EVENTS}\nstartsecs=0\nstdout_logfile=NONE\n",
            sign.display(),
            shape.listeners,
        );
    }
    fs::write(path("sd.conf"), config)?;
    let mut command = Command::new(program);
    command.arg("-n").arg("-c").arg(path("sd.conf"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let daemon = Running(command.spawn()?);
    let pid = daemon.0.id();
    until("the events", || done.exists())?;
    // The last of them are read by now.
    thread::sleep(Duration::from_secs(1));
    let listeners: Vec<u32> = children(pid)
        .into_iter()
        .filter(|&child| arguments(child).contains("--listen"))
        .collect();
    let before = processor_time(pid);
    let start = Instant::now();
    fs::write(&sign, "")?;
    let deliveries = EVENTS * shape.pools;
    // Each has written READY, and then once for each event.
    let writes = deliveries + listeners.len();
    until("the answers", || {
        listeners.iter().map(|&pid| writes_of(pid)).sum::<usize>() >= writes
    })?;
    Ok(measured(deliveries, start, before, pid))
}

#[allow(clippy::cast_precision_loss)] // The numbers are small.
fn measured(count: usize, start: Instant, before: Duration, pid: u32) -> Measured {
    let cost = processor_time(pid).saturating_sub(before);
    Measured {
        rate: count as f64 / start.elapsed().as_secs_f64(),
        cost: cost.as_secs_f64() * 1e6 / count as f64,
    }
}

fn until(what: &str, mut happened: impl FnMut() -> bool) -> io::Result<()> {
    let start = Instant::now();
    while !happened() {
        if start.elapsed() > DEADLINE {
            return Err(io::Error::other(format!("did not come: {what}")));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// A field of `/proc/PID/stat`, counted behind the name.
fn stat(pid: u32, field: usize) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let field = fields.split_whitespace().nth(field);
    field.and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// What the threads of a process have used so far. What `stat` says is in hundredths of a second,
/// and an event takes microseconds.
fn processor_time(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let used = threads.into_iter().flatten().flatten().map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let first = text.split(' ').next().and_then(|it| it.parse().ok());
        Duration::from_nanos(first.unwrap_or(0))
    });
    used.sum()
}

fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| stat(pid, 1) == u64::from(parent))
        .collect()
}

fn arguments(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

/// How often a process has written.
fn writes_of(pid: u32) -> usize {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let writes = io.lines().find_map(|line| line.strip_prefix("syscw: "));
    writes.and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// A daemon that is ended with the measurement.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        for pid in children(self.0.id()) {
            // A listener that is gone already is no matter.
            let _ = Command::new("kill").arg("-9").arg(pid.to_string()).status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let name = format!("sd-bench-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
