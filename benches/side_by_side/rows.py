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


#: Those who are always there to be compared with.
SMALL = (peers.Ours, peers.Floor)


class Numbers:
    """What was measured of each, in the order in which it was first said."""

    def __init__(self):
        self.all = {}

    def add(self, what, unit, who, number):
        self.all.setdefault((what, unit), {}).setdefault(who, []).append(number)


#: Seconds of one round after which there is no other: all is to end within a quarter of an hour.
SLOW = 6

#: Who took too long or broke in one row; they would again, and are left alone in all others.
OUT = {}


def rounds_of(subjects, rounds, once):
    """Does something with each, in turns; who fails once is left alone from then on, and who is
    slow is measured once."""
    failed, slow = {}, set()
    for _ in range(rounds):
        for subject in subjects:
            if subject.name in OUT or subject.name in failed or subject.name in slow:
                continue
            begun = now()
            try:
                once(subject)
            except TooLong as error:
                failed[subject.name] = OUT[subject.name] = f"{error}"
            except (OSError, subprocess.SubprocessError, IndexError, ValueError) as error:
                failed[subject.name] = f"{type(error).__name__} {error}".strip()
            if now() - begun > SLOW and not isinstance(subject, SMALL):
                slow.add(subject.name)
    return failed


def at_most(programs, everybody):
    """Who can run so many."""
    return [peer for peer in everybody if peer.most >= programs]


def start_and_stop(everybody, rounds, numbers):
    """From exec of the daemon to the first instruction of the last program, and to the end."""
    failed = {}
    for programs in (100, 1000):

        def once(peer, programs=programs):
            with Run(peer, programs) as run:
                moments = sorted(moment for _, moment in run.births())
                took = (moments[-1] - run.began) * 1e3
                numbers.add(f"start of {programs}", "ms", peer.name, took)
                time.sleep(0.3)
                # Those who put themselves into the background, or have helpers, are not one pid.
                if isinstance(peer, (peers.Kin, peers.Floor)):
                    used = cpu([run.daemon.pid]) * 1e3
                    numbers.add(f"CPU for the start of {programs}", "ms", peer.name, used)
                numbers.add(f"stop of {programs}", "ms", peer.name, run.stop() * 1e3)

        # Those who cannot run a thousand are compared with ours and the floor where they can.
        here = everybody if programs == 1000 else [
            peer for peer in everybody if peer.most < 1000 or isinstance(peer, SMALL)
        ]
        failed.update(rounds_of(at_most(programs, here), rounds, once))
    return failed


def memory(everybody, _rounds, numbers):
    """Memory of the supervisor and its helpers, without the programs: idle, and for each program
    with both logs on; and what they do while nothing happens."""

    def once(peer):
        with Run(peer, peer.least, wait=peer.least > 0) as run:
            time.sleep(2)
            numbers.add("memory, idle", "KiB", peer.name, empty := pss(run.family()))
        with Run(peer, min(1000, peer.most)) as run:
            time.sleep(4)
            family = run.family()
            each = (pss(family) - empty) / run.programs
            numbers.add("memory, each program", "KiB", peer.name, each)
            rest(family, numbers, peer)

    return rounds_of(everybody, 1, once)


def idle(everybody, _rounds, numbers):
    """Nothing happens for some seconds; memory tells that, too."""

    def once(peer):
        with Run(peer, min(1000, peer.most)) as run:
            time.sleep(4)
            rest(run.family(), numbers, peer)

    return rounds_of(everybody, 1, once)


def rest(family, numbers, peer, seconds=6):
    woken, used = wakeups(family), cpu(family)
    time.sleep(seconds)
    numbers.add("wake-ups, idle", "1/s", peer.name, (wakeups(family) - woken) / seconds)
    numbers.add("CPU, idle", "ms/s", peer.name, (cpu(family) - used) / seconds * 1e3)


