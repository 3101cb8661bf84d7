# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The gate's bounds on what a client may send and hold: sizes, times, connections.
# tests/gate/limits.py has the cases, and the same numbers.

limits_start() { # LINE-OF-GATE...
	gate_start "$@" <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 100
		timeout: 20s
	YAML
}

test_sizes()
{
	limits_start "maxRequestLine: 2000" "maxHeaders: 30" "maxHeaderBytes: 6000" "maxBodyBytes: 100000"
	gate_cases limits sizes
}

test_times()
{
	limits_start "headerTimeout: 600ms" "idleTimeout: 1s" "minBodyRate: 20000"
	gate_cases limits times
}

test_connections()
{
	limits_start "maxConnections: 20" "maxConnectionsPerClient: 8"
	gate_cases limits connections
}
