# SPDX-License-Identifier: MIT
"""
A client over a raw socket: sends exactly the bytes it is given, whole, in pieces or slowly,
and reads answers strictly: anything that RFC 9112 does not allow is an error of the gate.
"""
import json
import re
import socket
import struct
import time

GATE = ("127.0.0.1", 8080)
WAIT_S = 8  # longest that a test waits for bytes
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) [\t\x20-\x7e]*")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
HEAD_MAX = 64 * 1024


class Closed(AssertionError):
    """The connection ended before, or within, an answer."""


class Answer:
    def __init__(self, status, fields):
        self.status = status
        self.fields = fields
        self.body = b""
        self.trailers = []
        self.interim = []  # the 1xx before it
        self.framing = "none"

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, otherwise=None):
        return (self.all(name) or [otherwise])[0]

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:300]!r}"


class Client:
    def __init__(self, address=GATE, source=None, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.settimeout(WAIT_S)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(address)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data.encode("latin1") if isinstance(data, str) else data)
        return self

    def send_pieces(self, data, size=1, pause=0.0):
        for i in range(0, len(data), size):
            self.send(data[i:i + size])
            time.sleep(pause)
        return self

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        except TimeoutError:
            raise AssertionError(f"no more bytes within {WAIT_S} s, after {self.buffer[-200:]!r}") from None
        if not data:
            raise Closed(f"closed after {self.buffer[-200:]!r}")
        self.buffer += data

    def take(self, n):
        while len(self.buffer) < n:
            self.more()
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def line(self):
        """A line without its CR LF, which must be just that."""
        while b"\n" not in self.buffer:
            assert len(self.buffer) < HEAD_MAX, "a line without an end"
            self.more()
        line = self.take(self.buffer.index(b"\n") + 1)
        assert line.endswith(b"\r\n") and b"\r" not in line[:-2], f"bad line {line!r}"
        return line[:-2]

    def fields(self):
        fields = []
        while line := self.line():
            match = FIELD_LINE.fullmatch(line)
            assert match, f"bad field {line!r}"
            fields.append(tuple(part.decode("latin1") for part in match.groups()))
        return fields

    def read_head(self):
        """The final answer's head; those of 1xx before it are in its `interim`."""
        interim = []
        while True:
            line = self.line()
            match = STATUS_LINE.fullmatch(line)
            assert match, f"bad status line {line!r}"
            answer = Answer(int(match[1]), self.fields())
            if answer.status >= 200 or answer.status == 101:
                answer.interim = interim
                return answer
            interim.append(answer)

    def read_chunk(self):
        size = self.line().split(b";")[0]
        assert re.fullmatch(rb"[0-9A-Fa-f]+", size), f"bad chunk size {size!r}"
        data = self.take(int(size, 16))
        if data:
            assert self.take(2) == b"\r\n", "no end of a chunk"
        return data

    def read_body(self, answer, is_head=False):
        lengths = answer.all("content-length")
        codings = answer.all("transfer-encoding")
        assert len(lengths) <= 1 and not (lengths and codings), f"two framings: {answer}"
        if is_head or answer.status in (101, 204, 304):
            return
        if codings:
            assert codings == ["chunked"], f"coding {codings}"
            answer.framing = "chunked"
            answer.body = b"".join(iter(self.read_chunk, b""))
            answer.trailers = self.fields()
        elif lengths:
            assert re.fullmatch("[0-9]+", lengths[0]), f"length {lengths}"
            answer.framing = "length"
            answer.body = self.take(int(lengths[0]))
        else:
            answer.framing = "close"
            answer.body = self.rest()

    def read(self, is_head=False):
        answer = self.read_head()
        self.read_body(answer, is_head)
        return answer

    def rest(self):
        """All that comes until the close."""
        try:
            while True:
                self.more()
        except Closed:
            return self.take(len(self.buffer))

    def is_closed(self, within=2.0):
        """Does the other side close, without any byte more, in that time?"""
        self.sock.settimeout(within)
        try:
            return self.buffer == b"" and self.sock.recv(1) == b""
        except ConnectionResetError:
            return self.buffer == b""
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(WAIT_S)

    def is_silent(self, seconds):
        """Is it open, with not a byte to read, for that time?"""
        self.sock.settimeout(seconds)
        try:
            self.more()
            return False
        except AssertionError as e:
            return not isinstance(e, Closed) and self.buffer == b""
        finally:
            self.sock.settimeout(WAIT_S)

    def ask(self, method="GET", target="/echo", fields=(), body=None):
        """An honest request, and its answer."""
        return self.send(request(method, target, fields, body)).read(method == "HEAD")


def request(method="GET", target="/echo", fields=(), body=None):
    lines = [f"{method} {target} HTTP/1.1", "Host: gate.test", *fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin1") + b"\r\n\r\n" + (body or b"")


def rpc_body(method, rpc_id=1, **params):
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if rpc_id is not None:
        message["id"] = rpc_id
    return json.dumps(message).encode()


def rpc_request(body, fields=(), target="/mcp"):
    return request("POST", target, ["Content-Type: application/json",
                                    "Accept: application/json, text/event-stream", *fields], body)


def ask(method="GET", target="/echo", fields=(), body=None, **connection):
    """One request on a connection of its own."""
    with Client(**connection) as c:
        return c.ask(method, target, fields, body)


def call(method="tools/call", rpc_id=1, fields=(), connection=None, **params):
    """One JSON-RPC request on a connection of its own."""
    with Client(**(connection or {})) as c:
        return c.send(rpc_request(rpc_body(method, rpc_id, **params), fields)).read()