def restart(everybody, rounds, numbers):
    """From a SIGKILL to the first instruction of the next: one, and many at once."""

    def once(peer):
        with Run(peer, 40) as run:
            # Some wait before they restart what lived for less than a second or two.
            time.sleep(2.5)
            for took in deaths(run, 30 if peer.is_quick else 3):
                numbers.add("death to restart", "ms", peer.name, took)
        with Run(peer, min(200, peer.most)) as run:
            time.sleep(2.5)
            pids, killed = [pid for pid, _ in run.births()], now()
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            until(lambda: run.started() >= 2 * len(pids), wanted="all of the next")
            last = max(moment for _, moment in run.births())
            what = f"{len(pids)} deaths at once to all back"
            numbers.add(what, "ms", peer.name, (last - killed) * 1e3)

    return rounds_of(everybody, rounds, once)


def deaths(run, count):
    """Kills one after the other; the milliseconds until each is there again."""
    for pid, _ in run.births()[:count]:
        had, killed = run.started(), now()
        os.kill(pid, signal.SIGKILL)
        until(lambda had=had: run.started() > had, wanted="the next")
        yield (run.births()[-1][1] - killed) * 1e3
        time.sleep(0.005)


def questions(everybody, rounds, numbers, every=False):
    """XML-RPC: calls a second and latency, beside the original and a C server that answers the
    same bytes without a thought."""
    kin = [peer for peer in everybody if peer.kin and peer.name not in OUT]
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
        except TooLong as error:
            failed[f"{programs} programs"] = str(error)
        finally:
            for run in runs:
                run.close()
    return failed


def status(everybody, rounds, numbers):
    """`supervisorctl status` of 100 programs, from fork to exit."""

    def once(peer):
        with Run(peer, 100) as run:
            time.sleep(1)
            for _ in range(10):
                took = ask_status(run) * 1e3
                numbers.add("supervisorctl status of 100", "ms", peer.name, took)

    return rounds_of([peer for peer in everybody if peer.kin], rounds, once)


def ask_status(run):
    """Seconds of `supervisorctl status`."""
    command = [run.peer.bin / "supervisorctl", "-c", run.folder / "supervisord.conf", "status"]
    begun = now()
    subprocess.run(command, check=True, **peers.QUIET)
    return now() - begun


def size(everybody, _rounds, numbers):
    """The binaries."""
    for peer in everybody:
        if isinstance(peer, peers.Ours):
            for name in ("supervisord", "supervisorctl"):
                bytes_ = (peer.bin / name).stat().st_size
                numbers.add(f"binary {name}", "KiB", peer.name, bytes_ / 1024)
    return {}


#: From how few to how many programs it is looked whether each costs the same.
GROWTH = (10, 100, 1000, 3000)


def growth(everybody, rounds, numbers):
    """From 10 to 3000 programs: what each program costs, and what should not depend on them. Few and
    many in turns, for they are compared with each other."""
    failed = {}
    here = [peer for peer in everybody if isinstance(peer, SMALL)]
    for programs in GROWTH * rounds:
        needed = peers.descriptors_for(programs)
        if needed > peers.DESCRIPTORS:
            failed[f"{programs} programs"] = (
                f"they need {needed} descriptors, and {peers.DESCRIPTORS} are allowed: ulimit -n"
            )
            continue

        def once(peer, programs=programs):
            with Run(peer, programs) as run:
                grown(peer, run, programs, numbers)

        failed.update(rounds_of(here, 1, once))
    return failed


def grown(peer, run, programs, numbers):
    def each(what, seconds):
        numbers.add(f"{what}, each of {programs}", "µs", peer.name, seconds / programs * 1e6)

    each("start", max(moment for _, moment in run.births()) - run.began)
    time.sleep(1.5)
    each("CPU for the start", cpu([run.daemon.pid]))
    held = pss([run.daemon.pid]) / programs
    numbers.add(f"memory with the idle part, each of {programs}", "KiB", peer.name, held)
    for took in deaths(run, 10):
        numbers.add(f"death to restart, one of {programs}", "ms", peer.name, took)
    if peer.kin:
        for method, whole in ("getState", True), ("getProcessInfo", True), ("getAllProcessInfo", False):
            case = ask.Case(f"supervisor.{method}", programs, "unix", 1, True)
            latency = ask.latency(case, run)
            if whole:
                numbers.add(f"{method} with {programs}", "µs", peer.name, latency)
            else:
                each(method, latency / 1e6)
        for _ in range(5):
            each("supervisorctl status", ask_status(run))
    each("stop", run.stop())


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
