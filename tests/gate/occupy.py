# SPDX-License-Identifier: MIT
"""
Requests that the upstream keeps until the test lets them go, so that how many run and how many
wait stays as it is meanwhile, for as many as the rate of requests allows.
"""
import json
import threading
from itertools import accumulate

from admission import statuses
from behaviours import path
from cases import Task, equal, until
from client import Client, rpc_body, rpc_request
from gate import metrics, queued

HANDSHAKES = 10  # lists that pass at once with no token of the requests' bucket
held = []  # an event for each request that the upstream keeps


@path("/held")
def hold(c, r):
    """Keeps the request until let_go()."""
    c.read_body(r)
    freed = threading.Event()
    held.append(freed)
    freed.wait()
    c.answer("200 OK", json.dumps({"jsonrpc": "2.0", "id": json.loads(r.body)["id"], "result": {}}).encode())


def ask_held(method, source):
    with Client(source=source) as c:
        return c.send(rpc_request(rpc_body(method), target="/held")).read()


def running(upstream):
    """How many the upstream keeps: checks of its health run beside them."""
    return sum(r.path == "/held" and r.ended_at is None for r in list(upstream.requests))


def most_at_once(upstream):
    kept = [r for r in upstream.requests if r.path == "/held"]
    return max(accumulate(step for _, step in sorted([(r.at, 1) for r in kept] + [(r.ended_at, -1) for r in kept])))


def tokens():
    return int(metrics()["rateLimiting"]["tokens"])


def occupy(upstream, count, handshakes=HANDSHAKES, sources=("127.0.0.1",), available=tokens):
    """So many requests that run or wait until let_go(); they come when there are tokens for them."""
    tasks = []

    def send(method, number):
        tasks.extend(Task(ask_held, method, sources[i % len(sources)]) for i in range(number))
        until(lambda: running(upstream) + queued() == len(tasks), f"{len(tasks)} that run or wait")
    send("tools/list", min(count, handshakes))
    while len(tasks) < count:
        until(lambda: available() > 0, "a token")
        send("tools/call", min(available(), count - len(tasks)))
    return tasks


def let_go(count=None):
    """The upstream answers what it keeps: the first so many, for which this waits, or all."""
    until(lambda: len(held) >= (count or 0), f"{count} that it keeps")
    for _ in range(len(held) if count is None else count):
        held.pop(0).set()


def end(tasks):
    """All of them are answered."""
    until(lambda: (let_go(), not any(t.is_alive() for t in tasks))[1], "the end of those that ran or waited")
    equal(statuses(tasks), [200] * len(tasks), "statuses of those that ran or waited")
