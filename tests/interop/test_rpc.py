"""Every XML-RPC method by Python's own client: ours and the original, value by value.

A story is a function that makes calls on a daemon and notes what each comes to: a value with its types, a
fault with its code and text, or an HTTP error. It is played on both daemons, over the unix socket and over
TCP with a password, and the notes must be the same.

What the original answers with HTTP 500 (its own crashes) is left out: ours answers with a fault there.
"""

import os
import signal
import unittest
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor

from common import Daemon, answer, wait

CONFIG = """\
[program:cat]
command=/bin/sh -c "echo hello there; echo oops >&2; exec /bin/cat"
startsecs=0
stdout_logfile={dir}/cat.out
stderr_logfile={dir}/cat.err

[program:idle]
command=/bin/cat
autostart=false
startsecs=0
priority=3
stdout_logfile=NONE
exitcodes=0,2,255
environment=A="1"
directory=/
umask=027
stopsignal=INT
stopwaitsecs=7

[program:one]
command=/bin/cat
autostart=false
startsecs=0
redirect_stderr=true
stdout_logfile={dir}/one.out

[program:two]
command=/bin/cat
autostart=false
startsecs=0
stopasgroup=true

[group:duo]
programs=one,two
priority=5

[program:missing]
command={dir}/no-such-command
autostart=false

[program:plain]
command={dir}/conf.d/main.conf
autostart=false

[program:folder]
command={dir}
autostart=false

[program:quote]
command=/bin/cat "open
autostart=false

[program:flaky]
command=/bin/sh -c "sleep 0.3; exit 3"
autostart=false
startsecs=5
startretries=0

[program:brief]
command=/bin/sh -c "sleep 0.5; exit 4"
autostart=false
autorestart=false
startsecs=0
"""


class Notes:
    """What calls came to, in order."""

    def __init__(self, daemon, server):
        self.daemon = daemon
        self.server = server
        self.notes = []

    def call(self, method, *arguments):
        key = "pid" if method.endswith("getPID") else None
        told = answer(self.daemon, lambda: getattr(self.server, method)(*arguments), key)
        self.notes.append(((method,) + arguments, told))
        return told

    def each(self, method, *names):
        for name in names:
            self.call(method, name)


