"""Who is measured, and how each is installed, configured, started and stopped.

Nothing is installed into the system: packages are unpacked, and environments made, in a folder of
our own. Who cannot be had is left out, and the report says so.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOME = ROOT / "target" / "side_by_side"
FLOOR = HOME / "floor"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def raise_descriptors():
    """Gets as many descriptors as may be had, for us and all that we start; says how many."""
    wanted = descriptors_for(3000)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for soft, hard in (max(wanted, most), max(wanted, most)), (most, most):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            return soft
        except (OSError, ValueError):
            pass
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def descriptors_for(programs):
    """Five for each program, and some to spare."""
    return max(1024, programs * 6 + 200)


def said(*command, **options):
    """What a command prints, or nothing if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
    except (OSError, subprocess.SubprocessError):
        return ""
    return (done.stdout or done.stderr).strip()


#: How many descriptors we and all that we start may have.
DESCRIPTORS = raise_descriptors()


def build_floor():
    """Compiles the programs in C."""
    FLOOR.mkdir(parents=True, exist_ok=True)
    for source in sorted((HERE / "floor").glob("*.c")):
        static = ["-static"] if source.stem == "beacon" else []
        target = FLOOR / source.stem
        subprocess.run(["cc", "-O2", *static, "-o", target, source], check=True)


def beacon(record):
    """The command line of the program that everybody runs."""
    return [str(FLOOR / "beacon"), str(record)]


class Peer:
    """A supervisor. It is asked to run so many programs at `least`, for with fewer it leaves or is
    not there yet, and at `most`."""

    name = ""
    least = 0
    most = 10_000
    #: Whether it reads Supervisor's config and answers its clients.
    kin = False
    #: Whether it restarts what died at once, and not when it looks again.
    is_quick = True

    def install(self):
        """Makes it ready; answers its version, or raises with the reason why it is not there."""
        raise NotImplementedError

    def command(self, folder, programs, record, logs):
        """Writes what it needs for so many programs, and answers the command line of its daemon."""
        raise NotImplementedError

    def environment(self, _folder):
        return None

    def start(self, folder, command):
        return subprocess.Popen(
            command, cwd=folder, env=self.environment(folder), start_new_session=True, **QUIET
        )

    def stop(self, daemon, _folder):
        """Asks it to stop everything and to leave."""
        daemon.send_signal(signal.SIGTERM)


class Floor(Peer):
    """The least C that does the job."""

    name = "C floor"

    def install(self):
        return said("cc", "--version").splitlines()[0]

    def command(self, folder, programs, record, logs):
        return [str(FLOOR / "spawn"), str(programs), str(folder), *beacon(record)]


class Kin(Peer):
    """Ours and the original: one config fits both."""

    kin = True

    def config(self, folder, programs, record, logs):
        kept = "" if logs else "stdout_logfile=NONE\nstderr_logfile=NONE\n"
        program = f"""
[program:p]
command={" ".join(beacon(record))}
numprocs={programs}
process_name=%(process_num)05d
startsecs=0
{kept}"""
        text = f"""
[supervisord]
logfile={folder}/main.log
pidfile={folder}/pid
childlogdir={folder}
nodaemon=true
silent=true
user={"root" if os.getuid() == 0 else ""}
minfds={descriptors_for(programs)}
[unix_http_server]
file={folder}/sock
[inet_http_server]
port=127.0.0.1:{port(folder)}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/sock
{program if programs else ""}"""
        path = folder / "supervisord.conf"
        path.write_text(text.replace("user=\n", ""))
        return path

    def command(self, folder, programs, record, logs):
        config = self.config(folder, programs, record, logs)
        return [str(self.bin / "supervisord"), "-n", "-c", str(config)]


def port(folder):
    """A port that others are not likely to have, the same for the same folder."""
    return 20_000 + sum(str(folder).encode()) * 7919 % 10_000


class Ours(Kin):
    name = "ours"

    def __init__(self, folder=None):
        self.bin = Path(folder) if folder else ROOT / "target" / "release"
        if folder:
            self.name = f"ours in {folder}"

    def install(self):
        if self.bin == ROOT / "target" / "release":
            subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
        return said(self.bin / "supervisord", "--version")


def environment(name, *packages):
    """A Python environment with these packages; its folder of programs."""
    home = HOME / name
    if not (home / "done").exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True, **QUIET)
        subprocess.run([home / "bin" / "pip", "install", "-q", *packages], check=True, **QUIET)
        (home / "done").touch()
    return home / "bin"


class Original(Kin):
    name = "Supervisor"
    is_quick = False

    def install(self):
        self.bin = environment("supervisor", "supervisor==4.3.0", "setuptools<81")
        return said(self.bin / "supervisord", "--version")


class Circus(Peer):
    name = "circus"
    least = 1
    most = 100
    is_quick = False

    def install(self):
        self.bin = environment("circus", "circus")
        return said(self.bin / "circusd", "--version").split()[-1]

    def command(self, folder, programs, record, logs):
        watchers = ""
        for number in range(programs):
            watchers += f"[watcher:p{number:05d}]\ncmd = {' '.join(beacon(record))}\n"
            for stream in ("stdout", "stderr") if logs else ():
                watchers += f"{stream}_stream.class = FileStream\n"
                watchers += f"{stream}_stream.filename = {folder}/{number}.{stream}.log\n"
        (folder / "circus.ini").write_text(f"""[circus]
endpoint = ipc://{folder}/endpoint
pubsub_endpoint = ipc://{folder}/pubsub
stats_endpoint = ipc://{folder}/stats
{watchers}""")
        return [str(self.bin / "circusd"), "--log-output", "/dev/null", f"{folder}/circus.ini"]


