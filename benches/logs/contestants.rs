//! Who takes part, and how each is set to work.

use crate::Place;
use crate::measure::{Burst, cpu, has_ended, private_memory, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A contestant, its name and its program.
pub(crate) enum Kind {
    /// Runs the writer itself.
    Daemon(&'static str, PathBuf),
    /// Copies its standard input to its standard output.
    Pipe(&'static str, PathBuf),
}

impl Kind {
    /// All that are to be had.
    pub(crate) fn all() -> Vec<Self> {
        let ours = PathBuf::from(env!("CARGO_BIN_EXE_supervisord"));
        let mut kinds = vec![Self::Daemon("ours", ours)];
        if let Some(original) = std::env::var_os("ORIGINAL") {
            kinds.push(Self::Daemon("original", original.into()));
        }
        kinds.push(Self::Pipe("cat", "cat".into()));
        kinds.extend(compiled().map(|program| Self::Pipe("C loop", program)));
        kinds
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Daemon(name, _) | Self::Pipe(name, _) => name,
        }
    }

    pub(crate) fn program(&self) -> &Path {
        match self {
            Self::Daemon(_, program) | Self::Pipe(_, program) => program,
        }
    }

    pub(crate) fn is_daemon(&self) -> bool {
        matches!(self, Self::Daemon(..))
    }
}

/// The loop in C, if there is a compiler.
fn compiled() -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/logs/copyloop.c");
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("copyloop");
    let made = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&program)
        .arg(source)
        .status();
    made.is_ok_and(|status| status.success()).then_some(program)
}

/// This program, as a writer.
fn own() -> PathBuf {
    std::env::current_exe().expect("a program knows its path")
}

fn size_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Takes as much memory as a log of that length will and gives it back. In a virtual machine what
/// nobody has had for some seconds may be the host's again, and whoever gets it next waits for each
/// page: that would be measured, of one contestant and not of another, as the turns happen to fall.
fn warm(place: &Place, total: u64) {
    let path = place.path("warm");
    let piece = vec![b'x'; 128 * 1024];
    let mut file = File::create(&path).expect("the folder is ours");
    for _ in 0..total / piece.len() as u64 {
        file.write_all(&piece).expect("there is room");
    }
    clean(&[&path]);
}

/// One that copies.
pub(crate) struct PipeTo;

impl PipeTo {
    pub(crate) fn burst(place: &Place, program: &Path, size: usize, total: u64) -> Burst {
        let (go, log) = (place.path("go"), place.path("x.log"));
        let mut writer = Command::new(own())
            .args(["writer", &size.to_string(), &total.to_string()])
            .arg(&go)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the writer runs");
        let pipe = writer.stdout.take().expect("it was asked for");
        let file = File::options().append(true).create(true).open(&log);
        let mut reader = Command::new(program)
            .stdin(pipe)
            .stdout(file.expect("the folder is ours"))
            .spawn()
            .expect("the contestant runs");
        warm(place, total);
        let start = Instant::now();
        fs::write(&go, "").expect("the folder is ours");
        wait("all is copied", || has_ended(reader.id()));
        let burst = Burst {
            cpu: cpu(reader.id()),
            wall: start.elapsed().as_secs_f64(),
        };
        assert_eq!(size_of(&log), total);
        for child in [&mut writer, &mut reader] {
            child.wait().expect("our own child");
        }
        clean(&[&go, &log]);
        burst
    }
}

fn clean(paths: &[&Path]) {
    for path in paths {
        fs::remove_file(path).expect("our own file");
    }
}

