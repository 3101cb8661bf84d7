# SPDX-License-Identifier: MIT
"""
The gate with an upstream that misbehaves: what the client is told, that no lie becomes
anybody's answer, and that the gate serves on. Groups: broken; absent (nobody listens there).
The gate's requestTimeout is to be 1 s.
"""
import time

from behaviours import RAW
from cases import between, case, equal, main, table, until
from client import Client, Closed, ask, request

SHORT_S = 1.0  # requestTimeout


def serves_on(c=None):
    answer = c.ask() if c else ask()
    equal((answer.status, "head" in answer.json()), (200, True), "the next request's answer")


@table("broken", [(name, name) for name in [*RAW, "/bad-chunk", "/reset", "/silent", "/huge", "/many"]])
def no_answer_to_believe_is_502(_, target):
    with Client() as c:
        c.send(request(target=target))
        try:
            answer = c.read()
        except Closed:
            # Its head was good, the gate had passed it on.
            equal(target, "/bad-chunk", "what may break off")
        else:
            equal(answer.status, 502, "status")
            assert b"evil" not in answer.body
    serves_on()


@case("broken")
def a_bad_upstream_does_not_close_the_client(_):
    with Client() as c:
        equal(c.ask(target="/reset").status, 502, "status")
        serves_on(c)


@table("broken", [(name, name) for name in ["/early", "/early-chunked", "/reset-late"]])
def half_an_answer_never_looks_whole(_, target):
    with Client() as c:
        c.send(request(target=target))
        try:
            answer = c.read()
        except Closed:
            pass
        else:
            equal(answer.status, 502, "an answer that looks whole")
    serves_on()


@case("broken")
def bytes_behind_an_answer_are_nobodys(_):
    for _ in range(5):
        with Client() as c:
            equal(c.ask(target="/long").body, b"{}", "the answer")
            for _ in range(3):
                serves_on(c)


@case("broken")
def idle_connections_that_the_upstream_closed_are_not_used(upstream):
    for _ in range(5):
        serves_on()
        for connection in list(upstream.open):
            connection.sock.shutdown(1)
        time.sleep(0.05)
        serves_on()


@case("broken")
def a_request_without_an_answer_times_out(upstream):
    begun = time.monotonic()
    with Client() as c:
        answer = c.ask(target="/never")
        equal(answer.status, 504, "status")
        between(time.monotonic() - begun, SHORT_S * 0.9, SHORT_S + 0.7, "seconds")
        upstream.wait(lambda u: u.requests[0].left_at, "the end at the upstream")
        serves_on(c)


@case("broken")
def an_answer_that_stalls_times_out(upstream):
    begun = time.monotonic()
    with Client() as c:
        c.send(request(target="/stall"))
        try:
            c.read()
            raise AssertionError("half an answer looks whole")
        except Closed:
            pass
        between(time.monotonic() - begun, SHORT_S * 0.9, SHORT_S + 0.7, "seconds")
    upstream.wait(lambda u: u.requests[0].left_at, "the end at the upstream")


@case("broken")
def an_answer_before_the_body_was_read_arrives(_):
    with Client() as c:
        c.send(b"POST /answers-first HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n")
        try:
            c.send(b"x" * 4000000)
        except OSError:
            pass
        equal(c.read().status, 413, "status")
    serves_on()


@case("broken")
def an_unsafe_request_is_never_sent_twice(upstream):
    """The upstream took it and closed: nobody knows what it did with it."""
    for _ in range(3):
        serves_on()
        upstream.forget()
        equal(ask("POST", "/silent", body=b"{}").status, 502, "status")
        equal(len(upstream.requests), 1, "times that it was sent")


@case("absent")
def nobody_there_is_502(_):
    with Client() as c:
        for _ in range(3):
            equal(c.ask().status, 502, "status")


@case("absent")
def it_serves_as_soon_as_somebody_is_there(_):
    from behaviours import behave
    from upstream import Upstream
    equal(ask().status, 502, "status")
    late = Upstream(behave, ("127.0.0.1", 8790))
    until(lambda: ask().status == 200, "an answer")
    late.stop()


if __name__ == "__main__":
    main()
