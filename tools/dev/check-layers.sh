#!/bin/bash
# SPDX-License-Identifier: MIT
# Who may include whom (the table below is the law), what a layer may know of the system,
# and that every source has its licence line. Prints each offence as FILE:LINE: sentence.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

# Layer: the folders of user/ that it may include.
declare -A may=(
	[user/base]="base"
	[user/core]="base core"
	[user/config]="base core config"
	[user/kern]="base core config kern"
	[user/net]="base net"
	[user/sense]="base sense"
	[user/gate]="base core config net gate"
	[user/metrics]="base core config kern net metrics"
	[user/ops]="base core config kern net ops"
	[user/agent]="base core config kern net sense gate metrics ops agent"
	[tools/bpfctl]="base core config kern net ops"
	[tools/dev]="base net"
)
offences=0

offence() { # FILE:LINE SENTENCE
	echo "$1: $2"
	((offences++))
}

# Lines "FILE:LINE HEADER" of all that the files below a folder include; a system header
# of which we have a namesake folder (<net/if.h>) comes without its folder.
includes() { # FOLDER
	grep -rnHoE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' "$1" 2>/dev/null |
		sed -E 's/^([^:]+:[0-9]+):.*<net\/(.*)>$/\1 \2/; s/^([^:]+:[0-9]+):.*[<"]([^>"]+)[>"]$/\1 \2/'
}

check_layer() { # LAYER
	local where header top

	while read -r where header; do
		top=${header%%/*}
		case $header in
		hatago/*) continue ;;
		*tests/* | bench/*) offence "$where" "nothing includes tests ($header)" ;;
		bpf/* | *.skel.h | linux/bpf.h | libelf.h)
			[[ $1 == user/kern || $1 == tools/dev ]] || offence "$where" "only user/kern knows libbpf ($header)" ;;
		../*) offence "$where" "includes are written from user/ or include/ ($header)" ;;
		base/log.h)
			[[ $1 == user/agent || $1 == user/base || $1 == tools/* ]] ||
				offence "$where" "only user/agent and the tools log" ;;
		esac
		[[ -d user/$top && " ${may[$1]} " != *" $top "* ]] &&
			offence "$where" "$1 may not include $header (may: ${may[$1]})"
	done < <(includes "$1")
}

check_layers() {
	local folder

	for folder in user/* tools/*; do
		[[ -d $folder ]] || continue
		if [[ ${may[$folder]:-} ]]; then
			check_layer "$folder"
		else
			offence "$folder:0" "no rule says what this folder may include (tools/dev/check-layers.sh)"
		fi
	done
}

# What decides is pure: no clock, no sockets, no files.
check_core() {
	local where header

	while read -r where header; do
		case $header in
		time.h | unistd.h | fcntl.h | uv.h | sys/* | netinet/* | arpa/* | pthread.h | base/clock.h)
			offence "$where" "core decides and is pure: no $header" ;;
		esac
	done < <(includes user/core)
}

# The BPF program and the shared headers see only themselves and the kernel's UAPI.
check_bpf() {
	local where header

	while read -r where header; do
		case $header in
		linux/* | bpf/* | hatago/* | stdbool.h | stddef.h) ;;
		*) [[ -e bpf/$header ]] || offence "$where" "not for the BPF program ($header)" ;;
		esac
	done < <(includes bpf)
	while read -r where header; do
		case $header in
		linux/types.h) ;;
		*) [[ -e include/hatago/${header#hatago/} ]] || offence "$where" "not for a shared header ($header)" ;;
		esac
	done < <(includes include)
}

check_licences() {
	local file

	while read -r file; do
		offence "$file:1" "no licence line"
	done < <(find Makefile .ci bpf include user tools tests packaging -type f \
		\( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.y*ml' -o -name Makefile \
		-o -name '*.service' -o -name '*.socket' -o -path '.ci/*' \) ! -path 'tests/fuzz/corpus/*' \
		-exec awk 'FNR <= 3 && /SPDX-License-Identifier: / { has[FILENAME] }
			END { for (i = 1; i < ARGC; i++) if (!(ARGV[i] in has)) print ARGV[i] }' {} +)
}

check_layers
check_core
check_bpf
check_licences
((offences == 0)) || { echo "$offences offences"; exit 1; }
