# SPDX-License-Identifier: MIT
"""
The gate's end and its changes while requests run and wait. Groups: drain (maxConcurrent 2,
drainTimeout 3 s), cut (drainTimeout 500 ms), reload (maxConcurrent 1, burst 5 and no more
tokens, perClientLimits off), edges (the same, bad files).
"""
import os
import signal
import time

from admission import fill, statuses
from cases import Task, between, case, equal, main, until
from client import Client, Closed, ask, call, request, rpc_body, rpc_request
from gate import metrics, pid, queued, reload, terminate


def has_gone():
    try:
        with open(f"/proc/{pid()}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def refuses_or_closes(c):
    """What new work meets in a gate that drains."""
    try:
        answer = c.send(rpc_request(rpc_body("tools/call", "new"))).read()
    except (Closed, OSError):
        return
    equal((answer.status, answer.json()["error"]["data"]["type"], answer.json()["id"]), (503, "draining", "new"), "answer")
    assert answer.get("retry-after"), "no Retry-After"
    assert (answer.get("connection") or "").lower() == "close", "it does not say that it closes"


def connects():
    try:
        with Client() as c:
            refuses_or_closes(c)
        return True
    except OSError:
        return False


@case("drain")
def what_runs_ends_well(upstream):
    idle = Client()
    equal(idle.ask().status, 200, "status")
    tasks = fill(upstream, 2, 1200)
    stream = Task(call, stream=True, progress=5, ms=200)
    until(lambda: queued() == 1, "one who waits")
    begun = time.monotonic()
    terminate()
    time.sleep(0.2)
    refuses_or_closes(idle)
    connects()
    equal(statuses(tasks), [200, 200], "those that ran")
    assert stream.join().status in (200, 503), "the one that waited"
    until(has_gone, "its end")
    between(time.monotonic() - begun, 0.8, 3.5, "seconds until its end")


@case("cut")
def what_does_not_end_is_cut(upstream):
    with Client() as c:
        c.send(request(target="/never"))
        upstream.wait(lambda u: u.running == 1, "the request")
        stream = Client()
        stream.send(request(target="/mcp?ms=50", fields=["Accept: text/event-stream"]))
        stream.read_head()
        begun = time.monotonic()
        terminate()
        until(has_gone, "its end", 4)
        between(time.monotonic() - begun, 0, 2, "seconds until its end")


@case("reload")
def the_queue_survives(upstream):
    tasks = fill(upstream, 4, 300)
    equal(queued(), 3, "who waits")
    reload("maxConcurrent: 1", "maxConcurrent: 3", lambda: metrics()["concurrency"]["max"] == 3)
    upstream.wait(lambda u: u.peak == 3, "a higher limit that is used at once", 1)
    equal(statuses(tasks), [200] * 4, "statuses")
    reload("maxConcurrent: 3", "maxConcurrent: 1", lambda: metrics()["concurrency"]["max"] == 1)
    # One token of the burst of 5 is left: buckets survive as well.
    equal([call().status for _ in range(2)], [200, 429], "statuses")


@case("reload")
def a_changed_burst_applies_at_once(_):
    reload("burstCapacity: 5", "burstCapacity: 8", lambda: metrics()["rateLimiting"]["capacity"] == 8)
    got = [call().status for _ in range(5)]
    equal(got[-1], 429, "the last")
    between(got.count(200), 2, 4, f"how many pass: {got}")


@case("edges")
def a_bad_file_changes_nothing(upstream):
    tasks = fill(upstream, 2, 500)
    with open(os.environ["HATAGOD_CONFIG"], "a") as f:
        f.write("colour: red\n")
    os.kill(pid(), signal.SIGHUP)
    time.sleep(0.3)
    equal(metrics()["concurrency"]["max"], 1, "the limit")
    equal(statuses(tasks), [200] * 2, "statuses")


@case("edges")
def a_lower_limit_cuts_nobody(upstream):
    reload("colour: red\n", "", lambda: True)
    reload("maxConcurrent: 1", "maxConcurrent: 3", lambda: metrics()["concurrency"]["max"] == 3)
    tasks = fill(upstream, 3, 500)
    equal(upstream.running, 3, "how many run")
    reload("maxConcurrent: 3", "maxConcurrent: 2", lambda: metrics()["concurrency"]["max"] == 2)
    equal(statuses(tasks), [200] * 3, "statuses")


if __name__ == "__main__":
    main()
