"""Daemons of both kinds, each in a folder of its own, and how their answers are made comparable."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport

#: Where the binaries of each kind are.
BINARIES = {"ours": os.environ["OURS"], "original": os.environ["ORIGINAL"]}

#: How long a thing may take before it is said not to happen.
DEADLINE = 60

BASE = """\
[unix_http_server]
file={dir}/s.sock

[inet_http_server]
port=127.0.0.1:{port}
username=anna
password=secret

[supervisord]
logfile={dir}/main.log
pidfile={dir}/d.pid
childlogdir={dir}
identifier=someone

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{dir}/s.sock

[include]
files={dir}/conf.d/*.conf
"""


def wait(what, look):
    """Polls until `look` returns something true, and returns it."""
    until = time.monotonic() + DEADLINE
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > until:
            raise AssertionError("did not happen: " + what)
        time.sleep(0.02)


GIVEN = set()
GIVING = threading.Lock()


def free_port():
    """A port that nobody listens on, once to each who asks.

    It lies below those that the system gives out by itself, or a connection of somebody else's
    could take it before the daemon does."""
    with GIVING:
        while True:
            port = random.randrange(10000, 30000)
            with socket.socket() as candidate:
                try:
                    candidate.bind(("127.0.0.1", port))
                except OSError:
                    continue
            if port not in GIVEN:
                GIVEN.add(port)
                return port


def children(parent):
    """The children of a process that is our own child, so that none of their pids is another's."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%d/stat" % int(name), encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(name))
    return found


class Daemon:
    """A daemon in the foreground. To be used with `with`."""

    def __init__(self, kind, config):
        self.kind = kind
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="sd-io-"))
        self.port = free_port()
        os.mkdir(self.path("conf.d"))
        self.write("sd.conf", BASE)
        self.write("conf.d/main.conf", config)
        self.out = open(self.path("daemon.out"), "wb")
        self.process = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def fill(self, text):
        return text.replace("{dir}", self.dir).replace("{port}", str(self.port))

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(self.fill(text))

    def remove(self, name):
        os.remove(self.path(name))

    def __enter__(self):
        program = os.path.join(BINARIES[self.kind], "supervisord")
        self.process = subprocess.Popen(
            [program, "-n", "-c", self.path("sd.conf")],
            cwd=self.dir,
            stdin=subprocess.DEVNULL,
            stdout=self.out,
            stderr=subprocess.STDOUT,
        )
        try:
            wait("the daemon's start", self.answers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def answers(self):
        if self.process.poll() is not None:
            with open(self.path("daemon.out"), encoding="utf-8") as said:
                raise AssertionError("the daemon ended: " + said.read())
        return os.path.exists(self.path("d.pid")) and self.quietly(lambda: self.api.getState())

    @staticmethod
    def quietly(call):
        try:
            return call()
        except (OSError, xmlrpc.client.Error):
            return None

    def __exit__(self, *_):
        if self.process.poll() is None and self.kind == "original":
            # It takes a second a group to leave, even where there is nothing to stop.
            for pid in [*children(self.process.pid), self.process.pid]:
                os.kill(pid, signal.SIGKILL)
        elif self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.out.close()
        shutil.rmtree(self.dir)

    @property
    def server(self):
        """A proxy over the unix socket, as the original's client makes it."""
        url = "unix://" + self.path("s.sock")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", SupervisorTransport("", "", url))

    @property
    def api(self):
        return self.server.supervisor

    @property
    def tcp(self):
        """A proxy over TCP with a password."""
        url = "http://127.0.0.1:%d" % self.port
        return xmlrpc.client.ServerProxy(
            "http://127.0.0.1", SupervisorTransport("anna", "secret", url)
        )

    def ctl(self, kind, *arguments, stdin=None):
        """Runs one kind's client; standard output and exit code."""
        program = os.path.join(BINARIES[kind], "supervisorctl")
        done = subprocess.run(
            [program, "-c", self.path("sd.conf"), *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=DEADLINE,
            cwd=self.dir,
            encoding="utf-8",
            env=dict(os.environ, PYTHONIOENCODING="utf-8"),
        )
        return mask(done.stdout.replace(self.dir, "{dir}")), done.returncode

    def wait_for_state(self, name, state):
        def look():
            return self.quietly(lambda: self.api.getProcessInfo(name)["statename"]) == state

        wait("%s %s" % (name, state), look)

    def settle(self):
        """Waits until every child has become its program. The original loses a signal that
        arrives before, and then waits for its SIGKILL."""

        def look():
            pids = [info["pid"] for info in self.api.getAllProcessInfo() if info["pid"]]
            return all(became(pid) for pid in pids)

        def became(pid):
            try:
                with open("/proc/%d/comm" % pid, encoding="utf-8") as file:
                    return file.read().strip() in ("cat", "sleep", "sh", "dash", "bash", "busybox")
            except OSError:
                return True

        wait("the children's exec", look)

    def wait_for_text(self, name, text):
        def look():
            try:
                with open(self.path(name), encoding="utf-8") as file:
                    return text in file.read()
            except OSError:
                return False

        wait("%s with %r" % (name, text), look)


MASKS = [
    (re.compile(r"\bpid \d+"), "pid N"),
    (re.compile(r"\buptime (\d+ days?, )?\d+:\d\d:\d\d"), "uptime T"),
    (re.compile(r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M"), "DATE"),
    (re.compile(r"\b4\.3\.0(\+rs[0-9.]+)?"), "VERSION"),
    (re.compile(r"^[1-9]\d*$", re.MULTILINE), "N"),
]


#: Where in a file a config is wrong: ours says so after the original's sentence.
PLACE = re.compile(r"( \(line \d+\)| \(file: '[^']*', line \d+\))$", re.MULTILINE)


def mask(text):
    """The text without what differs from run to run, pids and times, and without what ours adds:
    its own version, the line where a config is wrong."""
    text = PLACE.sub("", text)
    for pattern, name in MASKS:
        text = pattern.sub(name, text)
    return text


#: Fields of answers that hold a time or a pid: whether there is one is compared, not which.
VARYING = ("pid", "now", "start", "stop")


def plain(value, daemon, key=None):
    """A value of an answer, with its types, without what differs from run to run."""
    if isinstance(value, dict):
        return {name: plain(inner, daemon, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner, daemon) for inner in value]
    if isinstance(value, str):
        text = mask(value.replace(daemon.dir, "{dir}"))
        return re.sub(r"(---\w+-)\w{8}(\.log)", r"\1RANDOM\2", text)
    if key in VARYING and isinstance(value, int):
        return (type(value).__name__, "some" if value else "none")
    return (type(value).__name__, value)


def answer(daemon, call, key=None):
    """What a call comes to: a value, a fault with its text, or an HTTP error."""
    try:
        return ("value", plain(call(), daemon, key))
    except xmlrpc.client.Fault as fault:
        text = PLACE.sub("", fault.faultString.replace(daemon.dir, "{dir}"))
        return ("fault", fault.faultCode, text)
    except xmlrpc.client.ProtocolError as error:
        return ("http", error.errcode)
