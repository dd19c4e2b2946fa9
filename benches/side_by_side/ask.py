"""XML-RPC questions by a client in C, and the constant answers of a server in C.

A short question over one connection is asked on one processor by all: of two, one sleeps while the
other works, and how soon it wakes is most of what would be measured, if they happen to be two.

A long answer is read while it is written, by two. Now and then they fall into step, each waiting to
be woken at every piece, ours as the constant one; and they stay there until they part. So these
are asked in more and shorter turns.
"""

import contextlib
import os
import statistics
import subprocess
import time
from dataclasses import dataclass

import peers

SECONDS = 0.5

#: As many turns are made of one, where one that goes badly goes badly as a whole.
SHORTER = 3


@dataclass
class Case:
    """One way to ask one thing."""

    method: str
    programs: int
    place: str
    connections: int
    keep: bool

    @property
    def is_long(self):
        return "getAll" in self.method

    @property
    def turns(self):
        """How many turns are made of one."""
        return SHORTER if self.is_long and self.connections == 1 else 1

    def __str__(self):
        keep = "" if self.keep else ", a connection for each call"
        many = "" if self.connections == 1 else "s"
        return (f"{self.method} of {self.programs}, {self.place}, "
                f"{self.connections} connection{many}{keep}")


def cases(programs, every):
    """The ways that are measured; not `every` one of them unless that is asked for."""
    short = ["supervisor.getState", "supervisor.getProcessInfo"]
    for method in [*short, "supervisor.getAllProcessInfo"]:
        long = method not in short
        if long and programs == 10 and not every:
            continue
        for place in ("unix", "tcp"):
            for connections in (1, 16, 64):
                for keep in (True, False):
                    usual = place == "unix" and keep and (connections == 1 or not long)
                    extra = programs == 100 and connections != 16 and method == short[0]
                    # What is long is long on its way, too.
                    extra |= long and keep and connections == 1
                    if every or usual or extra:
                        yield Case(method, programs, place, connections, keep)


def request(case):
    # The last one: whoever looks through all of them finds it late.
    name = f"p:{case.programs - 1:05d}"
    parameter = f"<param><value><string>{name}</string></value></param>"
    parameters = parameter if case.method.endswith("getProcessInfo") else ""
    body = (f"<?xml version='1.0'?>\n<methodCall>\n<methodName>{case.method}</methodName>\n"
            f"<params>{parameters}</params>\n</methodCall>\n")
    alive = "keep-alive" if case.keep else "close"
    return (f"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nConnection: {alive}\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n{body}")


def places(run, case):
    if case.place == "unix":
        return f"unix:{run.folder}/sock"
    return f"tcp:{peers.port(run.folder)}"


def ask(place, path, case, connections, seconds):
    line = [peers.FLOOR / "ask", place, path, str(connections), str(int(case.keep)), str(seconds)]
    return subprocess.run(line, check=True, capture_output=True, timeout=60).stdout


def latency(case, run):
    """The median latency of one who is asked over one connection, in microseconds. Long answers, too,
    are asked for on one processor: it is how they grow that matters, not who is woken when."""
    path = run.folder / "request"
    path.write_text(request(case))
    turns = SHORTER
    with on_one_processor([run]):
        told = [ask(places(run, case), path, case, case.connections, SECONDS / turns)
                for _ in range(turns)]
    return statistics.median(float(words.split()[1]) for words in told)


@contextlib.contextmanager
def on_one_processor(runs):
    """All, ourselves included."""
    usual = os.sched_getaffinity(0)
    threads = [0]
    for run in runs:
        threads += [int(thread) for thread in os.listdir(f"/proc/{run.daemon.pid}/task")]
    try:
        for thread in threads:
            os.sched_setaffinity(thread, {min(usual)})
        yield
    finally:
        for thread in threads:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(thread, usual)


def compare(case, runs, rounds, numbers):
    is_short = case.connections == 1 and not case.is_long
    with on_one_processor(runs) if is_short else contextlib.nullcontext():
        compare_in_turns(case, runs, rounds, numbers)


def compare_in_turns(case, runs, rounds, numbers):
    folder = runs[0].folder
    path = folder / "request"
    path.write_text(request(case))
    answer = ask(places(runs[0], case), path, case, 0, 1)
    (folder / "answer").write_bytes(answer)
    if case.place == "unix":
        constant = f"unix:{folder}/constant"
        (folder / "constant").unlink(missing_ok=True)
    else:
        constant = f"tcp:{peers.port(folder) + 1}"
    server = subprocess.Popen([peers.FLOOR / "answer", constant, folder / "answer"], **peers.QUIET)
    time.sleep(0.1)
    try:
        for _ in range(rounds * case.turns):
            for name, place in [
                *((run.peer.name, places(run, case)) for run in runs), ("C constant", constant)
            ]:
                told = ask(place, path, case, case.connections, SECONDS / case.turns).split()
                numbers.add(f"{case}", "calls/s", name, float(told[0]))
                numbers.add(f"{case}: latency", "µs", name, float(told[1]))
                numbers.add(f"{case}: 99 of 100 within", "µs", name, float(told[2]))
    finally:
        server.kill()
        server.wait()
