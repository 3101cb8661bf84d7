# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Adaptation as one sees it: a machine that is over a threshold, in `status`, in the metrics and
# as an event; what becomes of that when the threshold is raised, and when adaptation is off.

readonly ADAPTIVE="enabled: true, cpuThreshold: 0, checkInterval: 200, psi: {cpu: {some: 0, full: 0}, memory: {some: 0, full: 0}, io: {full: 0}}"

status_has() { # WORDS
	ctl status >"$WORK/status" && grep -qF -- "$1" "$WORK/status"
}

reload_with() { # ADAPTIVE
	sed -i "s/^adaptive:.*/adaptive: {$1}/" "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
}

test_pressure_is_shown()
{
	local line

	gate_start <<-YAML
		adaptive: {$ADAPTIVE, memoryThreshold: 0.01}
	YAML
	wait_for status_has "limits at 10 % since memory is over its threshold"
	has "$(<"$WORK/status")" "0 of 1 in flight (maxConcurrent 10)" "status"
	grep -qE '^load +memory [0-9.]+ % ' "$WORK/status" || fail "no line of the load: $(<"$WORK/status")"
	is_equal "$(ctl_json '[.gate.concurrency.max, .gate.limit, .load.pressure, .load.scale,
		.load.reason, .load.signals[0].signal, .load.signals[0].over] | @csv' status)" '10,1,1,0.1,"memory","memory",true' "status in JSON"
	is_equal "$(json_metrics '.adaptive | [.enabled, .pressure, .scale, .reason, .signals.memory.threshold] | @csv')" \
		'true,1,0.1,"memory",0.01' "adaptive in the metrics"
	on "$HATAGOD_HOST" curl -sf http://127.0.0.1:9464/metrics >"$WORK/series"
	for line in 'hatago_pressure 1' 'hatago_limit_scale 0.1' 'hatago_gate_concurrency_limit 1' \
		'hatago_load{signal="memory"} [0-9.]*' 'hatago_load_threshold{signal="memory"} 0.01'; do
		grep -qx "$line" "$WORK/series" || fail "no $line in $(grep -E 'pressure|scale|load|limit' "$WORK/series")"
	done

	reload_with "$ADAPTIVE, memoryThreshold: 100"
	wait_for status_has ", growing back"
	is_equal "$(ctl_json '[.event, .scale > .oldScale] | @csv' event follow pressureChanged -n 1)" \
		'"pressureChanged",true' event
	is_equal "$(json_metrics '.adaptive | [.pressure, .reason] | @csv')" "0," "without a reason"

	reload_with "enabled: false"
	has_not "$(ctl status)" "load " "status without adaptation"
	is_equal "$(ctl_json '[.load, .gate.limit] | @csv' status)" ",10" "status without adaptation"
	is_equal "$(json_metrics '.adaptive | [.enabled, .scale] | @csv')" "false,1" "metrics without adaptation"
}
