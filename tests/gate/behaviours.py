# SPDX-License-Identifier: MIT
"""
What the upstream of the tests does with a request: a function a path, each honest, slow,
broken or a liar in one way. `PATHS` has them all; the query fills in numbers.
"""
import hashlib
import json
import time

from rpc_service import serve_rpc
from upstream import Gone

PIECE = 65536  # bytes that are sent at a time
PATHS = {}


def path(name):
    def register(function):
        PATHS[name] = function
        return function
    return register


def behave(connection, request):
    PATHS.get(request.path, echo)(connection, request)
    if request.version == "HTTP/1.0" or "close" in (request.get("connection") or "").lower():
        raise Gone


# --- honest ones ---

@path("/echo")
def echo(c, r):
    """Tells the request exactly as it came."""
    if r.get("expect"):
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    c.read_body(r)
    c.answer("200 OK", json.dumps({
        "head": r.head.decode("latin1"), "body": r.body.decode("latin1"), "trailers": r.trailers,
        "connection": c.number}).encode())


@path("/sink")
def sink(c, r):
    """A digest of a body that may be large; `ms` before it is read, for back-pressure."""
    time.sleep(r.number("ms") / 1000)
    c.read_body(r)
    c.answer("200 OK", json.dumps({"length": len(r.body), "digest": hashlib.sha256(r.body).hexdigest()}).encode())


@path("/delay")
def delay(c, r):
    c.read_body(r)
    time.sleep(r.number("ms") / 1000)
    c.answer(f"{r.number('code', 200)} Late", b"{}")


@path("/status")
def status(c, r):
    """A status; `length` claims a body that the status, or HEAD, does not have."""
    c.read_body(r)
    length = f"Content-Length: {r.query['length']}\r\n" if "length" in r.query else ""
    c.send(f"HTTP/1.1 {r.query['code']} Some\r\n{length}\r\n".encode())


@path("/bytes")
def some_bytes(c, r):
    left = r.number("n")
    c.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {left}\r\n\r\n".encode())
    while left:
        c.send(b"x" * min(left, PIECE))
        left -= min(left, PIECE)


@path("/chunked")
def chunked(c, r):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
    for i in range(r.number("n", 3)):
        c.chunk(b"chunk %d;" % i)
    c.send(b"0\r\nX-Sum: 7\r\n\r\n")


@path("/sse")
def events(c, r):
    """`n` events, one each `ms`, as a GET stream sends them."""
    c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for i in range(r.number("n", 3)):
        c.chunk(b"id: %d\ndata: event %d\n\n" % (i, i))
        time.sleep(r.number("ms", 100) / 1000)
    c.send(b"0\r\n\r\n")


@path("/interim")
def interim(c, r):
    c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    time.sleep(0.05)
    c.answer("200 OK", b"{}")


@path("/upgrade")
def upgrade(c, r):
    """Like a WebSocket: 101, then every byte comes back until `bye`."""
    c.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nfirst")
    while True:
        if not c.buffer:
            c.more()
        data = c.take(len(c.buffer))
        c.send(data)
        if data.endswith(b"bye"):
            raise Gone


@path("/refuse-upgrade")
def refuse_upgrade(c, r):
    c.answer("426 Upgrade Required", b"{}")


@path("/old")
def old(c, r):
    c.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the close")
    raise Gone


@path("/close")
def close(c, r):
    c.answer("200 OK", b"{}", ["Connection: close"])
    raise Gone


@path("/hop")
def hop(c, r):
    """Fields that are of this connection only."""
    c.answer("200 OK", b"{}", ["Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5",
                               "Proxy-Connection: keep-alive", "X-End: 1", "Set-Cookie: a=1",
                               "Set-Cookie: b=2", "Upgrade: h2c"])


@path("/rpc")
def rpc(c, r):
    c.read_body(r)
    serve_rpc(c, r)


PATHS["/mcp"] = rpc


# --- slow or absent ones ---

@path("/never")
def never(c, r):
    if c.wait_for_close():
        raise Gone


@path("/stall")
def stall(c, r):
    """Half an answer, then nothing."""
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    if c.wait_for_close():
        raise Gone


# --- broken ones ---

@path("/reset")
def reset(c, r):
    c.reset()


@path("/reset-late")
def reset_late(c, r):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    time.sleep(0.1)
    c.reset()


@path("/silent")
def silent(c, r):
    raise Gone


@path("/early")
def early(c, r):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    raise Gone


@path("/early-chunked")
def early_chunked(c, r):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
    raise Gone


@path("/answers-first")
def answers_first(c, r):
    """Answers without having read the body, and closes."""
    c.answer("413 Too Large", b"{}", ["Connection: close"])
    time.sleep(0.05)
    raise Gone


# --- liars ---

@path("/long")
def too_long(c, r):
    """More bytes than it said: they must never become another client's answer."""
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")


@path("/huge")
def huge(c, r):
    c.answer("200 OK", b"{}", ["X-Huge: " + "h" * r.number("n", 1 << 20)])


@path("/many")
def many(c, r):
    c.answer("200 OK", b"{}", [f"X-Many-{i}: 1" for i in range(r.number("n", 10000))])


RAW = {
    "/garbage": b"garbage\r\n\r\n",
    "/garbage-version": b"HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n",
    "/garbage-status": b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
    "/both": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "/two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "/bad-length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
    "/folded": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}",
    "/bare-cr": b"HTTP/1.1 200 OK\r\nX-A: 1\rContent-Length: 5\r\nContent-Length: 2\r\n\r\n{}",
    "/unknown-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
}
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n"


def raw(data):
    def send(c, r):
        c.send(data)
    return send


for _name, _data in RAW.items():
    PATHS[_name] = raw(_data)
PATHS["/bad-chunk"] = raw(BAD_CHUNK)
