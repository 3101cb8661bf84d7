#!/bin/bash
# SPDX-License-Identifier: MIT
# What adaptation is for: an upstream that serves 8 requests at a time in 20 ms, whose capacity
# is cut to a quarter in mid-run and given back (tests/bench/capacity.py), under 1.5 times the
# load that it can bear at its best; behind the gate with a fixed limit and with one that adapts.
# What is more than it can serve at a time waits in it (plain), or slows it down besides.
#
#       tools/dev/bench-adapt.sh
#
# ROUNDS (3) and SECONDS_EACH (4,6,8: before, while and after it is cut) make it shorter.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/dev/bench-proxies.sh
. tools/dev/bench-proxies.sh

ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-4,6,8}
readonly FITTING=8 GENEROUS=32 QUEUE=50 # limits
# Only what the upstream's answers tell: the machine is busy with the load itself.
readonly OFF='{some: 0, full: 0}'
readonly ADAPTIVE="adaptive: {enabled: true, cpuThreshold: 0, memoryThreshold: 0, psi: {cpu: $OFF, memory: $OFF, io: $OFF}}"

# Notes the figures as CASE-KEY. $round is the caller's.
measure() { # CASE UPSTREAM(plain|degrade) CONCURRENT [YAML-LINE...]
	local case=$1 pair figures kind=()

	[[ $2 == plain ]] || kind=("--$2")
	start_gate "$REQUESTS_MANY" "$3" "$QUEUE" 'circuitBreaker: {enabled: false}' "${@:4}"
	figures=$(PYTHONDONTWRITEBYTECODE=1 taskset -c "$LOAD_CPU" python3 tests/bench/capacity.py "$BUILD" \
		"127.0.0.1:${PORT[gate]}" "$UPSTREAM" "${kind[@]}" --seed "$round" --seconds "$SECONDS_EACH")
	for pair in $figures; do
		note "$case-${pair%%=*}" "${pair#*=}"
	done
	finish gate
}

print_row() { # CASE UPSTREAM LIMIT
	local key

	printf '| %s | %s ' "$2" "$3"
	for key in quiet_goodput quiet_p99_ms cut_back_s cut_goodput cut_p99 restored_back_s restored_goodput; do
		printf '| %s ' "$(median "$1-$key")"
	done
	echo '|'
}

say() { # CASE UPSTREAM LIMIT
	printf '%s, %s: back to 0.95 of the new capacity within 2 s: %s; p99 within 3 times of quiet: %s; restored, within 5 s: %s.\n' \
		"$2" "$3" "$(verdict 0.95 "$(median "$1-cut_goodput")")" "$(verdict "$(median "$1-cut_p99")" 3)" \
		"$(verdict 0.95 "$(median "$1-restored_goodput")")"
}

for ((round = 0; round < ROUNDS; round++)); do
	for kind in plain degrade; do
		measure "$kind-$FITTING" "$kind" "$FITTING"
		measure "$kind-$FITTING-adaptive" "$kind" "$FITTING" "$ADAPTIVE"
	done
	measure "degrade-$GENEROUS" degrade "$GENEROUS"
	measure "degrade-$GENEROUS-adaptive" degrade "$GENEROUS" "$ADAPTIVE"
	echo "bench-adapt: round $((round + 1)) of $ROUNDS" >&2
done

printf '\nCapacity cut to a quarter and given back; goodput as a share of the capacity of the time, after 2 s and 5 s; median of %d\n' \
	"$ROUNDS"
echo '| upstream | gate, at a time | quiet | p99 there, ms | cut: back after, s | goodput | p99 / quiet | restored: back after, s | goodput |'
echo '|---|---|---|---|---|---|---|---|---|'
for kind in plain degrade; do
	for limit in "$FITTING" "$GENEROUS"; do
		[[ -e $WORK/figure-$kind-$limit-quiet_goodput ]] || continue
		print_row "$kind-$limit" "$kind" "$limit"
		print_row "$kind-$limit-adaptive" "$kind" "up to $limit, adaptive"
	done
done
for kind in plain degrade; do
	say "$kind-$FITTING-adaptive" "$kind" "up to $FITTING"
done
