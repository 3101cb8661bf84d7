#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs system tests, one after the other, each in namespaces of its own: network, mounts
# (a bpffs and a /run that nobody else sees) and processes. So nothing that a test
# leaves behind outlives it, and no test meets another or the machine's own hatagod.
#
#       tests/system/run.sh [--tap] [NAME...]
#
# NAME is a file of this folder (attach), or one test in it (attach:native). Without
# one, all run. Prints PASS, SKIP or FAIL with the reason; --tap prints what check.sh reads.
# A test is a function test_* in tests/system/*.sh; see lib.sh for what it can use.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

readonly TEST_SECONDS_MAX=120
BUILD=${BUILD:-$PWD/build}
export BUILD
passed=0 failed=0 skipped=0 tap=false

# In the namespaces: PID 1, which the kernel takes all other processes with when it goes.
if [[ ${1:-} == --inside ]]; then
	mount -t tmpfs -o mode=755 hatago-test /run &&
		mount -t bpf hatago-test /sys/fs/bpf || exit 1
	mkdir -p /run/netns /run/lock /run/tmp
	export TMPDIR=/run/tmp
	ip link set lo up
	# shellcheck source=tests/system/lib.sh
	. tests/system/lib.sh
	# shellcheck source=/dev/null
	. "$2"
	"$3"
	exit 0
fi

why_not() { # why no test can run here; nothing if they can
	((EUID == 0)) || { echo "needs root"; return; }
	unshare --mount --net --pid --fork true 2>/dev/null || { echo "may not make namespaces"; return; }
	[[ -x $BUILD/hatagod ]] || { echo "$BUILD/hatagod is not built"; return; }
}

report() { # PASS|SKIP|FAIL NAME REASON LOG
	case $1 in
	PASS) ((passed++)) ;;
	SKIP) ((skipped++)) ;;
	FAIL) ((failed++)) ;;
	esac
	if ! $tap; then
		printf '%s %s%s\n' "$1" "$2" "${3:+: $3}"
	elif [[ $1 == PASS ]]; then
		printf 'ok %d - %s\n' $((passed + failed + skipped)) "$2"
	elif [[ $1 == SKIP ]]; then
		printf 'SKIP: %s\nnot ok %d # SKIP %s\n' "$3" $((passed + failed + skipped)) "$2"
	else
		printf 'not ok %d - %s: %s\n' $((passed + failed + skipped)) "$2" "$3"
	fi
	[[ $1 != FAIL || -z ${4:-} ]] || sed 's/^/    # /' "$4"
}

run() { # FILE FUNCTION
	local name reason status log begun=${EPOCHREALTIME/./}

	name=${1##*/}
	name=${name%.sh}:${2#test_}
	[[ -z $blocked ]] || { report SKIP "$name" "$blocked"; return; }
	log=$(mktemp)
	timeout --foreground -k 5 "$TEST_SECONDS_MAX" \
		unshare --mount --net --pid --fork --kill-child --mount-proc \
		bash "$0" --inside "$1" "$2" >"$log" 2>&1 </dev/null
	status=$?
	reason=$(sed -n 's/^\(FAIL\|SKIP\): //p' "$log" | head -n 1)
	((status == 124 || status == 137)) && reason="took more than $TEST_SECONDS_MAX s"
	case $status in
	0) report PASS "$name" "$($tap || echo "$(((${EPOCHREALTIME/./} - begun) / 1000)) ms")" ;;
	77) report SKIP "$name" "${reason:-no reason given}" ;;
	*) report FAIL "$name" "${reason:-ended with $status}" "$log" ;;
	esac
	[[ $status != 0 ]] || sed -n 's/^NOTE: /    # /p' "$log" # what a test measured
	rm -f "$log"
}

[[ ${1:-} == --tap ]] && { tap=true; shift; }
blocked=$(why_not)
found=0
(($#)) || set -- tests/system/*.sh
for wanted; do
	file=${wanted##*/}
	only=${file#*:}
	[[ $only != "$file" ]] || only='*'
	file=${file%%:*}
	file=tests/system/${file%.sh}.sh
	case $file in */run.sh | */lib.sh) continue ;; esac
	[[ -e $file ]] || { echo "run.sh: there is no $file" >&2; exit 2; }
	while read -r function; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ ${function#test_} == $only ]] || continue
		((found++))
		run "$file" "$function"
	done < <(sed -n 's/^\(test_[a-z0-9_]*\)().*/\1/p' "$file")
done
((found)) || { echo "run.sh: no test of that name" >&2; exit 2; }
if $tap; then
	printf '1..%d\n' "$found"
else
	printf '%d passed, %d failed' "$passed" "$failed"
	((skipped)) && printf ', %d skipped' "$skipped"
	printf '\n'
fi
((failed == 0))
