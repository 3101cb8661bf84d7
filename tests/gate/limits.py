# SPDX-License-Identifier: MIT
"""
The named bounds on what a client may send and hold. Groups: sizes, times, connections;
each is run with the configuration of gate_limits.sh, whose numbers stand here too.
"""
import time

from cases import Task, between, case, equal, main, table, until
from client import Client, Closed, ask, request

LINE_MAX, FIELDS_MAX, HEAD_MAX, BODY_MAX = 2000, 30, 6000, 100000
HEADER_S, IDLE_S, BODY_RATE = 0.6, 1.0, 20000
CONNECTIONS_MAX, CLIENT_CONNECTIONS_MAX = 20, 8


def refused(data, status, upstream=None):
    with Client() as c:
        try:
            c.send(data)
        except OSError:
            pass
        equal(c.read().status, status, "status")
        assert c.is_closed(), "it stays open"
    if upstream:
        equal(upstream.requests, [], "what reached the upstream")


@table("sizes", [("just fits", LINE_MAX - 2, 200), ("just over", LINE_MAX + 3, 414), ("far over", 100000, 414)])
def request_line(upstream, length, status):
    """Without its CR LF."""
    target = "/echo?" + "a" * (length - len("GET /echo? HTTP/1.1"))
    if status == 200:
        equal(ask(target=target).status, 200, "status")
    else:
        refused(request(target=target), status, upstream)


@case("sizes")
def a_request_line_without_an_end(upstream):
    refused(b"GET /" + b"a" * 100000, 414, upstream)


@table("sizes", [("just fits", FIELDS_MAX - 1, 200), ("just over", FIELDS_MAX, 431), ("far over", 5 * FIELDS_MAX, 431)])
def field_count(upstream, count, status):
    """Host is one of them."""
    fields = [f"X-{i}: 1" for i in range(count)]
    if status == 200:
        equal(ask(fields=fields).status, 200, "status")
    else:
        refused(request(fields=fields), status, upstream)


@table("sizes", [("just fits", HEAD_MAX - 200, 200), ("just over", HEAD_MAX, 431), ("far over", 100000, 431)])
def field_bytes(upstream, length, status):
    if status == 200:
        equal(ask(fields=["X-A: " + "a" * length]).status, 200, "status")
    else:
        refused(request(fields=["X-A: " + "a" * length]), status, upstream)


@case("sizes")
def a_field_without_an_end(upstream):
    refused(b"GET /echo HTTP/1.1\r\nHost: h\r\nX-A: " + b"a" * 100000, 431, upstream)


@case("sizes")
def body_of_a_length(upstream):
    equal(ask("POST", body=b"x" * BODY_MAX).status, 200, "one that just fits")
    upstream.forget()
    refused(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (BODY_MAX + 1), 413, upstream)
    refused(request("POST", body=b"x" * (BODY_MAX + 1)), 413, upstream)


