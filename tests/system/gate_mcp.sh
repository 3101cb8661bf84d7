# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The real TypeScript SDK's client, through the gate, to the server that has everything:
# a session's whole life, and what the client sees when it is refused. The scripts are in
# tests/mcp/; what they import, `make check` installs in build/mcp.

readonly SERVER_SECONDS_MAX=30 # for node to load all that

mcp_server_start() {
	[[ -e $BUILD/mcp/installed ]] || skip "the MCP SDK is not installed; make check does that"
	mkdir "$WORK/mcp"
	cp tests/mcp/*.mjs "$WORK/mcp"
	ln -s "$BUILD/mcp/node_modules" "$WORK/mcp/node_modules"
	PORT=8787 node "$WORK/mcp/server.mjs" >"$WORK/mcp.log" 2>&1 &
	wait_for -s "$SERVER_SECONDS_MAX" curl -sf http://127.0.0.1:8787/counts
}

mcp_cases() { # SCRIPT
	local bad

	node "$WORK/mcp/$1.mjs" | tee "$WORK/cases" || {
		bad=$(sed -n 's/^bad \([a-z_]*\) .*/\1/p' "$WORK/cases" | paste -sd, | sed 's/,/, /g')
		fail "cases of $1.mjs: ${bad:-none came to its end}"
	}
}

test_a_session_notices_nothing()
{
	gate_start <<-'YAML'
		rateLimiting: {tokensPerSecond: 1000, burstCapacity: 1000}
		maxConcurrent: 5
		queueSize: 100
	YAML
	mcp_server_start
	mcp_cases session
}

refuses() { # STYLE
	gate_start <<-YAML
		rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 4}
		maxConcurrent: 1
		queueSize: 0
		rejectStyle: $1
	YAML
	mcp_server_start
	STYLE=$1 mcp_cases refused
}

test_refused_with_a_status()
{
	refuses status
}

test_refused_in_band()
{
	refuses inband
}
