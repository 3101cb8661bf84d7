# SPDX-License-Identifier: MIT
"""
A service behind the gate that behaves badly on demand: what it does is said by the path
(see behaviours.py). It runs in the test's own process, a thread a connection, so a
test can look at all that reached it: connections, requests byte for byte, how many ran at
once, and when the other side went away. Nothing here trusts or mends what it reads.
"""
import socket
import struct
import threading
import time
import urllib.parse

HEAD_MAX = 1 << 20  # bytes of a head that it will read
WAIT_S = 10  # longest that a test waits for something to happen here


class Gone(Exception):
    """The other side closed, or this side is to stop."""


class Request:
    """One request as it came: the head's bytes, the body without its coding."""

    def __init__(self, connection, head):
        self.at = time.monotonic()
        self.connection = connection
        self.head = head
        line, *fields = head[:-4].split(b"\r\n")
        self.method, self.target, self.version = line.decode("latin1").split(" ")
        self.fields = [tuple(f.decode("latin1").split(": ", 1)) if b": " in f else (f.decode("latin1"), "")
                       for f in fields]
        url = urllib.parse.urlsplit(self.target)
        self.path = url.path
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.body = b""
        self.trailers = []
        self.ended_at = None  # when its answer was complete
        self.left_at = None  # when the other side went away during it

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, otherwise=None):
        return (self.all(name) or [otherwise])[0]

    def number(self, name, otherwise=0):
        return int(self.query.get(name, otherwise))


class Connection:
    """A connection from the gate."""

    def __init__(self, upstream, sock, number):
        self.upstream = upstream
        self.sock = sock
        self.number = number
        self.buffer = bytearray()
        self.received = 0
        self.request = None  # the one that is being answered

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        self.received += len(data)
        self.buffer += data

    def take(self, n):
        while len(self.buffer) < n:
            self.more()
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def take_until(self, mark):
        while mark not in self.buffer:
            if len(self.buffer) > HEAD_MAX:
                raise Gone
            self.more()
        return self.take(self.buffer.index(mark) + len(mark))

    def send(self, data):
        self.sock.sendall(data)

    def answer(self, status, body=b"", fields=(), kind="application/json"):
        # Noted first: what the gate sends because of this answer comes after it.
        self.upstream.note_end(self.request)
        head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *fields]
        self.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def read_head(self):
        return Request(self, self.take_until(b"\r\n\r\n"))

    def read_body(self, request):
        """The body, decoded; for chunked ones the trailers too."""
        if "chunked" in (request.get("transfer-encoding") or "").lower():
            while size := int(self.take_until(b"\r\n"), 16):
                request.body += self.take(size)
                assert self.take(2) == b"\r\n"
            while (line := self.take_until(b"\r\n")) != b"\r\n":
                request.trailers.append(line[:-2].decode("latin1"))
        else:
            request.body = self.take(int(request.get("content-length") or 0))

    def wait_for_close(self, seconds=WAIT_S):
        """Did the other side close within that time?"""
        self.sock.settimeout(seconds)
        try:
            while True:
                self.more()
        except (Gone, ConnectionError):
            return True
        except TimeoutError:
            return False


class Upstream:
    """Listens on an address; `behave(connection, request)` answers a request whose head was read."""

    def __init__(self, behave, address=("127.0.0.1", 8787), family=socket.AF_INET):
        self.behave = behave
        self.connections = 0
        self.bytes = 0  # of all connections that ended
        self.requests = []
        self.running = self.peak = 0
        self.open = set()
        self.changed = threading.Condition()
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen(1024)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                self.connections += 1
                connection = Connection(self, sock, self.connections)
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        request = None
        try:
            while True:
                request = connection.read_head()
                connection.request = request
                self.note_begin(request)
                try:
                    self.behave(connection, request)
                finally:
                    self.note_end(request)
        except (Gone, OSError):
            if request and request.left_at is None:
                request.left_at = time.monotonic()
        finally:
            with self.changed:
                self.bytes += connection.received
                self.open.discard(connection)
                self.changed.notify_all()
            connection.sock.close()

    def note_begin(self, request):
        with self.changed:
            self.requests.append(request)
            self.running += 1
            self.peak = max(self.peak, self.running)
            self.changed.notify_all()

    def note_end(self, request):
        with self.changed:
            if request.ended_at is None:
                request.ended_at = time.monotonic()
                self.running -= 1
            self.changed.notify_all()

    def wait(self, predicate, what, seconds=WAIT_S):
        with self.changed:
            assert self.changed.wait_for(lambda: predicate(self), seconds), f"in vain for: {what}"

    def forget(self):
        """What came so far is the past: the next case begins."""
        with self.changed:
            self.requests.clear()
            self.peak = self.running

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.open):
            connection.sock.shutdown(socket.SHUT_RDWR)
