# SPDX-License-Identifier: MIT
"""
The examples of the limiter's document, each a configuration in tests/examples that runs as it
stands; a group is the file's name. What the document says of it is asked for with real
requests: which of them run, wait and are refused, what opens the breaker, and what hooks get
($HOOK_LOG, $METRICS_FILE, $METRICS_SOCKET). Where limits adapt to the machine, how many run
depends on what else it does, so there only the bounds are certain.
"""
import json
import os
import re
import time
import urllib.request

from breaker import ctl, health, state
from cases import Task, between, case, equal, main, table, until
from client import call
from gate import metrics, queued
from hooks import Listener
from measures import LEAVES, METRICS, leaf, text_value
from occupy import HANDSHAKES, ask_held, end, let_go, most_at_once, occupy, running, tokens

EARLY_S = 0.01  # by which a bucket's tokens may come before their second is over
JITTER = 0.1  # share by which recoveryTimeout varies
HOOK_S = 20  # until a command has run; on a busy machine events wait for it


def error(answer, status):
    equal(answer.status, status, "status")
    return answer.json()["error"]


def refusal(answer, status, kind):
    data = error(answer, status)["data"]
    equal(data["type"], kind, "type of the refusal")
    return data


class Burst:
    """Quick requests, one after the other, of a bucket that is full at first."""

    def __init__(self, capacity, per_second, source=None):
        self.capacity, self.per_second, self.source = capacity, per_second, source
        self.passed = 0
        self.begun = time.monotonic()

    def call(self, **params):
        answer = call(connection={"source": self.source}, **params)
        self.passed += answer.status != 429
        return answer

    def ends(self, steps=0):
        """The next pass until the bucket is empty, so many seconds' tokens later; that is told."""
        while (answer := self.call()).status == 200:
            pass
        most = int(time.monotonic() - self.begun + EARLY_S)
        between(self.passed, self.capacity + steps * self.per_second, self.capacity + most * self.per_second,
                "requests that passed")
        data = refusal(answer, 429, "rate_limit")
        equal((data["limit"], data["remaining"], data["retryAfter"]), (self.per_second, 0, 1),
              "limit, remaining, retryAfter")
        equal(answer.get("Retry-After"), "1", "Retry-After")


def opens_after(upstream, failures, recovery_s):
    """The service fails so often; then nobody is let through to it."""
    health["status"] = 500  # for the checks too
    until(lambda: tokens() >= failures, "tokens for the failures")
    for _ in range(failures):
        equal(state(), "closed", "state before it has failed so often")
        equal(call(status=500).status, 500, "what the service answers")
    reached = len(upstream.requests)
    answer = call(rpc_id="refused")
    data = refusal(answer, 503, "circuit_breaker")
    equal((answer.json()["id"], error(answer, 503)["message"], data["state"], state()),
          ("refused", "Service temporarily unavailable", "open", "open"), "the refusal")
    between(data["retryAfter"], int(recovery_s * (1 - JITTER)) - 1, int(recovery_s * (1 + JITTER)) + 1, "retryAfter")
    assert data["nextCheck"].endswith("Z"), data
    equal(sum(r.path == "/mcp" for r in upstream.requests[reached:]), 0, "requests that reached it then")


def lines(name):
    """What hooks wrote to the file that this variable of the environment names."""
    try:
        with open(os.environ[name]) as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def comes(name, line):
    until(lambda: line in lines(name), f"'{line}' from the hook", HOOK_S)


# --- how many run, wait, and come a second ---

@table("basic-usage", [("sixty", 10, 50)])
@table("basic-rate-limiting", [("twenty-five", 5, 20)])
def so_many_run_and_wait_and_the_next_is_refused(upstream, most, queue):
    tasks = occupy(upstream, most + queue)
    equal(metrics()["concurrency"], {"current": most, "max": most, "queue": {"size": queue, "maxSize": queue}},
          "how many run and wait")
    until(lambda: tokens() > 0, "a token")
    data = refusal(call(), 503, "concurrency_limit")
    equal((data["queuePosition"], data["maxConcurrent"], data["current"]), (queue + 1, most, most), "data")
    end(tasks)
    equal(most_at_once(upstream), most, "the most that ran at once")


