# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What a refused caller is told, field by field, in each style. tests/gate/refusals.py has
# the cases.

readonly RATE='rateLimiting: {tokensPerSecond: 0.1, burstCapacity: 3, refillInterval: 1000}
perClientLimits: true
maxConcurrent: 2
queueSize: 3
queueTimeout: 5s'

style_start() { # LINE-OF-YAML... beside the rates
	gate_start <<<"$RATE"$'\n'"$(printf '%s\n' "$@")"
}

test_rate_limit()
{
	style_start
	gate_cases refusals rate
}

test_promised_token()
{
	gate_start <<-'YAML'
		rateLimiting: {tokensPerSecond: 0.5, burstCapacity: 3, refillInterval: 0}
		perClientLimits: true
	YAML
	gate_cases refusals promise
}

test_full_queue_and_queue_timeout()
{
	gate_start <<-'YAML'
		rateLimiting: {tokensPerSecond: 1000, burstCapacity: 1000}
		maxConcurrent: 2
		queueSize: 3
		queueTimeout: 500ms
	YAML
	gate_cases refusals full
}

test_in_band()
{
	style_start "rejectStyle: inband"
	gate_cases refusals inband
}

test_error_code()
{
	style_start "errorCode: -32050"
	gate_cases refusals code
}

test_null_id()
{
	style_start "compat: {nullId: true}"
	gate_cases refusals nullid
}

test_templates()
{
	style_start "templates:" \
		"  rateLimit: '{\"code\":-32001,\"message\":\"Server overloaded, please try again later\",\"data\":{\"retryAfter\":{{retryAfter}}}}'" \
		"  concurrencyLimit: '{\"code\":-32002,\"message\":\"busy\",\"data\":{\"queuePosition\":{{queuePosition}}}}'"
	gate_cases refusals templates
}

test_bad_templates_are_told()
{
	style_start
	hatagod_stop
	echo "templates: {rateLimit: '{\"code\":{{nothing}}}'}" >>"$HATAGOD_CONFIG"
	fails_with 2 "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
	has "$OUTPUT" templates.rateLimit "the problem"
}
