# SPDX-License-Identifier: MIT
"""
Who runs, who waits, who is refused. Groups: queue (maxConcurrent 2, queueSize 3, queueTimeout
1 s), serial (maxConcurrent 1, queueSize 200, perClientLimits), perclient (maxConcurrent
10, maxConcurrentPerClient 2), classes (limits of routes and methods), workers.
"""
import time

from cases import Task, between, case, equal, main, until
from client import Client, Closed, ask, call, request, rpc_body, rpc_request
from gate import metrics, queued

QUEUE_TIMEOUT_S = 1.0


def fill(upstream, count, ms=500, **connection):
    """So many calls at the upstream, or in the queue before it."""
    before = len(upstream.requests) + queued()
    tasks = [Task(call, ms=ms, connection=connection) for _ in range(count)]
    until(lambda: len(upstream.requests) + queued() - before >= count, f"{count} calls on their way")
    return tasks


def statuses(tasks):
    return sorted(t.join().status for t in tasks)


@case("queue")
def as_many_run_as_may(upstream):
    tasks = [Task(call, ms=50) for _ in range(5)]
    equal(statuses(tasks), [200] * 5, "statuses")
    equal(upstream.peak, 2, "the most that ran at once")


@case("queue")
def the_next_is_refused_at_once(upstream):
    tasks = fill(upstream, 5, 300)
    begun = time.monotonic()
    equal(call().status, 503, "status")
    between(time.monotonic() - begun, 0, 0.15, "seconds")
    equal(statuses(tasks), [200] * 5, "those that ran or waited")
    equal(call().status, 200, "afterwards")


@case("queue")
def plain_http_waits_as_well(upstream):
    tasks = [Task(ask, "GET", "/delay?ms=100") for _ in range(5)]
    equal(statuses(tasks), [200] * 5, "statuses")
    equal(upstream.peak, 2, "the most that ran at once")


@case("queue")
def a_deadline_ends_the_wait(upstream):
    tasks = fill(upstream, 2, 1600)
    begun = time.monotonic()
    answer = call()
    equal((answer.status, answer.json()["error"]["data"]["type"]), (503, "queue_timeout"), "answer")
    between(time.monotonic() - begun, QUEUE_TIMEOUT_S * 0.9, QUEUE_TIMEOUT_S + 0.3, "seconds")
    equal(queued(), 0, "who waits")
    equal(statuses(tasks), [200] * 2, "those that ran")
    equal(len(upstream.requests), 2, "requests at the upstream")


@case("queue")
def a_waiter_that_goes_frees_its_place(upstream):
    tasks = fill(upstream, 2, 350)
    waiters = [Client().send(rpc_request(rpc_body("tools/call", i))) for i in range(3)]
    until(lambda: queued() == 3, "three who wait")
    equal(call().status, 503, "no place is left")
    for c in waiters[:2]:
        c.sock.close()
    until(lambda: queued() == 1, "their places", 0.25)
    equal(call().status, 200, "a place is left")
    equal(waiters[2].read().status, 200, "the one who stayed")
    statuses(tasks)
    equal(len(upstream.requests), 4, "requests at the upstream")


@case("queue")
def a_permit_is_freed_whatever_happens(upstream):
    for target in "/reset", "/early", "/garbage", "/silent", "/early-chunked":
        for _ in range(4):
            with Client() as c:
                try:
                    equal(c.send(request(target=target)).read().status, 502, "status")
                except Closed:
                    pass
    for _ in range(4):
        with Client() as c:
            c.send(request(target="/delay?ms=100"))
            upstream.wait(lambda u: u.running, "a request")
            c.reset()
        until(lambda: upstream.running == 0, "its end")
    until(lambda: metrics()["concurrency"]["current"] == 0, "all permits")
    equal(statuses([Task(call, ms=50) for _ in range(5)]), [200] * 5, "statuses")


@case("queue")
def pipelined_requests_need_a_permit_each(upstream):
    with Client() as c:
        c.send(b"".join(rpc_request(rpc_body("tools/call", i, ms=50)) for i in range(10)))
        equal([c.read().json()["id"] for _ in range(10)], list(range(10)), "ids, in order")
    equal(upstream.peak, 1, "the most that ran at once for one connection")


@case("queue")
def metrics_and_health_are_never_limited(upstream):
    tasks = fill(upstream, 5, 300)
    equal(metrics()["concurrency"]["queue"], {"size": 3, "maxSize": 3}, "the queue")
    equal(ask(target="/health").status, 200, "/health")
    statuses(tasks)


# --- fairness ---

@case("serial")
def one_request_waits_for_one_at_most(upstream):
    """However many of another client's wait before it."""
    heavy = fill(upstream, 60, 20, source="127.0.0.2")
    served = len(upstream.requests)
    light = Task(call, connection={"source": "127.0.0.3"}, rpc_id="light", ms=20)
    equal(light.join().status, 200, "status")
    order = [r.rpc["id"] for r in list(upstream.requests)]
    between(order.index("light") - served, 0, 3, "requests served before it")
    equal(statuses(heavy), [200] * 60, "the others")


