#!/bin/bash
# SPDX-License-Identifier: MIT
# What the gate costs beside a bare relay, HAProxy and nginx with equivalent limits: CPU a
# request, CPU of a refusal, added latency, memory of an idle connection. All in one run,
# the contestants in another order every round, medians of the rounds. Loopback only; ends
# all that it starts. Needs haproxy, nginx and wrk; a hatagod without a gate is left out.
#
#       tools/dev/bench-gate.sh [PART...]     cpu refusal latency memory
#
# ROUNDS (5), SECONDS_EACH (4) and IDLE (connections, 10000) make it shorter.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/dev/bench-proxies.sh
. tools/dev/bench-proxies.sh

ROUNDS=${ROUNDS:-5}
SECONDS_EACH=${SECONDS_EACH:-4}
IDLE=${IDLE:-10000}
readonly CONCURRENT=1024 QUEUE=1024 # more than any load here asks for
readonly RATE=100 CLIENTS=16        # of the latency: requests a second of each
readonly CONNECTIONS=(32 256)
readonly METHODS=(GET POST)

start_all() { # RATE
	local name

	for name in "${proxies[@]}"; do
		"start_$name" "$1" "$CONCURRENT" "$QUEUE"
	done
}

finish_all() {
	local name

	for name in relay "${proxies[@]}"; do
		finish "$name"
	done
}