class Values(unittest.TestCase):
    maxDiff = None

    def play(self, story, config=CONFIG, tcp=True):
        ways = ("unix", "tcp") if tcp else ("unix",)
        castings = [(way, kind) for way in ways for kind in ("original", "ours")]
        # Mostly they wait, so all are played at once.
        with ThreadPoolExecutor(len(castings)) as stage:
            played = stage.map(lambda casting: self.tell(*casting, story, config), castings)
            told = dict(zip(castings, played))
        for way in ways:
            for ours, original in zip(told[way, "ours"], told[way, "original"]):
                with self.subTest(way=way, call=original[0]):
                    self.assertEqual(ours, original)
            self.assertEqual(len(told[way, "ours"]), len(told[way, "original"]))

    @staticmethod
    def tell(way, kind, story, config):
        with Daemon(kind, config) as daemon:
            if "[program:cat]" in config:
                daemon.wait_for_state("cat", "RUNNING")
                daemon.wait_for_text("cat.out", "there\n")
                daemon.wait_for_text("cat.err", "oops\n")
                daemon.settle()
            notes = Notes(daemon, daemon.server if way == "unix" else daemon.tcp)
            story(daemon, notes)
            return notes.notes

    def test_who_and_what(self):
        def story(_, notes):
            for method in (
                "getAPIVersion", "getVersion", "getSupervisorVersion", "getIdentification",
                "getState", "getPID",
            ):
                notes.call("supervisor." + method)
                notes.call("supervisor." + method, "one too many")

        self.play(story)

    def test_names_of_methods(self):
        def story(_, notes):
            for name in (
                "nothing", "supervisor", "supervisor.", ".getState", "supervisor.nothing",
                "supervisor._update", "supervisor.supervisord", "supervisor.getState.im_func",
                "supervisor.__init__", "system.nothing", "SUPERVISOR.getState", "getState",
            ):
                notes.call(name)

        self.play(story, tcp=False)

    def test_info(self):
        def story(_, notes):
            notes.call("supervisor.getAllProcessInfo")
            notes.each(
                "supervisor.getProcessInfo",
                "cat", "idle", "duo:one", "cat:cat", "nobody", "one", "duo:*", "duo:", ":", "",
                "none:x", "none:*",
            )
            notes.call("supervisor.getAllConfigInfo")

        self.play(story)

    def test_start(self):
        def story(daemon, notes):
            notes.each(
                "supervisor.startProcess",
                "cat", "idle", "idle", "nobody", "none:*", "duo:nobody", "missing", "plain", "folder",
                "quote", "flaky", "duo:*", "duo:*",
            )
            notes.call("supervisor.startProcess", "brief", False)
            daemon.wait_for_state("brief", "EXITED")
            daemon.wait_for_state("flaky", "FATAL")
            notes.call("supervisor.getProcessInfo", "brief")
            notes.call("supervisor.getProcessInfo", "flaky")
            notes.call("supervisor.startProcess", "flaky", False)
            daemon.wait_for_state("flaky", "FATAL")
            notes.call("supervisor.startProcess")
            notes.call("supervisor.startProcess", "cat", True, "one too many")

        self.play(story)

    def test_start_groups(self):
        def story(daemon, notes):
            notes.each("supervisor.startProcessGroup", "duo", "duo", "cat", "nobody", "flaky", "missing")
            daemon.wait_for_state("flaky", "FATAL")
            notes.call("supervisor.startProcessGroup", "flaky", False)
            daemon.wait_for_state("flaky", "FATAL")

        self.play(story)

    def test_stop(self):
        def story(daemon, notes):
            notes.each(
                "supervisor.stopProcess", "cat", "cat", "nobody", "none:*", "duo:nobody", "missing", "duo:*",
            )
            notes.call("supervisor.getProcessInfo", "cat")
            notes.each("supervisor.startProcess", "cat", "duo:one", "duo:two")
            daemon.settle()
            notes.call("supervisor.stopProcess", "cat", True)
            notes.call("supervisor.stopProcess", "duo:one", False)
            daemon.wait_for_state("duo:one", "STOPPED")
            notes.call("supervisor.stopProcess", "duo:*")
            notes.each("supervisor.stopProcessGroup", "duo", "nobody")
            notes.call("supervisor.stopAllProcesses")

        self.play(story)

    def test_all_at_once(self):
        def story(daemon, notes):
            # In the order of names: the original answers in the order in which they happen.
            def sort(told):
                if told[0] == "value":
                    told[1].sort(key=lambda result: (result["group"], result["name"]))

            sort(notes.call("supervisor.startAllProcesses"))
            daemon.wait_for_state("flaky", "FATAL")
            daemon.wait_for_state("brief", "EXITED")
            daemon.settle()
            sort(notes.call("supervisor.signalAllProcesses", "CONT"))
            notes.call("supervisor.signalAllProcesses", "NONSENSE")
            sort(notes.call("supervisor.stopAllProcesses"))
            sort(notes.call("supervisor.clearAllProcessLogs"))

        self.play(story)

    def test_signal(self):
        def story(_, notes):
            for name, sent in [
                ("cat", "CONT"), ("cat", "SIGCONT"), ("cat", "18"), ("cat", "cont"), ("cat", "99"),
                ("cat", "0"), ("cat", "NONSENSE"), ("cat", ""), ("nobody", "CONT"), ("nobody", "NONSENSE"),
                ("idle", "CONT"), ("idle", "NONSENSE"), ("duo:*", "CONT"), ("none:*", "CONT"),
            ]:
                notes.call("supervisor.signalProcess", name, sent)
            notes.call("supervisor.signalProcessGroup", "cat", "CONT")
            notes.call("supervisor.signalProcessGroup", "cat", "NONSENSE")
            notes.call("supervisor.signalProcessGroup", "duo", "CONT")
            notes.call("supervisor.signalProcessGroup", "nobody", "CONT")

        self.play(story)

    def test_logs(self):
        def story(daemon, notes):
            places = [
                (0, 0), (0, 5), (6, 0), (6, 3), (100, 5), (-5, 0), (-100, 0), (-5, 3), (0, -1), (-1, 5),
                (3, -3), (0, 1000),
            ]
            for stream in ("", "Stdout", "Stderr"):
                for offset, length in places:
                    notes.call("supervisor.readProcess%sLog" % stream, "cat", offset, length)
                    notes.call("supervisor.tailProcess%sLog" % stream, "cat", offset, length)
                for name in ("idle", "nobody", "duo:*", "none:x", "duo:one"):
                    notes.call("supervisor.readProcess%sLog" % stream, name, 0, 0)
                    notes.call("supervisor.tailProcess%sLog" % stream, name, 0, 10)
            notes.call("supervisor.readLog", 0, -1)
            notes.call("supervisor.readMainLog", -1, 5)
            notes.call("supervisor.readLog", 1000000, 5)

        self.play(story)

    def test_clear(self):
        def story(daemon, notes):
            notes.each("supervisor.clearProcessLogs", "cat", "idle", "nobody", "duo:one", "none:x")
            notes.each("supervisor.clearProcessLog", "cat", "nobody")
            notes.call("supervisor.tailProcessStdoutLog", "cat", 0, 100)
            notes.call("supervisor.sendProcessStdin", "cat", "again\n")
            daemon.wait_for_text("cat.out", "again\n")
            notes.call("supervisor.readProcessStdoutLog", "cat", 0, 0)
            notes.call("supervisor.clearLog")
            notes.call("supervisor.clearLog", "one too many")

        self.play(story)

    def test_stdin(self):
        def story(daemon, notes):
            notes.call("supervisor.sendProcessStdin", "cat", "gr\u00fc\u00df dich\n")
            daemon.wait_for_text("cat.out", "gr\u00fc\u00df dich\n")
            notes.call("supervisor.sendProcessStdin", "cat", "")
            notes.call("supervisor.sendProcessStdin", "idle", "x")
            notes.call("supervisor.sendProcessStdin", "nobody", "x")
            notes.call("supervisor.sendProcessStdin", "duo:*", "x")
            notes.call("supervisor.tailProcessStdoutLog", "cat", 0, 1000)

        self.play(story)

    def test_groups_come_and_go(self):
        def story(daemon, notes):
            notes.call("supervisor.reloadConfig")
            notes.each("supervisor.addProcessGroup", "cat", "nobody")
            notes.each("supervisor.removeProcessGroup", "cat", "nobody", "duo", "duo")
            notes.call("supervisor.reloadConfig")
            notes.each("supervisor.addProcessGroup", "duo", "duo")
            daemon.write("conf.d/more.conf", "[program:more]\ncommand=/bin/cat\nstartsecs=0\n")
            notes.call("supervisor.reloadConfig")
            notes.call("supervisor.getProcessInfo", "more")
            notes.call("supervisor.addProcessGroup", "more")
            daemon.wait_for_state("more", "RUNNING")
            notes.call("supervisor.getProcessInfo", "more")
            daemon.write("conf.d/more.conf", "[program:more]\ncommand=/bin/cat\npriority=5\n")
            notes.call("supervisor.reloadConfig")
            daemon.remove("conf.d/more.conf")
            notes.call("supervisor.reloadConfig")
            notes.call("supervisor.getAllConfigInfo")

        self.play(story)

    def test_broken_configs(self):
        def story(daemon, notes):
            for text in (
                "[program:more]\n",
                "[program:more]\ncommand=/bin/cat\nautostart=maybe\n",
                "[program:more]\ncommand=/bin/cat\nstopsignal=NONSENSE\n",
                "[program:more]\ncommand=/bin/cat\nuser=nobody-of-that-name\n",
                "[program:more]\ncommand=/bin/cat\nautorestart=sometimes\n",
                "[program:more]\ncommand=/bin/cat\nexitcodes=0,256\n",
                "[program:more]\ncommand=/bin/cat\nnumprocs=2\n",
                "[program:more]\ncommand=/bin/cat\nstopasgroup=true\nkillasgroup=false\n",
                "[program:more]\ncommand=/bin/cat\nstdout_logfile=/no-such-folder/x\n",
                "[program:more]\ncommand=/bin/cat\numask=9\n",
                "[group:more]\nprograms=nobody\n",
                "[program:mo/re]\ncommand=/bin/cat\n",
                "[eventlistener:more]\ncommand=/bin/cat\n",
                "[eventlistener:more]\ncommand=/bin/cat\nevents=NONSENSE\n",
                "[eventlistener:more]\ncommand=/bin/cat\nevents=EVENT\nbuffer_size=0\n",
                "[eventlistener:more]\ncommand=/bin/cat\nevents=EVENT\nredirect_stderr=true\n",
                "[rpcinterface:more]\n",
            ):
                daemon.write("conf.d/more.conf", text)
                notes.call("supervisor.reloadConfig")
            daemon.remove("conf.d/more.conf")
            notes.call("supervisor.reloadConfig")
            notes.call("supervisor.getProcessInfo", "cat")

        self.play(story, tcp=False)

    def test_system(self):
        def story(daemon, notes):
            # Ours has a namespace of its own besides.
            names = daemon.server.system.listMethods()
            notes.notes.append(
                (("listMethods",), [name for name in names if not name.startswith("supervisord.")])
            )
            for name in (
                "supervisor.getState", "supervisor.startProcess", "supervisor.readLog",
                "supervisor.tailProcessLog", "supervisor.reloadConfig", "system.multicall",
                "system.methodSignature", "nothing", "supervisor.nothing", "nothing.nothing",
            ):
                notes.call("system.methodSignature", name)
            notes.each("system.methodHelp", "nothing", "supervisor.nothing")

        self.play(story)

    def test_help_of_every_method(self):
        with Daemon("ours", CONFIG) as daemon:
            for name in daemon.server.system.listMethods():
                with self.subTest(name):
                    self.assertTrue(daemon.server.system.methodHelp(name).strip())

    def test_multicall(self):
        def story(daemon, notes):
            def one(method, *arguments):
                return {"methodName": method, "params": list(arguments)}

            for calls in (
                [],
                [one("supervisor.getState"), one("supervisor.getAPIVersion")],
                [one("supervisor.startProcess", "idle"), one("supervisor.getProcessInfo", "idle")],
                [one("nothing"), one("supervisor.getState", 1), one("supervisor.startProcess", "nobody")],
                [one("system.multicall", []), one("supervisor.getIdentification")],
                [{"methodName": "supervisor.getState"}],
                [{"params": []}],
                [one("supervisor.stopProcess", "idle"), one("supervisor.startProcess", "duo:*")],
            ):
                notes.call("system.multicall", calls)
                daemon.settle()

        self.play(story)

    def test_remote_events(self):
        def story(_, notes):
            notes.call("supervisor.sendRemoteCommEvent", "type", "data")
            notes.call("supervisor.sendRemoteCommEvent", "type")

        self.play(story)

    def test_while_it_shuts_down(self):
        stubborn = (
            "[program:stubborn]\n"
            "command=/bin/sh -c \"trap '' TERM; echo up; while true; do sleep 0.1; done\"\n"
            "startsecs=0\nstopwaitsecs=1000\nstdout_logfile={dir}/up\n"
        )

        def story(daemon, notes):
            daemon.wait_for_text("up", "up\n")
            pid = daemon.api.getProcessInfo("stubborn")["pid"]
            notes.call("supervisor.shutdown")
            for method in (
                "getState", "getPID", "getAPIVersion", "getAllProcessInfo", "reloadConfig", "shutdown",
                "restart", "stopAllProcesses", "clearLog", "getAllConfigInfo",
            ):
                notes.call("supervisor." + method)
            notes.call("supervisor.startProcess", "stubborn")
            notes.call("supervisor.nothing")
            notes.call("supervisor.getState", "one too many")
            os.kill(pid, signal.SIGKILL)
            self.assertEqual(daemon.process.wait(60), 0)

        self.play(story, stubborn, tcp=False)

    def test_a_restart_answers_again(self):
        def story(daemon, notes):
            pid = daemon.api.getProcessInfo("cat")["pid"]
            notes.call("supervisor.restart")

            def again():
                info = daemon.quietly(lambda: daemon.api.getProcessInfo("cat"))
                return info and info["statename"] == "RUNNING" and info["pid"] != pid

            wait("another cat", again)
            # The original closes the connection as it restarts.
            notes.server = daemon.server
            notes.call("supervisor.getState")
            notes.call("supervisor.getAllProcessInfo")

        few = CONFIG.split("[program:idle]", maxsplit=1)[0]
        self.play(story, few, tcp=False)

    def test_wrong_passwords(self):
        for kind in ("original", "ours"):
            with Daemon(kind, CONFIG) as daemon:
                url = "http://127.0.0.1:%d/RPC2" % daemon.port
                for user in ("", "anna:wrong@", "anna:@", "bert:secret@"):
                    named = url.replace("http://", "http://" + user)
                    with self.subTest(kind=kind, user=user):
                        with self.assertRaises(xmlrpc.client.ProtocolError) as caught:
                            with xmlrpc.client.ServerProxy(named) as server:
                                server.supervisor.getState()
                        self.assertEqual(caught.exception.errcode, 401)
                with xmlrpc.client.ServerProxy(url.replace("http://", "http://anna:secret@")) as server:
                    self.assertEqual(server.supervisor.getState()["statename"], "RUNNING")


if __name__ == "__main__":
    unittest.main()
