"""HTTP itself, byte for byte: versions, connections that stay and that end, many requests at once.

The same bytes go to both daemons. Compared are the first line of each answer, its type and length, whether
it is the call's answer, and whether the connection ends behind it. Where HTTP says one thing and the
original does another, what ours does is written down beside it.
"""

import re
import socket
import unittest

from common import DEADLINE, Daemon, wait

CONFIG = """\
[program:cat]
command=/bin/sh -c "echo hello; exec /bin/cat"
startsecs=0
stdout_logfile={dir}/cat.out
"""

CALL = (
    "<?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName>"
    "<params></params></methodCall>"
)

#: Ends each exchange: answered by both, and then the connection is closed.
LAST = "GET /ok.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

ANSWER = re.compile(rb"HTTP/1\.[01] \d\d\d [^\r]*\r\n(?:[^\r]+\r\n)*\r\n")


def request(method, path, version, *headers, body=None):
    lines = ["%s %s HTTP/%s" % (method, path, version), "Host: localhost", *headers]
    if body is not None:
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines) + "\r\n\r\n" + (body or "")


def call(version, *headers, body=CALL):
    return request("POST", "/RPC2", version, "Content-Type: text/xml", *headers, body=body)


def exchange(daemon, text):
    """Sends bytes at once and reads until the connection ends."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(DEADLINE)
        stream.connect(daemon.path("s.sock"))
        stream.sendall(text.encode("latin-1"))
        said = b""
        while True:
            piece = stream.recv(65536)
            if not piece:
                return said
            said += piece


def answers(said):
    """Each answer as (first line, type, length, whether a call was answered)."""
    found = []
    heads = list(ANSWER.finditer(said))
    for head, behind in zip(heads, [*heads[1:], None]):
        lines = head.group().decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
        }
        body = said[head.end() : behind.start() if behind else len(said)]
        kind, length = headers.get("content-type"), headers.get("content-length")
        found.append((lines[0], kind, length, b"RUNNING" in body))
    return found


class Http(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.daemons = {}
        for kind in ("original", "ours"):
            daemon = Daemon(kind, CONFIG)
            daemon.__enter__()
            cls.addClassCleanup(daemon.__exit__)
            daemon.wait_for_text("cat.out", "hello\n")
            cls.daemons[kind] = daemon

    def same(self, text, count):
        """Both answer alike, so often, and then end the connection."""
        told = {kind: answers(exchange(daemon, text)) for kind, daemon in self.daemons.items()}
        self.assertEqual(told["ours"], told["original"])
        self.assertEqual(len(told["ours"]), count, told)
        return told["ours"]

    def ours(self, text):
        """What ours answers before the connection ends, as statuses, and as one text."""
        said = exchange(self.daemons["ours"], text)
        statuses = [int(line.split(" ")[1]) for line, *_ in answers(said)]
        return statuses, said.decode("utf-8", "replace")

    def test_a_call_of_1_0_ends_its_connection(self):
        ((line, _, _, answered),) = self.same(call("1.0"), 1)
        self.assertEqual((line, answered), ("HTTP/1.0 200 OK", True))

    def test_a_call_of_1_0_may_keep_its_connection(self):
        # The second one's answer is the last: it does not ask for more.
        self.same(call("1.0", "Connection: Keep-Alive") + call("1.0"), 2)

    def test_a_call_of_1_1_keeps_its_connection(self):
        self.same(call("1.1") + LAST, 2)

    def test_a_call_of_1_1_may_end_its_connection(self):
        self.same(call("1.1", "Connection: close") + LAST, 1)

    def test_requests_may_come_all_at_once(self):
        told = self.same(call("1.1") * 20 + LAST, 21)
        self.assertTrue(all(answered for *_, answered in told[:20]))

    def test_a_connection_takes_one_call_after_the_other(self):
        for kind, daemon in self.daemons.items():
            with self.subTest(kind), socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(DEADLINE)
                stream.connect(daemon.path("s.sock"))
                for _ in range(5):
                    stream.sendall(call("1.1").encode())
                    said = b""
                    while b"</methodResponse>" not in said:
                        piece = stream.recv(65536)
                        self.assertTrue(piece, said)
                        said += piece
                    self.assertEqual(len(answers(said)), 1, said)

    def test_bytes_may_come_one_by_one(self):
        for kind, daemon in self.daemons.items():
            with self.subTest(kind), socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(DEADLINE)
                stream.connect(daemon.path("s.sock"))
                for byte in call("1.0").encode():
                    stream.sendall(bytes([byte]))
                said = b""
                while piece := stream.recv(65536):
                    said += piece
                self.assertIn(b"RUNNING", said)

    def test_what_is_not_there_keeps_the_connection(self):
        for path in ("/nothing", "/logtail/nobody", "/logtail/nobody/stderr", "/stylesheets/../x"):
            with self.subTest(path):
                ((line, *_), _) = self.same(request("GET", path, "1.1") + LAST, 2)
                self.assertEqual(line, "HTTP/1.1 404 Not Found")

    def test_a_method_that_is_none_of_ours_keeps_the_connection(self):
        ((line, *_), _) = self.same(request("PUT", "/", "1.1") + LAST, 2)
        self.assertEqual(line, "HTTP/1.1 400 Bad Request")

    def test_a_call_without_its_length_is_refused(self):
        for kind, daemon in self.daemons.items():
            with self.subTest(kind):
                bare = request("POST", "/RPC2", "1.1")
                self.assertIn(b" 411 Length Required\r\n", exchange(daemon, bare + LAST))
                chunked = request("POST", "/RPC2", "1.1", "Transfer-Encoding: chunked")
                chunked += "0\r\n\r\n"
                self.assertIn(b" 411 Length Required\r\n", exchange(daemon, chunked + LAST))

    def test_what_is_no_xml_keeps_the_connection(self):
        # Ours says why, so that the lengths differ.
        for kind, daemon in self.daemons.items():
            with self.subTest(kind):
                told = answers(exchange(daemon, call("1.1", body="<a") + LAST))
                lines = [line for line, *_ in told]
                self.assertEqual(lines, ["HTTP/1.1 400 Bad Request", "HTTP/1.1 200 OK"])

    def test_a_client_that_waits_for_100_continue(self):
        # The original never says it, and such clients send their body after a second or never.
        head, body = call("1.1", "Expect: 100-continue", "Connection: close").split("\r\n\r\n")
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(DEADLINE)
            stream.connect(self.daemons["ours"].path("s.sock"))
            stream.sendall((head + "\r\n\r\n").encode())
            self.assertEqual(stream.recv(25), b"HTTP/1.1 100 Continue\r\n\r\n")
            stream.sendall(body.encode())
            said = b""
            while piece := stream.recv(65536):
                said += piece
        self.assertIn(b"RUNNING", said)
        # Both take a body that does not wait.
        for daemon in self.daemons.values():
            text = call("1.1", "Expect: 100-continue", "Connection: close")
            self.assertIn(b"RUNNING", exchange(daemon, text))

    def test_requests_with_two_meanings_are_refused(self):
        # The original takes the first length, and what it does not know for no body.
        post = "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n"
        length = "Content-Length: %d\r\n" % len(CALL)
        chunked = "Transfer-Encoding: chunked\r\n"
        for headers, why in (
            (length + length, "Content-Length is there more than once."),
            (length + "content-length: 0\r\n", "Content-Length is there more than once."),
            (length + chunked, "Transfer-Encoding is not understood here."),
            (chunked + length, "Transfer-Encoding is not understood here."),
            ("Content-Length: +5\r\n", "Content-Length is not a number of bytes."),
            ("Content-Length: 99999999999999999999\r\n", "Content-Length is not a number of bytes."),
        ):
            with self.subTest(headers):
                statuses, said = self.ours(call("1.1") + post + headers + "\r\n" + CALL + LAST)
                self.assertEqual(statuses, [200, 400], said)
                self.assertIn("<p>%s\r\n" % why, said)

    def test_what_is_no_http_is_refused(self):
        # The original says nothing, or answers without a head.
        for text in ("GARBAGE\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "\x16\x03\x01\0\n"):
            with self.subTest(text):
                statuses, said = self.ours(text)
                self.assertEqual(statuses, [400])
                self.assertIn("<p>The first line is not that of an HTTP/1 request.", said)

    def test_a_tail_is_chunked_for_1_1_and_ends_with_its_connection(self):
        tails = {"1.1": ("original", "ours"), "1.0": ("ours",)}
        for version, kinds in tails.items():
            for kind in kinds:
                with self.subTest(version=version, kind=kind):
                    self.tail(self.daemons[kind], version)

    def tail(self, daemon, version):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(DEADLINE)
            stream.connect(daemon.path("s.sock"))
            stream.sendall(request("GET", "/logtail/cat", version).encode())
            said = b""
            while not said.endswith(b"hello\n\r\n" if version == "1.1" else b"hello\n"):
                piece = stream.recv(65536)
                self.assertTrue(piece, said)
                said += piece
            ((line, kind, length, _),) = answers(said)
            self.assertEqual(line, "HTTP/%s 200 OK" % version)
            self.assertEqual((kind, length), ("text/plain;charset=utf-8", None))
            self.assertEqual(b"\r\n6\r\nhello\n" in said, version == "1.1", said)

    def test_many_connections_at_once(self):
        for kind, daemon in self.daemons.items():
            with self.subTest(kind):
                streams = []
                try:
                    for _ in range(100):
                        stream = socket.socket(socket.AF_UNIX)
                        stream.settimeout(DEADLINE)
                        streams.append(stream)
                        wait("a place in the queue", lambda: self.connects(stream, daemon))
                        stream.sendall(call("1.0").encode())
                    for stream in streams:
                        said = b""
                        while piece := stream.recv(65536):
                            said += piece
                        self.assertIn(b"RUNNING", said)
                finally:
                    for stream in streams:
                        stream.close()

    @staticmethod
    def connects(stream, daemon):
        try:
            stream.connect(daemon.path("s.sock"))
        except BlockingIOError:
            return False
        return True


if __name__ == "__main__":
    unittest.main()
