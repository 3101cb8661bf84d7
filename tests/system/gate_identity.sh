# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Who a request's client is, and what a header can't change about it.
# tests/gate/identity.py has the cases.

identity_start() { # LINE-OF-GATE...
	gate_start "proxyProtocol: [127.0.0.2/32]" "trustedProxies: [127.0.0.3/32, 127.0.0.4/32]" "$@" <<-YAML
		rateLimiting: {tokensPerSecond: 0.001, burstCapacity: 2}
		perClientLimits: ${PER_CLIENT:-true}
	YAML
}

test_proxy_protocol()
{
	identity_start
	gate_cases identity proxied
}

test_peer()
{
	identity_start
	gate_cases identity peer
}

test_forwarded_for()
{
	identity_start "clientId: x-forwarded-for"
	gate_cases identity forwarded
}

test_another_header()
{
	identity_start "clientId: X-Client"
	gate_cases identity header
}

test_all_share_one_bucket()
{
	PER_CLIENT=false identity_start
	gate_cases identity shared
}

test_fields_that_are_added()
{
	gate_start "trustedProxies: [127.0.0.3/32]" "xForwardedFor: true" "forwarded: true" "via: true" <<-'YAML'
		rateLimiting: {enabled: false}
	YAML
	gate_cases identity fields
}
