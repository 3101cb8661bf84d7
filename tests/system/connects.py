# SPDX-License-Identifier: MIT
"""Connects to a server from many addresses, evenly over some seconds, and asks each
connection for a page; says how many were answered within their patience, and how fast.

    connects.py ADDRESS PORT SECONDS PATIENCE SOURCE...
"""
import asyncio
import sys
import time

REQUEST = b"GET /health HTTP/1.1\r\nHost: sample\r\nConnection: close\r\n\r\n"


async def ask(address, port, source, patience):
    """Seconds until the answer, or None."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(address, port, local_addr=(source, 0))
            writer.write(REQUEST)
            line = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return None
    return time.monotonic() - begun if b" 200 " in line else None


async def later(delay, call):
    await asyncio.sleep(delay)
    return await call


async def main():
    address, port, seconds, patience = sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:5])
    sources = sys.argv[5:]
    answers = await asyncio.gather(*(
        later(seconds * i / len(sources), ask(address, port, source, patience))
        for i, source in enumerate(sources)))
    times = sorted(t for t in answers if t is not None)
    median = times[len(times) // 2] * 1000 if times else 0
    print(len(times), len(sources), round(median), round(times[-1] * 1000) if times else 0)


asyncio.run(main())
