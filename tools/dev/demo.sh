#!/bin/bash
# SPDX-License-Identifier: MIT
# What the edge is for, in half a minute: three hosts out of network namespaces behind one
# switch. The server runs a web service, a good client asks it for a page 100 times a
# second, and an attacker floods it with SYNs from 64 addresses. Shows once a second what
# the good client gets: in peace, under the flood, and under the same flood once hatagod
# has attached the edge to the server's device. Needs root; all is gone at the end.
#
# The server receives as a machine with a network card does: a ring of 256 frames, emptied
# by one kernel thread (threaded NAPI). When the kernel can't keep up, the ring overflows,
# and the good client's frames are lost with the rest.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly BUILD=${BUILD:-$PWD/build} SERVICE=10.0.0.1:8787
readonly VISITS=100 SOURCES=64 LIMIT=150 BURST=300 # a second; addresses; new connections
readonly FLOOD=600000 # frames a second
readonly PEACE_SECONDS=6 FLOOD_SECONDS=8 START_SECONDS=10
PATH=$BUILD:$PATH:/usr/sbin:/sbin

if [[ ${1:-} != --inside ]]; then
	((EUID == 0)) || { echo "demo: network namespaces need root; run as root: make demo" >&2; exit 1; }
	# All processes, devices and pins go with the first process.
	exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" --inside
fi

if [[ -t 1 && ! ${NO_COLOR:-} ]]; then
	bold=$'\e[1m' plain=$'\e[0m'
else
	bold='' plain=''
fi

headline() {
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

on() { # HOST COMMAND...
	nsenter --net="/run/netns/$1" "${@:2}"
}

host() { # NAME ADDRESS: a host with one device, on the switch
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip link set "$1" master switch up
	on "$1" ip link set lo up
	on "$1" ip link set eth0 up
	on "$1" ip address add "$2/24" dev eth0
}

world() {
	mount -t tmpfs hatago-demo /run
	mount -t bpf hatago-demo /sys/fs/bpf
	mkdir -p /run/netns
	ip link add switch type bridge
	ip link set switch up
	host server 10.0.0.1
	host client 10.0.0.2
	host attacker 10.0.0.3
	# Answers to invented addresses go where the flood came from, and end there.
	on server ip route add default via 10.0.0.3
	ethtool -K attacker gro on # takes the flood's frames
	ethtool -K server tso off  # the switch sends frames, as on a wire
	on server ethtool -K eth0 gro on
	on server unshare --mount sh -c 'mount -t sysfs sysfs /sys && echo 1 >/sys/class/net/eth0/threaded'
	on server hatago-sample "$SERVICE" >/dev/null &
	until on server ss -Hltn "src $SERVICE" | grep -q .; do sleep 0.05; done
}

visit() { # SECONDS NAME: shows the good client, and keeps its last line
	on client taskset -c "$others" hatago-visit "$SERVICE" "$VISITS" "$1" | tee /run/visit
	summary+=("$(printf '%-28s %s' "$2" "$(tail -n 1 /run/visit | sed 's/^in all *//')")")
}

attach() {
	cat >/run/hatago.yaml <<-END
		edge:
		  devices: [eth0]
		  protect: [${SERVICE#*:}/tcp]
		  connections: {tokensPerSecond: $LIMIT, burstCapacity: $BURST}
	END
	on server hatagod -c /run/hatago.yaml 2>/run/hatagod.log &
	local hatagod=$! deadline=$((SECONDS + START_SECONDS))
	until on server hatago-bpfctl status >/dev/null 2>&1; do
		if ! kill -0 "$hatagod" 2>/dev/null || ((SECONDS >= deadline)); then
			echo "demo: hatagod did not start:" >&2
			cat /run/hatagod.log >&2
			exit 1
		fi
		sleep 0.05
	done
}

# The attacker's machine is the first CPU, everybody else's the others, where there are any.
others=$(($(nproc) > 1 ? 1 : 0))-$(($(nproc) - 1))
summary=()
world

headline "1/3  In peace: $VISITS requests a second from a good client"
visit $PEACE_SECONDS "in peace"

headline "2/3  Flood of SYNs from $SOURCES addresses, up to $FLOOD a second, no edge"
on attacker taskset -c 0 hatago-flood --device eth0 --to "$SERVICE" --sources $SOURCES --in-kernel \
	--rate $FLOOD --seconds $((2 * FLOOD_SECONDS + 3)) >/run/flood &
flood=$!
visit $FLOOD_SECONDS "flood, no edge"

headline "3/3  The same flood; hatagod attaches the edge: $LIMIT new connections a second a client"
attach
visit $FLOOD_SECONDS "flood, edge attached"

headline "What the good client got"
printf '  %s\n' "${summary[@]}"
headline "Who was dropped (hatago-bpfctl client list -n 3)"
on server hatago-bpfctl client list -n 3
headline "And why (hatago-bpfctl counter list)"
on server hatago-bpfctl counter list
wait $flood
echo
sed 's/^/The attacker /' /run/flood
