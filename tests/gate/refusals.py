# SPDX-License-Identifier: MIT
"""
What a refused caller is told, field by field as the seed document has it. Groups: rate
(burst 3, then a token in ten seconds), promise (burst 3, then one in two), full
(maxConcurrent 2, queueSize 3, queueTimeout 500 ms), and the styles: inband, code, nullid,
templates (the same bounds as full and rate).
"""
import json
import re
import time
from datetime import datetime, timezone

from admission import fill, statuses
from cases import between, case, equal, main, table
from client import Client, ask, call, request, rpc_body, rpc_request

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TOKEN_S = 10  # seconds until a token comes
STEP_S = 2  # how much later it may be promised: a step of the bucket, and rounding up


def keys(value, expected, what):
    equal(sorted(value), sorted(expected), f"members of {what}")


def whole(value, low, high, what):
    assert isinstance(value, int) and not isinstance(value, bool), f"{what}: {value!r} is no whole number"
    between(value, low, high, what)


def seconds_until(text):
    assert TIME.fullmatch(text), f"'{text}' is no ISO 8601 time in UTC"
    return (datetime.fromisoformat(text) - datetime.now(timezone.utc)).total_seconds()


def has_fields(answer):
    """The header fields that each refusal has."""
    retry = answer.get("retry-after")
    assert retry and re.fullmatch("[0-9]+", retry), f"Retry-After: {retry}"
    whole(int(retry), 1, 3600, "Retry-After")
    for name, pattern in ("ratelimit", r'"[^"]+";.*\br=[0-9]+.*'), ("ratelimit-policy", r'"[^"]+";.*\bq=[0-9]+.*'):
        equal(len(answer.all(name)), 1, f"fields {name}")
        assert re.fullmatch(pattern, answer.get(name)), f"{name}: {answer.get(name)}"
    equal(answer.get("content-type").split(";")[0], "application/json", "Content-Type")


def error_of(answer, rpc_id, message, code=-32000):
    body = answer.json()
    keys(body, ["jsonrpc", "error"] + (["id"] if rpc_id is not Ellipsis else []), "the body")
    equal(body["jsonrpc"], "2.0", "jsonrpc")
    if rpc_id is not Ellipsis:
        equal(body["id"], rpc_id, "id")
    keys(body["error"], ["code", "message", "data"], "error")
    equal((body["error"]["code"], body["error"]["message"]), (code, message), "code and message")
    return body["error"]["data"]


def is_rate_limited(answer, rpc_id, status=429, code=-32000):
    equal(answer.status, status, "status")
    has_fields(answer)
    data = error_of(answer, rpc_id, "Rate limit exceeded", code)
    keys(data, ["type", "retryAfter", "limit", "remaining", "resetTime"], "data")
    equal((data["type"], data["limit"], data["remaining"]), ("rate_limit", 1 / TOKEN_S, 0), "type, limit, remaining")
    whole(data["retryAfter"], 1, 2 * TOKEN_S + STEP_S, "retryAfter")
    equal(answer.get("retry-after"), str(data["retryAfter"]), "Retry-After")
    between(seconds_until(data["resetTime"]), data["retryAfter"] - 2, data["retryAfter"] + 1, "seconds to resetTime")


def empty(source):
    """Takes a client's whole bucket."""
    for _ in range(3):
        equal(call(connection={"source": source}).status, 200, "within the burst")


IDS = [("a number", 7, 7), ("zero", 0, 0), ("a large number", 2**53 + 1, 2**53 + 1), ("a negative number", -1, -1),
       ("text", "abc-1", "abc-1"), ("empty text", "", ""), ("text with escapes", 'q"\\\n\u00e9\u4e2d', 'q"\\\n\u00e9\u4e2d')]


@table("rate", IDS)
def rate_limit_is_told_with_the_id(_, sent, expected):
    number = [row[1] for row in IDS].index(sent) + 10
    source = f"127.0.0.{number}"
    empty(source)
    answer = call(rpc_id=sent, connection={"source": source})
    is_rate_limited(answer, expected)


@case("rate")
def the_connection_stays_open(_):
    source = "127.0.1.1"
    empty(source)
    with Client(source=source) as c:
        for i in range(5):
            answer = c.send(rpc_request(rpc_body("tools/call", i))).read()
            is_rate_limited(answer, i)
            assert (answer.get("connection") or "").lower() != "close", "it closes"


@case("rate")
def an_id_that_comes_last_is_echoed(_):
    source = "127.0.1.2"
    empty(source)
    body = b'{"params":{"id":99,"a":[{"id":98}]},"method":"tools/call","jsonrpc":"2.0",\n"id" : "last"}'
    with Client(source=source) as c:
        is_rate_limited(c.send(rpc_request(body)).read(), "last")


