#!/bin/bash
# SPDX-License-Identifier: MIT
# What a limit on concurrency is for: an upstream that serves 8 requests at a time in 20 ms
# and gets slower when pushed beyond (tests/bench/upstream.c), under more load than it can
# bear, alone and behind the gate, HAProxy and nginx with the same limits. Clients have
# addresses of their own on loopback (tests/bench/overload.c) and give up after a second.
#
#       tools/dev/bench-overload.sh [PART...]     overload fairness
#
# ROUNDS (3) and SECONDS_EACH (5) make it shorter.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/dev/bench-proxies.sh
. tools/dev/bench-proxies.sh

ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-5}
readonly SERVE=8 TIME_MS=20 QUEUE=50
readonly CAPACITY=$((SERVE * 1000 / TIME_MS)) # a second; what it makes of that is measured
readonly GOOD=40                              # clients
readonly SHARE=$((CAPACITY / (GOOD + 1)))     # a client's, of the capacity
readonly GOOD_RATE=7                          # a second of each: 0.7 of the capacity together
readonly BAD_CONNECTIONS=200                  # more than the queue holds
readonly RATE_LIMIT=$((2 * SHARE))            # of a client, where there is one

# A fresh upstream, and before it a fresh proxy, with a load on it.
# Notes the numbers of each group as CASE-GROUP-KEY. $round is the caller's.
measure() { # CASE PROXY RATE-LIMIT GROUPS...
	local case=$1 proxy=$2 rate=$3 group groups=() pair pairs

	shift 3
	upstream_start --serve "$SERVE" --time "$TIME_MS" --degrade
	[[ $proxy == direct ]] || "start_$proxy" "$rate" "$SERVE" "$QUEUE"
	for group; do
		groups+=(--group "$group")
	done
	while read -r group pairs; do
		for pair in $pairs; do
			note "$case-$group-${pair%%=*}" "${pair#*=}"
		done
	done < <(taskset -c "$LOAD_CPU" "$BUILD/bench/overload" --to "127.0.0.1:${PORT[$proxy]}" \
		--seconds "$SECONDS_EACH" --warm-up-ms 1000 --patience-ms 1000 --seed "$round" "${groups[@]}")
	[[ -s $WORK/figure-$case-${1%%,*}-total ]] || die "$case: no figures"
	finish "$proxy"
	finish upstream
}

# Of all rounds together, in percent with two places.
percent() { # FIGURE OF-FIGURE
	paste "$WORK/figure-$1" "$WORK/figure-$2" |
		awk '{ a += $1; b += $2 } END { if (b) printf "%.2f", 100 * a / b; else print "-" }'
}

milliseconds() { # FIGURE
	median "$1" | awk '{ printf "%.1f", $1 / 1000 }'
}

part_overload() {
	local round way ratio=-

	for ((round = 0; round < ROUNDS; round++)); do
		measure capacity direct 0 "all,$SERVE,0,1"
		for way in direct "${proxies[@]}"; do
			measure "over-$way" "$way" "$REQUESTS_MANY" "all,$GOOD,$((10 * CAPACITY / GOOD)),32"
		done
		echo "bench-overload: overload, round $((round + 1)) of $ROUNDS" >&2
	done

	printf '\nTen times the load that the upstream can bear (%d a second from %d clients); median of %d\n' \
		$((10 * CAPACITY)) "$GOOD" "$ROUNDS"
	echo '| way | good answers a second | of capacity | refused, % | in vain, % | p50, ms | p99, ms |'
	echo '|---|---|---|---|---|---|---|'
	printf '| %d at a time, alone | %s | 1 | 0 | 0 | %s | %s |\n' "$SERVE" \
		"$(median capacity-all-per_second)" "$(milliseconds capacity-all-p50_us)" "$(milliseconds capacity-all-p99_us)"
	for way in direct "${proxies[@]}"; do
		paste "$WORK/figure-over-$way-all-"{wrong,broken,late} |
			awk '{ print $1 + $2 + $3 }' >"$WORK/figure-over-$way-all-vain"
		printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$way" "$(median "over-$way-all-per_second")" \
			"$(median_ratio "over-$way-all-per_second" capacity-all-per_second)" \
			"$(percent "over-$way-all-refused" "over-$way-all-total")" \
			"$(percent "over-$way-all-vain" "over-$way-all-total")" \
			"$(milliseconds "over-$way-all-p50_us")" "$(milliseconds "over-$way-all-p99_us")"
	done
	ratio=$(median_ratio over-gate-all-per_second capacity-all-per_second)
	printf 'At least 0.95 of the capacity through the gate: %s (%s).\n' "$(verdict 0.95 "$ratio")" "$ratio"
}

# One proxy with one rate limit: quiet, then with a client that asks for 10 and 100 shares.
measure_fairness() { # CASE PROXY RATE-LIMIT
	local good=good,$GOOD,$GOOD_RATE,4 times

	measure "$1-0" "$2" "$3" "$good"
	for times in 10 100; do
		measure "$1-$times" "$2" "$3" "$good" "bad,1,$((times * SHARE)),$BAD_CONNECTIONS"
	done
}

print_fairness() { # CASE TITLE
	local times bad=-

	for times in 0 10 100; do
		((times == 0)) || bad=$(median "$1-$times-bad-per_second")
		printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$2" "$times" \
			"$(percent "$1-$times-good-good" "$1-$times-good-total")" \
			"$(milliseconds "$1-$times-good-p50_us")" "$(milliseconds "$1-$times-good-p99_us")" \
			"$(median_ratio "$1-$times-good-p99_us" "$1-0-good-p99_us")" "$bad"
	done
}

part_fairness() {
	local round way fair=()

	for way in "${proxies[@]}"; do
		[[ $way == nginx ]] || fair+=("$way") # it has no queue
	done
	for ((round = 0; round < ROUNDS; round++)); do
		for way in "${fair[@]}"; do
			measure_fairness "fair-$way-queue" "$way" "$REQUESTS_MANY"
			measure_fairness "fair-$way-rate" "$way" "$RATE_LIMIT"
		done
		echo "bench-overload: fairness, round $((round + 1)) of $ROUNDS" >&2
	done

	printf '\n%d good clients with %d requests a second each, and one that asks for more; a share is %d a second; median of %d\n' \
		"$GOOD" "$GOOD_RATE" "$SHARE" "$ROUNDS"
	echo '| way | shares of the bad one | success of the good, % | p50, ms | p99, ms | p99 / quiet | bad one gets a second |'
	echo '|---|---|---|---|---|---|---|'
	for way in "${fair[@]}"; do
		print_fairness "fair-$way-queue" "$way, $SERVE at a time"
		print_fairness "fair-$way-rate" "$way, and $RATE_LIMIT a second each"
	done
	[[ " ${fair[*]} " == *' gate '* ]] || return 0
	say_fairness
}

say_fairness() {
	local case times success ratio

	for case in queue rate; do
		for times in 10 100; do
			success=$(percent "fair-gate-$case-$times-good-good" "fair-gate-$case-$times-good-total")
			ratio=$(median_ratio "fair-gate-$case-$times-good-p99_us" "fair-gate-$case-0-good-p99_us")
			printf 'Gate, %s, %d shares: at least 99 %% success: %s; p99 within 2 times of quiet: %s.\n' \
				"$case" "$times" "$(verdict 99 "$success")" "$(verdict "$ratio" 2)"
		done
	done
}

parts=("$@")
(($#)) || parts=(overload fairness)
for part in "${parts[@]}"; do
	"part_$part"
done
