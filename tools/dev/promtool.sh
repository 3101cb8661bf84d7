#!/bin/bash
# SPDX-License-Identifier: MIT
# Fetches promtool, which the metrics' test needs, into build/bin where the machine has
# none. Only the program out of Debian's package: installing that would start a Prometheus
# server on the machine that is to be tested. Called by `make deps`.
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly TO=$PWD/build/bin

if command -v promtool >/dev/null || [[ -x $TO/promtool ]] || ! command -v apt-get >/dev/null; then
	exit 0
fi
echo "deps: fetching promtool"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; }
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
mkdir -p "$TO"
mv usr/bin/promtool "$TO/"
