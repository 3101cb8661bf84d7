#!/bin/bash
# SPDX-License-Identifier: MIT
# `make run`: protects in the foreground until Ctrl-C, and says what to type next. With no
# settings: lo, and the sample service on 127.0.0.1:8787. With IFACE (and PROTECT) a real
# device, attached so that it lets go by itself unless it is confirmed from a session that
# still works. Needs root; leaves nothing behind.
#
#       IFACE=eth0 PROTECT=443/tcp,80/tcp tools/dev/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly BUILD=${BUILD:-build} CONFIRM_SECONDS=60 SERVICE=127.0.0.1:8787 START_SECONDS=10
readonly CTL=$BUILD/hatago-bpfctl
IFACE=${IFACE:-}
PROTECT=${PROTECT:-}
hatagod=
sample=

die() {
	echo "run: $*" >&2
	exit 1
}

((EUID == 0)) || die "attaching to a network device needs root; run as root: make run"
if [[ $IFACE ]]; then
	[[ $PROTECT ]] || die "say what to protect as well: make run IFACE=$IFACE PROTECT=443/tcp"
	[[ -e /sys/class/net/$IFACE ]] || die "there is no network device $IFACE; 'ip -br link' lists them"
else
	[[ ! $PROTECT ]] || die "say where as well: make run IFACE=eth0 PROTECT=$PROTECT"
fi

stop() {
	trap '' INT TERM
	[[ ! $sample ]] || kill "$sample" 2>/dev/null || :
	if [[ $hatagod ]]; then
		kill "$hatagod" 2>/dev/null || : # on SIGTERM it detaches
		wait "$hatagod" || :
	fi
	rm -rf "$BUILD/run"
}
trap stop EXIT
trap 'exit 0' INT TERM

# A real device is attached by command below, so that it can ask for a confirmation.
mkdir -p "$BUILD/run"
if [[ $IFACE ]]; then
	devices='' connections='{tokensPerSecond: 50, burstCapacity: 100}'
else
	devices=lo PROTECT=${SERVICE#*:}/tcp connections='{tokensPerSecond: 20, burstCapacity: 40}'
fi
cat >"$BUILD/run/hatago.yaml" <<END
edge:
  devices: [$devices]
  protect: [${PROTECT//,/, }]
  packets:     {tokensPerSecond: 20000, burstCapacity: 40000}
  bytes:       {tokensPerSecond: 50000000, burstCapacity: 100000000}
  connections: $connections
END

if [[ ! $IFACE ]]; then
	"$BUILD/hatago-sample" "$SERVICE" &
	sample=$!
fi
setsid "$BUILD/hatagod" -c "$BUILD/run/hatago.yaml" & # Ctrl-C is for this script alone
hatagod=$!
deadline=$((SECONDS + START_SECONDS))
until "$CTL" --json version 2>/dev/null | grep -q '"hatagod":{'; do
	kill -0 "$hatagod" 2>/dev/null || die "hatagod did not start; it says why above"
	((SECONDS < deadline)) || die "hatagod is not ready after $START_SECONDS s"
	sleep 0.1
done

if [[ $IFACE ]]; then
	$CTL edge attach "$IFACE" --confirm "${CONFIRM_SECONDS}s"
	cat <<END

$IFACE is protected for now: $PROTECT. If this machine can still be reached, say so within
$CONFIRM_SECONDS seconds, from another terminal; else the edge lets go by itself:
        $CTL edge confirm $IFACE
Then:
        $CTL status
        $CTL client list
        $CTL why ADDRESS
Ctrl-C here stops and detaches.
END
else
	cat <<END

lo is protected: at most 20 new connections a second (40 at once) from each client to port
${SERVICE#*:}, where a sample service answers. From another terminal, in this folder:
        curl http://$SERVICE/                                   # it answers
        $BUILD/hatago-flood --device lo --to $SERVICE --from 127.0.0.66 --rate 50000
        curl http://$SERVICE/                                   # it still does
        $CTL status
        $CTL client list                           # who was dropped
        $CTL why 127.0.0.66                        # and why
        $CTL ban add 127.0.0.66 --for 10m --reason "flood"
        curl -s http://127.0.0.1:9464/metrics | grep hatago_
Ctrl-C here stops and detaches.
END
fi
wait "$hatagod"
