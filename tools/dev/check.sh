#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs test programs two at a time: a line each, the log of whatever failed, and at the end the
# plain line `N passed, N failed` (`, N skipped` may follow). What measures time runs alone.
#
#       tools/dev/check.sh PROGRAM...
#
# A program is a cmocka one, a fuzzer (build/fuzzed/..., over its corpus and for FUZZ_SECONDS), a
# system test (tests/system/*.sh, through run.sh), or asan:NAME or tsan:NAME, a system test as
# run.sh names it with the programs of build/asan or build/tsan. Cases are counted, not
# programs. A skip says why in a line "SKIP: reason"; with CI=true it is a failure unless
# tests/skips.txt has that reason. Fails where nothing ran. Logs stay in build/check.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

readonly PROGRAM_SECONDS_MAX=300 LOG_LINES_SHOWN=200 FUZZ_SECONDS=3 AT_ONCE=2
# Nothing runs beside these: they compare times, send from two CPUs, or act before one expires.
readonly ALONE=' unit/admission_model asan/admission_model bpf/clients bpf/exact bpf/packet_pressure '
BUILD=${BUILD:-build}
readonly LOGS=$BUILD/check
PATH=$(realpath -m "$BUILD")/bin:$PATH:/usr/sbin:/sbin
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=second_deadlock_stack=1

passed=0 failed=0 skipped=0
mkdir -p "$LOGS"

skip_is_allowed() { # REASON
	[[ ${CI:-} != true ]] || grep -qxF -- "$1" tests/skips.txt
}

name_of() { # PROGRAM
	local name=${1%.sh}

	[[ $1 != [at]san:* ]] || { echo "${1/:/\/}"; return; }
	name=${name#"$BUILD"/}
	case $name in
	fuzzed/*) echo "fuzz/${name##*/fuzz_}" ;;
	asan/* | tsan/*) echo "${name%%/*}/${name##*/test_}" ;;
	tests/system/*) echo "system/${name##*/}" ;;
	tests/*) [[ -e tests/bpf/${name##*/}.c ]] && echo "bpf/${name##*/test_}" ||
		echo "unit/${name##*/test_}" ;;
	*) echo "$name" ;;
	esac
}

start() { # PROGRAM
	local corpus found

	case $1 in
	asan:*) BUILD=$(realpath "$BUILD/asan") "${limit[@]}" tests/system/run.sh --tap "${1#asan:}" ;;
	tsan:*)
		BUILD=$(realpath "$BUILD/tsan") TSAN_OPTIONS=halt_on_error=1 \
			"${limit[@]}" setarch -R tests/system/run.sh --tap "${1#tsan:}"
		;;
	*/fuzzed/*)
		corpus=tests/fuzz/corpus/${1##*/fuzz_}
		[[ -n $(ls -A "$corpus" 2>/dev/null) ]] || { echo "not ok 1 - $corpus holds nothing"; return 1; }
		found=$LOGS/found-${1##*/}
		rm -rf "$found" && mkdir "$found"
		"${limit[@]}" "$1" -max_total_time="$FUZZ_SECONDS" "$found" "$corpus" &&
			echo "ok 1 - corpus of $(find "$corpus" -type f | wc -l), and $FUZZ_SECONDS s of fuzzing"
		;;
	*/tsan/*) "${limit[@]}" setarch -R "$1" ;; # gcc 12's TSan can't bear much randomisation
	*.sh) BUILD=$(realpath "$BUILD") "${limit[@]}" tests/system/run.sh --tap "$1" ;;
	*) "${limit[@]}" "$1" ;;
	esac
}
limit=(timeout --foreground -k 10 "$PROGRAM_SECONDS_MAX")

# Reads a log in TAP: "passed failed planned", then a line for each reason to skip.
count() {
	awk '
	/SKIP: / { reason = $0; sub(/.*SKIP: /, "", reason) }
	/^1\.\.[0-9]+/ { planned += substr($1, 4) }
	/^(not )?ok [0-9]+ # SKIP/ { reasons[skips++] = reason == "" ? "no reason given" : reason; reason = ""; next }
	/^ok [0-9]+/ { good++; reason = "" }
	/^not ok [0-9]+/ { bad++; reason = "" }
	END {
		print good + 0, bad + 0, planned + 0
		for (i = 0; i < skips; i++) print reasons[i]
		if (!good && !bad && !skips && reason != "") print reason # the whole program
	}' "$1"
}

run() { # PROGRAM
	local name log begun status good bad planned reason word=ok
	local -a reasons

	name=$(name_of "$1")
	log=$LOGS/${name//\//-}.log
	begun=${EPOCHREALTIME/./}
	start "$1" >"$log" 2>&1
	status=$?
	{ read -r good bad planned && mapfile -t reasons; } < <(count "$log")
	((status == 124 || status == 137)) && echo "took more than $PROGRAM_SECONDS_MAX s" >>"$log"
	# It died, or stopped half-way: then the count alone would flatter it.
	((bad == 0 && status != 0 && !(status == 77 && ${#reasons[@]}))) && bad=1
	((bad == 0 && good + ${#reasons[@]} < (planned ? planned : 1))) && bad=1
	for reason in "${reasons[@]}"; do
		skip_is_allowed "$reason" || ((bad++))
	done
	((passed += good, failed += bad, skipped += ${#reasons[@]}))
	((bad)) && word=FAIL
	printf '%-5s %-34s %4d passed' "$word" "$name" "$good"
	((bad)) && printf ', %d failed' "$bad"
	((${#reasons[@]})) && printf ', %d skipped' "${#reasons[@]}"
	printf '   %d ms\n' $(((${EPOCHREALTIME/./} - begun) / 1000))
	((${#reasons[@]})) && printf '      skipped: %s\n' "${reasons[@]}" | sort | uniq
	((bad)) && grep -vE "^ok [0-9]+" "$log" | tail -n "$LOG_LINES_SHOWN" | sed 's/^/      | /'
	return 0
}

# Beside others: its report comes in one piece, and its counts by way of a file.
run_beside() { # PROGRAM NUMBER
	passed=0 failed=0 skipped=0
	run "$1" >"$LOGS/report-$2"
	flock "$LOGS" cat "$LOGS/report-$2"
	echo "$passed $failed $skipped" >"$LOGS/counts-$2"
}

rm -f "$LOGS"/counts-*
number=0
for program; do
	most=$AT_ONCE
	[[ $ALONE != *" $(name_of "$program") "* ]] || most=1
	while (($(jobs -rp | wc -l) >= most)); do wait -n; done
	((++number))
	run_beside "$program" $number &
	((most > 1)) || wait
done
wait
for ((i = 1; i <= number; i++)); do
	if read -r good bad skips <"$LOGS/counts-$i"; then
		((passed += good, failed += bad, skipped += skips))
	else
		((failed++)) # it died before it could say
	fi
done
printf '%d passed, %d failed' "$passed" "$failed"
((skipped)) && printf ', %d skipped' "$skipped"
printf '\n'
((failed == 0 && passed > 0))