@case("per-client-limits")
def each_client_has_its_rate(_):
    bursts = [Burst(10, 5, source) for source in ("127.0.2.1", "127.0.2.2")]
    for burst in bursts:
        burst.ends()
    until(lambda: bursts[0].call().status == 200, "tokens after a second")
    bursts[0].ends(1)


@case("per-client-limits")
def all_clients_have_one_limit(upstream):
    clients = [f"127.0.3.{i}" for i in range(1, 12)]
    tasks = occupy(upstream, 101, 0, clients, lambda: 101)
    equal((running(upstream), queued()), (100, 1), "how many run and wait")
    end(tasks)


@table("production-setup-with-monitoring", [("fifty", 20, 50, 200)])
@table("per-environment-configuration.production", [("twenty", 25, 20, 100)])
def no_more_run_than_may(upstream, count, most, queue):
    tasks = occupy(upstream, count)
    value = metrics()
    equal((value["concurrency"]["max"], value["concurrency"]["queue"]["maxSize"]), (most, queue), "bounds")
    equal(running(upstream) + queued(), count, "how many run or wait")
    if value["gate"]["limit"] == most:
        equal(value["concurrency"]["current"], min(count, most), "how many run on a machine that has time")
    end(tasks)
    between(most_at_once(upstream), 1, most, "the most that ran at once")


@case("advanced-configuration")
def twenty_run_fifty_come_at_once_and_ten_a_second(upstream):
    burst = Burst(50, 10)
    no_more_run_than_may(upstream, 21, 20, 100)
    burst.passed += 21 - HANDSHAKES
    burst.ends()


@table("development-configuration", [("of 150", 150)])
@table("per-environment-configuration.development", [("of 25", 25)])
def a_hundred_run_for_developers(upstream, count):
    tasks = occupy(upstream, count)
    value = metrics()["concurrency"]
    equal((value["max"], value["queue"]["maxSize"]), (100, 500), "bounds")
    equal((value["current"], value["queue"]["size"]), (min(count, 100), max(count - 100, 0)), "how many run and wait")
    end(tasks)


# --- the breaker ---

@table("advanced-configuration", [("60 s", 5, 60)])
@table("production-setup-with-monitoring", [("120 s", 10, 120)])
@table("per-environment-configuration.production", [("the default", 5, 60)])
def so_many_failures_open_the_breaker(upstream, failures, recovery_s):
    opens_after(upstream, failures, recovery_s)


@case("production-configuration")
def three_of_ten_open_the_breaker_and_fifteen_come_at_once(_):
    burst = Burst(15, 5)
    for i in range(9):
        burst.call(status=200 if i % 3 else 500)
    equal(state(), "closed", "state after three failures of nine calls")
    burst.call()
    equal(state(), "open", "state with three of ten")
    ctl("breaker", "reset")
    burst.ends()


@table("development-configuration", [("nor 20", 20)])
@table("per-environment-configuration.development", [("nor 5", 5)])
def no_failure_opens_it_for_developers(upstream, count):
    until(lambda: tokens() >= count, "tokens for the failures")
    equal([call(status=500).status for _ in range(count)], [500] * count, "what the service answers")
    equal((state(), sum(r.path == "/mcp" for r in upstream.requests)), ("closed", count),
          "state, and requests that reached it")


@case("circuit-breaker-issues")
def each_change_is_printed(upstream):
    opens_after(upstream, 5, 60)
    comes("HOOK_LOG", "Circuit breaker: closed → open (consecutive failures)")
    ctl("breaker", "reset")
    comes("HOOK_LOG", "Circuit breaker: open → closed (by hand)")


# --- metrics and adaptation ---

@table("advanced-configuration", [("80 % CPU", True, 80, 85)])
@table("production-setup-with-monitoring", [("75 % CPU", True, 75, 80)])
@table("production-configuration", [("70 % CPU", True, 70, 75)])
@table("per-environment-configuration.production", [("70 % CPU", True, 70, 85)])
@table("per-environment-configuration.development", [("none", False, 90, 85)])
@table("development-configuration", [("none", False, 80, 85)])
def metrics_show_the_pressure(_, is_on, cpu, memory):
    value = metrics()["adaptive"]
    equal(value["enabled"], is_on, "adaptive.enabled")
    if is_on:
        between(value["pressure"], 0, 1, "pressure")
        between(value["scale"], 0.1, 1, "scale")
        signals = value["signals"]
        equal((signals["cpu"]["threshold"], signals["memory"]["threshold"]), (cpu, memory), "thresholds")
        between(signals["memory"]["value"], 0.1, 100, "percent of memory")


