# SPDX-License-Identifier: MIT
"""
How a script of cases runs: each function marked with @case, in a group that wants
one configuration of the gate, gets the upstream with its past forgotten. Prints a line a
case; the exit code is 1 if any failed, 2 if none ran. `script.py GROUP [NAME...]`.
"""
import os
import resource
import sys
import threading
import time
import traceback

from behaviours import behave
from client import GATE, Client
from upstream import Upstream

_cases = []


def case(group):
    def register(function):
        _cases.append((group, function))
        return function
    return register


def table(group, rows):
    """A case for each row (NAME, ARGUMENT...) of a table."""
    def register(function):
        for name, *arguments in rows:
            def run(upstream, arguments=arguments):
                function(upstream, *arguments)
            run.__name__ = f"{function.__name__}: {name}"
            _cases.append((group, run))
        return function
    return register


def equal(actual, expected, what):
    assert actual == expected, f"{what}: is {actual!r}, expected {expected!r}"


def between(actual, low, high, what):
    assert low <= actual <= high, f"{what}: is {actual!r}, expected {low} to {high}"


def until(predicate, what, seconds=5.0):
    """Waits for something that only looking can tell."""
    deadline = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < deadline, f"in vain for: {what}"
        time.sleep(0.02)


class Task(threading.Thread):
    """Something done at the same time; join() gives its result, or raises what it raised."""

    def __init__(self, function, *arguments, **named):
        super().__init__(daemon=True)
        self.work = lambda: function(*arguments, **named)
        self.result = self.error = None
        self.ended_at = None
        self.start()

    def run(self):
        try:
            self.result = self.work()
        except BaseException as e:
            self.error = e
        self.ended_at = time.monotonic()

    def join(self, timeout=20):
        super().join(timeout)
        assert not self.is_alive(), "it takes too long"
        if self.error:
            raise self.error
        return self.result


def gate_is_idle():
    try:
        with Client(GATE) as c:
            answer = c.ask(target="/metrics/concurrency")
            return answer.status != 200 or answer.json()["concurrency"]["current"] == 0
    except (OSError, AssertionError, ValueError, LookupError):
        return True  # it can't be asked so


def settle(upstream):
    """The last case's requests have ended, at the gate and here."""
    deadline = time.monotonic() + 1
    while not gate_is_idle() and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        upstream.wait(lambda u: u.running == 0, "the last case's end", 3)
    except AssertionError:
        for connection in list(upstream.open):
            connection.sock.close()
    upstream.forget()


def wait_for_gate():
    def accepts():
        try:
            Client(GATE).sock.close()
            return True
        except OSError:
            return False
    until(accepts, f"somebody who listens on {GATE}")


def main():
    group, names = sys.argv[1], sys.argv[2:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    upstream = Upstream(behave)
    wait_for_gate()
    ran = failed = 0
    for wanted, function in _cases:
        if wanted != group or names and not any(n in function.__name__ for n in names):
            continue
        settle(upstream)
        begun = time.monotonic()
        ran += 1
        why = None
        try:
            function(upstream)
        except BaseException as e:
            at = traceback.extract_tb(e.__traceback__)[-1]
            why = f"{type(e).__name__}: {e}" if str(e) else f"{type(e).__name__} at {at.name}:{at.lineno}: {at.line}"
            failed += 1
        print(f"{'bad' if why else 'good'} {function.__name__} ({(time.monotonic() - begun) * 1000:.0f} ms)"
              + (f": {why}" if why else ""), flush=True)
    print(f"{group}: {ran - failed} good, {failed} bad")
    sys.stdout.flush()
    # Threads that serve hung clients are none of our business any more.
    os._exit(2 if not ran else 1 if failed else 0)