@case("sizes")
def body_in_chunks(upstream):
    """Its length shows only on the way; it must not become a whole request."""
    piece = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    with Client() as c:
        try:
            c.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   + piece * (BODY_MAX // 0x2000 + 1) + b"0\r\n\r\n")
        except OSError:
            pass
        equal(c.read().status, 413, "status")
        assert c.is_closed(), "it stays open"
    upstream.wait(lambda u: u.running == 0, "the end at the upstream")
    for r in upstream.requests:
        assert r.left_at, "a whole request reached the upstream"


@case("sizes")
def expect_of_a_body_too_large(upstream):
    with Client() as c:
        c.send(f"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {BODY_MAX + 1}\r\n\r\n")
        answer = c.read()
        equal((answer.status, answer.interim), (413, []), "answer")


def closes_within(c, low, high, statuses=(408,)):
    begun = time.monotonic()
    try:
        answer = c.read()
        assert answer.status in statuses, f"answer {answer}"
    except Closed:
        assert None in statuses, "it closes without an answer"
    assert c.is_closed(), "it stays open"
    between(time.monotonic() - begun, low, high, "seconds")


@table("times", [("nothing of it", b"", (408, None)), ("half a line", b"GET /ec", (408,)),
                 ("no empty line", b"GET /echo HTTP/1.1\r\nHost: h\r\n", (408,))])
def a_head_has_its_time(upstream, data, statuses):
    with Client() as c:
        c.send(data)
        closes_within(c, HEADER_S * 0.5, IDLE_S + 0.8, statuses)
    equal(upstream.requests, [], "what reached the upstream")


@case("times")
def slowloris_does_not_win_time(upstream):
    """A byte now and then: the clock runs from the head's first byte."""
    begun = time.monotonic()
    with Client() as c:
        try:
            for byte in request(fields=["X-Long: " + "a" * 200]):
                c.send(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            pass
        try:
            equal(c.read().status, 408, "status")
        except Closed:
            pass  # a byte that came after its answer resets the connection
    between(time.monotonic() - begun, HEADER_S * 0.8, HEADER_S + 4, "seconds")
    equal(upstream.requests, [], "what reached the upstream")


@case("times")
def slow_heads_on_a_kept_connection(upstream):
    with Client() as c:
        equal(c.ask().status, 200, "status")
        upstream.forget()
        c.send("GET /ec")
        closes_within(c, HEADER_S * 0.5, HEADER_S + 0.8)
    equal(upstream.requests, [], "what reached the upstream")


@case("times")
def an_idle_connection_is_closed(_):
    with Client() as c:
        equal(c.ask().status, 200, "status")
        begun = time.monotonic()
        assert c.is_closed(IDLE_S + 1.5), "it stays open"
        between(time.monotonic() - begun, IDLE_S * 0.7, IDLE_S + 1, "seconds")


@case("times")
def a_connection_in_use_is_not_idle(_):
    with Client() as c:
        equal(c.ask().status, 200, "status of the first")
        for _ in range(4):
            time.sleep(IDLE_S * 0.5)
            equal(c.ask().status, 200, "status")
        equal(c.ask(target=f"/delay?ms={int(IDLE_S * 1500)}").status, 200, "status of a slow one")


@case("times")
def a_quiet_stream_is_not_idle(_):
    with Client() as c:
        equal(len(c.ask(target=f"/sse?n=2&ms={int(IDLE_S * 1500)}").body) > 20, True, "events")


def trickle(framing, piece):
    """Sends a body of ten bytes a second or so, until nobody wants it; gives the seconds."""
    begun = time.monotonic()
    with Client() as c:
        c.send(b"POST /echo HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n")
        try:
            for _ in range(80):
                c.send(piece)
                time.sleep(0.1)
        except OSError:
            pass
    return time.monotonic() - begun


@case("times")
def a_body_has_a_least_rate(upstream):
    tasks = [Task(trickle, b"Content-Length: 90000", b"x"), Task(trickle, b"Transfer-Encoding: chunked", b"1\r\nx\r\n")]
    for task in tasks:
        between(task.join(), 0.3, 7, "seconds until it gives up")
    upstream.wait(lambda u: u.running == 0, "the end at the upstream")
    assert all(r.left_at for r in upstream.requests), "a whole request reached the upstream"


@case("times")
def a_fast_body_may_take_long(_):
    with Client() as c:
        c.send(b"POST /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n")
        for _ in range(15):
            c.send(b"x" * 6000)
            time.sleep(0.1)
        equal(c.read().json()["length"], 90000, "what arrived")


def is_served(c):
    try:
        return c.ask().status == 200
    except (Closed, OSError):
        return False


def served(count, source=None):
    clients = [Client(source=source) for _ in range(count)]
    return clients, sum(is_served(c) for c in clients)


def close(clients):
    for c in clients:
        c.sock.close()


def serves_again():
    until(lambda: served_one(), "a connection that is served again")


def served_one():
    with Client() as c:
        return is_served(c)


@case("connections")
def connections_of_a_client_are_bounded(_):
    clients, count = served(CLIENT_CONNECTIONS_MAX + 4, "127.0.0.2")
    equal(count, CLIENT_CONNECTIONS_MAX, "connections of one client that are served")
    serves_again()  # another client
    close(clients)
    until(lambda: is_served_from("127.0.0.2"), "the same client, after it closed some")


def is_served_from(source):
    with Client(source=source) as c:
        return is_served(c)


@case("connections")
def connections_are_bounded(_):
    clients, counts = [], 0
    for last in range(3, 8):
        some, count = served(CLIENT_CONNECTIONS_MAX - 1, f"127.0.0.{last}")
        clients += some
        counts += count
    equal(counts, CONNECTIONS_MAX, "connections that are served")
    close(clients)
    serves_again()


@case("connections")
def a_flood_of_connections_does_no_harm(_):
    for _ in range(300):
        try:
            Client(source="127.0.0.9").sock.close()
        except OSError:
            pass
    serves_again()


@case("connections")
def many_at_once_are_all_served(_):
    tasks = [Task(ask, source=f"127.0.1.{i}") for i in range(CONNECTIONS_MAX // 2)]
    equal([t.join().status for t in tasks], [200] * (CONNECTIONS_MAX // 2), "statuses")


if __name__ == "__main__":
    main()
