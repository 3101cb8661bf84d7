# SPDX-License-Identifier: MIT
"""
A /proc/stat that says what a test wants: a file that is mounted over the true one. As a
program, `procstat.py FILE`, it takes the load in percent from its input, a line each.
"""
import sys
import threading
import time


class Stat(threading.Thread):
    """A /proc/stat of a CPU that goes on with a load of its own, in percent."""

    STEP_S, STEP_TICKS = 0.05, 100

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.percent = 10
        self.busy, self.idle = 1000, 9000  # which is as much
        self.lock = threading.Lock()
        self.start()

    def step(self, ticks):
        self.busy += ticks * self.percent // 100
        self.idle += ticks - ticks * self.percent // 100
        # One write, and always as long: who reads it meanwhile sees no half of it.
        line = f"{self.busy:012} 0 0 {self.idle:012} 0 0 0 0\n"
        with open(self.path, "r+b", buffering=0) as f:
            f.write(("cpu  " + line + "cpu0 " + line).encode())

    def load(self, percent):
        """From now on; what was before weighs nothing in the next reading."""
        with self.lock:
            self.percent = percent
            self.step(1000 * self.STEP_TICKS)
            return time.monotonic()

    def run(self):
        while True:
            with self.lock:
                self.step(self.STEP_TICKS)
            time.sleep(self.STEP_S)


if __name__ == "__main__":
    stat = Stat(sys.argv[1])
    for text in sys.stdin:
        stat.load(int(text))
