# SPDX-License-Identifier: MIT
"""
Requests that two parsers could read in two ways. Each must be refused with the status
named here, the connection closed, and nothing of it may have reached the upstream. One group.
"""
import time

from cases import case, equal, main, table
from client import Client, Closed, ask, request

BODY = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


def post(*fields, body="", version="1.1", host="Host: h\r\n"):
    return f"POST /echo HTTP/{version}\r\n{host}" + "".join(f + "\r\n" for f in fields) + "\r\n" + body


def chunked(body, *fields):
    return post("Transfer-Encoding: chunked", *fields, body=body)


CHUNKED, LENGTH = "Transfer-Encoding: chunked", "Content-Length: 5"

HEADS = [
    ("length and chunked", 400, post(LENGTH, CHUNKED, body="0\r\n\r\n" + BODY)),
    ("chunked and length", 400, post(CHUNKED, LENGTH, body="0\r\n\r\n" + BODY)),
    ("chunked and length 0", 400, post(CHUNKED, "Content-Length: 0", body="0\r\n\r\n" + BODY)),
    ("two lengths", 400, post("Content-Length: 5", "Content-Length: 6", body="hello!")),
    ("two equal lengths", 400, post(LENGTH, LENGTH, body="hello")),
    ("length +5", 400, post("Content-Length: +5", body="hello")),
    ("length -5", 400, post("Content-Length: -5", body="hello")),
    ("length 5, 5", 400, post("Content-Length: 5, 5", body="hello")),
    ("length 0x5", 400, post("Content-Length: 0x5", body="hello")),
    ("length 5 5", 400, post("Content-Length: 5 5", body="hello")),
    ("length 5a", 400, post("Content-Length: 5a", body="hello")),
    ("length empty", 400, post("Content-Length:", body="hello")),
    ("length 2^64", 400, post("Content-Length: 18446744073709551616", body="hello")),
    ("length 2^64 + 5", 400, post("Content-Length: 18446744073709551621", body="hello")),
    ("blank before a colon", 400, post("Transfer-Encoding : chunked", body="0\r\n\r\n")),
    ("tab before a colon", 400, post("Transfer-Encoding\t: chunked", body="0\r\n\r\n")),
    ("blank before a length's colon", 400, post("Content-Length : 5", body="hello")),
    ("chunked, identity", (400, 501), post("Transfer-Encoding: chunked, identity", body="0\r\n\r\n")),
    ("identity", (400, 501), post("Transfer-Encoding: identity", body="hello")),
    ("chunked twice", (400, 501), post("Transfer-Encoding: chunked, chunked", body="0\r\n\r\n")),
    ("chunked in two fields", (400, 501), post(CHUNKED, CHUNKED, body="0\r\n\r\n")),
    ("chunked, then nothing", (400, 501), post("Transfer-Encoding: chunked,", body="0\r\n\r\n")),
    ("xchunked", (400, 501), post("Transfer-Encoding: xchunked", body="0\r\n\r\n")),
    ("chunked in quotes", (400, 501), post('Transfer-Encoding: "chunked"', body="0\r\n\r\n")),
    ("chunked with a parameter", (400, 501), post("Transfer-Encoding: chunked;q=1", body="0\r\n\r\n")),
    ("vertical tab and chunked", (400, 501), post("Transfer-Encoding: \x0bchunked", body="0\r\n\r\n")),
    ("coding empty", (400, 501), post("Transfer-Encoding:", LENGTH, body="hello")),
    ("gzip, chunked", 501, post("Transfer-Encoding: gzip, chunked", body="0\r\n\r\n")),
    ("gzip", (400, 501), post("Transfer-Encoding: gzip", body="x")),
    ("bare LF", 400, f"POST /echo HTTP/1.1\nHost: h\n{LENGTH}\n\nhello"),
    ("one bare LF", 400, post("X-A: 1\nContent-Length: 5", body="hello")),
    ("bare LF at the end", 400, "GET /echo HTTP/1.1\r\nHost: h\r\n\n"),
    ("bare LF in the request line", 400, "GET /echo HTTP/1.1\nHost: h\r\n\r\n"),
    ("bare CR in a value", 400, post("X-A: 1\rContent-Length: 5", body="hello")),
    ("bare CR in a name", 400, post("X\rA: 1")),
    ("bare CR at the end", 400, "GET /echo HTTP/1.1\r\nHost: h\r\r\n\r\n"),
    ("folded line", 400, post("X-A: 1", " 2")),
    ("folded with a tab", 400, post("X-A: 1", "\tContent-Length: 5", body="hello")),
    ("folded coding", 400, post("Transfer-Encoding:", " chunked", body="0\r\n\r\n")),
    ("folded first line", 400, "GET /echo HTTP/1.1\r\n Host: h\r\n\r\n"),
    ("blank before the method", 400, " GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("NUL in a value", 400, post("X-A: 1\x002")),
    ("NUL in a name", 400, post("X\x00A: 1")),
    ("control byte in a value", 400, post("X-A: \x01")),
    ("DEL in a value", 400, post("X-A: \x7f")),
    ("no name", 400, post(": value")),
    ("no colon", 400, post("X-A")),
    ("blank in a name", 400, post("X A: 1")),
    ("byte of Latin-1 in a name", 400, post("X\xe9: 1")),
    ("brackets in a name", 400, post("X[a]: 1")),
    ("no Host", 400, "GET /echo HTTP/1.1\r\nX-A: 1\r\n\r\n"),
    ("two Hosts", 400, "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("two equal Hosts", 400, "GET /echo HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("two Hosts of HTTP/1.0", 400, "GET /echo HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("Host with a path", 400, "GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("Host with a blank", 400, "GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n"),
    ("Host with a user", 400, "GET /echo HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    ("list of Hosts", 400, "GET /echo HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    ("HTTP/1.0 with chunks", 400, post(CHUNKED, version="1.0", body="0\r\n\r\n" + BODY)),
    ("HTTP/0.9", 400, "GET /echo\r\n\r\n"),
    ("HTTP/2.0", (400, 505), "GET /echo HTTP/2.0\r\nHost: h\r\n\r\n"),
    ("HTTP/1.2 is not ours", (400, 505), "GET /echo HTTP/1.2\r\nHost: h\r\n\r\n"),
    ("HTTP/01.1", (400, 505), "GET /echo HTTP/01.1\r\nHost: h\r\n\r\n"),
    ("http/1.1", (400, 505), "GET /echo http/1.1\r\nHost: h\r\n\r\n"),
    ("HTTP/2's preface", (400, 505), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("blank in the target", 400, "GET /echo /x HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("two blanks", 400, "GET  /echo HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("tab in the request line", 400, "GET\t/echo HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("blank at the end of the request line", 400, "GET /echo HTTP/1.1 \r\nHost: h\r\n\r\n"),
    ("NUL in the target", 400, "GET /ec\x00ho HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("target without a slash", 400, "GET echo HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("fragment in the target", 400, "GET /echo#a HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("TLS", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "r" * 32 + "\r\n\r\n"),
    ("two blank lines first", 400, "\r\n\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n"),
]

CHUNKS = [
    ("size 0x5", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("size with a blank behind", "5 \r\nhello\r\n0\r\n\r\n"),
    ("size with a blank before", " 5\r\nhello\r\n0\r\n\r\n"),
    ("size -1", "-1\r\nhello\r\n0\r\n\r\n"),
    ("size +5", "+5\r\nhello\r\n0\r\n\r\n"),
    ("size empty", "\r\nhello\r\n0\r\n\r\n"),
    ("size of no digits", "g\r\nhello\r\n0\r\n\r\n"),
    ("size that overflows", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("size of 2^64 - 1", "ffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    ("size of many zeros", "0" * 5000 + "5\r\nhello\r\n0\r\n\r\n"),
    ("no end of the chunk", "5\r\nhello0\r\n\r\n"),
    ("chunk longer than said", "5\r\nhello!\r\n0\r\n\r\n"),
    ("chunk ended by a bare LF", "5\r\nhello\n0\r\n\r\n"),
    ("chunk ended by a bare CR", "5\r\nhello\r0\r\n\r\n"),
    ("size ended by a bare LF", "5\nhello\r\n0\r\n\r\n"),
    ("size ended by a bare CR", "5\rhello\r\n0\r\n\r\n"),
    ("bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n"),
    ("bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    ("extension without an end", "5;" + "a" * 10000 + "\r\nhello\r\n0\r\n\r\n"),
    ("last chunk ended by a bare LF", "5\r\nhello\r\n0\n\n"),
    ("trailer with a bare LF", "0\r\nX-A: 1\n\r\n"),
    ("trailer folded", "0\r\nX-A: 1\r\n 2\r\n\r\n"),
    ("trailer without a colon", "0\r\nX-A\r\n\r\n"),
    ("trailer with a blank before its colon", "0\r\nX-A : 1\r\n\r\n"),
    ("trailer Content-Length", "0\r\nContent-Length: 5\r\n\r\n"),
    ("trailer Transfer-Encoding", "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("trailer Host", "0\r\nHost: other\r\n\r\n"),
    ("trailers without an end", "0\r\n" + "X-A: 1\r\n" * 10000 + "\r\n"),
]


def is_refused(c, statuses):
    try:
        answer = c.read()
    except Closed as e:
        raise AssertionError(f"no answer: {e}") from None
    assert answer.status in statuses, f"it is answered {answer}"
    assert c.is_closed(), f"the connection stays open, or more came, after {answer.status}"


@table("smuggling", HEADS)
def head_is_refused(upstream, status, data):
    received = upstream.connections
    with Client() as c:
        c.send(data)
        is_refused(c, status if isinstance(status, tuple) else (status,))
    equal([r.target for r in upstream.requests], [], "what reached the upstream")
    equal(upstream.connections, received, "connections to the upstream")


@table("smuggling", CHUNKS)
def chunks_are_refused(upstream, body):
    """Its head may have been passed on, but never a whole request."""
    with Client() as c:
        try:
            c.send(chunked(body + BODY))
        except OSError:
            pass
        is_refused(c, (400,))
    upstream.wait(lambda u: u.running == 0, "the end at the upstream")
    for r in upstream.requests:
        assert r.left_at, f"a whole request reached the upstream: {r.head} {r.body} {r.trailers}"
        assert r.target != "/smuggled"


@table("smuggling", CHUNKS)
def chunks_byte_by_byte_are_refused(upstream, body):
    if len(body) > 1000:
        return  # minutes
    with Client() as c:
        try:
            c.send_pieces(chunked(body).encode("latin1"))
        except OSError:
            pass
        is_refused(c, (400,))


@case("smuggling")
def a_request_behind_a_refused_one_is_not_served(upstream):
    with Client() as c:
        c.send(request(target="/echo?good") + post(LENGTH, CHUNKED, body="0\r\n\r\n").encode()
               + request(target="/echo?smuggled"))
        equal(c.read().status, 200, "the good one before it")
        is_refused(c, (400,))
    # One of an earlier case may be late.
    equal([r.target for r in upstream.requests if "?" in r.target], ["/echo?good"], "what reached the upstream")


@case("smuggling")
def it_serves_on(_):
    time.sleep(0.1)
    equal(ask().status, 200, "status")


if __name__ == "__main__":
    main()
