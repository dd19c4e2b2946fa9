"""Scripted lives of programs, played on the original and on ours at once: the sequence of events, of
states and of sentences in the main log must be the same, program by program.

Between programs there is no order to compare: they live side by side, and ours does not wait for the
original's next look. What repeats only because time passes is compared once. Programs that fail have
`startsecs=3`: the original looks once a second, and after one second may take a dead program for a
running one.
"""

import os
import re
import signal
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

from common import Daemon, wait

LISTENER = """\
import sys
log = open(sys.argv[1], "a", encoding="utf-8")
while True:
    sys.stdout.write("READY\\n")
    sys.stdout.flush()
    header = dict(pair.split(":") for pair in sys.stdin.readline().split())
    payload = sys.stdin.read(int(header["len"]))
    log.write("%s %s\\n" % (header["eventname"], payload.strip()))
    log.flush()
    sys.stdout.write("RESULT 2\\nOK")
    sys.stdout.flush()
"""

CONFIG = """\
[eventlistener:ear]
command={python} {dir}/listener.py {dir}/events.txt
events=PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE
buffer_size=1000
startsecs=0

[program:cat]
command=/bin/cat

[program:flaky]
command=/bin/sh -c "exit 3"
startretries=2
startsecs=3

[program:brief]
command=/bin/sh -c "sleep 1.6; exit 0"

[program:odd]
command=/bin/sh -c "sleep 1.6; exit 4"
exitcodes=4

[program:falls]
command=/bin/sh -c "test -e {dir}/fell && exec /bin/cat; sleep 1.6; touch {dir}/fell; exit 1"

[program:stubborn]
command=/bin/sh -c "trap '' TERM; echo up; while :; do sleep 0.1; done"
stdout_logfile={dir}/stubborn.out
stopwaitsecs=3
stopasgroup=true
startsecs=0

[program:missing]
command={dir}/no-such-command
autostart=false
startretries=1

[program:waits]
command=/bin/sh -c "exit 1"
autostart=false
startretries=50
startsecs=3

[program:nowhere]
command=/bin/cat
directory={dir}/no-such-directory
autostart=false
startretries=1
startsecs=3

[program:last]
command=/bin/cat
autostart=false
startsecs=0

[program:one]
command=/bin/cat
startsecs=0
priority=2

[program:two]
command=/bin/cat
startsecs=0
priority=1
stopsignal=INT

[group:pair]
programs=one,two
"""

POOL = """\
[program:pool]
command=/bin/cat
process_name=%(program_name)s_%(process_num)d
numprocs={numprocs}
startsecs=0
"""

NAMES = re.compile(
    r"\b(cat|flaky|brief|odd|falls|stubborn|missing|waits|nowhere|last|old|one|two|pair|pool(?:_\d)?|ear)\b"
)


def scenario(kind):
    """Plays all of it; what was said about each program, and about the daemon."""
    daemon = Daemon(kind, CONFIG.replace("{python}", sys.executable))
    daemon.write("listener.py", LISTENER)
    with daemon:
        play(daemon)
        # Of the shutdown itself only ours tells its listeners in time.
        daemon.wait_for_text("events.txt", "processname:last groupname:last from_state:STARTING")
        with open(daemon.path("events.txt"), encoding="utf-8") as file:
            events = file.read()
        daemon.process.send_signal(signal.SIGTERM)
        wait("the end", lambda: daemon.process.poll() is not None)
        with open(daemon.path("main.log"), encoding="utf-8") as file:
            log = file.read()
        return told(events.replace(daemon.dir, "{dir}")), said(log.replace(daemon.dir, "{dir}"))


def play(daemon):
    api = daemon.api
    # Lives that end by themselves.
    daemon.wait_for_state("cat", "RUNNING")
    daemon.wait_for_state("flaky", "FATAL")
    daemon.wait_for_state("brief", "EXITED")
    daemon.wait_for_state("odd", "EXITED")
    wait("the fall", lambda: os.path.exists(daemon.path("fell")))
    wait(
        "its return",
        lambda: daemon.quietly(lambda: api.getProcessInfo("falls")["statename"]) == "RUNNING"
        and became_cat(api.getProcessInfo("falls")["pid"]),
    )
    # By request.
    api.stopProcess("cat")
    api.startProcess("cat")
    os.kill(api.getProcessInfo("cat")["pid"], signal.SIGKILL)
    daemon.wait_for_text("main.log", "terminated by SIGKILL; not expected")
    daemon.wait_for_state("cat", "RUNNING")
    daemon.wait_for_text("stubborn.out", "up")
    api.stopProcess("stubborn")
    refused(api.startProcess, "missing")
    daemon.wait_for_state("missing", "STOPPED")
    refused(api.startProcess, "nowhere")
    daemon.wait_for_state("nowhere", "FATAL")
    api.startProcess("waits", False)
    daemon.wait_for_state("waits", "BACKOFF")
    api.stopProcess("waits")
    api.stopProcessGroup("pair")
    api.startProcessGroup("pair")
    # The config grows, changes and shrinks.
    for numprocs in (2, 3, 1):
        daemon.write("conf.d/pool.conf", POOL.replace("{numprocs}", str(numprocs)))
        daemon.ctl(daemon.kind, "update")
        for number in range(numprocs):
            daemon.wait_for_state("pool:pool_%d" % number, "RUNNING")
        settle(daemon)
    daemon.remove("conf.d/pool.conf")
    daemon.ctl(daemon.kind, "update")
    daemon.write("stubborn.out", "")
    api.startProcess("stubborn")
    daemon.wait_for_text("stubborn.out", "up")
    api.startProcess("last")
    settle(daemon)


