# SPDX-License-Identifier: MIT
"""
Where the gate listens, which upstream it takes, and how much memory it holds for whoever is
slow or idle. Groups: memory (with HATAGOD_PID), listen (all kinds of addresses, $WORK/gate.sock
among them), several (three upstreams, $WORK/upstream.sock among them).
"""
import os
import socket
import time

from behaviours import behave
from cases import Task, between, case, equal, main, table, until
from client import Client, ask, request
from proxy import MIB, echoed
from upstream import Upstream

LARGE = 32 * MIB  # more than all the sockets on the way hold
MEMORY_MAX = 16 * MIB  # that slow streams of any length may add


def anonymous_bytes():
    with open(f"/proc/{os.environ['HATAGOD_PID']}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon"))


@case("memory")
def answers_wait_for_slow_readers(upstream):
    before = anonymous_bytes()
    clients = [Client(receive_buffer=4096) for _ in range(10)]
    for c in clients:
        c.send(request(target=f"/bytes?n={LARGE}"))
    upstream.wait(lambda u: len(u.requests) == 10, "the requests")
    time.sleep(1)
    between(anonymous_bytes() - before, -MEMORY_MAX, MEMORY_MAX, "bytes that it holds for ten slow readers")
    equal(upstream.running, 10, "answers that still go on")
    clients[0].sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
    equal(len(clients[0].read().body), LARGE, "what a reader that hurries up gets in the end")
    for c in clients:
        c.sock.close()


@case("memory")
def bodies_wait_for_slow_upstreams(_):
    before = anonymous_bytes()
    tasks = [Task(ask, "POST", "/sink?ms=1500", (), b"x" * (8 * MIB)) for _ in range(5)]
    time.sleep(1)
    between(anonymous_bytes() - before, -MEMORY_MAX, MEMORY_MAX, "bytes that it holds for five slow upstreams")
    for task in tasks:
        equal(task.join().json()["length"], 8 * MIB, "what arrives in the end")


@case("memory")
def idle_connections_are_cheap(_):
    count = 1000
    clients = [Client() for _ in range(count)]
    for c in clients:
        echoed(c.ask())
    before = anonymous_bytes()
    more = [Client() for _ in range(count)]
    for c in more:
        echoed(c.ask())
    between((anonymous_bytes() - before) // count, -4096, 4096, "bytes for an idle connection")
    for c in clients + more:
        c.sock.close()


# --- addresses ---

@table("listen", [("IPv4", ("127.0.0.1", 8080)), ("another port", ("127.0.0.1", 8081)), ("IPv6", ("::1", 8080)),
                  ("Unix", os.environ.get("WORK", "/tmp") + "/gate.sock")])
def listens_on(_, address):
    with Client(address) as c:
        echoed(c.ask())
        equal(echoed(c.ask("POST", body=b"hello"))["body"], "hello", "the body")


# --- several upstreams ---

@case("several")
def the_least_busy_upstream_is_chosen(upstream):
    other = Upstream(behave, ("127.0.0.1", 8788))
    unix = Upstream(behave, os.environ["WORK"] + "/upstream.sock", family=1)
    tasks = [Task(ask, "GET", "/delay?ms=400") for _ in range(9)]
    for task in tasks:
        equal(task.join().status, 200, "status")
    equal([len(u.requests) for u in (upstream, other, unix)], [3, 3, 3], "requests at each")
    for u in upstream, other, unix:
        u.forget()
    slow = [Task(ask, "GET", "/delay?ms=600") for _ in range(3)]
    until(lambda: sum(u.running for u in (upstream, other, unix)) == 3, "three requests")
    equal([u.running for u in (upstream, other, unix)], [1, 1, 1], "one at each")
    for task in slow:
        task.join()


if __name__ == "__main__":
    main()
