# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The gate while it goes on and when it ends: metrics, hooks, reloads, drain.
# tests/gate/measures.py, hooks.py and life.py have the cases.

readonly SERIAL='maxConcurrent: 1
queueSize: 5
rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 5}'

test_metrics()
{
	gate_start <<-'YAML'
		rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 1000, refillInterval: 0}
		maxConcurrent: 2
		queueSize: 3
	YAML
	gate_cases measures json
}

test_metrics_elsewhere()
{
	gate_start <<<"metrics: {endpoint: /our/numbers}"
	gate_cases measures elsewhere
}

test_promtool_accepts_the_gate()
{
	command -v promtool >/dev/null || skip "there is no promtool here"
	gate_start </dev/null
	on "" curl -s http://127.0.0.1:8080/ -o /dev/null
	on "" curl -sf http://127.0.0.1:9464/metrics | promtool check metrics
}

hooks_start() { # COMMAND...: of onLimitExceeded, as a YAML list
	gate_start <<-YAML
		rateLimiting: {enabled: false}
		maxConcurrent: 1
		queueSize: 2
		hooks:
		  onLimitExceeded: {command: $1, socket: $WORK/hook.sock}
		  onQueueChange: {socket: $WORK/hook.sock}
		  onMetrics: {socket: $WORK/hook.sock}
		  metricsInterval: 200ms
	YAML
}

test_hooks()
{
	hooks_start "[sh, -c, 'cat >>$WORK/events; echo >>$WORK/events']"
	gate_cases hooks hooks
}

test_hooks_that_hang()
{
	hooks_start "[sleep, '1000']"
	gate_cases hooks hanging
}

test_events_can_be_followed()
{
	local follower

	gate_start <<<"$SERIAL"
	ctl -j event follow >"$WORK/followed" &
	follower=$!
	wait_for follows
	kill "$follower"
}

follows() { # makes refusals until one of them is seen
	on "" curl -s http://127.0.0.1:8080/ -o /dev/null
	grep -q '127\.0\.0\.1' "$WORK/followed"
}

test_drain()
{
	gate_start "drainTimeout: 3s" <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 2
	YAML
	gate_cases life drain
	wait_exit "$HATAGOD_PID"
	is_equal "$STATUS" 0 "exit code"
}

test_drain_has_an_end()
{
	gate_start "drainTimeout: 500ms" <<<"rateLimiting: {enabled: false}"
	gate_cases life cut
	wait_exit "$HATAGOD_PID"
	is_equal "$STATUS" 0 "exit code"
}

test_reload_keeps_queue_and_buckets()
{
	gate_start <<<"$SERIAL"
	gate_cases life reload
}

test_reload_of_limits()
{
	gate_start <<<"${SERIAL/burstCapacity: 5/burstCapacity: 50}"
	gate_cases life edges
}
