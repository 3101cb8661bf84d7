#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages named, of which it does nothing where all are there
# (a tenth of a second). Where it may not, it says what to type. Starts no service and
# removes nothing. Called by `make deps`, and so first by nearly every target.
set -euo pipefail

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is no Debian; what is needed is named there: $*" >&2
	exit 0
fi

declare -A installed=()
while read -r status name; do
	[[ $status == ii* ]] && installed[$name]=1
done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null || :)

missing=()
for package; do
	[[ ${installed[$package]:-} ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

if ((EUID)); then
	echo "deps: packages are missing; run as root: apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
fi
echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
