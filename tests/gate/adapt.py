# SPDX-License-Identifier: MIT
"""
From a load that crosses its threshold to the first refusal that follows from it; the figure is
printed, and gated generously. maxConcurrent is 10 and there is no queue: nine slow requests
are held, and a tenth is asked for again and again. Groups: psi (of the cgroup in PRESSED, which
nothing but the burners here is in; no checks), cpu (checks every 200 ms of a /proc/stat that is
the file in STAT, cpuThreshold 40, and no /proc/pressure).
"""
import json
import os
import subprocess
import time

from cases import Task, between, case, equal, main, until
from client import Client, call, rpc_body, rpc_request
from gate import follow, metrics
from procstat import Stat

HELD_MS = 9000
PROBE_MS = 10  # so that what the machine does to the tenth is little beside it
PSI_SHARE, PSI_WINDOW_S, PSI_TARGET_MS = 0.6, 0.5, 100
CAP_SYS_RESOURCE = 24
CHECK_MS = 200
CPU_TARGET_MS = CHECK_MS + 50
BURNERS = 8


def warm_up():
    """Teaches the limit that follows latency that 200 ms are quick: it is to stay out of this."""
    for _ in range(3):
        for task in [Task(call, ms=200) for _ in range(10)]:
            task.join()


class Held:
    """Nine requests that run until the end of the case."""

    def __enter__(self):
        self.clients = [Client().send(rpc_request(rpc_body("tools/call", i, ms=HELD_MS))) for i in range(9)]
        until(lambda: metrics()["concurrency"]["current"] == 9, "nine that run")

    def __exit__(self, *_):
        for c in self.clients:
            c.reset()


def served_until_refused(seconds):
    """Asks over one connection; when the first refusal came, and what it said."""
    give_up = time.monotonic() + seconds
    with Client() as c:
        while True:
            answer = c.send(rpc_request(rpc_body("tools/call", ms=PROBE_MS))).read()
            now = time.monotonic()
            if answer.status == 503:
                return now, answer
            equal(answer.status, 200, "status of the tenth")
            assert now < give_up, f"no refusal within {seconds} s"


def figure(what, crossed_at, refused_at, target_ms, most_ms):
    took_ms = (refused_at - crossed_at) * 1000
    # A look that comes late weighs no more than others, so it may be a little early.
    assert took_ms > -200, f"{what}: refused {-took_ms:.0f} ms before it is crossed"
    print(f"figure: {what}: {took_ms:.0f} ms from the threshold to the first refusal (target {target_ms} ms)")
    assert took_ms <= most_ms, f"{what}: {took_ms:.0f} ms, more than {most_ms} ms"


# --- pressure stall ---

def is_asleep(process):
    with open(f"/proc/{process.pid}/stat") as f:
        return f.read().split()[1:3] == ["(sh)", "S"]


class Burners:
    """Processes in the cgroup that want more CPUs than there are, once they are told to."""

    def __init__(self, cgroup):
        wait, self.hold = os.pipe()
        self.all = [subprocess.Popen(["nice", "-n", "19", "sh", "-c", "read go; while :; do :; done"],
                                     stdin=wait) for _ in range(BURNERS)]
        os.close(wait)
        until(lambda: all(map(is_asleep, self.all)), "burners that wait")  # and want no CPU yet
        for p in self.all:
            with open(cgroup + "/cgroup.procs", "w") as f:
                f.write(str(p.pid))

    def begin(self):
        at = time.monotonic()
        os.close(self.hold)  # what they all read ends
        return at

    def end(self):
        for p in self.all:
            p.kill()
        for p in self.all:
            p.wait()


def psi_way():
    """How hatagod learns of stalls: the kernel wakes it only who has this right so soon."""
    with open("/proc/self/status") as f:
        rights = next(int(line.split()[1], 16) for line in f if line.startswith("CapEff:"))
    return "a PSI trigger" if rights >> CAP_SYS_RESOURCE & 1 else "looks of its own at PSI"


@case("psi")
def a_stall_is_followed_by_a_refusal(_):
    burners, events = Burners(os.environ["PRESSED"]), follow("pressureChanged")
    warm_up()
    try:
        with Held():
            tenth = Task(served_until_refused, 8)
            time.sleep(0.3)
            assert tenth.ended_at is None, "it is refused while all is calm"
            equal(metrics()["gate"]["limit"], 10, "the limit in the calm")
            begun_at = burners.begin()
            refused_at, answer = tenth.join()
    finally:
        burners.end()
    equal(answer.json()["error"]["data"]["type"], "concurrency_limit", "why it was refused")
    change = json.loads(events.readline())
    equal((change["reason"], change["oldScale"]), ("psi.cpu.some", 1), "the change")
    # Stalls can't add up faster than time passes: it is not crossed before. (Nobody here reads
    # the file to know better: each look cuts what it sums up to whole ticks of the kernel.)
    figure(psi_way(), begun_at + PSI_SHARE * PSI_WINDOW_S, refused_at, PSI_TARGET_MS, 10 * PSI_TARGET_MS)


# --- CPU ---

@case("cpu")
def a_check_is_followed_by_a_refusal(_):
    stat, events = Stat(os.environ["STAT"]), follow("pressureChanged")
    warm_up()
    with Held():
        tenth = Task(served_until_refused, 8)
        time.sleep(2 * CHECK_MS / 1000)  # some looks in the calm
        assert tenth.ended_at is None, "it is refused while all is calm"
        at = stat.load(41)  # so little over it costs little, and is soon made good
        refused_at, answer = tenth.join()
        stat.load(10)
    equal(answer.json()["error"]["data"]["type"], "concurrency_limit", "why it was refused")
    figure(f"CPU, checked every {CHECK_MS} ms", at, refused_at, CPU_TARGET_MS, 5 * CPU_TARGET_MS)
    changes = []
    while not changes or changes[-1]["scale"] < 1:
        changes.append(json.loads(events.readline()))
    equal(call().status, 200, "a request afterwards")
    equal({e["reason"] for e in changes}, {"cpu"}, "reasons")
    scales = [changes[0]["oldScale"], *(e["scale"] for e in changes)]
    equal(scales[0], 1, "the scale at first")
    equal([e["oldScale"] for e in changes], scales[:-1], "each change begins where the last one ended")
    steps = [b - a for a, b in zip(scales, scales[1:])]
    falls = sum(step < 0 for step in steps)
    between(falls, 1, 2, "steps down")
    assert all(step < 0 for step in steps[:falls]), f"it grew in between: {scales}"
    # 0.02 a second: in many steps of much the same size.
    assert len(steps) - falls >= 3 and max(steps) < 0.04, f"it did not grow back steadily: {scales}"


main()
