# SPDX-License-Identifier: MIT
"""
The gate as a proxy with honest upstreams and clients: framing, connections, what is
removed and what passes, streams. One group. Memory and addresses are in places.py.
"""
import hashlib
import os
import socket
import time

from cases import between, case, equal, main, table
from client import Client, Closed, ask, request

MIB = 1 << 20


def echoed(answer):
    equal(answer.status, 200, "status")
    return answer.json()


def head_fields(head, name):
    return [line.split(":", 1)[1].strip() for line in head.split("\r\n")[1:] if line.lower().startswith(name + ":")]


@case("proxy")
def heads_are_written_anew(_):
    with Client() as c:
        c.send("GET /echo?a=%20b&c=/../d HTTP/1.1\r\nhOsT:gate.test\r\nX-Same:   1  \r\nX-Same: 2\r\nX-Empty:\r\n\r\n")
        head = echoed(c.read())["head"]
    equal(head.split("\r\n")[0], "GET /echo?a=%20b&c=/../d HTTP/1.1", "request line")
    equal(head_fields(head, "host"), ["gate.test"], "Host")
    equal(head_fields(head, "x-same"), ["1", "2"], "a field given twice")
    equal(head_fields(head, "x-empty"), [""], "an empty field")


@case("proxy")
def hop_by_hop_fields_of_requests_are_removed(_):
    head = echoed(ask(fields=["Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: 5", "TE: trailers",
                              "Proxy-Connection: keep-alive", "X-End: 1", "Upgrade: h2c"]))["head"]
    for name in "x-hop", "keep-alive", "proxy-connection", "upgrade":
        equal(head_fields(head, name), [], name)
    equal(head_fields(head, "x-end"), ["1"], "a field that is none")
    assert "x-hop" not in head.lower(), "Connection names what was removed"


@case("proxy")
def connection_may_not_name_what_matters(_):
    """Connection: host would take away the field that says whom it is for."""
    for name in "Host", "Content-Length", "Content-Type":
        with Client() as c:
            c.send(request("POST", fields=[f"Connection: {name}", "Content-Type: application/json"], body=b"{}"))
            answer = c.read()
            if answer.status == 200:
                equal(answer.json()["body"], "{}", "the body")
                equal(head_fields(answer.json()["head"], "host"), ["gate.test"], "Host")
            else:
                equal(answer.status, 400, "status")


@case("proxy")
def hop_by_hop_fields_of_answers_are_removed(_):
    with Client() as c:
        answer = c.ask(target="/hop")
        for name in "x-hop", "proxy-connection", "upgrade":
            equal(answer.all(name), [], name)
        equal(answer.all("set-cookie"), ["a=1", "b=2"], "a field given twice")
        equal(answer.get("x-end"), "1", "a field that is none")
        echoed(c.ask())


@case("proxy")
def a_target_in_absolute_form_becomes_origin_form(_):
    for host in "other.test:99", "gate.test":
        with Client() as c:
            answer = c.send(f"GET http://other.test:99/echo?q HTTP/1.1\r\nHost: {host}\r\n\r\n").read()
        if host == "gate.test" and answer.status == 400:
            continue  # two names for one request: to refuse them is as good as to believe the target
        head = echoed(answer)["head"]
        equal(head.split("\r\n")[0], "GET /echo?q HTTP/1.1", "request line")
        equal(head_fields(head, "host"), ["other.test:99"], "Host")


@case("proxy")
def options_of_everything_pass(_):
    head = echoed(ask("OPTIONS", "*"))["head"]
    equal(head.split("\r\n")[0], "OPTIONS * HTTP/1.1", "request line")


@case("proxy")
def connect_is_not_implemented(upstream):
    with Client() as c:
        c.send("CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n")
        equal(c.read().status, 501, "status")
    equal(upstream.requests, [], "what reached the upstream")


@case("proxy")
def connections_are_kept_on_both_sides(upstream):
    before = upstream.connections
    with Client() as c:
        for _ in range(10):
            echoed(c.ask())
    for _ in range(30):
        echoed(ask())
    between(upstream.connections - before, 0, 4, "connections to the upstream for 40 requests")


