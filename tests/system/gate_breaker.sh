# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The circuit breaker: what opens it, what is told then, how it recovers, and what an operator
# does to it. tests/gate/breaker.py has the cases.

breaker_cases() { # GROUP; further settings of circuitBreaker on standard input
	{
		cat <<-'YAML'
			rateLimiting: {enabled: false}
			requestTimeout: 1s
			queueTimeout: 20s
		YAML
		cat
	} | gate_start "${@:2}"
	gate_cases breaker "$1"
}

readonly PROBES="failureThreshold: 5, halfOpenProbes: 2, healthCheckInterval: 0"
readonly BREAKER="$PROBES, recoveryTimeout: 400" BREAKER_LONG="$PROBES, recoveryTimeout: 1h"

test_trips()
{
	breaker_cases trips <<<"circuitBreaker: {$BREAKER}"
}

test_hold()
{
	breaker_cases hold <<-YAML
		maxConcurrent: 1
		circuitBreaker: {$BREAKER, onOpen: hold}
	YAML
}

test_slow_calls()
{
	breaker_cases slow <<<"circuitBreaker: {$BREAKER, slowCallThreshold: 80}"
}

test_health_checks()
{
	breaker_cases health <<-'YAML'
		circuitBreaker:
		  recoveryTimeout: 1h
		  healthCheckInterval: 100
		  healthCheckTimeout: 1s
		  unhealthyChecks: 3
	YAML
}

test_two_upstreams()
{
	breaker_cases two "upstream: [http://127.0.0.1:8787, http://127.0.0.1:8788]" \
		<<<"circuitBreaker: {$BREAKER_LONG}"
}

test_crowd()
{
	breaker_cases crowd "workers: 4" <<-YAML
		maxConcurrent: 10
		queueSize: 2000
		circuitBreaker: {$BREAKER, failureRateThreshold: 1}
	YAML
}
