# SPDX-License-Identifier: MIT
"""
Who a request's client is. Every client here has a burst of 2 and no more tokens, so the
third request of one client is refused. 127.0.0.2 must speak the PROXY protocol; 127.0.0.3
and 127.0.0.4 are trusted proxies. Groups: proxied and peer (clientId peer), forwarded
(x-forwarded-for), header (X-Client), shared (perClientLimits off), fields (what is added).
"""
import ipaddress
import struct

from cases import case, equal, main, table
from client import Client, Closed, ask, request

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def v1(address, family="TCP4", to="192.0.2.1"):
    return f"PROXY {family} {address} {to} 50000 8080\r\n".encode()


def v2(address, command=0x21, extra=b""):
    ip = ipaddress.ip_address(address)
    to = b"\x01" * len(ip.packed)
    body = ip.packed + to + struct.pack("!HH", 50000, 8080) + extra
    return SIGNATURE + struct.pack("!BBH", command, 0x11 if ip.version == 4 else 0x21, len(body)) + body


def proxied(header, fields=(), source="127.0.0.2"):
    with Client(source=source) as c:
        return c.send(header + request(fields=fields)).read().status


def has_a_bucket(ask_once):
    """Two pass, the third does not: a client whom nobody else was taken for."""
    equal([ask_once() for _ in range(3)], [200, 200, 429], "statuses")


@table("proxied", [
    ("version 1, IPv4", v1("198.51.100.1")),
    ("version 1, IPv6", v1("2001:db8:1::1", "TCP6", "2001:db8::2")),
    ("version 2, IPv4", v2("198.51.100.2")),
    ("version 2, IPv6", v2("2001:db8:2::1")),
    ("version 2 with TLVs", v2("198.51.100.3", extra=b"\x04\x00\x10" + b"x" * 16)),
])
def the_proxy_names_the_client(_, header):
    has_a_bucket(lambda: proxied(header))


@case("proxied")
def both_versions_name_the_same_client(_):
    equal([proxied(v1("198.51.100.9")), proxied(v2("198.51.100.9")), proxied(v1("198.51.100.9"))],
          [200, 200, 429], "statuses")


@case("proxied")
def requests_of_a_connection_have_one_client(_):
    with Client(source="127.0.0.2") as c:
        c.send(v1("198.51.100.10"))
        equal([c.ask().status for _ in range(3)], [200, 200, 429], "statuses")


@case("proxied")
def the_header_may_come_in_pieces(_):
    for header in v1("198.51.100.11"), v2("198.51.100.12"):
        with Client(source="127.0.0.2") as c:
            c.send_pieces(header + request(), 3, 0.005)
            equal(c.read().status, 200, "status")


@case("proxied")
def a_proxys_own_check_is_served(_):
    """LOCAL and UNKNOWN: the connection's own address holds."""
    got = [proxied(h) for h in (v2("198.51.100.13", 0x20), b"PROXY UNKNOWN\r\n", v1("198.51.100.14").replace(
        b"TCP4 198.51.100.14 192.0.2.1 50000 8080", b"UNKNOWN"))]
    equal(got, [200, 200, 429], "statuses")


