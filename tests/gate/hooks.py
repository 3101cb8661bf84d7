# SPDX-License-Identifier: MIT
"""
Hooks: a command that gets the event on its standard input ($WORK/events) and a Unix socket
that gets JSON lines ($WORK/hook.sock), for onLimitExceeded, onQueueChange and onMetrics. Groups:
hooks; hanging (a command that sleeps, a socket that nobody reads). Both: maxConcurrent 1,
queueSize 2, onMetrics every 200 ms.
"""
import json
import os
import socket
import threading
import time

from admission import fill, statuses
from cases import between, case, equal, main, until
from client import ask, call

WORK = os.environ.get("WORK", "/tmp")


class Listener:
    """The other end of a hook's socket."""

    def __init__(self, reads=True):
        path = WORK + "/hook.sock"
        if os.path.exists(path):
            os.unlink(path)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        self.sock.listen(16)
        self.events = []
        self.peers = []
        if reads:
            threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            self.peers.append(peer)
            threading.Thread(target=self.read, args=(peer,), daemon=True).start()

    def close(self):
        for sock in self.sock, *self.peers:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def read(self, peer):
        for line in peer.makefile():
            self.events.append(json.loads(line))


def find(value, key):
    """The first member of that name, however deep."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        found = find(inner, key)
        if found is not None:
            return found
    return None


def commanded():
    """What the command wrote: events, one behind the other."""
    try:
        with open(WORK + "/events") as f:
            return [json.loads(line) for line in f if line.strip()]
    except FileNotFoundError:
        return []


def overload(upstream):
    tasks = fill(upstream, 3, 300)
    equal(call(rpc_id=1).status, 503, "status")
    statuses(tasks)


def is_exceeded(e):
    return find(e, "clientId") == "127.0.0.1" and find(e, "queuePosition") == 3


def is_queue_change(e):
    return find(e, "queueSize") is not None and find(e, "waitTime") is not None


def is_metrics(e):
    concurrency, queue = find(e, "concurrency"), find(e, "queue")
    return bool(concurrency and queue and "current" in concurrency and "size" in queue)


listener = None


@case("hooks")
def a_socket_gets_lines(upstream):
    global listener
    listener = Listener()
    overload(upstream)
    for what, is_it in ("onLimitExceeded", is_exceeded), ("onQueueChange", is_queue_change), ("onMetrics", is_metrics):
        until(lambda: any(is_it(e) for e in listener.events), f"{what}, among {listener.events[:9]}")
    sizes = {find(e, "queueSize") for e in listener.events if is_queue_change(e)}
    assert sizes & {1, 2}, f"sizes of the queue: {sizes}"


@case("hooks")
def a_command_gets_its_standard_input(upstream):
    overload(upstream)
    until(lambda: any(is_exceeded(e) for e in commanded()), f"onLimitExceeded, among {commanded()[:9]}")


@case("hooks")
def metrics_come_again_and_again(_):
    before = sum(is_metrics(e) for e in listener.events)
    time.sleep(1)
    between(sum(is_metrics(e) for e in listener.events) - before, 2, 8, "events in a second, of one each 200 ms")


@case("hooks")
def a_socket_that_was_away_is_found_again(upstream):
    global listener
    listener.close()
    overload(upstream)
    listener = Listener()
    overload(upstream)
    until(lambda: (overload(upstream), any(is_exceeded(e) for e in listener.events))[1], "onLimitExceeded again", 15)


@case("hanging")
def a_hook_that_hangs_harms_nobody(upstream):
    silent = Listener(reads=False)
    tasks = fill(upstream, 3, 1500)
    begun = time.monotonic()
    for i in range(300):
        equal(call(rpc_id=i).status, 503, "status")
    between(time.monotonic() - begun, 0, 1.4, "seconds for 300 refusals")
    statuses(tasks)
    begun = time.monotonic()
    for _ in range(100):
        equal(ask().status, 200, "status")
    between(time.monotonic() - begun, 0, 1.5, "seconds for 100 requests")
    children = os.popen(f"pgrep -c -P {os.environ['HATAGOD_PID']}").read().strip()
    between(int(children), 0, 20, "commands that run at once")
    silent.sock.close()


if __name__ == "__main__":
    main()
