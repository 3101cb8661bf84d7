#!/bin/bash
# SPDX-License-Identifier: MIT
# `make run`: protects in the foreground until Ctrl-C, and says what to type next. With no
# settings: lo, the gate on 127.0.0.1:8080, and behind it the sample service on
# 127.0.0.1:8787. With IFACE (and PROTECT) a real device, attached so that it lets go by itself unless it is confirmed from a session that
# still works. Needs root; leaves nothing behind.
#
#       IFACE=eth0 PROTECT=443/tcp,80/tcp tools/dev/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly BUILD=${BUILD:-build} CONFIRM_SECONDS=60 START_SECONDS=10
readonly SERVICE=127.0.0.1:8787 GATE=127.0.0.1:8080
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
	devices=lo PROTECT=${GATE#*:}/tcp connections='{tokensPerSecond: 20, burstCapacity: 40}'
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
	cat >>"$BUILD/run/hatago.yaml" <<-END
		gate:
		  listen: [$GATE]
		  upstream: http://$SERVICE
		maxConcurrent: 2
		queueSize: 2
		perClientLimits: true
		rateLimiting: {tokensPerSecond: 5, burstCapacity: 10, refillInterval: 0}
	END
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

The gate is in front of the sample service: 5 requests a second from each client (10 at once), 2
at a time, and 2 may wait. The edge on lo lets 20 new connections a second (40 at once) from each
client through to it. From another terminal, in this folder:
        curl http://$GATE/                                   # it answers
        for i in {1..20}; do curl -s -o /dev/null -w '%{http_code} ' http://$GATE/; done    # 429
        for i in {1..6}; do curl -s -o /dev/null -w '%{http_code} ' http://$GATE/slow & done; wait  # 503
        $BUILD/hatago-flood --device lo --to $GATE --from 127.0.0.66 --rate 50000 --seconds 2
        curl http://$GATE/                                   # it still does
        $CTL status
        $CTL client list                           # who was dropped
        $CTL why 127.0.0.66                        # and why
        $CTL event follow                          # refusals as they happen
        curl -s http://$GATE/metrics/concurrency
Ctrl-C here stops and detaches.
END
fi
wait "$hatagod"
