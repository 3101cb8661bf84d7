# SPDX-License-Identifier: MIT
"""
How soon a client that goes on after its refusals is dropped: from each source, a SYN every
0.3 ms or so on a fresh socket, while requests on a connection that stands run into 429.
`first_drop.py HOST PORT REFUSALS SOURCE...` prints for each source the ms from when that many
refusals were read to when the first SYN went out that nobody answered, nor any after it.
"""
import select
import socket
import sys
import threading
import time

from client import Client

EVERY_S = 0.0003
ANSWER_S = 0.5  # less than until the kernel sends a SYN again
SETTLE_S = 0.1


class Knocker(threading.Thread):
    """Sends SYNs; each has its socket and the time before it was sent."""

    def __init__(self, address, source):
        super().__init__(daemon=True)
        self.address, self.source = address, source
        self.sent, self.stopped = [], False
        self.start()

    def run(self):
        while not self.stopped:
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind((self.source, 0))
            self.sent.append((time.monotonic(), sock))
            sock.connect_ex(self.address)
            time.sleep(EVERY_S)

    def first_unanswered(self):
        """When it was sent; None: all had an answer."""
        self.stopped = True
        self.join()
        poll = select.poll()
        for _, sock in self.sent:
            poll.register(sock, select.POLLOUT)
        waiting = {sock.fileno() for _, sock in self.sent}
        deadline = time.monotonic() + ANSWER_S
        while waiting and (left := deadline - time.monotonic()) > 0:
            for fd, _ in poll.poll(left * 1000):
                poll.unregister(fd)
                waiting.discard(fd)
        first = None
        for at, sock in self.sent:
            if sock.fileno() not in waiting:
                first = None
            elif first is None:
                first = at
            sock.close()
        return first


def measure(address, source, refusals):
    with Client(address, source) as c:
        knocker = Knocker(address, source)
        time.sleep(SETTLE_S)
        while refusals:
            answer = c.ask()
            refusals -= answer.status == 429
        refused_at = time.monotonic()
        time.sleep(SETTLE_S)
        dropped_at = knocker.first_unanswered()
    assert dropped_at is not None, f"{source}: no SYN was dropped within {SETTLE_S} s"
    return (dropped_at - refused_at) * 1000


host, port, count, *sources = sys.argv[1:]
for one in sources:
    print(f"{measure((host, int(port)), one, int(count)):.1f}")
