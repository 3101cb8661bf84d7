# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# How soon a load that crosses its threshold is felt by clients: with pressure stall, and
# with nothing but checks (tests/gate/adapt.py has the cases). And what the limit makes of an
# upstream that loses three quarters of its capacity (tests/bench/capacity.py).

readonly PSI_OFF='{some: 0, full: 0}'
readonly PSI_ALL_OFF="psi: {cpu: $PSI_OFF, memory: $PSI_OFF, io: $PSI_OFF}"

adaptive_start() { # MAX-CONCURRENT QUEUE-SIZE; further settings of `adaptive` on standard input
	gate_start < <(
		cat <<-YAML
			rateLimiting: {enabled: false}
			maxConcurrent: $1
			queueSize: $2
			adaptive:
			  enabled: true
			  memoryThreshold: 0
		YAML
		sed 's/^/  /'
	)
}

adapt_cases() { # GROUP; as above
	adaptive_start 10 0
	gate_cases adapt "$1"
	sed -n 's/^figure: /NOTE: /p' "$WORK/cases"
}

logged_once() { # TEXT
	is_equal "$(grep -cF "$1" "$HATAGOD_LOG")" 1 "lines in the log with '$1'"
}

# A cgroup that is empty yet, so that its pressure is what the test makes, however busy the
# machine is. It is not in the test's namespaces: it has to be removed.
cgroup_make() { # in $PRESSED
	local root=$WORK/cgroups

	mkdir "$root"
	mount -t cgroup2 none "$root" 2>/dev/null || skip "no cgroup v2 may be mounted"
	PRESSED=$(mktemp -d "$root/hatago-test.XXXXXX") || skip "no cgroup may be made"
	export PRESSED
	trap 'rmdir "$PRESSED"' EXIT
	cat "$PRESSED/cpu.pressure" >/dev/null 2>&1 || skip "the kernel tells no pressure stall"
}

test_pressure_stall()
{
	cgroup_make
	adapt_cases psi <<-YAML
		cgroup: /${PRESSED##*/}
		checkInterval: 1h
		cpuThreshold: 0
		psi: {cpu: {some: 60, full: 0}, memory: $PSI_OFF, io: $PSI_OFF}
	YAML
	logged_once "under pressure: psi.cpu.some"
}

test_cpu_without_psi()
{
	export STAT=$WORK/stat
	printf 'cpu%s 0 0 0 1 0 0 0 0\n' " " 0 >"$STAT" # of one CPU: no cgroup has less
	mount --bind "$STAT" /proc/stat
	mount -t tmpfs hatago-test /proc/pressure
	mount -t tmpfs hatago-test /sys/fs/cgroup
	adapt_cases cpu <<-YAML
		checkInterval: 200ms
		cpuThreshold: 40
		$PSI_ALL_OFF
	YAML
	logged_once "under pressure: cpu is"
	logged_once "the pressure is over"
	logged_once "/proc/pressure/cpu"
}

# At a fixed limit of 8 goodput would fall to less than a tenth of the new capacity.
test_capacity_cut()
{
	local figures

	adaptive_start 8 50 <<-YAML
		cpuThreshold: 0
		$PSI_ALL_OFF
	YAML
	figures=$(PYTHONDONTWRITEBYTECODE=1 python3 tests/bench/capacity.py "$BUILD" 127.0.0.1:8080 127.0.0.1:8787 \
		--degrade --seconds 2,4,6)
	echo "NOTE: capacity cut to a quarter, and back: $figures (targets: goodput 0.95, p99 3)"
	holds 'cut_goodput >= 0.4'
	holds 'cut_p99 <= 12'
	holds 'restored_goodput >= 0.4'
}

holds() { # CONDITION on one of the $figures
	local value

	value=$(grep -o "\b${1%% *}=[^ ]*" <<<"$figures")
	awk "BEGIN { exit !(${value#*=} ${1#* }) }" || fail "$value, expected $1"
}
