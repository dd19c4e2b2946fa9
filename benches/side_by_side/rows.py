"""The rows of the table: each measures everybody who can take part, in turns.

A row is a function of the peers and the number of rounds that yields results: what was measured,
of whom, and the numbers of all rounds. Rounds go A B C A B C, so that a noisy minute hits all.
"""

import os
import signal
import statistics
import subprocess
import time

import ask
import peers
from measure import Run, TooLong, cpu, now, pss, until, wakeups


class Numbers:
    """What was measured of each, in the order in which it was first said."""

    def __init__(self):
        self.all = {}

    def add(self, what, unit, who, number):
        self.all.setdefault((what, unit), {}).setdefault(who, []).append(number)


def rounds_of(subjects, rounds, once):
    """Does something with each, in turns; who fails once is left alone from then on."""
    failed = {}
    for _ in range(rounds):
        for subject in subjects:
            if subject.name in failed:
                continue
            try:
                once(subject)
            except (TooLong, OSError, subprocess.SubprocessError, IndexError, ValueError) as error:
                failed[subject.name] = f"{type(error).__name__} {error}".strip()
    return failed


def start_and_stop(everybody, rounds, numbers):
    """From exec of the daemon to the first instruction of the last program, and to the end."""

    def once(peer):
        programs = min(1000, peer.most)
        with Run(peer, programs) as run:
            moments = sorted(moment for _, moment in run.births())
            suffix = "" if programs == 1000 else f" ({programs} only)"
            numbers.add("start of 1000", "ms", peer.name + suffix, (moments[-1] - run.began) * 1e3)
            time.sleep(0.3)
            if peer.name not in ("runit", "s6", "pm2"):
                used = cpu([run.daemon.pid]) * 1e3
                numbers.add("its own CPU for that", "ms", peer.name + suffix, used)
            numbers.add("stop of 1000", "ms", peer.name + suffix, run.stop() * 1e3)

    return rounds_of(everybody, rounds, once)


def memory(everybody, _rounds, numbers):
    """Memory of the supervisor and its helpers, without the programs: idle, and for each program
    with both logs on."""

    def once(peer):
        programs = min(1000, peer.most)
        with Run(peer, 1 if peer.name in ("circus", "pm2") else 0, wait=False) as run:
            time.sleep(2.5)
            idle = pss(run.family())
        with Run(peer, programs) as run:
            time.sleep(4)
            full = pss(run.family())
        numbers.add("memory, idle", "KiB", peer.name, idle)
        numbers.add("memory, each of 1000 programs", "KiB", peer.name, (full - idle) / programs)

    return rounds_of(everybody, 2, once)


def idle(everybody, _rounds, numbers):
    """Nothing happens for ten seconds."""

    def once(peer):
        with Run(peer, min(1000, peer.most)) as run:
            time.sleep(6)
            family = run.family()
            woken, used = wakeups(family), cpu(family)
            time.sleep(10)
            numbers.add("wake-ups, idle", "1/s", peer.name, (wakeups(family) - woken) / 10)
            numbers.add("CPU, idle", "ms/s", peer.name, (cpu(family) - used) * 100)

    return rounds_of(everybody, 1, once)


def restart(everybody, rounds, numbers):
    """From a SIGKILL to the first instruction of the next: one, and 200 at once."""

    def once(peer):
        with Run(peer, 40) as run:
            # Some wait before they restart what lived for less than a second or two.
            time.sleep(2.5)
            for pid, _ in run.births()[:30]:
                had, killed = run.started(), now()
                os.kill(pid, signal.SIGKILL)
                until(lambda had=had: run.started() > had)
                numbers.add("death to restart", "ms", peer.name, (run.births()[-1][1] - killed) * 1e3)
                time.sleep(0.005)
        with Run(peer, min(200, peer.most)) as run:
            time.sleep(2.5)
            pids, killed = [pid for pid, _ in run.births()], now()
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            until(lambda: run.started() >= 2 * len(pids))
            last = max(moment for _, moment in run.births())
            numbers.add("200 deaths at once to all back", "ms", peer.name, (last - killed) * 1e3)

    return rounds_of(everybody, rounds, once)


def questions(everybody, rounds, numbers, every=False):
    """XML-RPC: calls a second and latency, beside the original and a C server that answers the
    same bytes without a thought."""
    kin = [peer for peer in everybody if peer.kin]
    failed = {}
    for programs in (10, 100, 1000):
        runs = []
        try:
            for peer in kin:
                runs.append(Run(peer, programs))
            time.sleep(2)
            for case in ask.cases(programs, every):
                try:
                    ask.compare(case, runs, rounds, numbers)
                except (OSError, subprocess.SubprocessError) as error:
                    failed[str(case)] = str(error)
        finally:
            for run in runs:
                run.close()
    return failed


def status(everybody, rounds, numbers):
    """`supervisorctl status` of 100 programs, from fork to exit."""

    def once(peer):
        with Run(peer, 100) as run:
            time.sleep(1)
            command = [peer.bin / "supervisorctl", "-c", run.folder / "supervisord.conf", "status"]
            for _ in range(10):
                begun = now()
                subprocess.run(command, check=True, **peers.QUIET)
                took = (now() - begun) * 1e3
                numbers.add("supervisorctl status of 100", "ms", peer.name, took)

    return rounds_of([peer for peer in everybody if peer.kin], rounds, once)


def size(everybody, _rounds, numbers):
    """The binaries."""
    for peer in everybody:
        if isinstance(peer, peers.Ours):
            for name in ("supervisord", "supervisorctl"):
                bytes_ = (peer.bin / name).stat().st_size
                numbers.add(f"binary {name}", "KiB", peer.name, bytes_ / 1024)
    return {}


def growth(everybody, rounds, numbers):
    """From 10 to 3000 programs: what each program costs."""
    small = [peer for peer in everybody if isinstance(peer, (peers.Ours, peers.Floor))]
    failed = {}
    for programs in (10, 100, 1000, 3000):

        def once(peer, programs=programs):
            with Run(peer, programs) as run:
                moments = [moment for _, moment in run.births()]
                first, last = run.began, max(moments)
                numbers.add(f"start of each of {programs}", "µs", peer.name,
                            (last - first) / programs * 1e6)
                time.sleep(2.5)
                used = cpu([run.daemon.pid]) / programs * 1e6
                numbers.add(f"CPU for each of {programs}", "µs", peer.name, used)
                if programs >= 100:
                    numbers.add(f"memory for each of {programs}, with the idle part", "KiB",
                                peer.name, pss([run.daemon.pid]) / programs)
                numbers.add(f"stop of each of {programs}", "µs", peer.name,
                            run.stop() / programs * 1e6)

        failed.update(rounds_of(small, max(1, rounds - 1), once))
    return failed


ROWS = {
    "start": start_and_stop,
    "memory": memory,
    "idle": idle,
    "restart": restart,
    "rpc": questions,
    "status": status,
    "size": size,
    "growth": growth,
}


def median(numbers):
    return statistics.median(numbers)
