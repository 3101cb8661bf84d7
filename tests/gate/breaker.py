# SPDX-License-Identifier: MIT
"""
The circuit breaker as clients and the upstream see it. Groups: trips (failureThreshold 5,
recoveryTimeout 400 ms, halfOpenProbes 2, no health checks), hold (the same with onOpen: hold,
maxConcurrent 1), slow (slow calls of 80 ms), health (checks of /health every 100 ms, recoveryTimeout
1 h), two (two upstreams, of which nobody listens on the second), crowd (4 workers, 1,000 waiting).
"""
import json
import os
import re
import select
import socket
import subprocess
import time
import urllib.request

from admission import fill, statuses
from behaviours import path
from cases import Task, between, case, equal, main, until
from client import GATE, Client, ask, call, request, rpc_body, rpc_request
from gate import ctl, follow, metrics, queued, words

RECOVERY_S = 0.4
PROBES = 2
health = {"status": 200}
crowd = {"code": 500}


@path("/health")
def serve_health(c, r):
    c.read_body(r)
    c.answer(f"{health['status']} Health", b"{}")


@path("/crowd")
def serve_crowd(c, r):
    c.read_body(r)
    time.sleep(0.05)
    c.answer(f"{crowd['code']} Crowd", b"{}")


def state():
    return metrics()["circuitBreaker"]["state"]


def series():
    """The Prometheus text, as a dict of its series."""
    with urllib.request.urlopen("http://127.0.0.1:9464/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)
            if not name.startswith("#")}


def fresh():
    """Whatever the last case left behind is forgotten."""
    ctl("breaker", "reset")
    equal(state(), "closed", "state at the start")


def fail(count, **params):
    for _ in range(count):
        call(**(params or {"status": 500}))


def trip():
    fresh()
    fail(5)
    equal(state(), "open", "state after five failures")


def lose(target):
    """A request whose answer may be anything, or none."""
    with Client() as c:
        c.send(request(target=target, fields=["Connection: close"])).rest()


@case("trips")
def five_failures_in_a_row_open(upstream):
    fresh()
    fail(4)
    equal(state(), "closed", "state after four")
    equal(metrics()["circuitBreaker"]["failures"], 4, "failures")
    assert metrics()["circuitBreaker"]["lastFailure"].endswith("Z"), "no time of the last failure"
    fail(1)
    equal(state(), "open", "state after five")
    equal(len(upstream.requests), 5, "requests at the upstream")
    answer = call(rpc_id=77)
    equal(answer.status, 503, "status")
    body = answer.json()
    equal((body["id"], body["error"]["code"], body["error"]["message"]),
          (77, -32000, "Service temporarily unavailable"), "error")
    data = body["error"]["data"]
    equal((data["type"], data["state"]), ("circuit_breaker", "open"), "data")
    between(data["retryAfter"], 1, 1, "retryAfter")
    assert data["nextCheck"].endswith("Z"), data
    equal(answer.get("Retry-After"), "1", "Retry-After")
    equal(ask().status, 503, "plain HTTP")
    equal(call("ping").status, 503, "what is never limited, too")
    equal(len(upstream.requests), 5, "requests at the upstream while it is open")


@case("trips")
def it_recovers_by_probes(upstream):
    trip()
    time.sleep(RECOVERY_S * 1.1 + 0.05)
    equal(state(), "half-open", "state after recoveryTimeout")
    equal([call().status for _ in range(PROBES)], [200] * PROBES, "probes")
    equal(state(), "closed", "state after them")
    equal([call().status for _ in range(10)], [200] * 10, "afterwards")


@case("trips")
def a_failed_probe_opens_it_for_longer(upstream):
    trip()
    time.sleep(RECOVERY_S * 1.1 + 0.05)
    equal(call(status=500).status, 500, "the probe")
    equal(state(), "open", "state after it")
    time.sleep(RECOVERY_S * 1.2)
    equal(state(), "open", "state after the first time-out once more")
    until(lambda: state() == "half-open", "twice that time", 2 * RECOVERY_S)


