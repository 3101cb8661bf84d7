# SPDX-License-Identifier: MIT
"""
What MCP over HTTP asks of a limiter ("MCP over HTTP" in the project's readings). Groups:
exempt (burst 4 and no more tokens, maxConcurrent 1, queueSize 5, handshake burst 6),
streams (maxConcurrent 1, queueSize 5, maxStreams 3), eras, batch (burst 10, maxBatch 6).
"""
import json
import time

from admission import fill, statuses
from cases import Task, between, case, equal, main, table, until
from client import Client, ask, call, request, rpc_body, rpc_request
from gate import metrics

NEW_ERA = "MCP-Protocol-Version: 2026-07-28"
NEVER = (400, 404, 405)  # that no refusal may be


def post(body, fields=(), source=None):
    with Client(source=source) as c:
        return c.send(rpc_request(body, fields)).read()


def without_tokens(source):
    for _ in range(4):
        equal(call(connection={"source": source}).status, 200, "within the burst")
    equal(call(connection={"source": source}).status, 429, "over it")


FREE = [
    ("notifications/cancelled", rpc_body("notifications/cancelled", None, requestId=1), 202),
    ("notifications/initialized", rpc_body("notifications/initialized", None), 202),
    ("another notification", rpc_body("notifications/progress", None), 202),
    ("a response", b'{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}', 202),
    ("an error response", b'{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}', 202),
    ("a batch of notifications", b'[' + rpc_body("notifications/cancelled", None) + b"]", 202),
    ("a batch of responses", b'[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":{}}]', 202),
    ("ping", rpc_body("ping", 1), 200),
]


@table("exempt", FREE)
def never_limited(upstream, body, status):
    number = [row[1] for row in FREE].index(body) + 10
    without_tokens(f"127.0.0.{number}")
    tasks = fill(upstream, 1, 400, source="127.0.1." + str(number))
    begun = time.monotonic()
    for _ in range(3):
        equal(post(body, source=f"127.0.0.{number}").status, status, "status")
    between(time.monotonic() - begun, 0, 0.3, "seconds")
    statuses(tasks)


@case("exempt")
def the_end_of_a_session_is_never_limited(upstream):
    without_tokens("127.0.0.30")
    tasks = fill(upstream, 1, 300, source="127.0.1.30")
    equal(ask("DELETE", "/mcp", ["Mcp-Session-Id: s1"], source="127.0.0.30").status, 200, "status")
    statuses(tasks)


@case("exempt")
def what_is_free_does_not_pay(_):
    source = "127.0.0.31"
    for _ in range(20):
        post(rpc_body("ping", 1), source=source)
        post(rpc_body("notifications/progress", None), source=source)
    without_tokens(source)


CHEATS = [
    ("method given twice", b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}'),
    ("method with escapes", b'{"jsonrpc":"2.0","id":1,"method":"tools\\u002fcall"}'),
    ("id given twice", b'{"jsonrpc":"2.0","method":"tools/call","id":1,"id":2}'),
    ("result and method", b'{"jsonrpc":"2.0","id":1,"result":{},"method":"tools/call"}'),
    ("id behind a long text", b'{"jsonrpc":"2.0","method":"tools/call","params":{"x":"' + b"a" * 90000 + b'"},"id":1}'),
    ("method in params", b'{"jsonrpc":"2.0","id":1,"params":{"method":"ping"},"method":"tools/call"}'),
    ("text behind", b'{"jsonrpc":"2.0","method":"notifications/x"}{"jsonrpc":"2.0","id":1,"method":"tools/call"}'),
    ("a notification first", b'[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":1,"method":"tools/call"}]'),
    ("a ping first", b'[{"jsonrpc":"2.0","id":2,"method":"ping"},{"jsonrpc":"2.0","id":1,"method":"tools/call"}]'),
    ("no JSON", b"tools/call"),
    ("an empty batch", b"[]"),
    ("nothing", b""),
]


@table("exempt", CHEATS)
def no_disguise_is_free(_, body):
    source = f"127.0.2.{[row[1] for row in CHEATS].index(body) + 1}"
    without_tokens(source)
    equal(post(body, source=source).status, 429, "status")


@case("exempt")
def a_lying_header_of_the_old_era_is_not_believed(_):
    source = "127.0.0.32"
    without_tokens(source)
    for fields in ["Mcp-Method: ping"], ["Mcp-Method: notifications/cancelled", "MCP-Protocol-Version: 2025-11-25"]:
        equal(post(rpc_body("tools/call", 1), fields, source).status, 429, "status")