def unpack(name, *packages):
    """Debian packages, unpacked; the folder of their root."""
    home = HOME / name
    if not (home / "done").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        subprocess.run(["apt-get", "download", *packages], cwd=home, check=True, **QUIET)
        for package in home.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, home], check=True, **QUIET)
        (home / "done").touch()
    return home


class Scanned(Peer):
    """runit and s6: a folder for each service."""

    def services(self, folder, programs, record, logs):
        (folder / "scan").mkdir()
        script = f"#!/bin/sh\nexec {' '.join(beacon(record))} 2>&1\n"
        for number in range(programs):
            self.service(folder / "scan" / f"p{number:05d}", script)
            if logs:
                kept = folder / "logs" / f"p{number:05d}"
                kept.mkdir(parents=True)
                self.service(folder / "scan" / f"p{number:05d}" / "log", self.logger(kept))
        return folder / "scan"

    @staticmethod
    def service(place, script):
        place.mkdir(parents=True)
        run = place / "run"
        run.write_text(script)
        run.chmod(0o755)

    def environment(self, _folder):
        path = [self.home / "bin", self.home / "usr" / "bin", self.home / "usr" / "sbin"]
        libraries = list(self.home.glob("usr/lib/*-linux-gnu")) + list(self.home.glob("lib/*-linux-gnu"))
        return {
            **os.environ,
            "PATH": ":".join([*map(str, path), os.environ["PATH"]]),
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        }


class Runit(Scanned):
    name = "runit"
    is_quick = False

    def install(self):
        self.home = unpack("runit", "runit")
        return next(self.home.glob("*.deb")).name.split("_")[1]

    def logger(self, kept):
        return f"#!/bin/sh\nexec svlogd {kept}\n"

    def command(self, folder, programs, record, logs):
        scan = self.services(folder, programs, record, logs)
        return [str(self.home / "usr" / "bin" / "runsvdir"), "-P", str(scan)]

    def stop(self, daemon, _folder):
        daemon.send_signal(signal.SIGHUP)


class S6(Scanned):
    name = "s6"
    is_quick = False

    def install(self):
        if os.getuid() != 0:
            raise PermissionError("only root can lay its helpers where it looks for them")
        self.home = unpack("s6", "s6", *s6_libraries())
        return next(self.home.glob("s6_*.deb")).name.split("_")[1]

    def logger(self, kept):
        return f"#!/bin/sh\nexec s6-log {kept}\n"

    def command(self, folder, programs, record, logs):
        scan = self.services(folder, programs, record, logs)
        # It executes its helpers by their whole paths, so these are put there, for it alone.
        programs_of = self.home / "usr" / "bin"
        lay = f"mount -t overlay none -o lowerdir={programs_of}:/usr/bin /usr/bin"
        scanner = f"exec /usr/bin/s6-svscan -c {max(programs * 2, 500)} {scan}"
        return ["unshare", "-m", "sh", "-c", f"{lay} && {scanner}"]


def s6_libraries():
    """The packages that s6 needs, by what its package says."""
    depends = said("apt-cache", "depends", "s6").split()
    wanted = ("libs6-", "libskarnet", "libexecline", "execline", "libnsss")
    return sorted({word for word in depends if word.startswith(wanted)})


class Pm2(Peer):
    name = "pm2"
    least = 1
    most = 100
    is_quick = False

    def install(self):
        self.home = HOME / "pm2"
        if not (self.home / "done").exists():
            self.home.mkdir(parents=True, exist_ok=True)
            install = ["npm", "install", "--silent", "--prefix", self.home, "pm2"]
            subprocess.run(install, check=True, timeout=180, **QUIET)
            (self.home / "done").touch()
        manifest = (self.home / "node_modules" / "pm2" / "package.json").read_text()
        return manifest.split('"version": "')[1].split('"')[0]

    def environment(self, folder):
        return {**os.environ, "PM2_HOME": str(folder / "pm2")}

    def command(self, folder, programs, record, logs):
        script, *arguments = beacon(record)
        one = (
            f"{{name: 'p' + i, script: {script!r}, args: {arguments!r}, interpreter: 'none'}}"
        )
        (folder / "all.config.js").write_text(
            "module.exports = {apps: Array.from({length: %d}, (_, i) => (%s))};\n" % (programs, one)
        )
        return [str(self.home / "node_modules/.bin/pm2"), "start", f"{folder}/all.config.js"]

    def stop(self, _daemon, folder):
        kill = [str(self.home / "node_modules/.bin/pm2"), "kill"]
        subprocess.run(kill, env=self.environment(folder), timeout=45, **QUIET)


class Horust(Peer):
    name = "horust"
    least = 1
    most = 100
    is_quick = False

    def install(self):
        self.home = HOME / "horust"
        if not (self.home / "bin" / "horust").exists():
            install = ["cargo", "install", "-q", "--root", self.home, "horust"]
            subprocess.run(install, check=True, timeout=400, **QUIET)
        # It does not tell its version.
        return (self.home / ".crates.toml").read_text().split('"horust ')[1].split()[0]

    def command(self, folder, programs, record, logs):
        services = folder / "services"
        services.mkdir()
        for number in range(programs):
            kept = f'stdout = "{folder}/{number}.out"\nstderr = "{folder}/{number}.err"\n'
            (services / f"p{number:05d}.toml").write_text(
                f'command = "{" ".join(beacon(record))}"\n'
                f'{kept if logs else ""}[restart]\nstrategy = "always"\n'
            )
        uds = folder / "uds"
        uds.mkdir()
        return [
            str(self.home / "bin" / "horust"),
            "--services-path", str(services), "--uds-folder-path", str(uds),
        ]


def everybody():
    return [Ours(), Floor(), Original(), Runit(), S6(), Circus(), Pm2(), Horust()]
