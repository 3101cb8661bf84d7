#!/bin/bash
# SPDX-License-Identifier: MIT
# Every static check, each over the whole tree; any finding fails. Called by `make lint`
# with CPPFLAGS and BPFFLAGS, since the headers generated in build/ must be there first.
# Runs all of them even if one fails and ends with the line `N passed, N failed`.
#
#       tools/dev/lint.sh [CHECK...]      layers readme format shell cppcheck tidy tidy-bpf
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

jobs=$(nproc)
read -ra cppflags <<<"${CPPFLAGS:?run make lint}"
cppflags=("${cppflags[@]/#-Ibuild/-isystembuild}") # what is generated there is bpftool's
read -ra bpfflags <<<"${BPFFLAGS:?run make lint}"
mapfile -t c_files < <(find bpf include user tools tests -name '*.[ch]' | sort)
# The longest first, so that no CPU waits at the end for one that took up a long file last.
mapfile -t user_sources < <(find user tools tests -name '*.c' ! -name '*.bpf.c' -printf '%s %p\n' |
	sort -k1,1nr -k2 | cut -d' ' -f2)
mapfile -t bpf_sources < <(find bpf tests -name '*.bpf.c' | sort)
mapfile -t scripts < <(grep -rlE '^#!.*[/ ](ba)?sh$' tools tests packaging .ci | sort)

check_layers() {
	tools/dev/check-layers.sh
}

check_readme() {
	tools/dev/readme.sh --check
}

check_format() {
	printf '%s\0' "${c_files[@]}" | xargs -0 -P "$jobs" -n 50 clang-format --dry-run -Werror
}

check_shell() {
	printf '%s\0' "${scripts[@]}" | xargs -0 -P "$jobs" -n 5 shellcheck -x -P SCRIPTDIR
}

check_cppcheck() {
	cppcheck -j "$jobs" --quiet --std=c11 --enable=warning,performance,portability \
		--inline-suppr --error-exitcode=1 --suppressions-list=tools/dev/cppcheck.txt \
		--library=tools/dev/jansson.cfg \
		-Iinclude -Iuser -D_GNU_SOURCE '-DLIBBPF_OPTS(type,name,...)=struct type name={__VA_ARGS__}' \
		"${user_sources[@]}"
}

tidy() { # FILES... -- FLAGS...
	local files=()

	while [[ $1 != -- ]]; do
		files+=("$1")
		shift
	done
	# How many findings there were in the system's headers is nobody's business.
	printf '%s\0' "${files[@]}" |
		xargs -0 -P "$jobs" -I{} clang-tidy --quiet '--warnings-as-errors=*' {} "$@" \
			2> >(grep -v 'warnings\? generated' >&2)
}

check_tidy() {
	tidy "${user_sources[@]}" -- "${cppflags[@]}" -std=gnu11
}

check_tidy_bpf() {
	tidy "${bpf_sources[@]}" -- "${bpfflags[@]}"
}

checks=("$@")
(($#)) || checks=(layers readme format shell cppcheck tidy tidy-bpf)
passed=0 failed=0
for name in "${checks[@]}"; do
	begun=${EPOCHREALTIME/./} word=ok
	if log=$("check_${name//-/_}" 2>&1); then
		((passed++))
	else
		((failed++))
		word=FAIL
	fi
	printf '%-5s %-10s %d ms\n' "$word" "$name" $(((${EPOCHREALTIME/./} - begun) / 1000))
	[[ $word == ok ]] || printf '%s\n' "$log"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