@case("serial")
def clients_are_served_in_turn(upstream):
    blocker = fill(upstream, 1, 300, source="127.0.0.9")
    for source, count in ("127.0.0.2", 12), ("127.0.0.3", 4), ("127.0.0.4", 4):
        for _ in range(count):
            Task(call, connection={"source": source}, rpc_id=source, ms=5)
        until(lambda: queued() >= count, "the waiters")
    until(lambda: queued() == 20, "twenty who wait", 0.25)
    upstream.wait(lambda u: len(u.requests) == 21, "all")
    order = [r.rpc["id"] for r in upstream.requests[1:]]
    for i in range(0, 12, 3):
        equal(len(set(order[i:i + 3])), 3, f"clients among the requests {i} to {i + 2} of {order}")
    statuses(blocker)


@case("serial")
def a_client_is_served_in_its_order(upstream):
    blocker = fill(upstream, 1, 400, source="127.0.0.9")
    tasks = []
    for i in range(10):
        tasks.append(Task(call, rpc_id=i, connection={"source": "127.0.0.2"}))
        until(lambda: queued() == i + 1, "the waiter")
    equal(statuses(tasks + blocker), [200] * 11, "statuses")
    equal([r.rpc["id"] for r in upstream.requests[1:]], list(range(10)), "the order")


@case("serial")
def weights_give_more_turns(upstream):
    """127.0.0.7 has a weight of 3."""
    blocker = fill(upstream, 1, 400, source="127.0.0.9")
    for source in "127.0.0.2", "127.0.0.7":
        for _ in range(12):
            Task(call, connection={"source": source}, rpc_id=source, ms=5)
    until(lambda: queued() == 24, "all who wait", 0.35)
    upstream.wait(lambda u: len(u.requests) == 25, "all")
    order = [r.rpc["id"] for r in upstream.requests[1:]]
    between(order[:12].count("127.0.0.7"), 8, 10, "turns of the weighty one among twelve")
    statuses(blocker)


@case("serial")
def a_freed_permit_is_used_at_once(upstream):
    begun = time.monotonic()
    equal(statuses([Task(call, ms=2, connection={"source": "127.0.0.2"}) for _ in range(60)]), [200] * 60, "statuses")
    equal(upstream.peak, 1, "the most that ran at once")
    between(time.monotonic() - begun, 0, 2, "seconds for 60 calls of 2 ms")


# --- a client's own limit ---

@case("perclient")
def a_client_has_a_limit_of_its_own(upstream):
    heavy = fill(upstream, 6, 200, source="127.0.0.2")
    equal(upstream.running, 2, "how many of one client run")
    begun = time.monotonic()
    equal(call(connection={"source": "127.0.0.3"}).status, 200, "another client")
    between(time.monotonic() - begun, 0, 0.15, "seconds")
    equal(statuses(heavy), [200] * 6, "statuses")
    equal(upstream.peak, 3, "the most that ran at once")


# --- routes and methods ---

@case("classes")
def a_route_has_a_limit_of_its_own(upstream):
    tasks = [Task(ask, "GET", "/one") for _ in range(3)] + [Task(ask, "GET", "/one/deeper") for _ in range(2)]
    begun = time.monotonic()
    equal(ask().status, 200, "another route")
    between(time.monotonic() - begun, 0, 0.15, "seconds")
    equal(statuses(tasks), [200] * 5, "statuses")


@case("classes")
def a_dear_route_costs_more(_):
    """A burst of 20: three of 6 tokens, then two are left."""
    got = [ask(target="/dear", source="127.0.2.1").status for _ in range(4)]
    equal(got, [200, 200, 200, 429], "statuses")
    got = [ask(source="127.0.2.1").status for _ in range(3)]
    equal(got, [200, 200, 429], "what is left for cheap ones")


@case("classes")
def a_dear_method_costs_more(_):
    """tools/call: 5 of 20."""
    source = {"source": "127.0.2.2"}
    equal([call("tools/call", connection=source).status for _ in range(5)], [200] * 4 + [429], "tools/call")


@case("classes")
def a_cheap_method_is_cheap(_):
    source = {"source": "127.0.2.3"}
    equal([call("resources/read", connection=source).status for _ in range(21)], [200] * 20 + [429], "resources/read")


@case("classes")
def an_excluded_route_is_free(_):
    source = "127.0.2.4"
    equal([ask(target="/free/a", source=source).status for _ in range(30)], [200] * 30, "an excluded route")
    equal([ask(source=source).status for _ in range(21)], [200] * 20 + [429], "tokens are all there")


@case("classes")
def a_path_may_not_be_disguised(_):
    """What looks like an excluded route but is none is charged."""
    source = "127.0.2.5"
    for target in "/freedom", "/echo?/free/", "//free/a", "/echo/free/":
        ask(target=target, source=source)
    got = [ask(source=source).status for _ in range(21)]
    equal(got.count(200), 16, "tokens that are left of 20 after four disguises")


# --- workers ---

@case("workers")
def workers_share_one_limit(upstream):
    tasks = [Task(call, ms=10) for _ in range(80)]
    equal(statuses(tasks), [200] * 80, "statuses")
    equal(upstream.peak, 3, "the most that ran at once")


@case("workers")
def a_permit_wakes_a_waiter_of_another_worker(upstream):
    begun = time.monotonic()
    for _ in range(10):
        equal(statuses([Task(call, ms=5) for _ in range(12)]), [200] * 12, "statuses")
    between(time.monotonic() - begun, 0, 3, "seconds for ten rounds of twelve")
    equal(upstream.peak, 3, "the most that ran at once")


if __name__ == "__main__":
    main()
