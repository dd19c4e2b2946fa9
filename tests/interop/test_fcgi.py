"""A real FastCGI server (flup) on the socket that its group shares answers requests, on both kinds."""

import os
import signal
import socket
import struct
import sys
import unittest

from common import Daemon, wait

SERVER = """\
import os
from flup.server.fcgi import WSGIServer

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%s says %s" % (os.getpid(), environ["QUERY_STRING"])).encode()]

# Without an address it accepts on descriptor 0.
WSGIServer(application).run()
"""

CONFIG = """\
[fcgi-program:app]
command={python} {dir}/server.py
socket=unix://{dir}/app.sock
process_name=%(program_name)s_%(process_num)d
numprocs=2
stderr_logfile={dir}/app.err
"""


def record(kind, content):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def pair(name, value):
    return bytes([len(name), len(value)]) + name.encode() + value.encode()


def ask(path, query):
    """One request as a web server makes it; pid and text of the answer."""
    params = {
        "QUERY_STRING": query,
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "SERVER_NAME": "here",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(path)
        client.sendall(
            record(1, struct.pack("!HB5x", 1, 0))
            + record(4, b"".join(pair(*param) for param in params.items()))
            + record(4, b"")
            + record(5, b"")
        )
        answer = b""
        while True:
            header = receive(client, 8)
            _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", header)
            content = receive(client, length)
            receive(client, padding)
            if kind == 6:
                answer += content
            elif kind == 3:
                break
    pid, _, text = answer.decode().partition("\r\n\r\n")[2].partition(" says ")
    return int(pid), text


def receive(client, length):
    taken = b""
    while len(taken) < length:
        piece = client.recv(length - len(taken))
        if not piece:
            raise OSError("the server closed")
        taken += piece
    return taken


class Flup(unittest.TestCase):
    def check(self, kind):
        daemon = Daemon(kind, CONFIG.replace("{python}", sys.executable))
        daemon.write("server.py", SERVER)
        with daemon:
            names = ["app:app_0", "app:app_1"]
            for name in names:
                daemon.wait_for_state(name, "RUNNING")
            path = daemon.path("app.sock")

            def pids():
                return [daemon.api.getProcessInfo(name)["pid"] for name in names]

            pid, text = wait("an answer", lambda: daemon.quietly(lambda: ask(path, "hello")))
            self.assertIn(pid, pids())
            self.assertEqual(text, "hello")
            # Through the death of one and of the other.
            for dead in pids():
                os.kill(dead, signal.SIGKILL)
                wait("its heir", lambda: dead not in pids() and 0 not in pids())
                pid, text = wait("an answer", lambda: daemon.quietly(lambda: ask(path, "again")))
                self.assertIn(pid, pids())
                self.assertEqual(text, "again")
            daemon.api.stopProcessGroup("app")
            self.assertIsNone(daemon.quietly(lambda: ask(path, "anybody")))

    def test_ours(self):
        self.check("ours")

    def test_original(self):
        self.check("original")
