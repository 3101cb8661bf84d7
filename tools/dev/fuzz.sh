#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs each fuzzer named for SECONDS_EACH over a copy of its corpus, so that the tree stays
# as it is; what made one fail is left in BUILD/fuzz-findings and fails this. Called by
# `make fuzz`; the seeds are in tests/fuzz/corpus/NAME.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

BUILD=${BUILD:-build}
readonly FINDINGS=$BUILD/fuzz-findings INPUT_BYTES_MAX=65536
seconds=${SECONDS_EACH:-30}
passed=0 failed=0
mkdir -p "$FINDINGS"
for fuzzer; do
	name=${fuzzer##*/fuzz_}
	grown=$BUILD/fuzz-corpus/$name
	mkdir -p "$grown"
	echo "fuzz: $name, $seconds s"
	if "$fuzzer" -max_total_time="$seconds" -max_len=$INPUT_BYTES_MAX -timeout=10 -print_final_stats=1 \
		-verbosity=0 -artifact_prefix="$FINDINGS/$name-" "$grown" "tests/fuzz/corpus/$name"; then
		((passed++))
	else
		((failed++))
		echo "fuzz: $name failed; the input is in $FINDINGS"
	fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && passed > 0))