@table("proxied", [
    ("none", b""), ("version 1 too long", b"PROXY TCP4 " + b"1" * 200 + b"\r\n"),
    ("version 1 of no address", b"PROXY TCP4 1.2.3 192.0.2.1 1 2\r\n"),
    ("version 1 of the wrong family", b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"),
    ("version 1 with a bare LF", b"PROXY TCP4 198.51.100.1 192.0.2.1 1 2\n"),
    ("version 1 of no port", b"PROXY TCP4 198.51.100.1 192.0.2.1 1 99999\r\n"),
    ("version 2 cut short", SIGNATURE + b"\x21\x11\x00\x02\x01\x02"),
    ("version 3", SIGNATURE + b"\x31\x11\x00\x00"), ("another command", SIGNATURE + b"\x2f\x11\x00\x00"),
])
def a_bad_header_is_closed(upstream, header):
    with Client(source="127.0.0.2") as c:
        c.send(header + request())
        try:
            answer = c.read()
            assert answer.status == 400, f"answer {answer}"
        except Closed:
            pass
        assert c.is_closed(), "it stays open"
    equal(upstream.requests, [], "what reached the upstream")


@case("proxied")
def strangers_may_not_speak_it(upstream):
    """Else anybody could be anybody."""
    for header in v1("198.51.100.20"), v2("198.51.100.20"):
        with Client() as c:
            c.send(header + request())
            try:
                equal(c.read().status, 400, "status")
            except Closed:
                pass
            assert c.is_closed(), "it stays open"
    equal(upstream.requests, [], "what reached the upstream")


@case("peer")
def the_peer_is_the_client(_):
    has_a_bucket(lambda: ask(source="127.0.0.10").status)
    has_a_bucket(lambda: ask(source="127.0.0.11").status)


@case("peer")
def headers_say_nothing_by_default(_):
    numbers = iter(range(9))
    for source in "127.0.0.12", "127.0.0.3":
        has_a_bucket(lambda: ask(source=source, fields=[f"X-Forwarded-For: 203.0.113.{next(numbers)}"]).status)


def forwarded(value, source="127.0.0.3"):
    values = value if isinstance(value, list) else [value]
    return ask(source=source, fields=[f"X-Forwarded-For: {v}" for v in values]).status


@case("forwarded")
def a_trusted_proxy_names_the_client(_):
    has_a_bucket(lambda: forwarded("203.0.113.1"))
    has_a_bucket(lambda: forwarded("2001:db8:7::1"))
    equal(forwarded("203.0.113.1", "127.0.0.4"), 429, "the same one behind another proxy")


@case("forwarded")
def strangers_name_nobody(_):
    numbers = iter(range(9))
    has_a_bucket(lambda: forwarded(f"203.0.113.{next(numbers) + 100}", "127.0.0.12"))
    equal(forwarded("203.0.113.100"), 200, "whom they named has all his tokens")


@case("forwarded")
def what_a_client_wrote_itself_is_not_believed(_):
    """The last address that no trusted proxy has counts, from the right."""
    numbers = iter(range(99))
    has_a_bucket(lambda: forwarded(f"192.0.2.{next(numbers)}, 203.0.113.2"))
    has_a_bucket(lambda: forwarded(f"192.0.2.{next(numbers)}, 203.0.113.3, 127.0.0.4"))
    has_a_bucket(lambda: forwarded([f"192.0.2.{next(numbers)}", "203.0.113.4"]))


@table("forwarded", [("empty", ""), ("no address", "unknown"), ("a name", "evil.test"), ("too long", "1" * 1000)])
def without_an_address_it_is_the_proxy(_, value):
    """Never a client of its own for each invention."""
    assert forwarded(value) in (200, 429)
    forwarded(value), forwarded(value)
    equal(forwarded(value + " "), 429, "status when the proxy's own bucket is empty")


@case("header")
def another_header_names_the_client(_):
    def named(name, source="127.0.0.3"):
        return ask(source=source, fields=[f"X-Client: {name}"]).status
    has_a_bucket(lambda: named("alice"))
    has_a_bucket(lambda: named("bob"))
    equal(named("alice", "127.0.0.4"), 429, "alice behind another proxy")
    numbers = iter(range(9))
    has_a_bucket(lambda: named(f"stranger{next(numbers)}", "127.0.0.12"))


@case("shared")
def without_per_client_limits_all_share(_):
    equal([ask(source=f"127.0.0.{i}").status for i in (10, 11, 12)], [200, 200, 429], "statuses")


def seen(name, fields=(), source=None):
    head = ask(fields=fields, source=source).json()["head"]
    return [line.split(": ", 1)[1] for line in head.split("\r\n") if line.lower().startswith(name.lower() + ":")]


@case("fields")
def x_forwarded_for_is_written(_):
    equal(seen("X-Forwarded-For"), ["127.0.0.1"], "of a client")
    equal(seen("X-Forwarded-For", ["X-Forwarded-For: 6.6.6.6"]), ["127.0.0.1"], "of a client that forged it")
    got = ", ".join(seen("X-Forwarded-For", ["X-Forwarded-For: 203.0.113.1"], "127.0.0.3"))
    equal(got, "203.0.113.1, 127.0.0.3", "behind a trusted proxy")


@case("fields")
def forwarded_is_written(_):
    assert any("for=127.0.0.1" in value.replace('"', "") for value in seen("Forwarded")), seen("Forwarded")
    assert not any("6.6.6.6" in value for value in seen("Forwarded", ["Forwarded: for=6.6.6.6"])), "a forged one passes"


@case("fields")
def via_is_written(_):
    got = seen("Via")
    assert len(got) == 1 and got[0].startswith("1.1 "), f"Via: {got}"
    assert "1.0 before" in ", ".join(seen("Via", ["Via: 1.0 before"])), "an earlier one is lost"


if __name__ == "__main__":
    main()
