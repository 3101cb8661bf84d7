#!/bin/bash
# SPDX-License-Identifier: MIT
# Two hosts out of network namespaces, a veth pair between them, and the live bench over
# it (tests/bench/live.c). Everything is in namespaces of its own and gone at the end.
#
#       tools/dev/bench-live.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
PATH=$PATH:/usr/sbin:/sbin

if [[ ${1:-} != --inside ]]; then
	((EUID == 0)) || { echo "bench-live: needs root" >&2; exit 1; }
	exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" --inside "$@"
fi
shift

mount -t tmpfs hatago-bench /run
mount -t bpf hatago-bench /sys/fs/bpf
mkdir -p /run/netns /run/lock
ip netns add generator
ip netns add host
ip link add eth0 netns generator type veth peer name eth0 netns host
on() {
	nsenter --net="/run/netns/$1" "${@:2}"
}
on host ip address add 10.0.0.1/24 dev eth0
for name in generator host; do
	on "$name" ip link set eth0 up
done
# A veth takes redirected frames only with NAPI, which GRO switches on.
on host ethtool -K eth0 gro on
mac=$(on host ip -j link show eth0 | jq -r '.[0].address')
# One CPU makes the flood and receives it: the figures are the cost of a dropped frame.
exec nice -n -20 taskset -c 0 "$BUILD/bench/live" /run/netns/generator /run/netns/host "$mac" "$@"
