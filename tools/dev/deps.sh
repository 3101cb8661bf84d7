#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages named, of which it does nothing where all are there
# (a tenth of a second). Where it may not, it says what to type. Starts no service, now or at
# the next boot, and removes nothing. Called by `make deps`, and so first by nearly every target.
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
# Packages that bring a service start it unless this file says no. One that is there already
# is the administrator's.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

for service in haproxy nginx; do # of the packages that are for the bench
	[[ " ${missing[*]} " == *" $service"* && -e /etc/init.d/$service ]] || continue
	echo "deps: $service is installed for the bench: its service was not started and is disabled"
	update-rc.d "$service" disable
	! command -v systemctl >/dev/null || systemctl --quiet disable "$service.service" || :
done