@case("exempt")
def initialize_has_a_budget_of_its_own(_):
    """A burst of 6; the lists that follow it too, or the client believes the server broken."""
    source = "127.0.0.33"
    without_tokens(source)
    equal(post(rpc_body("initialize", 0), source=source).status, 200, "initialize")
    equal(post(rpc_body("notifications/initialized", None), source=source).status, 202, "initialized")
    equal(post(rpc_body("tools/list", 1), source=source).status, 200, "tools/list")
    got = [post(rpc_body("initialize", i), source=source).status for i in range(12)]
    between(got.count(200), 4, 6, f"further ones within the burst: {got}")
    equal(got[-1], 429, "the last")


@case("exempt")
def refusals_are_never_what_a_client_misreads(upstream):
    source = "127.0.0.34"
    without_tokens(source)
    for method, target, body in ("POST", "/mcp", rpc_body("tools/call", 1)), ("POST", "/mcp", b"[]"), ("GET", "/mcp", None):
        status = ask(method, target, ["Content-Type: application/json", "Accept: text/event-stream"], body, source=source).status
        assert status not in NEVER, f"{method} is refused with {status}"


# --- streams ---

@case("streams")
def an_answer_in_events_passes_at_once(_):
    begun = time.monotonic()
    with Client() as c:
        c.send(rpc_request(rpc_body("tools/call", 1, stream=True, progress=4, ms=100)))
        equal(c.read_head().get("content-type"), "text/event-stream", "Content-Type")
        times = []
        while c.read_chunk():
            times.append(time.monotonic() - begun)
    equal(len(times), 5, "events")
    between(times[0], 0, 0.1, "seconds to the first")
    between(times[3] - times[0], 0.25, 0.45, "seconds between the first and the fourth")


@case("streams")
def a_stream_holds_its_permit_until_the_response(upstream):
    first = Task(call, stream=True, progress=3, ms=100, linger=1500)
    upstream.wait(lambda u: u.running == 1, "the first")
    begun = time.monotonic()
    equal(call(rpc_id=2).status, 200, "status of the second")
    between(time.monotonic() - begun, 0.2, 0.8, "seconds that the second waited: until the response, not the close")
    equal(upstream.peak, 1, "the most that ran at once")
    assert first.join().body.count(b"data:") == 4, "events of the first"


@case("streams")
def an_error_is_a_response_too(upstream):
    first = Task(call, stream=True, progress=1, ms=100, error=-32602, linger=1500)
    upstream.wait(lambda u: u.running == 1, "the first")
    begun = time.monotonic()
    equal(call(rpc_id=2).status, 200, "status of the second")
    between(time.monotonic() - begun, 0, 0.8, "seconds that the second waited")
    first.join()


def get_stream(source=None):
    c = Client(source=source)
    c.send(request(target="/mcp?ms=50", fields=["Accept: text/event-stream", "Mcp-Session-Id: s1"]))
    return c, c.read_head()


@case("streams")
def a_get_stream_leaves_the_work_budget(upstream):
    c, head = get_stream()
    equal(head.status, 200, "status")
    c.read_chunk()
    begun = time.monotonic()
    equal([call(rpc_id=i).status for i in range(3)], [200] * 3, "calls beside it")
    between(time.monotonic() - begun, 0, 0.5, "seconds")
    equal(metrics()["concurrency"]["current"], 0, "permits that it holds")
    c.read_chunk()
    c.sock.close()
    upstream.wait(lambda u: u.running == 0, "the end at the upstream")


@case("streams")
def a_listen_stream_leaves_it_too(_):
    with Client() as c:
        c.send(rpc_request(rpc_body("subscriptions/listen", 1, stream=True, progress=30, ms=50),
                           [NEW_ERA, "Mcp-Method: subscriptions/listen"]))
        equal(c.read_head().status, 200, "status")
        c.read_chunk()
        begun = time.monotonic()
        equal(call(rpc_id=2).status, 200, "a call beside it")
        between(time.monotonic() - begun, 0, 0.3, "seconds")


@case("streams")
def streams_have_a_budget(upstream):
    streams = [get_stream() for _ in range(3)]
    equal([head.status for _, head in streams], [200] * 3, "statuses")
    over, head = get_stream()
    assert head.status in (429, 503), f"the one over it: {head}"
    assert head.get("retry-after"), "no Retry-After"
    equal(call().status, 200, "work beside them")
    streams[0][0].sock.close()
    def fits():
        c, head = get_stream()
        c.sock.close()
        return head.status == 200
    until(fits, "a place for another")
    for c, _ in streams[1:]:
        c.sock.close()
    over.sock.close()
    upstream.wait(lambda u: u.running == 0, "the end at the upstream")


@case("streams")
def reconnect_storms_are_borne(upstream):
    for _ in range(50):
        c, head = get_stream()
        assert head.status not in NEVER, f"status {head.status}"
        c.sock.close()
    equal(call().status, 200, "a call")
    upstream.wait(lambda u: u.running == 0, "the end at the upstream")
    until(lambda: get_once() == 200, "a stream")


