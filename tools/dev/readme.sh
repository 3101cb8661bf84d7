#!/bin/bash
# SPDX-License-Identifier: MIT
# Writes the tables of README.md anew from the lists in the code: each between a line
# `<!-- made by: hatagod OPTION -->` and the next `<!-- end -->`. With --check it only says
# whether they are as they should be. Needs BUILD/hatagod.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}

made() {
	local line option skip=false

	while IFS= read -r line; do
		if [[ $line =~ ^'<!-- made by: hatagod '(--print-[a-z]+)' -->'$ ]]; then
			option=${BASH_REMATCH[1]}
			printf '%s\n' "$line"
			"$BUILD/hatagod" "$option"
			skip=true
		fi
		[[ $line != '<!-- end -->' ]] || skip=false
		$skip || printf '%s\n' "$line"
	done <README.md
}

text=$(made)
if [[ ${1:-} == --check ]]; then
	diff -u --label README.md --label 'as it should be (tools/dev/readme.sh writes it)' README.md <(printf '%s\n' "$text")
else
	printf '%s\n' "$text" >README.md
fi
