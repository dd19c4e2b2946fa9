"""Every action of supervisorctl: the original's client and ours, on the original's daemon and on ours.

A scenario is a list of steps. It is played four times, and each step's standard output and exit code
must be what the original's client gets from the original's daemon.
"""

import os
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

from common import Daemon

CAST = """\
[program:cat]
command=/bin/sh -c "echo hello; echo oops >&2; exec /bin/cat"
startsecs=0
stdout_logfile={dir}/cat.out
stderr_logfile={dir}/cat.err

[program:idle]
command=/bin/cat
autostart=false
startsecs=0
stdout_logfile=NONE

[program:one]
command=/bin/cat
autostart=false
startsecs=0
priority=20

[program:two]
command=/bin/cat
autostart=false
startsecs=0
priority=10

[group:duo]
programs=one,two
priority=5

[program:pool]
command=/bin/cat
process_name=%(program_name)s_%(process_num)02d
numprocs=3
autostart=false
startsecs=0

[program:missing]
command={dir}/no-such-command
autostart=false

[program:plain]
command={dir}/conf.d/main.conf
autostart=false

[program:flaky]
command=/bin/sh -c "sleep 0.3; exit 3"
autostart=false
startsecs=5
startretries=0

[program:brief]
command=/bin/sh -c "sleep 0.5; exit 0"
autostart=false
autorestart=false
startsecs=0
"""

CAT_UP = ("state", "cat", "RUNNING")


