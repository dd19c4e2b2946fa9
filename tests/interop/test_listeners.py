"""Listeners as people run them: superlance, the original's childutils, shell, Node, and our examples.

Each is run by the original and by ours, and must do on ours what it does on the original.
"""

import os
import re
import socketserver
import subprocess
import sys
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common import Daemon, wait

BIN = os.path.dirname(sys.executable)
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(TOP, "examples")

#: A sendmail that keeps what it is given.
SENDMAIL = "#!/bin/sh\ncat >> {dir}/mail.txt\n"

CRASHER = """\
[program:crasher]
command=sh -c "sleep 1.3; exit 3"
autorestart=false
"""

CHILDUTILS = """\
import sys
from supervisor import childutils
while True:
    headers, payload = childutils.listener.wait()
    sys.stderr.write("%s %s\\n" % (headers["eventname"], childutils.get_headers(payload)))
    sys.stderr.flush()
    childutils.listener.ok()
"""

NODE = """\

let pending = Buffer.alloc(0);
process.stdin.on('data', chunk => {
  pending = Buffer.concat([pending, chunk]);
  for (;;) {
    const end = pending.indexOf(10);
    if (end < 0) return;
    const header = pending.subarray(0, end).toString();
    const length = Number(/len:(\\d+)/.exec(header)[1]);
    if (pending.length < end + 1 + length) return;
    const payload = pending.subarray(end + 1, end + 1 + length).toString();
    pending = pending.subarray(end + 1 + length);
    process.stderr.write(header.match(/eventname:(\\S+)/)[1] + ' ' + payload + '\\n');
    process.stdout.write('RESULT 2\\nOKREADY\\n');
  }
});
process.stdout.write('READY\\n');
"""


def both(scenario):
    """Plays a scenario on both kinds of daemon at once; what came of it must be equal."""
    with ThreadPoolExecutor(2) as pool:
        original, ours = pool.map(scenario, ["original", "ours"])
    return original, ours


def read(daemon, name):
    try:
        with open(daemon.path(name), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Mailbox(socketserver.StreamRequestHandler):
    """As much of an SMTP server as smtplib wants."""

    def handle(self):
        self.say("220 here")
        body = False
        for line in self.rfile:
            line = line.decode().rstrip("\r\n")
            if body:
                if line == ".":
                    body = False
                    self.say("250 kept")
                else:
                    self.server.kept.append(line)
            elif line.upper().startswith("DATA"):
                body = True
                self.say("354 go on")
            elif line.upper().startswith("QUIT"):
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def say(self, text):
        self.wfile.write((text + "\r\n").encode())


class Unwell(BaseHTTPRequestHandler):
    """A program's page that says that it is not well."""

    def do_GET(self):
        self.send_error(500)

    def log_message(self, *_):
        pass


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Superlance(unittest.TestCase):
    def mails(self, config, text):
        def scenario(kind):
            daemon = Daemon(kind, config)
            daemon.write("sendmail", SENDMAIL)
            os.chmod(daemon.path("sendmail"), 0o755)
            with daemon:
                wait(text, lambda: text in read(daemon, "mail.txt"))
            return True

        self.assertEqual(both(scenario), (True, True))

    def test_crashmail(self):
        config = (
            "[eventlistener:crashmail]\n"
            f"command={BIN}/crashmail -p crasher -m me@example.org -s {{dir}}/sendmail\n"
            "events=PROCESS_STATE_EXITED\n" + CRASHER
        )
        self.mails(config, "Process crasher in group crasher exited unexpectedly")

    def test_memmon(self):
        config = (
            "[eventlistener:memmon]\n"
            f"command={BIN}/memmon -p hungry=1KB -m me@example.org -s {{dir}}/sendmail\n"
            "events=TICK_5\n"
            "[program:hungry]\ncommand=/bin/cat\n"
        )
        self.mails(config, "hungry")

    def batch(self, program, config):
        """A batch of reports goes to an SMTP server at the next tick."""

        def scenario(kind):
            server = serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox))
            server.kept = []
            host = "127.0.0.1:%d" % server.server_address[1]
            listener = (
                f"[eventlistener:batch]\ncommand={BIN}/{program} -t me@example.org "
                f"-f you@example.org -i 0.01 -H {host} -e TICK_5\n"
                "events=PROCESS_STATE,TICK_5\nbuffer_size=100\n"
            )
            with Daemon(kind, listener + config):
                wait("a mail", lambda: "" in server.kept)
            server.shutdown()
            server.server_close()
            return any("crasher" in line for line in server.kept)

        self.assertEqual(both(scenario), (True, True))

    def test_crashmailbatch(self):
        self.batch("crashmailbatch", CRASHER)

    def test_fatalmailbatch(self):
        self.batch(
            "fatalmailbatch",
            "[program:crasher]\ncommand=sh -c 'exit 1'\nstartretries=0\n",
        )

    def test_httpok(self):
        server = serve(ThreadingHTTPServer(("127.0.0.1", 0), Unwell))
        url = "http://127.0.0.1:%d/" % server.server_address[1]
        config = (
            f"[eventlistener:httpok]\ncommand={BIN}/httpok -p web {url}\nevents=TICK_5\n"
            "[program:web]\ncommand=/bin/cat\nstartsecs=0\n"
        )

        def scenario(kind):
            with Daemon(kind, config) as daemon:
                daemon.wait_for_state("web", "RUNNING")
                first = daemon.api.getProcessInfo("web")["pid"]

                def restarted():
                    info = daemon.quietly(lambda: daemon.api.getProcessInfo("web"))
                    return info and info["pid"] not in (0, first)

                wait("a restart", restarted)
            return True

        self.assertEqual(both(scenario), (True, True))
        server.shutdown()
        server.server_close()