@case("proxy")
def pipelined_requests_are_answered_in_order(_):
    with Client() as c:
        c.send(request(target="/delay?ms=50") + b"".join(request(target=f"/echo?i={i}") for i in range(1, 8)))
        equal(c.read().body, b"{}", "the first")
        for i in range(1, 8):
            equal(echoed(c.read())["head"].split()[1], f"/echo?i={i}", "the order")


@case("proxy")
def pipelined_requests_with_bodies(_):
    with Client() as c:
        c.send(request("POST", body=b"one") + b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"3\r\ntwo\r\n0\r\n\r\n" + request("POST", body=b"three"))
        equal([echoed(c.read())["body"] for _ in range(3)], ["one", "two", "three"], "the bodies")


@case("proxy")
def requests_may_come_byte_by_byte(_):
    with Client() as c:
        c.send_pieces(request("POST", body=b"hello"))
        equal(echoed(c.read())["body"], "hello", "the body")
        c.send_pieces(b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")
        equal(echoed(c.read())["body"], "hello", "the body in chunks")


@case("proxy")
def an_empty_line_before_a_request_is_no_sin(_):
    with Client() as c:
        echoed(c.send(b"\r\n" + request()).read())


@case("proxy")
def http_1_0_is_answered_and_closed(_):
    with Client() as c:
        c.send("GET /chunked HTTP/1.0\r\n\r\n")
        answer = c.read()
        equal(answer.body, b"chunk 0;chunk 1;chunk 2;", "the body")
        assert answer.framing != "chunked", "chunks for HTTP/1.0"
        assert c.is_closed(), "it stays open"


@case("proxy")
def http_1_0_with_keep_alive_is_kept(_):
    with Client() as c:
        for _ in range(2):
            c.send("GET /echo HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")
            answer = c.read()
            equal((answer.get("connection") or "").lower(), "keep-alive", "Connection")
            echoed(answer)


@case("proxy")
def connection_close_of_the_client_is_obeyed(_):
    with Client() as c:
        answer = c.ask(fields=["Connection: close"])
        echoed(answer)
        equal((answer.get("connection") or "").lower(), "close", "Connection")
        assert c.is_closed(), "it stays open"


@case("proxy")
def connection_close_of_the_upstream_is_its_own_affair(_):
    with Client() as c:
        for _ in range(3):
            answer = c.ask(target="/close")
            equal((answer.status, answer.body), (200, b"{}"), "answer")
            assert (answer.get("connection") or "").lower() != "close", "the client is closed as well"


@case("proxy")
def a_body_until_the_close_gets_a_frame(_):
    with Client() as c:
        answer = c.ask(target="/old")
        equal((answer.body, answer.framing), (b"until the close", "chunked"), "body")
        echoed(c.ask())


@case("proxy")
def chunked_requests_pass_with_their_trailers(_):
    with Client() as c:
        c.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"5;name=value\r\nhello\r\n00006\r\n world\r\n0\r\nX-T: 7\r\n\r\n")
        seen = echoed(c.read())
        equal((seen["body"], [t.lower() for t in seen["trailers"]]), ("hello world", ["x-t: 7"]), "body and trailers")


@case("proxy")
def trailers_of_answers_pass(_):
    with Client() as c:
        answer = c.ask(target="/chunked", fields=["TE: trailers"])
        equal((answer.body, answer.framing), (b"chunk 0;chunk 1;chunk 2;", "chunked"), "body")
        equal([(name.lower(), value) for name, value in answer.trailers], [("x-sum", "7")], "trailers")
        echoed(c.ask())


@table("proxy", [("HEAD", "HEAD", 200, "1000"), ("204", "GET", 204, None), ("304", "GET", 304, "1000"),
                 ("HEAD of an error", "HEAD", 500, "1000")])
def answers_without_a_body(_, method, code, length):
    with Client() as c:
        for _ in range(2):
            answer = c.ask(method, f"/status?code={code}" + (f"&length={length}" if length else ""))
            equal((answer.status, answer.body, answer.get("content-length")), (code, b"", length), "answer")
        echoed(c.ask())


@case("proxy")
def expect_100_continue(_):
    with Client() as c:
        c.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        c.more()
        assert c.buffer.startswith(b"HTTP/1.1 100 "), f"no 100 but {c.buffer}"
        c.send("hello")
        answer = c.read()
        equal(echoed(answer)["body"], "hello", "the body")
        equal([i.status for i in answer.interim], [100], "interim answers")
        echoed(c.ask())


