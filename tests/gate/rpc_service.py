# SPDX-License-Identifier: MIT
"""
The upstream as an MCP server, as far as a limiter sees one. What a request's `params` say
is what happens: `ms` before the answer, `stream` (server-sent events), `progress` events
before it, `linger` ms between the answer's event and the end of the stream, `error` a
JSON-RPC error code, `status` an HTTP status. Notifications and responses get 202.
"""
import json
import time

from upstream import Gone

STREAM = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
          b"Mcp-Session-Id: s1\r\nTransfer-Encoding: chunked\r\n\r\n")


def event(c, message):
    c.chunk(b"event: message\ndata: " + json.dumps(message).encode() + b"\n\n")


def result_of(message, params):
    if "error" in params:
        return {"jsonrpc": "2.0", "id": message["id"], "error": {"code": params["error"], "message": "bad"}}
    return {"jsonrpc": "2.0", "id": message["id"], "result": {"method": message["method"]}}


def serve_stream(c, message, params):
    c.send(STREAM)
    for i in range(params.get("progress", 0)):
        event(c, {"jsonrpc": "2.0", "method": "notifications/progress",
                  "params": {"progressToken": 1, "progress": i}})
        time.sleep(params.get("ms", 0) / 1000)
    c.upstream.note_end(c.request)
    event(c, result_of(message, params))
    time.sleep(params.get("linger", 0) / 1000)
    c.send(b"0\r\n\r\n")


def serve_get(c, r):
    """A session's stream: an event now, others while it lasts."""
    c.send(STREAM)
    for i in range(r.number("n", 100)):
        event(c, {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": i}})
        c.sock.settimeout(r.number("ms", 100) / 1000)
        try:
            c.more()
        except TimeoutError:
            continue
    c.sock.settimeout(None)
    c.send(b"0\r\n\r\n")


def serve_rpc(c, r):
    if r.method == "GET":
        return serve_get(c, r)
    if r.method == "DELETE":
        return c.answer("200 OK", b"")
    try:
        body = json.loads(r.body)
    except ValueError:
        return c.answer("400 Bad Request", b'{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse"}}')
    messages = body if isinstance(body, list) else [body]
    requests = [m for m in messages if "id" in m and "method" in m]
    if not requests:
        return c.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
    params = requests[0].get("params") or {}
    r.rpc = requests[0]
    if params.get("stream"):
        return serve_stream(c, requests[0], params)
    time.sleep(params.get("ms", 0) / 1000)
    if params.get("drop"):
        raise Gone
    answers = [result_of(m, m.get("params") or {}) for m in requests]
    c.answer(f"{params.get('status', 200)} Some",
             json.dumps(answers if isinstance(body, list) else answers[0]).encode())
