#!/bin/sh
# SPDX-License-Identifier: MIT
# What is tried in a virtual machine that boots a kernel (tools/dev/check-kernels.sh), as
# root, in the folder with the programs: the tables of packets, clients and pressure, attaching
# to a veth pair, and that the next start adopts what a killed process left. On a kernel that is
# too old only that hatagod says so. Prints TAP; only what a small shell and busybox can do.
export CMOCKA_MESSAGE_OUTPUT=TAP
status=0
count=0

report() { # ok|'not ok' NAME
	count=$((count + 1))
	echo "$1 $count - $2"
	[ "$1" = ok ] || status=1
}

# Linux 5.17 and older: one sentence that says which kernel it needs, and nothing attached.
refuses() {
	printf 'edge: {devices: [lo], protect: [80/tcp]}\nmetrics: {enabled: false}\n' >/tmp/hatago.yaml
	words=$(./hatagod -c /tmp/hatago.yaml 2>&1)
	[ $? -eq 1 ] || { echo "hatagod did not fail with 1: $words"; return 1; }
	echo "$words"
	echo "$words" | grep -q 'too old for the edge, which needs Linux 5.18 or newer.*it lacks 64-bit compare-and-swap.*(Linux 5.12)' &&
		[ "$(echo "$words" | grep -c error)" = 1 ] && [ -z "$(ls /sys/fs/bpf/hatago 2>/dev/null)" ]
}

case $(uname -r) in
5.10.*)
	verdict='not ok'
	if refuses; then verdict=ok; fi
	report "$verdict" "is refused in one sentence"
	exit $status
	;;
esac
for test in test_packets test_clients test_packet_pressure test_edge test_edge_adopt; do
	./$test >/tmp/log 2>&1
	code=$?
	passed=$(grep -c '^ok' /tmp/log)
	if [ $code -eq 0 ] && [ "$passed" -gt 0 ]; then
		report ok "$test: $passed cases"
	else
		report 'not ok' "$test: ended with $code"
		grep -v '^ok' /tmp/log | cut -c1-300 | tail -n 40
	fi
done
exit $status