@case("production-setup-with-monitoring")
def metrics_have_all_leaves(_):
    """After the others: the breaker is open."""
    with urllib.request.urlopen(METRICS + "/metrics/concurrency", timeout=5) as answer:
        for value in metrics(), json.load(answer):
            found = {name: leaf(value, name) for name in LEAVES}
            equal(len(found), 14, "leaves")
            equal((found["concurrency.max"], found["concurrency.queue.maxSize"], found["rateLimiting.capacity"],
                   found["rateLimiting.refillRate"]), (50, 200, 20, 10), "limits")
            equal((found["circuitBreaker.state"], found["circuitBreaker.failures"]), ("open", 10), "circuitBreaker")
            assert found["circuitBreaker.lastFailure"].endswith("Z"), found
            between(found["performance.errorRate"], 0.01, 1, "errorRate")


@case("with-monitoring")
def the_gauge_is_true(upstream):
    with urllib.request.urlopen(METRICS + "/metrics", timeout=5) as answer:
        assert "\n# TYPE hatago_concurrent_requests gauge\n" in answer.read().decode(), "no such gauge"
    for count in 3, 0:
        tasks = occupy(upstream, count)
        until(lambda: text_value("hatago_concurrent_requests") == count, f"{count} on the gauge")
        comes("METRICS_FILE", f"hatago_concurrent_requests {count}")
        end(tasks)


@case("custom-metrics-integration")
def the_monitoring_system_gets_metrics(upstream):
    listener = Listener()
    tasks = occupy(upstream, 12)
    until(lambda: any(e["event"] == "onMetrics" and (e["concurrency"]["current"], e["queue"]["size"]) == (10, 2)
                      for e in listener.events), "metrics of ten that run and two that wait")
    end(tasks)


# --- what callbacks get, and answer ---

@case("custom-error-handling")
def the_client_sees_the_custom_error(upstream):
    custom = {"code": -32000, "message": "Server overloaded, please try again later"}
    tasks = occupy(upstream, 60)
    until(lambda: tokens() > 0, "a token")
    equal(error(call(), 503), custom | {"data": {"retryAfter": 60, "queuePosition": 51}}, "error")
    comes("HOOK_LOG", "Limit exceeded for 127.0.0.1")
    end(tasks)
    opens_after(upstream, 5, 60)
    comes("HOOK_LOG", "Circuit breaker opened - server in protection mode")
    ctl("breaker", "reset")
    while (answer := call()).status == 200:
        pass
    equal(error(answer, 429), custom | {"data": {"retryAfter": 60}}, "error of a rate")
    until(lambda: lines("HOOK_LOG").count("Limit exceeded for 127.0.0.1") == 3, "a line for each refusal", HOOK_S)


@case("with-alerting")
def each_refusal_is_an_alert(_):
    Burst(20, 10).ends()
    until(lambda: lines("HOOK_LOG"), "an alert", HOOK_S)
    alert = json.loads(lines("HOOK_LOG")[0])
    context = alert.pop("context")
    equal(alert, {"severity": "warning", "message": "Concurrency limit exceeded"}, "alert")
    equal((context["event"], context["clientId"], context["type"], context["method"]),
          ("onLimitExceeded", "127.0.0.1", "rate_limit", "tools/call"), "context")


@case("high-queue-times")
def a_long_wait_is_a_warning(upstream):
    """Ten have taken some three seconds each, and forty wait for one of ten places."""
    tasks = occupy(upstream, 60)
    equal(lines("HOOK_LOG"), [], "warnings before any request has told how long it takes")
    let_go(10)
    until(lambda: running(upstream) == 10 and queued() == 40, "the next ten")

    def is_warned():
        if len(tasks) < 70 and tokens() > 0:
            tasks.append(Task(ask_held, "tools/call", None))
        return lines("HOOK_LOG")
    until(is_warned, "a warning", HOOK_S)
    waits = re.fullmatch(r"High queue wait time: ([0-9]+)ms", lines("HOOK_LOG")[0])
    between(int(waits[1]), 5001, 20000, "the wait that it tells")
    end(tasks)


if __name__ == "__main__":
    main()
