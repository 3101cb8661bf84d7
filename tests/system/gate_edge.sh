# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The gate and the edge together: one bucket for both, and a client that ignores its
# refusals is dropped before it can connect, while its debt lasts.

edge_and_gate() { # AFTER
	client_and_server
	sample_start server 127.0.0.1:8787
	hatagod_start server <<-YAML
		edge:
		  devices: [eth0]
		  protect: [8080/tcp]
		  maxClients: 4096
		  escalate: {after: $1, window: 60s}
		  ${EDGE:-}
		gate:
		  listen: ["0.0.0.0:8080"]
		  upstream: http://127.0.0.1:8787
		  trustedProxies: [10.0.0.1/32]
		  clientId: ${CLIENT_ID:-peer}
		rateLimiting: {tokensPerSecond: ${TOKENS:-0.001}, burstCapacity: 3, refillInterval: 0}
		perClientLimits: true
		circuitBreaker: {enabled: false}
	YAML
}

status() { # [CURL-OPTION...]
	on client curl -s -m 1 -o /dev/null -w '%{http_code}' "$@" http://10.0.0.2:8080/ || :
}

is_dropped() {
	[[ $(status) == 000 ]]
}

is_answered() {
	[[ $(status) == 200 ]]
}

test_request_buckets_are_the_edges()
{
	edge_and_gate 0
	is_equal "$(status) $(status) $(status) $(status)" "200 200 200 429" "statuses"
	has "$(ctl client show 10.0.0.1)" requests "client show"
	is_equal "$(ctl_json '[.buckets[-2:][] | "\(.dimension) \(.tokens)"] | join(" ")' client show 10.0.0.1)" \
		"requests 0 handshakes 10" "the client's buckets of requests"
	is_equal "$(ctl_json '[.limits[-2:][] | "\(.dimension) \(.burst) \(.shared)"] | join(" ")' limit show)" \
		"requests 3 false handshakes 10 false" "the limits of requests"
}

test_who_ignores_refusals_is_dropped()
{
	edge_and_gate 5
	for _ in {1..3}; do
		is_equal "$(status)" 200 "within the burst"
	done
	# A connection that stands before, and that is never cut.
	on client python3 -B - <<-'PYTHON' || fail "the established connection is not served as before"
		import subprocess, sys
		sys.path.insert(0, "tests/gate")
		from client import Client
		with Client(("10.0.0.2", 8080)) as c:
		    assert [c.ask().status for _ in range(10)] == [429] * 10
		    get = ["curl", "-s", "-m", "1", "-o", "/dev/null", "http://10.0.0.2:8080/"]
		    assert any(subprocess.run(get).returncode == 28 for _ in range(10)), "new connections are served"
		    assert c.ask().status == 429
	PYTHON
	wait_for is_dropped
	(($(metric hatago_gate_escalations_total) >= 1)) || fail "no escalation in the metrics"
	# Others, another address of the same host among them, are not concerned.
	on client ip address add 10.0.0.3/24 dev eth0
	is_equal "$(status --interface 10.0.0.3)" 200 "another client"
}

test_escalation_is_forgiven()
{
	edge_and_gate 5
	for _ in {1..30}; do
		[[ $(status) != 000 ]] || break
	done
	wait_for is_dropped
	follow "$WORK/events" event follow clientForgiven -n 1
	has "$(ctl client forgive 10.0.0.1)" "not dropped any more" "client forgive"
	wait_exit "$FOLLOWER"
	has "$(cat "$WORK/events")" "clientForgiven address=10.0.0.1" "the event"
	has "$(cat "$HATAGOD_LOG")" "client forgive by root" "the log"
	is_equal "$(status)" 200 "forgiven"
	ctl client forgive 10.0.0.1 >/dev/null # what it has taken since
	fails_with 4 ctl client forgive 10.0.0.1
	has "$OUTPUT" "nothing to forgive" "the error"
}

test_escalation_ends_with_the_debt()
{
	TOKENS=1 edge_and_gate 5
	for _ in {1..30}; do
		[[ $(status) != 000 ]] || break
	done
	wait_for is_answered
}

test_a_header_drops_nobody()
{
	CLIENT_ID=x-forwarded-for edge_and_gate 5
	for _ in {1..30}; do
		status -H 'X-Forwarded-For: 203.0.113.9' >/dev/null
	done
	is_equal "$(status -H 'X-Forwarded-For: 203.0.113.9')" 429 "whom the header names"
	is_equal "$(status -H 'X-Forwarded-For: 203.0.113.10')" 200 "another behind the same proxy"
	is_equal "$(metric hatago_gate_escalations_total)" 0 escalations
}

test_first_drop_after_the_limit()
{
	local sources=(10.0.0.{11..15}) source worst

	EDGE="connections: {tokensPerSecond: 100000, burstCapacity: 100000}" edge_and_gate 1
	for source in "${sources[@]}"; do
		on client ip address add "$source/24" dev eth0
	done
	# Two refusals are more than one. What it takes is less than its own measuring may be, and
	# then it is negative: the SYN was dropped before the client had read why.
	on client env PYTHONDONTWRITEBYTECODE=1 python3 tests/gate/first_drop.py 10.0.0.2 8080 2 "${sources[@]}" \
		>"$WORK/drops"
	is_equal "$(wc -l <"$WORK/drops")" "${#sources[@]}" "sources that were dropped"
	worst=$(sort -g "$WORK/drops" | tail -n 1)
	echo "NOTE: from the refusal over the limit to the first SYN dropped: $(paste -sd' ' "$WORK/drops") ms (target 10 ms)"
	(($(printf '%.0f' "$worst") <= 100)) || fail "the first SYN was dropped after $worst ms"
}