class Others(unittest.TestCase):
    def hears(self, command, files=()):
        """What a listener says of the life of a program, but for pids; the same on both."""
        config = (
            f"[eventlistener:ear]\ncommand={command}\nevents=PROCESS_STATE\nbuffer_size=100\n"
            f"stderr_logfile={{dir}}/ear.err\nstartsecs=0\n"
            "[program:once]\ncommand=sh -c 'exit 3'\nautorestart=false\nstartsecs=0\nautostart=false\n"
        )

        def scenario(kind):
            daemon = Daemon(kind, config)
            for name, text in files:
                with open(daemon.path(name), "w", encoding="utf-8") as file:
                    file.write(text)
            with daemon:
                daemon.wait_for_state("ear", "RUNNING")
                try:
                    daemon.api.startProcess("once")
                except Exception:  # It ends at once; the answer is a matter of luck.
                    pass
                end = re.compile("EXITED.*once|once ended")
                wait("an end", lambda: end.search(read(daemon, "ear.err")))
                return re.sub(r"(pid\W+)\d+", r"\1N", read(daemon, "ear.err"))

        original, ours = both(scenario)
        self.assertEqual(ours, original)
        return ours

    def test_childutils(self):
        files = [("ear.py", CHILDUTILS)]
        told = self.hears(sys.executable + " {dir}/ear.py", files)
        self.assertIn("PROCESS_STATE_EXITED", told)

    def test_node(self):
        told = self.hears("node {dir}/ear.js", [("ear.js", NODE)])
        self.assertIn("PROCESS_STATE_EXITED", told)

    def test_the_example_in_shell(self):
        told = self.hears(f"sh {EXAMPLES}/listener.sh")
        self.assertEqual(told, "once ended unexpectedly\n")

    def test_the_example_in_rust(self):
        manifest = os.path.join(TOP, "Cargo.toml")
        subprocess.run(
            ["cargo", "build", "--quiet", "--manifest-path", manifest, "--example", "listener"],
            check=True,
        )
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(TOP, "target"))
        told = self.hears(os.path.join(target, "debug", "examples", "listener"))
        self.assertIn("PROCESS_STATE_EXITED: processname:once", told)


if __name__ == "__main__":
    unittest.main()
