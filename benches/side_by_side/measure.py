"""What is measured of a supervisor that runs programs, from outside, through /proc."""

import atexit
import os
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

#: Longer than anything here should take; who takes longer has failed.
PATIENCE = 45

#: How long somebody who failed is given to leave by itself.
MERCY = 3


class TooLong(Exception):
    """Something did not come to pass, and will not."""


def now():
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def until(done, pause=0.002, wanted="what was waited for"):
    end = now() + PATIENCE
    while not done():
        if now() > end:
            raise TooLong(f"{wanted} did not come within {PATIENCE} s")
        time.sleep(pause)


def fields(pid):
    """The fields of /proc/PID/stat after the name."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def parents():
    """The parent of every process there is."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = int(fields(entry)[1])
            except OSError:
                pass
    return found


class Run:
    """A supervisor at work in a folder of its own."""

    def __init__(self, peer, programs, logs=True, wait=True):
        self.peer = peer
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="side-by-side-"))
        self.record = self.folder / "record"
        self.record.touch()
        # What has to be written for it beforehand is not its work.
        line = peer.command(self.folder, programs, self.record, logs)
        self.began = now()
        self.daemon = peer.start(self.folder, line)
        self.stopped = False
        if wait:
            try:
                until(lambda: self.started() >= programs, wanted=f"{programs} programs")
            except TooLong as error:
                here = self.started_so_far()
                self.close(MERCY)
                raise TooLong(f"{error}; {here} of {programs} ran") from None
            except BaseException:
                self.close(MERCY)
                raise

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        self.close(MERCY if error else PATIENCE)

    def started_so_far(self):
        return self.record.stat().st_size // 16

    def started(self):
        if self.daemon.poll() not in (None, 0):
            raise TooLong(f"it ended with {self.daemon.returncode}")
        return self.started_so_far()

    def births(self):
        """The pid of each program that ever ran, and when it did its first instruction."""
        raw = self.record.read_bytes()
        records = struct.iter_unpack("qq", raw[: len(raw) // 16 * 16])
        return [(pid, nanos / 1e9) for pid, nanos in records]

    def family(self):
        """The pids of the supervisor and its helpers, without the programs."""
        programs = {pid for pid, _ in self.births()}
        above = parents()
        # Some put themselves into the background: whoever works in the folder is one of them.
        mine = {self.daemon.pid} | {
            pid for pid in above if str(self.folder) in environ_and_line(pid)
        }
        grown = True
        while grown:
            more = {pid for pid, parent in above.items() if parent in mine} - mine
            grown = bool(more)
            mine |= more
        return sorted(mine - programs - {os.getpid()})

    def stop(self, patience=PATIENCE):
        """Stops it, and answers the seconds until it and all programs are gone."""
        self.stopped = True
        watched = [self.daemon.pid, *{pid for pid, _ in self.births()}]
        poll, open_fds = select.poll(), {}
        for pid in watched:
            try:
                fd = os.pidfd_open(pid)
            except OSError:
                continue
            open_fds[fd] = pid
            poll.register(fd, select.POLLIN)
        begun = now()
        self.peer.stop(self.daemon, self.folder)
        try:
            while open_fds:
                if now() > begun + patience:
                    raise TooLong(f"it did not stop within {patience} s")
                for fd, _ in poll.poll(100):
                    poll.unregister(fd)
                    os.close(fd)
                    del open_fds[fd]
            return now() - begun
        finally:
            for fd in open_fds:
                os.close(fd)

    def close(self, patience=PATIENCE):
        if not self.stopped:
            try:
                self.stop(patience)
            except (TooLong, OSError, subprocess.SubprocessError):
                pass
        left = [pid for pid, _ in self.births()] + self.family()
        for pid in left:
            if str(self.folder) in environ_and_line(pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
        self.daemon.poll() is None and self.daemon.kill()
        self.daemon.wait()
        FOLDERS.append(self.folder)


#: What is left on the disk, until the end. A file system may look long for room for a new file where
#: thousands were removed a minute ago (ext4 does): the next one to be measured would pay for that.
FOLDERS = []


@atexit.register
def clean():
    for folder in FOLDERS:
        shutil.rmtree(folder, ignore_errors=True)


def environ_and_line(pid):
    """What tells whose a process is."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        return (line + Path(f"/proc/{pid}/environ").read_bytes()).decode(errors="replace")
    except OSError:
        return ""


def pss(pids):
    """KiB of memory, shared pages divided among those who share them."""
    total = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total


def tasks(pids):
    for pid in pids:
        try:
            yield from Path(f"/proc/{pid}/task").iterdir()
        except OSError:
            pass


def wakeups(pids):
    """How often their threads were given a processor so far."""
    total = 0
    for task in tasks(pids):
        for line in (task / "status").read_text().splitlines():
            if "ctxt_switches" in line:
                total += int(line.split()[1])
    return total


def cpu(pids):
    """Seconds of processor time so far."""
    total = 0
    for task in tasks(pids):
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def zombies(pid):
    return sum(1 for child, parent in parents().items() if parent == pid and state(child) == "Z")


def state(pid):
    try:
        return fields(pid)[0]
    except OSError:
        return ""
