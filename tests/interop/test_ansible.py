"""The module `community.general.supervisorctl`, as it comes with the package `ansible`.

The same steps are taken with our client and daemon and with the original's, and what the module says of
each of them is compared: changed or not, failed or not, and about which processes.
"""

import json
import os
import re
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

from common import BINARIES, Daemon, wait

CONFIG = """\
[program:cat]
command=/bin/cat
autostart=false
startsecs=0

[program:pool]
command=/bin/cat
process_name=%(program_name)s_%(process_num)d
numprocs=2
autostart=false
startsecs=0
"""

LATER = """\
[program:late]
command=/bin/sh -c "trap 'echo caught' USR1; while :; do sleep 0.1; done"
startsecs=0
stdout_logfile={dir}/late.out
"""

ANSIBLE = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")

#: What the module says, without what it was asked and what Ansible itself adds.
TOLD = ("changed", "failed", "msg", "name", "state", "affected")


def play(daemon, tasks):
    """Gives the module these tasks one after the other; what it says of each."""
    arguments = {
        "supervisorctl_path": os.path.join(BINARIES[daemon.kind], "supervisorctl"),
        "config": daemon.path("sd.conf"),
    }
    steps = [
        {
            "community.general.supervisorctl": {**arguments, **task},
            "register": "told_%d" % number,
            "ignore_errors": True,
        }
        for number, task in enumerate(tasks)
    ]
    copy = {
        "content": "{{ [%s] | to_json }}" % ", ".join("told_%d" % number for number in range(len(steps))),
        "dest": daemon.path("told.json"),
    }
    steps.append({"ansible.builtin.copy": copy})
    book = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": steps}]
    with open(daemon.path("play.json"), "w", encoding="utf-8") as file:
        json.dump(book, file)
    done = subprocess.run(
        [ANSIBLE, "-i", "localhost,", daemon.path("play.json")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=300,
        cwd=daemon.dir,
        env=dict(
            os.environ,
            ANSIBLE_HOME=daemon.path("ansible"),
            ANSIBLE_COLLECTIONS_PATH=os.environ["COLLECTIONS"],
            ANSIBLE_LOCALHOST_WARNING="False",
            ANSIBLE_PIPELINING="True",
            ANSIBLE_PYTHON_INTERPRETER=sys.executable,
            LC_ALL="C.UTF-8",
        ),
    )
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    with open(daemon.path("told.json"), encoding="utf-8") as file:
        told = json.load(file)
    return [{name: step.get(name) for name in TOLD} for step in told]


def steady(told):
    """What was said, without the order in which the original happens to take a group's members."""
    for step in told:
        if isinstance(step["affected"], list):
            step["affected"].sort()
        step["msg"] = re.sub(r"pid \d+", "pid N", step["msg"] or "")
    return told


class Ansible(unittest.TestCase):
    maxDiff = None

    def both(self, story):
        kinds = ("original", "ours")
        with ThreadPoolExecutor(len(kinds)) as stage:
            original, ours = stage.map(lambda kind: self.tell(kind, story), kinds)
        self.assertEqual(ours, original)
        return ours

    @staticmethod
    def tell(kind, story):
        with Daemon(kind, CONFIG) as daemon:
            return steady(story(daemon))

    def test_every_state(self):
        def story(daemon):
            first = play(
                daemon,
                [
                    {"name": "cat", "state": "started"},
                    {"name": "cat", "state": "started"},
                    {"name": "cat", "state": "restarted"},
                    {"name": "cat", "state": "stopped"},
                    {"name": "cat", "state": "stopped"},
                    {"name": "pool:", "state": "started"},
                    {"name": "pool:", "state": "restarted"},
                    {"name": "all", "state": "started"},
                    {"name": "nobody", "state": "started"},
                    {"name": "nobody", "state": "absent"},
                    {"name": "nobody", "state": "present"},
                ],
            )
            daemon.write("conf.d/late.conf", LATER)
            second = play(
                daemon,
                [
                    {"name": "late", "state": "present"},
                    {"name": "late", "state": "present"},
                    {"name": "late", "state": "signalled", "signal": "CONT"},
                ],
            )
            # A signal before its trap would end it.
            daemon.wait_for_state("late", "RUNNING")
            wait("its trap", lambda: self.traps(daemon.api.getProcessInfo("late")["pid"]))
            third = play(daemon, [{"name": "late", "state": "signalled", "signal": "USR1"}])
            daemon.wait_for_text("late.out", "caught\n")
            daemon.remove("conf.d/late.conf")
            fourth = play(
                daemon,
                [
                    {"name": "late", "state": "absent"},
                    {"name": "late", "state": "absent", "stop_before_removing": True},
                    {"name": "late", "state": "absent"},
                    {"name": "pool:", "state": "stopped"},
                ],
            )
            return first + second + third + fourth

        told = self.both(story)
        changed = [step["changed"] for step in told]
        self.assertEqual(
            changed,
            [True, False, True, True, False, True, True, True, False, False, False]
            + [True, False, True, True]
            + [False, True, False, True],
            told,
        )

    @staticmethod
    def traps(pid):
        with open("/proc/%d/status" % pid, encoding="utf-8") as status:
            caught = re.search(r"SigCgt:\s*(\w+)", status.read())
        return int(caught.group(1), 16) & 1 << (10 - 1)


if __name__ == "__main__":
    unittest.main()
