#!/bin/bash
# SPDX-License-Identifier: MIT
# The three tables that the README shows: what the edge costs a packet, how long hatagod
# takes to scan a million clients, and how much it drops beside nftables and iptables.
# Needs root. Called by `make bench`.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}

echo "$(nproc) CPUs, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)"
"$BUILD/bench/bench_packet"
"$BUILD/bench/bench_scan"
tools/dev/bench-live.sh