@table("rate", [("an array", b'{"jsonrpc":"2.0","method":"tools/call","id":[1]}', 3),
                ("given twice", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","id":2}', 4),
                ("too long", b'{"jsonrpc":"2.0","method":"tools/call","id":"' + b"a" * 1000 + b'"}', 5),
                ("a batch", b'[{"jsonrpc":"2.0","method":"tools/call","id":1},{"jsonrpc":"2.0","method":"x","id":2}]', 6)])
def an_id_that_cant_be_read_is_left_out(_, body, number):
    source = f"127.0.1.{number}"
    empty(source)
    with Client(source=source) as c:
        is_rate_limited(c.send(rpc_request(body)).read(), Ellipsis)


@case("rate")
def plain_callers_get_the_same_shorter(_):
    source = "127.0.1.20"
    for _ in range(3):
        equal(ask(source=source).status, 200, "within the burst")
    with Client(source=source) as c:
        answer = c.ask()
        equal(answer.status, 429, "status")
        has_fields(answer)
        body = answer.json()
        error = body.get("error", body)
        equal((error["code"], error["message"], error["data"]["type"]),
              (-32000, "Rate limit exceeded", "rate_limit"), "the body")
        assert "id" not in body and "jsonrpc" not in body, f"it is JSON-RPC: {body}"
        equal(c.ask("HEAD").status, 429, "status of HEAD")


@case("promise")
def a_token_comes_when_it_was_promised(_):
    source = "127.0.1.21"
    empty(source)
    answer = call(connection={"source": source})
    wait = int(answer.get("retry-after"))
    between(wait, 2, 4, "Retry-After, of a token each two seconds")
    time.sleep(1)
    equal(call(connection={"source": source}).status, 429, "status before")
    time.sleep(wait - 0.8)
    equal(call(connection={"source": source}).status, 200, "status after Retry-After")
    equal(call(connection={"source": source}).status, 429, "status of the next")


@case("rate")
def a_body_that_is_refused_is_read_away(upstream):
    """The next request of the connection is found behind it."""
    source = "127.0.1.22"
    empty(source)
    with Client(source=source) as c:
        large = rpc_body("tools/call", 1, text="x" * 50000)
        c.send(rpc_request(large) + rpc_request(rpc_body("ping", 2)))
        equal(c.read().status, 429, "the refused one")
        try:
            equal(c.read().json()["id"], 2, "the next one")
        except AssertionError:
            # It may also close, instead of reading on.
            assert c.buffer == b"", "bytes of a body are taken for a request"


# --- concurrency, queue ---

def is_overloaded(answer, rpc_id, position=4, status=503, code=-32000):
    equal(answer.status, status, "status")
    has_fields(answer)
    data = error_of(answer, rpc_id, "Server overloaded", code)
    keys(data, ["type", "queuePosition", "estimatedWait", "maxConcurrent", "current"], "data")
    equal((data["type"], data["queuePosition"], data["maxConcurrent"], data["current"]),
          ("concurrency_limit", position, 2, 2), "type, queuePosition, maxConcurrent, current")
    whole(data["estimatedWait"], 0, 60000, "estimatedWait")


@case("full")
def a_full_queue_is_told(upstream):
    tasks = fill(upstream, 5, 400)
    is_overloaded(call(rpc_id="mine"), "mine")
    is_overloaded(call(rpc_id=5), 5)
    answer = ask(target="/delay")
    equal(answer.status, 503, "status of plain HTTP")
    has_fields(answer)
    equal(answer.json().get("error", answer.json())["data"]["type"], "concurrency_limit", "type for plain HTTP")
    statuses(tasks)


@case("full")
def estimated_wait_is_no_fancy(upstream):
    """Two at a time, 100 ms each, three wait: the fourth would wait about 200 ms."""
    for _ in range(3):
        statuses(fill(upstream, 4, 100))
    tasks = fill(upstream, 5, 100)
    estimated = call().json()["error"]["data"]["estimatedWait"]
    between(estimated, 50, 800, "estimatedWait")
    statuses(tasks)


@case("full")
def a_queue_timeout_is_told(upstream):
    tasks = fill(upstream, 2, 900)
    answer = call(rpc_id="late")
    equal(answer.status, 503, "status")
    has_fields(answer)
    body = answer.json()
    keys(body, ["jsonrpc", "error", "id"], "the body")
    equal((body["id"], body["error"]["code"], body["error"]["data"]["type"]), ("late", -32000, "queue_timeout"), "body")
    statuses(tasks)


# --- styles ---

@case("inband")
def in_band_refusals_are_200(upstream):
    empty("127.0.0.9")
    is_rate_limited(call(rpc_id=3, connection={"source": "127.0.0.9"}), 3, 200)
    tasks = []
    for i in range(5):
        tasks += fill(upstream, 1, 500, source=f"127.0.0.{20 + i}")
    is_overloaded(call(rpc_id=4), 4, status=200)
    equal(ask(target="/delay", source="127.0.0.2").status, 503, "plain HTTP keeps its status")
    statuses(tasks)


@case("code")
def the_code_is_configurable(upstream):
    empty("127.0.0.9")
    is_rate_limited(call(rpc_id=3, connection={"source": "127.0.0.9"}), 3, code=-32050)


@case("nullid")
def the_documents_literal_null(upstream):
    empty("127.0.0.9")
    is_rate_limited(call(rpc_id=3, connection={"source": "127.0.0.9"}), None)


@case("templates")
def the_documents_custom_error(upstream):
    source = "127.0.0.9"
    empty(source)
    answer = call(rpc_id=3, connection={"source": source})
    equal(answer.status, 429, "status")
    has_fields(answer)
    equal(answer.json(), {"jsonrpc": "2.0", "id": 3, "error": {
        "code": -32001, "message": "Server overloaded, please try again later",
        "data": {"retryAfter": int(answer.get("retry-after"))}}}, "the body")
    tasks = []
    for i in range(5):
        tasks += fill(upstream, 1, 500, source=f"127.0.0.{20 + i}")
    equal(call(rpc_id=4).json()["error"], {"code": -32002, "message": "busy", "data": {"queuePosition": 4}}, "error")
    statuses(tasks)


if __name__ == "__main__":
    main()