# The names, beginning with another one every round.
in_turns() { # ROUND NAMES...
	local round=$1 i

	shift
	for ((i = 0; i < $#; i++)); do
		echo "${@:((round + i) % $# + 1):1}"
	done
}

# Loads a proxy and notes its CPU microseconds for each request.
measure_cpu() { # NAME FIGURE CONNECTIONS METHOD SECONDS EXPECTED: good or refused
	local name=$1 before after requests errors failed word

	before=$(cpu_ns "$name")
	read -r word requests errors failed < <(BENCH_METHOD=$4 taskset -c "$LOAD_CPU" \
		wrk -t1 -c"$3" -d"$5s" -s tools/dev/bench-wrk.lua "http://127.0.0.1:${PORT[$name]}/mcp" | grep ^RESULT)
	after=$(cpu_ns "$name")
	[[ $word == RESULT && $requests != 0 ]] || die "$name: wrk got nothing"
	if [[ $6 == good ]]; then
		((errors + failed == 0)) || die "$name: $errors errors, $failed broken connections"
	else
		((errors * 100 >= requests * 99)) || die "$name: $errors of $requests refused"
	fi
	note "$2" "$(awk -v t=$((after - before)) -v n="$requests" 'BEGIN { printf "%.2f", t / n / 1000 }')"
}

part_cpu() {
	local round connections method name load

	start_relay
	start_all "$REQUESTS_MANY"
	for ((round = 0; round < ROUNDS; round++)); do
		for connections in "${CONNECTIONS[@]}"; do
			for method in "${METHODS[@]}"; do
				for name in $(in_turns "$round" relay "${proxies[@]}"); do
					measure_cpu "$name" "$name-$connections-$method" "$connections" \
						"$method" "$SECONDS_EACH" good
				done
			done
		done
		echo "bench-gate: cpu, round $((round + 1)) of $ROUNDS" >&2
	done
	finish_all

	printf '\nCPU of the proxy, us a request (user and system); 1 worker; median of %d\n' "$ROUNDS"
	echo '| load | relay | gate | HAProxy | nginx | gate / HAProxy | gate / nginx | gate / relay |'
	echo '|---|---|---|---|---|---|---|---|'
	for method in "${METHODS[@]}"; do
		for connections in "${CONNECTIONS[@]}"; do
			load=$connections-$method
			printf '| %s, %s connections |' "$method" "$connections"
			for name in relay gate haproxy nginx; do
				printf ' %s |' "$(median "$name-$load")"
			done
			for name in haproxy nginx relay; do
				printf ' %s |' "$(median_ratio "gate-$load" "$name-$load")"
			done
			echo
		done
	done
	say_targets
}

# The worst of the ratios with each against what is asked for.
say_targets() {
	local name most connections method load ratio worst

	for name in haproxy:0.80 nginx:0.80 relay:1.15; do
		most=${name#*:} name=${name%:*} worst=-
		for method in "${METHODS[@]}"; do
			for connections in "${CONNECTIONS[@]}"; do
				load=$connections-$method
				ratio=$(median_ratio "gate-$load" "$name-$load")
				worst=$(printf '%s\n%s\n' "$worst" "$ratio" | sort -g | tail -n 1)
			done
		done
		printf 'At most %s of %s: %s (%s).\n' "$most" "$name" "$(verdict "$worst" "$most")" "$worst"
	done
}

part_refusal() {
	local round name

	start_all "$REQUESTS_MANY"
	for ((round = 0; round < ROUNDS; round++)); do
		for name in $(in_turns "$round" "${proxies[@]}"); do
			measure_cpu "$name" "$name-passed" 32 POST 2 good
		done
	done
	finish_all
	start_all 1
	for ((round = 0; round < ROUNDS; round++)); do
		for name in $(in_turns "$round" "${proxies[@]}"); do
			measure_cpu "$name" "$name-refused" 32 POST 2 refused
		done
	done
	finish_all

	printf '\nCPU of a refusal (429), us; POST, 32 connections; median of %d\n' "$ROUNDS"
	echo '| proxy | proxied | refused | refused / proxied |'
	echo '|---|---|---|---|'
	for name in "${proxies[@]}"; do
		printf '| %s | %s | %s | %s |\n' "$name" "$(median "$name-passed")" \
			"$(median "$name-refused")" "$(median_ratio "$name-refused" "$name-passed")"
	done
	printf 'At most a quarter: %s.\n' "$(verdict "$(median_ratio gate-refused gate-passed)" 0.25)"
}

measure_latency() { # NAME; $round is the caller's
	local line pair

	line=$(taskset -c "$LOAD_CPU" "$BUILD/bench/overload" --to "127.0.0.1:${PORT[$1]}" \
		--seconds "$SECONDS_EACH" --seed "$round" --group "all,$CLIENTS,$RATE,4")
	for pair in ${line#* }; do
		case $pair in
		p50_us=* | p99_us=*) note "latency-$1-${pair%%_*}" "${pair#*=}" ;;
		refused=0 | wrong=0 | broken=0 | late=0) ;;
		refused=* | wrong=* | broken=* | late=*) die "$1: $line" ;;
		esac
	done
}

part_latency() {
	local round name percentile

	start_relay
	start_all "$REQUESTS_MANY"
	for ((round = 0; round < ROUNDS; round++)); do
		for name in $(in_turns "$round" direct relay "${proxies[@]}"); do
			measure_latency "$name"
		done
	done
	finish_all
	# What is added is a difference within a round.
	for name in relay "${proxies[@]}"; do
		for percentile in p50 p99; do
			paste "$WORK/figure-latency-$name-$percentile" "$WORK/figure-latency-direct-$percentile" |
				awk '{ print $1 - $2 }' >"$WORK/figure-added-$name-$percentile"
		done
	done

	printf '\nLatency at %d POSTs a second of %d clients, us; median of %d\n' \
		$((CLIENTS * RATE)) "$CLIENTS" "$ROUNDS"
	echo '| way | p50 | p99 | added p50 | added p99 |'
	echo '|---|---|---|---|---|'
	for name in direct relay "${proxies[@]}"; do
		printf '| %s | %s | %s | %s | %s |\n' "$name" \
			"$(median "latency-$name-p50")" "$(median "latency-$name-p99")" \
			"$(median "added-$name-p50")" "$(median "added-$name-p99")"
	done
	for percentile in p50 p99; do
		printf 'Added %s no worse than HAProxy: %s.\n' "$percentile" \
			"$(verdict "$(median "added-gate-$percentile")" "$(median "added-haproxy-$percentile")")"
	done
}

measure_memory() { # NAME
	local name=$1 before after word to_idle from_idle idle_pid

	"start_$name" "$REQUESTS_MANY" "$CONCURRENT" "$QUEUE"
	# What one request makes it allocate is no part of a connection.
	curl -s -o "$WORK/answer" "http://127.0.0.1:${PORT[$name]}/"
	before=$(pss_kib "$name")
	coproc IDLE_LOAD { "$BUILD/bench/idle" "127.0.0.1:${PORT[$name]}" "$IDLE"; }
	# shellcheck disable=SC2153 # coproc sets it
	idle_pid=$IDLE_LOAD_PID to_idle=${IDLE_LOAD[1]} from_idle=${IDLE_LOAD[0]}
	exec {from_idle}<&"$from_idle"
	read -r -t 60 word <&"$from_idle" || die "$name: idle connections can't be made"
	[[ $word == ready ]] || die "$name: idle connections: $word"
	sleep 1
	after=$(pss_kib "$name")
	exec {to_idle}>&-
	read -r -t 60 _ word <&"$from_idle" || word=0
	exec {from_idle}<&-
	wait "$idle_pid" || die "$name: idle connections"
	[[ $word == "$IDLE" ]] || die "$name: only $word of $IDLE connections stayed open"
	finish "$name"
	note "memory-$name-before" "$before"
	note "memory-$name-after" "$after"
	note "memory-$name" "$(((after - before) * 1024 / IDLE))"
}

part_memory() {
	local name

	ulimit -n "$(ulimit -Hn)"
	(($(ulimit -n) > IDLE + 1000)) || die "memory: ulimit -n is only $(ulimit -n)"
	for name in "${proxies[@]}"; do
		measure_memory "$name"
	done
	printf '\nMemory of %d idle keep-alive connections, each after one request (Pss of the process)\n' "$IDLE"
	echo '| proxy | before, KiB | after, KiB | bytes a connection |'
	echo '|---|---|---|---|'
	for name in "${proxies[@]}"; do
		printf '| %s | %s | %s | %s |\n' "$name" "$(median "memory-$name-before")" \
			"$(median "memory-$name-after")" "$(median "memory-$name")"
	done
	printf 'Under 4 KiB: %s.\n' "$(verdict "$(median memory-gate)" 4095)"
}

# shellcheck disable=SC2119 # no options: fast
upstream_start
parts=("$@")
(($#)) || parts=(cpu refusal latency memory)
for part in "${parts[@]}"; do
	"part_$part"
done