def get_once():
    c, head = get_stream()
    c.sock.close()
    return head.status


@case("streams")
def latency_is_measured_at_the_first_event(_):
    for i in range(10):
        call(rpc_id=i, stream=True, progress=1, ms=0, linger=200)
    between(metrics()["performance"]["avgResponseTime"], 0, 150, "avgResponseTime")


# --- a client that goes away ---

@case("eras")
def going_away_means_cancel_in_2026(upstream):
    with Client() as c:
        c.send(rpc_request(rpc_body("tools/call", 1, stream=True, progress=40, ms=50), [NEW_ERA, "Mcp-Method: tools/call"]))
        c.read_head()
        c.read_chunk()
    upstream.wait(lambda u: u.requests[0].left_at, "the end at the upstream", 1)
    equal(call(rpc_id=2).status, 200, "the permit is free")


@case("eras")
def going_away_before_an_answer_means_cancel_too(upstream):
    with Client() as c:
        c.send(request("POST", "/never", [NEW_ERA, "Mcp-Method: tools/call", "Content-Type: application/json"],
                       rpc_body("tools/call", 1)))
        upstream.wait(lambda u: u.running == 1, "the request")
    upstream.wait(lambda u: u.requests[0].left_at, "the end at the upstream", 1)
    begun = time.monotonic()
    equal(call(rpc_id=2).status, 200, "the permit is free")
    between(time.monotonic() - begun, 0, 0.3, "seconds")


@case("eras")
def before_that_the_work_goes_on(upstream):
    with Client() as c:
        c.send(rpc_request(rpc_body("tools/call", 1, ms=600)))
        upstream.wait(lambda u: u.running == 1, "the request")
    begun = time.monotonic()
    equal(call(rpc_id=2).status, 200, "the next")
    equal(upstream.peak, 1, "the most that ran at once")
    between(time.monotonic() - begun, 0.3, 1.5, "seconds that the permit was held")
    equal(upstream.requests[0].left_at, None, "the upstream was cut off")


@case("eras")
def a_stream_of_the_old_era_goes_on_as_well(upstream):
    with Client() as c:
        c.send(rpc_request(rpc_body("tools/call", 1, stream=True, progress=6, ms=100), ["MCP-Protocol-Version: 2025-11-25"]))
        c.read_head()
        c.read_chunk()
    begun = time.monotonic()
    equal(call(rpc_id=2).status, 200, "the next")
    between(time.monotonic() - begun, 0.3, 1.5, "seconds that the permit was held")
    equal(upstream.peak, 1, "the most that ran at once")


@case("eras")
def headers_of_the_new_era_are_passed(upstream):
    call(fields=[NEW_ERA, "Mcp-Method: tools/call", "Mcp-Name: echo"])
    got = upstream.requests[0]
    equal((got.get("mcp-method"), got.get("mcp-name"), got.get("mcp-protocol-version")),
          ("tools/call", "echo", "2026-07-28"), "fields")


# --- batches ---

def batch(n, method="prompts/get"):
    return b"[" + b",".join(rpc_body(method, i) for i in range(n)) + b"]"


@case("batch")
def a_batch_costs_what_it_holds(_):
    equal(len(post(batch(6), source="127.0.0.2").json()), 6, "answers")
    equal(post(batch(5), source="127.0.0.2").status, 429, "five more, with four tokens left")
    equal(post(batch(4), source="127.0.0.2").status, 200, "four")
    equal(post(batch(1), source="127.0.0.2").status, 429, "one more")


@case("batch")
def a_batch_costs_what_its_methods_do(_):
    """resources/read costs 3."""
    equal(post(batch(3, "resources/read"), source="127.0.0.3").status, 200, "nine")
    equal(post(batch(1, "resources/read"), source="127.0.0.3").status, 429, "three more, of ten")


@case("batch")
def a_batch_is_capped(upstream):
    answer = post(batch(7), source="127.0.0.4")
    assert answer.status >= 400 and answer.status not in NEVER, f"answer {answer}"
    equal(upstream.requests, [], "what reached the upstream")
    equal(post(batch(6), source="127.0.0.4").status, 200, "one that just fits: nothing was taken before")


@case("batch")
def large_bodies_are_decided_early(upstream):
    """The decision reads only as far as it must, and the whole body passes."""
    body = rpc_body("tools/list", 1, text="x" * 900000)
    with Client(source="127.0.0.5") as c:
        c.send(rpc_request(body)[:-400000])
        upstream.wait(lambda u: len(u.requests) == 1, "the request, before its end")
        c.send(body[-400000:])
        equal(c.read().status, 200, "status")
    equal(json.loads(upstream.requests[0].body)["params"]["text"], "x" * 900000, "the body")


if __name__ == "__main__":
    main()
