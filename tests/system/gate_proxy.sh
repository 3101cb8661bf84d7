# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The gate as a proxy: honest and broken upstreams, all kinds of addresses, memory, and
# requests that two parsers could read in two ways. The cases are in tests/gate/.

# Nothing but the proxy: no limit that these cases could meet.
proxy_start() { # [LINE-OF-GATE...]
	gate_start "$@" <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 5000
		timeout: 10s
	YAML
}

test_honest_upstream()
{
	proxy_start
	gate_cases proxy proxy
}

test_honest_upstream_one_worker()
{
	proxy_start "workers: 1"
	gate_cases proxy proxy
}

test_memory_is_bounded()
{
	ulimit -n "$(ulimit -Hn)"
	proxy_start
	gate_cases places memory
}

test_listens_everywhere()
{
	proxy_start "listen: [127.0.0.1:8080, 127.0.0.1:8081, '[::1]:8080', 'unix:$WORK/gate.sock']"
	gate_cases places listen
}

test_several_upstreams()
{
	proxy_start "workers: 1" "upstream: [http://127.0.0.1:8787, http://127.0.0.1:8788, 'unix:$WORK/upstream.sock']"
	gate_cases places several
}

test_broken_upstream()
{
	gate_start <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 2
		requestTimeout: 1s
	YAML
	gate_cases broken broken
}

test_absent_upstream()
{
	proxy_start "upstream: http://127.0.0.1:8790"
	gate_cases broken absent
}

test_no_smuggling()
{
	proxy_start
	gate_cases smuggling smuggling
}

# Without BPF and without root, the same program is just the gate.
test_without_any_right()
{
	proxy_start
	hatagod_stop
	is_equal "$STATUS" 0 "exit code"
	mkdir "$WORK/own"
	printf 'control: {socket: %s}\n' "$WORK/own/control.sock" >>"$HATAGOD_CONFIG"
	chmod 711 "$WORK" && chmod 644 "$HATAGOD_CONFIG" && chown 65534 "$WORK/own"
	notices_open
	: >"$NOTICES"
	setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all \
		"$BUILD/hatagod" -c "$HATAGOD_CONFIG" </dev/null >>"$HATAGOD_LOG" 2>&1 &
	HATAGOD_PID=$!
	gate_cases proxy proxy heads_are_written_anew large_bodies
	is_running "$HATAGOD_PID" || fail "it has gone"
	hatagod_stop
	is_equal "$STATUS" 0 "exit code"
}