class Actions(unittest.TestCase):
    maxDiff = None

    def play(self, steps, config=CAST):
        """Plays the steps in all four castings and compares."""
        kinds = ("original", "ours")
        castings = [(client, daemon) for client in kinds for daemon in kinds]
        # Mostly they wait, so all are played at once.
        with ThreadPoolExecutor(len(castings)) as stage:
            played = stage.map(lambda casting: self.tell(*casting, steps, config), castings)
            told = dict(zip(castings, played))
        expected = told["original", "original"]
        for casting, transcript in told.items():
            with self.subTest(client=casting[0], daemon=casting[1]):
                self.assertEqual(transcript, expected)

    def tell(self, client, kind, steps, config):
        transcript = []
        with Daemon(kind, config) as daemon:
            for step in steps:
                if step[0] == "state":
                    daemon.wait_for_state(*step[1:])
                    daemon.settle()
                elif step[0] == "write":
                    daemon.write(*step[1:])
                elif step[0] == "delete":
                    daemon.remove(step[1])
                elif step[0] == "text":
                    daemon.wait_for_text(*step[1:])
                elif step[0] == "gone":
                    self.assertEqual(daemon.process.wait(60), 0)
                elif step[0] == "any order":
                    out, code = daemon.ctl(client, *map(daemon.fill, step[1:]))
                    transcript.append((step, sorted(out.splitlines()), code))
                    daemon.settle()
                elif step[0] == "shell":
                    out, code = daemon.ctl(client, stdin=step[1])
                    transcript.append((step, out.replace("supervisor> ", ""), code))
                else:
                    out, code = daemon.ctl(client, *map(daemon.fill, step))
                    transcript.append((step, out, code))
                    if step[0] in ("start", "restart"):
                        daemon.settle()
        return transcript

    def test_status(self):
        self.play([
            CAT_UP,
            ("status",),
            ("status", "all"),
            ("status", "cat"),
            ("status", "idle"),
            ("status", "cat", "idle", "cat"),
            ("status", "duo:*"),
            ("status", "duo:"),
            ("status", "duo:one", "pool:*"),
            ("status", "nobody"),
            ("status", "none:*"),
            ("status", "duo:nobody"),
            ("status", "one"),
            ("status", "nobody", "cat"),
            ("status", "nobody", "idle"),
            ("start", "flaky"),
            ("state", "flaky", "FATAL"),
            ("status", "flaky"),
            ("start", "brief"),
            ("state", "brief", "EXITED"),
            ("status", "brief"),
        ])

    def test_start(self):
        self.play([
            CAT_UP,
            ("start",),
            ("start", "cat"),
            ("start", "idle"),
            ("start", "idle", "duo:one"),
            ("start", "duo:*"),
            ("start", "duo:*"),
            ("start", "pool:pool_01", "nobody", "none:*", "duo:nobody"),
            ("start", "none:*"),
            ("start", "nobody"),
            ("start", "missing"),
            ("start", "plain"),
            ("start", "flaky"),
            ("start", "brief"),
            ("state", "brief", "EXITED"),
            ("state", "flaky", "FATAL"),
            ("any order", "start", "pool:*"),
        ])

    def test_start_all(self):
        self.play([CAT_UP, ("any order", "start", "all"), ("state", "flaky", "FATAL")])

    def test_stop(self):
        self.play([
            CAT_UP,
            ("stop",),
            ("stop", "cat"),
            ("stop", "cat"),
            ("stop", "nobody"),
            ("stop", "none:*"),
            ("stop", "nobody", "none:*", "cat"),
            ("start", "cat", "idle", "duo:*", "pool:*"),
            ("any order", "stop", "duo:*", "pool:pool_02"),
            ("stop", "duo:*"),
            ("any order", "stop", "all"),
            ("stop", "all"),
            ("status",),
        ])

    def test_restart(self):
        self.play([
            CAT_UP,
            ("restart",),
            ("restart", "cat"),
            ("restart", "idle"),
            ("restart", "nobody"),
            ("restart", "none:*"),
            ("any order", "restart", "pool:*"),
            ("any order", "restart", "pool:*"),
            ("any order", "restart", "cat", "duo:*"),
        ])

    def test_signal(self):
        self.play([
            CAT_UP,
            ("signal",),
            ("signal", "HUP"),
            ("signal", "CONT", "cat"),
            ("signal", "SIGCONT", "cat"),
            ("signal", "18", "cat"),
            ("signal", "NONSENSE", "cat"),
            ("signal", "99", "cat"),
            ("signal", "CONT", "idle"),
            ("signal", "CONT", "nobody"),
            ("signal", "CONT", "none:*"),
            ("signal", "CONT", "duo:*"),
            ("start", "duo:*"),
            ("signal", "CONT", "duo:*"),
            ("signal", "CONT", "all"),
            ("signal", "CONT", "cat", "duo:two"),
        ])

    def test_pid(self):
        self.play([
            CAT_UP,
            ("pid",),
            ("pid", "cat"),
            ("pid", "idle"),
            ("pid", "cat", "idle"),
            ("pid", "nobody"),
            ("pid", "duo:one"),
            ("pid", "all"),
            ("pid", "cat", "all"),
        ])

    def test_tail(self):
        self.play([
            CAT_UP,
            ("text", "cat.out", "hello\n"),
            ("text", "cat.err", "oops\n"),
            ("tail",),
            ("tail", "cat"),
            ("tail", "-3", "cat"),
            ("tail", "-0", "cat"),
            ("tail", "-100", "cat", "stderr"),
            ("tail", "cat", "stdout"),
            ("tail", "cat", "STDERR"),
            ("tail", "cat", "sideways"),
            ("tail", "-x", "cat"),
            ("tail", "-3"),
            ("tail", "a", "b", "c", "d"),
            ("tail", "idle"),
            ("tail", "nobody"),
            ("tail", "duo:one"),
        ])

    def test_maintail(self):
        self.play([CAT_UP, ("maintail", "x"), ("maintail", "-x"), ("maintail", "-1", "-2")])

    def test_clear(self):
        self.play([
            CAT_UP,
            ("clear",),
            ("clear", "cat"),
            ("clear", "idle"),
            ("clear", "nobody"),
            ("clear", "duo:one", "cat"),
            ("any order", "clear", "all"),
        ])

    def test_version_and_help(self):
        actions = [
            "add", "avail", "clear", "exit", "fg", "help", "maintail", "open", "pid", "quit",
            "reload", "remove", "reread", "restart", "shutdown", "signal", "start", "status",
            "stop", "tail", "update", "version", "nonsense",
        ]
        self.play(
            [("version",), ("help",)]
            + [("help", action) for action in actions]
            + [
                ("nonsense",),
                ("nonsense", "with", "words"),
                ("version", "x"),
                ("avail", "x"),
                ("reread", "x"),
                ("reload", "x"),
                ("shutdown", "x"),
                ("?",),
                ("exit",),
                ("quit",),
                ("open", "ftp://x"),
                ("open", "unix://{dir}/none.sock"),
                ("fg",),
                ("fg", "a", "b"),
                ("fg", "nobody"),
                ("fg", "idle"),
            ],
        )

    def test_avail_reread_update(self):
        more = "[program:more]\ncommand=/bin/cat\nstartsecs=0\n"
        self.play([
            CAT_UP,
            ("avail",),
            ("reread",),
            ("update",),
            ("write", "conf.d/more.conf", more),
            ("reread",),
            ("reread",),
            ("avail",),
            ("status", "more"),
            ("update", "nobody"),
            ("update", "cat"),
            ("update",),
            ("state", "more", "RUNNING"),
            ("status", "more"),
            ("write", "conf.d/more.conf", more + "priority=3\n"),
            ("reread",),
            ("update", "more"),
            ("state", "more", "RUNNING"),
            ("update",),
            ("delete", "conf.d/more.conf"),
            ("reread",),
            ("update", "all"),
            ("status",),
            ("avail",),
        ])

    def test_update_with_all_kinds_of_changes(self):
        self.play([
            CAT_UP,
            ("write", "conf.d/main.conf", CAST.replace("numprocs=3", "numprocs=2")
                .replace("[program:idle]", "[program:lazy]")
                .replace("programs=one,two", "programs=two")),
            ("reread",),
            ("update",),
            ("status",),
            ("avail",),
        ])

    def test_a_broken_config_at_reread(self):
        self.play([
            CAT_UP,
            ("write", "conf.d/more.conf", "[program:more]\ncommand=/bin/cat\nautostart=maybe\n"),
            ("reread",),
            ("write", "conf.d/more.conf", "[program:more]\n"),
            ("reread",),
            ("write", "conf.d/more.conf", "[group:more]\nprograms=nobody\n"),
            ("reread",),
            ("status", "cat"),
            ("delete", "conf.d/more.conf"),
            ("reread",),
        ])

    def test_add_and_remove(self):
        self.play([
            CAT_UP,
            ("add",),
            ("remove",),
            ("add", "cat"),
            ("add", "nobody"),
            ("remove", "cat"),
            ("remove", "nobody"),
            ("remove", "duo", "idle"),
            ("status",),
            ("add", "duo", "idle", "nobody"),
            ("status",),
            ("stop", "cat"),
            ("remove", "cat"),
            ("add", "cat"),
            CAT_UP,
            ("status", "cat"),
        ])

    def test_reload(self):
        self.play([
            CAT_UP,
            ("write", "conf.d/more.conf", "[program:more]\ncommand=/bin/cat\nstartsecs=0\n"),
            ("reload",),
            ("state", "more", "RUNNING"),
            CAT_UP,
            ("status",),
        ], CAST.split("[program:idle]", maxsplit=1)[0])

    def test_shutdown(self):
        few = CAST.split("[program:idle]", maxsplit=1)[0]
        self.play([CAT_UP, ("status",), ("shutdown",), ("gone",), ("status",), ("stop", "cat")], few)

    def test_shell(self):
        self.play([
            CAT_UP,
            ("shell", "status cat\nstart idle\nstatus\nnonsense\n\nhelp start\nstop idle\nexit\n"),
            ("shell", "pid idle\nquit\n"),
        ])

    def test_nobody_there(self):
        for client in ("original", "ours"):
            with Daemon("original", "") as daemon:
                daemon.write("none.conf", "[supervisorctl]\nserverurl=unix://{dir}/none.sock\n")
                program = os.path.join(os.environ["OURS" if client == "ours" else "ORIGINAL"], "supervisorctl")
                for arguments, first, code in [
                    (["status"], "unix://{dir}/none.sock no such file", 4),
                    (["start", "x"], "unix://{dir}/none.sock no such file", 7),
                    (["shutdown"], "ERROR: unix://{dir}/none.sock no such file (already shut down?)", 1),
                ]:
                    with self.subTest(client=client, arguments=arguments):
                        done = subprocess.run(
                            [program, "-c", daemon.path("none.conf"), *arguments],
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL,
                            encoding="utf-8",
                            check=False,
                        )
                        self.assertEqual(done.stdout.splitlines()[0], daemon.fill(first))
                        self.assertEqual(done.returncode, code)


if __name__ == "__main__":
    unittest.main()
