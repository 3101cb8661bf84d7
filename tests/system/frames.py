#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Sends frames that no tool sends: tags, fragments, headers cut short. Called by lib.sh
# (send_frames); the frame is an expression of the functions below, from outside in:
#
#       frames.py DEVICE COUNT 'vlan(7, ipv4("10.0.0.9", "10.0.0.2", udp(8080)))'
#
# Checksums are left out but IPv4's own, since nobody on the way looks at them.
import ipaddress
import socket
import struct
import sys


class Part:
    """Bytes, and what the header in front must say that they are."""

    def __init__(self, kind, data):
        self.kind = kind
        self.data = data


def udp(port, payload=b"x" * 18, source=40000):
    return Part(17, struct.pack("!HHHH", source, port, 8 + len(payload), 0) + payload)


def tcp(port, flags=0x02, source=40000):
    return Part(6, struct.pack("!HHIIBBHHH", source, port, 1, 0, 5 << 4, flags, 64240, 0, 0))


def raw(kind, data):
    return Part(kind, data)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, inner, offset=0, more=False, length=None):
    """offset: of a fragment, in bytes; length: what the header claims, if not the truth."""

    def header(total):
        return struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, length or 20 + len(inner.data), 77,
            (0x2000 if more else 0) | offset // 8, 64, inner.kind, total,
            ipaddress.IPv4Address(source).packed, ipaddress.IPv4Address(destination).packed)

    return Part(0x0800, header(checksum(header(0))) + inner.data)


def ipv6(source, destination, inner):
    return Part(0x86DD, struct.pack("!IHBB", 6 << 28, len(inner.data), inner.kind, 64)
                + ipaddress.IPv6Address(source).packed
                + ipaddress.IPv6Address(destination).packed + inner.data)


def fragment(inner, offset=0, more=False):
    return Part(44, struct.pack("!BBHI", inner.kind, 0, offset | more, 77) + inner.data)


def options(inner, kind=60):
    return Part(kind, struct.pack("!BB", inner.kind, 0) + b"\x01\x04\0\0\0\0" + inner.data)


def vlan(number, inner, ethertype=0x8100):
    return Part(ethertype, struct.pack("!HH", number, inner.kind) + inner.data)


def main():
    device, count, expression = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    part = eval(expression)  # the tests' own
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((device, 0))
        mac = s.getsockname()[4]
        frame = b"\xff" * 6 + mac + struct.pack("!H", part.kind) + part.data
        for _ in range(count):
            s.send(frame.ljust(60, b"\0"))


main()
