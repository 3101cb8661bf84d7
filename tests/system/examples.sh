# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The examples of the limiter's document, each a configuration in tests/examples that hatagod
# is started with as it stands. tests/gate/examples.py has the cases, a group for each.

examples_run() { # NAME...
	local name

	export METRICS_SOCKET=$WORK/hook.sock METRICS_INTERVAL=500ms HOOK_LOG METRICS_FILE
	for name; do
		HOOK_LOG=$WORK/$name.log METRICS_FILE=$WORK/$name.prom
		hatagod_start "" <"tests/examples/$name.yaml"
		gate_cases examples "$name"
		hatagod_stop
		is_equal "$STATUS" 0 "hatagod's exit code with $name"
	done
}

test_limits()
{
	examples_run basic-usage advanced-configuration basic-rate-limiting per-client-limits
}

test_environments()
{
	examples_run production-configuration development-configuration \
		per-environment-configuration.production per-environment-configuration.development
}

test_monitoring()
{
	examples_run production-setup-with-monitoring custom-metrics-integration with-monitoring \
		with-alerting
}

test_troubles()
{
	examples_run custom-error-handling high-queue-times circuit-breaker-issues
}

test_every_example_is_run()
{
	local file name

	for file in tests/examples/*; do
		name=${file##*/}
		grep -qw -- "${name%.yaml}" tests/system/examples.sh || fail "nothing runs $file"
	done
}
