#!/bin/bash
# SPDX-License-Identifier: MIT
# The tables that the README shows: what the edge costs a packet, how long hatagod takes to
# scan a million clients, how much it drops beside nftables and iptables; what the gate costs
# a request beside HAProxy and nginx, and what it keeps up under overload; how its limit does in
# a simulator beside others. Needs root. Called by `make bench`; takes about twenty minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}

echo "$(nproc) CPUs, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)"
"$BUILD/bench/bench_packet"
"$BUILD/bench/bench_scan"
tools/dev/bench-live.sh
tools/dev/bench-gate.sh
tools/dev/bench-overload.sh
tools/dev/bench-adapt.sh
"$BUILD/bench/adapt"