@case("trips")
def whoever_comes_at_once_no_more_than_the_probes_pass(upstream):
    trip()
    before = len(upstream.requests)
    time.sleep(RECOVERY_S * 1.1 + 0.05)
    answers = statuses([Task(call, ms=150) for _ in range(20)])
    equal(answers, [200] * PROBES + [503] * (20 - PROBES), "statuses")
    equal(len(upstream.requests) - before, PROBES, "requests at the upstream")


@case("trips")
def what_is_no_failure_does_not_count(upstream):
    fresh()
    for params in {"status": 404}, {"status": 429}, {"error": -32601}, {"error": -32602}, {"stream": True, "error": -32601}:
        fail(6, **params)
        equal(state(), "closed", f"state after {params}")
    equal([ask(target="/delay?code=404").status for _ in range(6)], [404] * 6, "plain HTTP")
    equal(state(), "closed", "state")


@case("trips")
def each_kind_of_failure_counts(upstream):
    for params in {"status": 503}, {"error": -32603}, {"stream": True, "error": -32603}, {"drop": True}:
        fresh()
        fail(5, **params)
        equal(state(), "open", f"state after {params}")
    for target in "/delay?code=500", "/reset", "/silent", "/early", "/garbage", "/never":
        fresh()
        for task in [Task(lose, target) for _ in range(5)]:
            task.join()
        equal(state(), "open", f"state after {target}")


@case("trips")
def a_batch_that_fails_counts(upstream):
    fresh()
    batch = json.dumps([json.loads(rpc_body("tools/call", i, error=-32603)) for i in range(3)]).encode()
    for _ in range(5):
        with Client() as c:
            equal(c.send(rpc_request(batch)).read().status, 200, "status")
    equal(state(), "open", "state")


@case("trips")
def a_share_of_failures_opens(upstream):
    fresh()
    for i in range(20):
        call(status=500 if i % 3 else 200)
        if state() == "open":
            break
    equal(state(), "open", "state")
    equal(i >= 9, True, "only with minimumCalls in the window")


@case("trips")
def a_client_that_leaves_is_no_failure(upstream):
    fresh()
    for _ in range(6):
        c = Client().send(request(target="/delay?ms=100"))
        upstream.wait(lambda u: u.running == 1, "the request")
        c.sock.close()
        until(lambda: metrics()["concurrency"]["current"] == 0, "its end")
    equal(state(), "closed", "state")