/// A supervisor with a config of its own, ended when dropped.
pub(crate) struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl Daemon {
    fn start(place: &Place, program: &Path, sections: &str) -> Self {
        let socket = place.path("s.sock");
        let folder = place.path("");
        let folder = folder.display();
        let config = place.path("sd.conf");
        let text = format!(
            "[unix_http_server]\nfile={folder}/s.sock\n[supervisord]\nlogfile={folder}/main.log\n\
             pidfile={folder}/d.pid\nchildlogdir={folder}\nminfds=4096\n\
             [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = \
             supervisor.rpcinterface:make_main_rpcinterface\n{sections}"
        );
        fs::write(&config, text).expect("the folder is ours");
        let child = Command::new(program)
            .arg("-n")
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon runs");
        let daemon = Self { child, socket };
        wait("the daemon answers", || {
            UnixStream::connect(&daemon.socket).is_ok()
        });
        daemon
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn burst(place: &Place, program: &Path, size: usize, total: u64) -> Burst {
        let (go, log) = (place.path("go"), place.path("x.log"));
        let section = format!(
            "[program:writer]\ncommand={} writer {size} {total} {}\nstartsecs=0\nautorestart=false\n\
             stdout_logfile={}\nstdout_logfile_maxbytes=0\n",
            own().display(),
            go.display(),
            log.display()
        );
        let daemon = Self::start(place, program, &section);
        daemon.wait_for_running(1);
        warm(place, total);
        let before = cpu(daemon.pid());
        let start = Instant::now();
        fs::write(&go, "").expect("the folder is ours");
        wait("all is logged", || size_of(&log) == total);
        let burst = Burst {
            cpu: cpu(daemon.pid()) - before,
            wall: start.elapsed().as_secs_f64(),
        };
        drop(daemon);
        clean(&[&go, &log]);
        burst
    }

    /// The share of a core that is used while programs print so many lines a second.
    pub(crate) fn paced(
        place: &Place,
        program: &Path,
        programs: usize,
        rate: u32,
        window: Duration,
    ) -> f64 {
        let folder = place.path("");
        let section = format!(
            "[program:pacer]\ncommand={} pacer {rate}\nstartsecs=0\nnumprocs={programs}\n\
             process_name=%(process_num)s\nstdout_logfile={}p%(process_num)s.log\n",
            own().display(),
            folder.display()
        );
        let daemon = Self::start(place, program, &section);
        daemon.wait_for_running(programs);
        let before = (cpu(daemon.pid()), Instant::now());
        std::thread::sleep(window);
        (cpu(daemon.pid()) - before.0) / before.1.elapsed().as_secs_f64()
    }

    /// The memory with programs that have said one line on each of their streams.
    pub(crate) fn private_memory(
        place: &Place,
        program: &Path,
        programs: u32,
        redirect: bool,
    ) -> f64 {
        let folder = place.path("");
        let section = format!(
            "[program:quiet]\ncommand=/bin/sh -c \"echo a; echo b >&2; exec sleep 1000\"\n\
             startsecs=0\nnumprocs={programs}\nprocess_name=%(process_num)s\n\
             redirect_stderr={redirect}\nstdout_logfile={0}q%(process_num)s.out\n\
             stderr_logfile={0}q%(process_num)s.err\n",
            folder.display()
        );
        let daemon = Self::start(place, program, &section);
        daemon.wait_for_running(programs as usize);
        std::thread::sleep(Duration::from_secs(2));
        private_memory(daemon.pid())
    }

    /// Milliseconds that each of so many questions took while a program floods its log.
    pub(crate) fn latencies(place: &Place, program: &Path, questions: usize) -> Vec<f64> {
        let section = format!(
            "[program:flood]\ncommand={} writer 65536 {} {}\nstartsecs=0\n\
             stdout_logfile={}\nstdout_logfile_maxbytes=50MB\nstdout_logfile_backups=1\n",
            own().display(),
            u64::MAX >> 1,
            place.path("sd.conf").display(),
            place.path("flood.log").display()
        );
        let daemon = Self::start(place, program, &section);
        daemon.wait_for_running(1);
        wait("the flood comes", || size_of(&place.path("flood.log")) > 0);
        (0..questions)
            .map(|_| {
                let start = Instant::now();
                let answer = daemon.ask("supervisor.getState");
                assert!(answer.contains("RUNNING"), "{answer}");
                start.elapsed().as_secs_f64() * 1000.0
            })
            .collect()
    }

    fn wait_for_running(&self, programs: usize) {
        wait("all programs run", || {
            let answer = self.ask("supervisor.getAllProcessInfo");
            answer.matches(">RUNNING<").count() == programs
        });
    }

    fn ask(&self, method: &str) -> String {
        let call = format!(
            "<?xml version='1.0'?><methodCall><methodName>{method}</methodName></methodCall>"
        );
        let request = format!(
            "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
             Content-Length: {}\r\n\r\n{call}",
            call.len()
        );
        let mut answer = Vec::new();
        if let Ok(mut stream) = UnixStream::connect(&self.socket) {
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read_to_end(&mut answer);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = i32::try_from(self.pid()).expect("a pid");
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}
