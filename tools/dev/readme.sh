#!/bin/bash
# SPDX-License-Identifier: MIT
# Writes the tables of README.md anew from the lists in the code: each between a line
# `<!-- made by: hatagod OPTION [PATTERN...] -->` and the next `<!-- end -->`; with patterns, only
# the rows of such names. With --check it only says whether they are as they should be.
# Needs BUILD/hatagod.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}

# The rows of the table whose name is like a pattern, under the table's head.
rows() { # PATTERN...
	local row name pattern

	for _ in head line; do
		IFS= read -r row
		printf '%s\n' "$row"
	done
	while IFS= read -r row; do
		name=${row#*\`} name=${name%%\`*}
		for pattern; do
			# shellcheck disable=SC2053 # it is a pattern
			[[ $name != $pattern ]] || { printf '%s\n' "$row"; break; }
		done
	done
}

made() {
	local line option patterns skip=false

	while IFS= read -r line; do
		if [[ $line =~ ^'<!-- made by: hatagod '(--print-[a-z]+)(( [^ ]+)*)' -->'$ ]]; then
			option=${BASH_REMATCH[1]}
			read -ra patterns <<<"${BASH_REMATCH[2]}"
			printf '%s\n' "$line"
			if ((${#patterns[@]})); then
				"$BUILD/hatagod" "$option" | rows "${patterns[@]}"
			else
				"$BUILD/hatagod" "$option"
			fi
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