@case("trips")
def a_slow_client_is_no_failure(upstream):
    """requestTimeout is over, but it is the client that holds it up."""
    fresh()
    slow = []
    for _ in range(6):
        reader = Client(receive_buffer=4096).send(request(target="/bytes?n=50000000"))
        writer = Client().send(b"POST /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + b"x" * 3000)
        slow += reader, writer
    until(lambda: metrics()["concurrency"]["current"] == 0, "their end")
    equal(state(), "closed", "state")
    for c in slow:
        c.sock.close()


@case("trips")
def results_from_before_do_not_count(upstream):
    fresh()
    late = [Task(call, ms=int(RECOVERY_S * 1000) + 500, status=500) for _ in range(3)]
    upstream.wait(lambda u: u.running == 3, "three slow ones")
    fail(5)
    time.sleep(RECOVERY_S * 1.1 + 0.05)
    equal(state(), "half-open", "state")
    equal(statuses(late), [500] * 3, "the slow ones")
    equal(state(), "half-open", "state after late failures")
    equal([call().status for _ in range(PROBES)], [200] * PROBES, "probes")
    equal(state(), "closed", "state after the probes")


@case("trips")
def who_waits_is_told_when_it_opens(upstream):
    fresh()
    slow = fill(upstream, 10, 900)
    waiters = [Task(call, rpc_id=i) for i in range(20)]
    until(lambda: queued() == 20, "twenty who wait")
    ctl("breaker", "open")
    begun = time.monotonic()
    for task in waiters:
        answer = task.join()
        equal((answer.status, answer.json()["error"]["data"]["type"]), (503, "circuit_breaker"), "a waiter's answer")
    between(time.monotonic() - begun, 0, 0.5, "seconds")
    equal(statuses(slow), [200] * 10, "those that ran")


@case("trips")
def by_hand(upstream):
    fresh()
    shown = ctl("breaker", "open")
    equal((shown["state"], shown["upstreams"][0]["held"]), ("open", "open"), "breaker open")
    time.sleep(RECOVERY_S * 1.5)
    equal((state(), call().status), ("open", 503), "it stays open")
    ctl("breaker", "close")
    fail(20)
    equal((state(), call().status), ("closed", 200), "held closed it bears anything")
    ctl("breaker", "reset", "http://127.0.0.1:8787")
    fail(5)
    equal(state(), "open", "left to itself")
    ctl("breaker", "reset")
    equal((state(), ctl("breaker", "show")["upstreams"][0]["held"]), ("closed", None), "reset")
    done = subprocess.run([os.environ["BUILD"] + "/hatago-bpfctl", "breaker", "open", "http://nobody"],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode and "breaker show" in done.stderr, done


@case("trips")
def every_change_is_an_event(upstream):
    fresh()
    lines = follow("onStateChange", "onCircuitOpen")
    trip()
    time.sleep(RECOVERY_S * 1.1 + 0.05)
    for _ in range(PROBES):
        call()
    told = [json.loads(lines.readline()) for _ in range(4)]
    lines.close()
    changes = [(e["oldState"], e["newState"], e["reason"]) for e in told
               if e["event"] == "onStateChange"]
    equal(changes, [("closed", "open", "consecutive failures"),
                    ("open", "half-open", "recovery timeout is over"),
                    ("half-open", "closed", "probes passed")], "changes")
    equal([e["event"] for e in told].count("onCircuitOpen"), 1, "onCircuitOpen")


@case("hold")
def who_waits_is_held(upstream):
    fresh()
    slow = fill(upstream, 1, 300)
    waiters = [Task(call, rpc_id=i) for i in range(6)]
    until(lambda: queued() == 6, "six who wait")
    ctl("breaker", "open")
    equal(call().status, 503, "a newcomer")
    equal(statuses(slow), [200], "the one that ran")
    time.sleep(0.1)
    equal((queued(), len(upstream.requests)), (6, 1), "who waits, and requests at the upstream")
    ctl("breaker", "reset")
    equal(statuses(waiters), [200] * 6, "those who waited")


@case("slow")
def slow_calls_open(upstream):
    fresh()
    for _ in range(10):
        call()
    equal(state(), "closed", "state after quick ones")
    for _ in range(12):
        call(ms=120)
    equal(state(), "open", "state after slow ones")


@case("health")
def failed_checks_open_and_passed_ones_close(upstream):
    health["status"] = 200
    fresh()
    upstream.wait(lambda u: sum(r.path == "/health" for r in u.requests) >= 3, "three checks")
    check = next(r for r in upstream.requests if r.path == "/health")
    equal((check.method, check.get("host"), check.get("user-agent")), ("GET", "127.0.0.1:8787", "hatago-edge"), "check")
    equal(state(), "closed", "state while they pass")
    health["status"] = 500
    until(lambda: state() == "open", "failed checks to open it", 3)
    equal(call().status, 503, "a request")
    health["status"] = 200
    until(lambda: state() != "open", "a passed check", 3)
    until(lambda: state() == "closed", "passed checks to close it without any request", 3)
    equal(call().status, 200, "a request")


@case("two")
def the_other_upstream_takes_over(upstream):
    fresh()
    equal([call().status for _ in range(30)], [200] * 30, "statuses")
    shown = {u["upstream"]: u["state"] for u in ctl("breaker", "show")["upstreams"]}
    equal(shown, {"http://127.0.0.1:8787": "closed", "http://127.0.0.1:8788": "open"}, "states")
    equal(state(), "closed", "state of all together")
    ctl("breaker", "open", "http://127.0.0.1:8787")
    equal((state(), call().status), ("open", 503), "with both open")


@case("two")
def status_and_metrics_show_it(upstream):
    fresh()
    for _ in range(30):
        call()
    text = words("status")
    for line in (r"breaker   http://127\.0\.0\.1:8787: closed",
                 r"          http://127\.0\.0\.1:8788: open, tries again in (5\dm|1h)\S*",
                 r"          5 of 5 calls failed; opened \S+( times)?; last failure \S+Z"):
        assert re.search(f"^{line}$", text, re.M), f"no line like '{line}' in\n{text}"
    shown = ctl("status")["gate"]["breaker"]
    equal(shown["state"], "closed", "state of all in status")
    equal([(u["state"], u["failures"]) for u in shown["upstreams"]], [("closed", 0), ("open", 5)], "status")
    equal([(u["breaker"], u["failures"]) for u in metrics()["gate"]["upstreams"]],
          [("closed", 0), ("open", 5)], "metrics")
    equal(metrics()["circuitBreaker"]["failures"], 5, "failures of all")
    told = series()
    for port, name in (8787, "closed"), (8788, "open"):
        labels = f'upstream="http://127.0.0.1:{port}"'
        equal([told[f'hatago_gate_breaker_state{{{labels},state="{s}"}}'] for s in ("closed", "open", "half-open")],
              [name == "closed", name == "open", 0], f"states of {port}")
    ctl("breaker", "open", "http://127.0.0.1:8787")
    equal((call().status, ctl("status")["gate"]["breaker"]["state"], state()), (503, "open", "open"), "with both open")
    text = words("status")
    assert "http://127.0.0.1:8787: open, held open by hand until 'breaker reset'\n" in text, text
    assert re.search(r"^refused .*circuit_breaker", text, re.M), text
    assert series()['hatago_gate_requests_total{outcome="circuit_breaker"}'] >= 1, "no refusal counted"


def crowd_come(count):
    """So many requests at once, each on a connection of its own; none is read yet."""
    clients = []
    for _ in range(count):
        sock = socket.create_connection(GATE)
        sock.sendall(request(target="/crowd"))
        clients.append(sock)
    return clients


def crowd_leave(clients):
    """The first line of each answer."""
    poll = select.poll()
    open_ones = {sock.fileno(): sock for sock in clients}
    answers = []
    for fd in open_ones:
        poll.register(fd, select.POLLIN)
    deadline = time.monotonic() + 20
    while open_ones:
        assert time.monotonic() < deadline, f"{len(open_ones)} have no answer"
        for fd, _ in poll.poll(1000):
            answers.append(open_ones.pop(fd).recv(65536).split(b"\r\n")[0][9:12].decode())
            poll.unregister(fd)
    for sock in clients:
        sock.close()
    return answers


def opened():
    """How often it has, as yet."""
    return metrics()["gate"]["upstreams"][0]["opened"]


def probed(since):
    """How often it was half-open, at most, since it had opened so often and was not closed."""
    return opened() - since + (state() == "half-open")


@case("crowd")
def a_thousand_wait_and_only_the_probes_pass(upstream):
    """Each time it turns half-open, of those who come at once and of those who wait."""
    crowd["code"] = 500
    fresh()
    ctl("breaker", "open")
    crowd_leave(crowd_come(1000))
    equal(len(upstream.requests), 0, "requests while it is open")
    ctl("breaker", "reset")
    since = opened()
    answers = crowd_leave(crowd_come(1000))
    tripped = len(upstream.requests)
    equal(answers.count("500"), tripped, "failures that clients saw")
    # The threshold, and those under way; a slow crowd also sees it half-open already.
    between(tripped, 5, 5 + 10 + PROBES * (probed(since) - 1), "requests until it opened")
    for _ in range(3):
        until(lambda: state() == "half-open", "half-open", 10)
        before, since = len(upstream.requests), opened()
        answers = crowd_leave(crowd_come(1000))
        passed = len(upstream.requests) - before
        between(passed, 1, PROBES * max(1, probed(since)), "requests that reached it half-open")
        equal(answers.count("500"), passed, "failures that clients saw")
    crowd["code"] = 200
    until(lambda: state() == "half-open", "half-open", 20)
    crowd_leave(crowd_come(1000))
    until(lambda: state() == "closed", "closed")


if __name__ == "__main__":
    main()
