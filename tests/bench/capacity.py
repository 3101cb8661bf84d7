# SPDX-License-Identifier: MIT
"""
An upstream whose capacity is cut to a quarter in mid-run and given back, behind whatever
listens at TO, under more load than it can bear. Prints one line of key=value for scripts:

    capacity.py BUILD TO UPSTREAM [--degrade] [--load TIMES] [--seed N] [--seconds QUIET,CUT,RESTORED]

quiet_goodput: of the capacity, in the quiet phase's second half. For `cut` and `restored`:
_back_s: from the change to the first second whose goodput was 0.95 of the capacity, `inf` if
none was; _goodput: of the capacity, from the time on in which it is to be back (2 and 5 s);
_p99: of the time that requests took inside the upstream then, over the quiet phase's.
Goodput is what clients got; the rest is what the upstream says of itself (upstream.c --cut).
"""
import argparse
import signal
import subprocess
import tempfile
import time

SERVE, CUT, TIME_MS, CLIENTS = 8, 2, 20, 40
BACK_S = {"cut": 2, "restored": 5}
ENOUGH = 0.95
INTERVAL_MS = 50


class Run:
    """What happened, in ms of one clock."""

    def __init__(self, upstream, load):
        self.answers, self.good, self.changed = [], [], {}
        for words in map(str.split, upstream):
            if words[0] == "answer":
                self.answers.append((int(words[1]), int(words[2])))
            else:
                self.changed[words[0]] = int(words[1])
        for words in map(str.split, load):
            if words[0] == "interval":
                self.good.append((int(words[1]), int(words[3])))
        self.begun, self.ended = self.good[0][0], self.good[-1][0]

    def goodput(self, begin, end, capacity):
        """A share of the capacity. The first interval's line tells what was before it."""
        inside = [(at, good) for at, good in self.good if begin <= at <= end]
        return sum(good for _, good in inside[1:]) * 1000 / (inside[-1][0] - inside[0][0]) / capacity

    def p99_us(self, begin, end):
        took = sorted(us for at, us in self.answers if begin <= at < end)
        return took[int(0.99 * (len(took) - 1))]

    def back_s(self, begin, end, capacity):
        for at, _ in self.good:
            if begin <= at and at + 1000 <= end and self.goodput(at, at + 1000, capacity) >= ENOUGH:
                return f"{(at - begin) / 1000:.2f}"
        return "inf"

    def figures(self):
        cut, restored = self.changed["cut"], self.changed["restored"]
        whole = SERVE * 1000 / TIME_MS
        half = (self.begun + cut) // 2
        yield "quiet_goodput", f"{self.goodput(half, cut, whole):.3f}"
        quiet_us = self.p99_us(half, cut)
        yield "quiet_p99_ms", f"{quiet_us / 1000:.1f}"
        for name, begin, end, capacity in (("cut", cut, restored, whole * CUT / SERVE),
                                           ("restored", restored, self.ended, whole)):
            back = begin + BACK_S[name] * 1000
            yield name + "_back_s", self.back_s(begin, end, capacity)
            yield name + "_goodput", f"{self.goodput(back, end, capacity):.3f}"
            yield name + "_p99", f"{self.p99_us(back, end) / quiet_us:.2f}"


def options():
    parser = argparse.ArgumentParser()
    for name in "build", "to", "upstream":
        parser.add_argument(name)
    parser.add_argument("--degrade", action="store_true")
    parser.add_argument("--load", type=float, default=1.5)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--seconds", default="4,6,8", type=lambda s: [int(n) for n in s.split(",")])
    return parser.parse_args()


def main():
    want = options()
    rate = want.load * SERVE * 1000 / TIME_MS / CLIENTS
    degrade = ["--degrade"] if want.degrade else []
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as seen:
        upstream = subprocess.Popen([want.build + "/bench/upstream", want.upstream, "--time", str(TIME_MS),
                                     "--serve", str(SERVE), "--cut", str(CUT), *degrade], stdout=told)
        load = subprocess.Popen([want.build + "/bench/overload", "--to", want.to, "--seconds",
                                 str(sum(want.seconds)), "--warm-up-ms", "0", "--patience-ms", "1000",
                                 "--seed", want.seed, "--interval-ms", str(INTERVAL_MS),
                                 "--group", f"all,{CLIENTS},{rate:.3f},16"], stdout=seen)
        try:
            time.sleep(want.seconds[0])
            upstream.send_signal(signal.SIGUSR1)
            time.sleep(want.seconds[1])
            upstream.send_signal(signal.SIGUSR2)
            assert load.wait(want.seconds[2] + 10) == 0, "the load failed"
        finally:
            for process in load, upstream:
                process.kill()
                process.wait()
        told.seek(0)
        seen.seek(0)
        print(" ".join("=".join(pair) for pair in Run(told, seen).figures()))


main()