def hang_up(kind):
    """Everything stops, the config is read again, everything starts: the main log of that."""
    config = "[program:old]\ncommand=/bin/cat\nstartsecs=0\n" + POOL.replace("{numprocs}", "2")
    with Daemon(kind, config) as daemon:
        for name in ("old", "pool:pool_0", "pool:pool_1"):
            daemon.wait_for_state(name, "RUNNING")
        settle(daemon)
        config = "[program:last]\ncommand=/bin/cat\nstartsecs=0\n" + POOL.replace("{numprocs}", "1")
        daemon.write("conf.d/main.conf", config)
        daemon.process.send_signal(signal.SIGHUP)
        for name in ("last", "pool:pool_0"):
            wait(name, lambda name=name: state(daemon, name) == "RUNNING")
        settle(daemon)
        daemon.process.send_signal(signal.SIGUSR2)
        daemon.wait_for_text("main.log", "supervisord logreopen")
        daemon.process.send_signal(signal.SIGTERM)
        wait("the end", lambda: daemon.process.poll() is not None)
        with open(daemon.path("main.log"), encoding="utf-8") as file:
            return said(file.read().replace(daemon.dir, "{dir}"))


def state(daemon, name):
    info = daemon.quietly(lambda: daemon.api.getProcessInfo(name))
    return info and info["statename"]


def became_cat(pid):
    return comm(pid) == "cat"


def comm(pid):
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return None


def settle(daemon):
    """Waits until every child has become its program: the original loses a signal before."""

    def look():
        infos = daemon.api.getAllProcessInfo()
        return comm(daemon.process.pid) not in [comm(info["pid"]) for info in infos if info["pid"]]

    wait("the children's exec", look)


def refused(call, *arguments):
    try:
        call(*arguments)
    except Exception:
        return
    raise AssertionError("%s was not refused" % (arguments,))


def by_name(lines):
    """The lines about each program in their order; what names none is about the daemon."""
    sorted_out = {}
    for line in lines:
        found = NAMES.search(line)
        of_name = sorted_out.setdefault(found.group(1) if found else "daemon", [])
        if line not in of_name[-1:]:
            of_name.append(line)
    return sorted_out


def told(events):
    """The events by program, with their states and tries."""
    return by_name(re.sub(r"\bpid:[1-9]\d*", "pid:N", events).splitlines())


def said(log):
    """The main log by program."""
    lines = []
    waited = False
    for line in log.splitlines():
        text = re.sub(r"^\S+ \S+ ", "", line)
        text = re.sub(r"\bpid \d+", "pid N", text)
        text = re.sub(r"\(\d+\)", "(N)", text)
        if text.endswith(" to die"):
            # Who is waited for the second time depends on the moment.
            if waited:
                continue
            waited = True
        # What stops at once may be gone before anybody says that it is waited for.
        if text.endswith(" to stop") and "stubborn" not in text:
            continue
        # Ours says besides what its listeners did not get to hear.
        if text.startswith("INFO pool ear ends with "):
            continue
        lines.append(text)
    return by_name(lines)


class Lives(unittest.TestCase):
    maxDiff = None

    def test_the_same_sentences_through_a_restart(self):
        with ThreadPoolExecutor(2) as stage:
            original, ours = stage.map(hang_up, ["original", "ours"])
        self.assertIn("WARN received SIGHUP indicating restart request", ours["daemon"])
        for name in sorted({*original, *ours}):
            with self.subTest(name=name):
                self.assertEqual(original.get(name), ours.get(name))

    def test_the_same_events_and_the_same_sentences(self):
        with ThreadPoolExecutor(2) as stage:
            original, ours = stage.map(scenario, ["original", "ours"])
        for what, theirs, mine in zip(("events", "sentences"), original, ours):
            for name in sorted({*theirs, *mine}):
                with self.subTest(what, name=name):
                    self.assertEqual(theirs.get(name), mine.get(name))
            self.assertGreater(sum(map(len, theirs.values())), 50, what)
