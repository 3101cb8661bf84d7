# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Who runs at the upstream, who waits and in which order; and the rules of MCP over HTTP.
# tests/gate/admission.py and mcp_rules.py have the cases.

test_queue()
{
	gate_start <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 2
		queueSize: 3
		queueTimeout: 1s
	YAML
	gate_cases admission queue
}

test_fairness()
{
	gate_start "weights: [{prefix: 127.0.0.7/32, weight: 3}]" <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 1
		queueSize: 200
		perClientLimits: true
	YAML
	gate_cases admission serial
}

test_limit_of_a_client()
{
	gate_start <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 10
		maxConcurrentPerClient: 2
		perClientLimits: true
	YAML
	gate_cases admission perclient
}

test_routes_and_methods()
{
	gate_start "exclude: [/health, '/free/*']" \
		"routes: [{path: /one, maxConcurrent: 1}, {path: '/one/*', maxConcurrent: 1}, {path: /dear, cost: 6}]" \
		"methods: [{method: tools/call, cost: 5}]" <<-'YAML'
		rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 20}
		perClientLimits: true
		maxConcurrent: 10
	YAML
	gate_cases admission classes
}

test_workers()
{
	gate_start "workers: 4" <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 3
		queueSize: 200
	YAML
	gate_cases admission workers
}

test_mcp_never_limited()
{
	gate_start "handshake: {tokensPerSecond: 0.001, burstCapacity: 6}" <<-'YAML'
		rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 4}
		perClientLimits: true
		maxConcurrent: 1
		queueSize: 5
	YAML
	gate_cases mcp_rules exempt
}

test_mcp_streams()
{
	gate_start "maxStreams: 3" <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 1
		queueSize: 5
	YAML
	gate_cases mcp_rules streams
}

test_mcp_eras()
{
	gate_start <<-'YAML'
		rateLimiting: {enabled: false}
		maxConcurrent: 1
		queueSize: 5
	YAML
	gate_cases mcp_rules eras
}

test_mcp_batches()
{
	gate_start "maxBatch: 6" "methods: [{method: resources/read, cost: 3}]" <<-'YAML'
		rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 10}
		perClientLimits: true
	YAML
	gate_cases mcp_rules batch
}