@case("proxy")
def expect_100_continue_may_be_refused(_):
    """The upstream's final answer reaches a client that still holds its body back."""
    with Client() as c:
        c.send("POST /answers-first HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n")
        equal(c.read().status, 413, "status")


@case("proxy")
def other_interim_answers_pass(_):
    with Client() as c:
        answer = c.ask(target="/interim")
        equal([(i.status, i.get("link")) for i in answer.interim], [(103, "</style.css>")], "interim answers")
        equal(answer.body, b"{}", "body")
        c.send("GET /interim HTTP/1.0\r\n\r\n")
        equal(c.read().interim, [], "interim answers for HTTP/1.0")


@case("proxy")
def an_upgrade_passes_both_ways(upstream):
    with Client() as c:
        c.send("GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        answer = c.read()
        equal((answer.status, (answer.get("upgrade") or "").lower()), (101, "websocket"), "answer")
        equal(c.take(5), b"first", "what came with the head")
        for data in b"\x81\x05hello", b"\r\n\r\n", b"x" * 100000:
            c.send(data)
            equal(c.take(len(data)), data, "the echo")
        c.send("bye")
        equal(c.rest(), b"bye", "the end")
    upstream.wait(lambda u: u.running == 0, "the end at the upstream")


@case("proxy")
def an_upgrade_that_is_refused_is_an_answer(_):
    with Client() as c:
        answer = c.ask(target="/refuse-upgrade", fields=["Connection: Upgrade", "Upgrade: websocket"])
        equal(answer.status, 426, "status")
        echoed(c.ask())


@case("proxy")
def an_upgrade_ends_when_the_client_goes(upstream):
    with Client() as c:
        c.send("GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        c.read()
    upstream.wait(lambda u: u.running == 0, "the end at the upstream")


@case("proxy")
def large_bodies_pass_whole(_):
    data = os.urandom(8 * MIB)
    digest = hashlib.sha256(data).hexdigest()
    with Client() as c:
        answer = c.ask("POST", "/sink", body=data)
        equal(answer.json(), {"length": len(data), "digest": digest}, "by length")
        c.send(b"POST /sink HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(0, len(data), 100000):
            piece = data[i:i + 100000]
            c.send(b"%X\r\n%s\r\n" % (len(piece), piece))
        c.send(b"0\r\n\r\n")
        equal(c.read().json()["digest"], digest, "in chunks")
        equal(len(c.ask(target=f"/bytes?n={8 * MIB}").body), 8 * MIB, "an answer")


@case("proxy")
def events_pass_without_delay(_):
    with Client() as c:
        c.send(request(target="/sse?n=6&ms=100"))
        c.read_head()
        times = []
        while c.read_chunk():
            times.append(time.monotonic())
        late = [round(at - times[0] - i * 0.1, 3) for i, at in enumerate(times)]
        equal(len(times), 6, "events, each by itself")
        assert max(late) < 0.2 and times[5] - times[0] > 0.35, f"they don't come as they happen: {late}"
        c.fields()


@case("proxy")
def a_client_that_goes_does_no_harm(upstream):
    for target in "/delay?ms=100", "/sse?n=3&ms=50", "/chunked":
        with Client() as c:
            c.send(request(target=target))
            c.reset()
    with Client() as c:
        c.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
        upstream.wait(lambda u: len(u.requests) >= 1, "a request")
        c.reset()
    echoed(ask())


@case("proxy")
def half_a_body_never_becomes_a_whole_one(upstream):
    def half(u):  # one of an earlier case may be late
        return [r for r in u.requests if r.target == "/sink?half"]

    with Client() as c:
        c.send(b"POST /sink?half HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        upstream.wait(lambda u: half(u), "the request")
    upstream.wait(lambda u: half(u)[0].left_at, "the end at the upstream")
    equal(half(upstream)[0].body, b"hello", "what came of the body")


@case("proxy")
def a_closed_half_is_still_answered(_):
    """A client that has sent all and says so (FIN) still reads its answer."""
    with Client() as c:
        c.send(request(target="/delay?ms=200"))
        c.sock.shutdown(socket.SHUT_WR)
        try:
            equal(c.read().status, 200, "status")
        except Closed:
            pass  # to take it for a client that left is allowed as well; to hang is not


if __name__ == "__main__":
    main()
