# SPDX-License-Identifier: MIT
"""
The metrics: the seed document's JSON with all its 14 leaves true, and Prometheus. Groups:
json (maxConcurrent 2, queueSize 3, burst 1000, 0.001 tokens a second), elsewhere (another
endpoint). The text is looked at where METRICS says.
"""
import re
import socket
import time
import urllib.request

from admission import fill, statuses
from cases import Task, between, case, equal, main, until
from client import Client, ask, call, request
from gate import metrics

METRICS = "http://127.0.0.1:9464"
LEAVES = {
    "timestamp", "concurrency.current", "concurrency.max", "concurrency.queue.size", "concurrency.queue.maxSize",
    "circuitBreaker.state", "circuitBreaker.failures", "circuitBreaker.lastFailure", "rateLimiting.tokens",
    "rateLimiting.capacity", "rateLimiting.refillRate", "performance.avgResponseTime",
    "performance.requestsPerSecond", "performance.errorRate"}


def leaf(value, path):
    for name in path.split("."):
        assert name in value, f"{path} is not there"
        value = value[name]
    return value


def text_value(name, *labels):
    """The sum of the lines of that name which have these texts among their labels."""
    with urllib.request.urlopen(METRICS + "/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if re.match(re.escape(name) + r"[{ ]", line) and all(text in line for text in labels)]
    assert found, f"no line {name} with {labels}"
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)


@case("json")
def all_leaves_are_there(_):
    value = metrics()
    equal(len(LEAVES), 14, "leaves")
    for path in LEAVES:
        leaf(value, path)
    stamp = value["timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", stamp), stamp
    between(time.time() - time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone, -2, 2, "its age")


@case("json")
def the_metrics_port_tells_the_same(_):
    import json
    with urllib.request.urlopen(METRICS + "/metrics/concurrency", timeout=5) as answer:
        other = json.load(answer)
    value = metrics()
    for path in LEAVES - {"timestamp", "performance.requestsPerSecond"}:
        equal(leaf(other, path), leaf(value, path), path)
    equal(other["queue"], value["queue"], "queue")


@case("json")
def concurrency_and_queue_are_true(upstream):
    tasks = fill(upstream, 4, 400)
    value = metrics()
    equal(value["concurrency"], {"current": 2, "max": 2, "queue": {"size": 2, "maxSize": 3}}, "concurrency")
    equal((value["queue"]["size"], value["queue"]["maxSize"]), (2, 3), "queue at the top level")
    statuses(tasks)
    until(lambda: metrics()["concurrency"]["current"] == 0, "permits that are free again")
    equal(metrics()["queue"]["size"], 0, "the queue at the end")


@case("json")
def tokens_are_true(_):
    before = metrics()["rateLimiting"]
    equal((before["capacity"], before["refillRate"]), (1000, 0.001), "capacity and refillRate")
    for _ in range(7):
        equal(call().status, 200, "status")
    between(before["tokens"] - metrics()["rateLimiting"]["tokens"], 7, 7, "tokens that seven requests took")


@case("json")
def breaker_of_a_quiet_gate(_):
    value = metrics()["circuitBreaker"]
    equal((value["state"], value["failures"]), ("closed", 0), "state and failures")


@case("json")
def performance_is_true(_):
    begun = time.monotonic()
    while time.monotonic() - begun < 3:
        equal(statuses([Task(call, ms=100) for _ in range(2)]), [200, 200], "statuses")
    value = metrics()["performance"]
    between(value["avgResponseTime"], 50, 200, "avgResponseTime, of 100 ms each of late")
    between(value["requestsPerSecond"], 3, 30, "requestsPerSecond, of 20")


@case("json")
def error_rate_is_true(_):
    for _ in range(10):
        equal(call(status=500).status, 500, "status")
    rate = metrics()["performance"]["errorRate"]
    assert 0 < rate < 1, f"errorRate: {rate}"


@case("json")
def percentiles_are_there(_):
    """Names are ours: anything with p50 or p99 below performance or queue."""
    text = str(metrics())
    assert re.search(r"p?50", text) and re.search(r"p?99", text), f"no percentiles in {text}"


@case("json")
def the_metrics_themselves_are_not_counted(_):
    before = metrics()["rateLimiting"]["tokens"]
    for _ in range(10):
        metrics()
    equal(metrics()["rateLimiting"]["tokens"], before, "tokens")
    equal(ask("HEAD", "/metrics/concurrency").status, 200, "HEAD")


@case("json")
def refusals_are_counted_by_reason(upstream):
    name = "hatago_gate_requests_total"
    before = text_value(name, '"concurrency_limit"')
    served = text_value(name, '"served"')
    tasks = fill(upstream, 5, 300)
    equal([call().status for _ in range(4)], [503] * 4, "statuses")
    statuses(tasks)
    equal(text_value(name, '"concurrency_limit"') - before, 4, "refused ones")
    until(lambda: text_value(name, '"served"') - served == 5, "served ones")


@case("json")
def other_ends_are_counted_too(_):
    name = "hatago_gate_requests_total"
    rows = [("bad_request", lambda: raw(b"GET / HTTP/1.1\r\n\r\n")), ("upstream_failed", lambda: ask(target="/reset")),
            ("client_left", leave)]
    for outcome, act in rows:
        before = text_value(name, f'"{outcome}"')
        act()
        until(lambda: text_value(name, f'"{outcome}"') == before + 1, outcome)


def raw(data):
    with Client() as c:
        c.send(data).read()


def leave():
    with Client() as c:
        c.send(request(target="/delay?ms=200"))
        time.sleep(0.1)
        c.reset()


@case("json")
def connections_and_streams_are_counted(upstream):
    clients = [Client() for _ in range(5)]
    for c in clients:
        c.ask()
    until(lambda: text_value("hatago_gate_connections") == 5, "five connections")
    clients[0].send(request(target="/mcp?ms=50", fields=["Accept: text/event-stream"]))
    equal(clients[0].read_head().status, 200, "status")
    until(lambda: text_value("hatago_gate_streams") == 1, "a stream")
    for c in clients:
        c.sock.close()
    until(lambda: text_value("hatago_gate_connections") == 0, "none")
    until(lambda: text_value("hatago_gate_streams") == 0, "no stream")


@case("json")
def it_is_served_by_many_at_once(_):
    tasks = [Task(metrics) for _ in range(20)]
    for task in tasks:
        equal("concurrency" in task.join(), True, "metrics")


@case("elsewhere")
def the_endpoint_is_configurable(upstream):
    answer = ask(target="/our/numbers")
    equal((answer.status, "concurrency" in answer.json()), (200, True), "the endpoint")
    equal(ask(target="/metrics/concurrency").status, 200, "the old path belongs to the upstream")
    equal([r.target for r in upstream.requests], ["/metrics/concurrency"], "what reached the upstream")


if __name__ == "__main__":
    main()
