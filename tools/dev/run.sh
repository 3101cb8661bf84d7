#!/bin/bash
# SPDX-License-Identifier: MIT
# `make run`: protects in the foreground until Ctrl-C, and says what to type next. With no
# settings: a sample service, the gate in front of it on 127.0.0.1:8080, and the edge on lo in
# front of both, with limits so small that curl meets them at once. With IFACE (and PROTECT)
# the edge alone, on a real device, attached so that it lets go by itself unless it is
# confirmed from a session that still works. Needs root; leaves nothing behind.
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
edge_config() {
	local devices='' connections='{tokensPerSecond: 50, burstCapacity: 100}'

	if [[ ! $IFACE ]]; then
		devices=lo PROTECT=${GATE#*:}/tcp connections='{tokensPerSecond: 20, burstCapacity: 40}'
	fi
	cat <<-END
		edge:
		  devices: [$devices]
		  protect: [${PROTECT//,/, }]
		  packets:     {tokensPerSecond: 20000, burstCapacity: 40000}
		  bytes:       {tokensPerSecond: 50000000, burstCapacity: 100000000}
		  connections: $connections
	END
}

gate_config() {
	cat <<-END
		gate:
		  listen: [$GATE]
		  upstream: http://$SERVICE
		perClientLimits: true
		rateLimiting: {tokensPerSecond: 5, burstCapacity: 10, refillInterval: 0}
		maxConcurrent: 2
		queueSize: 2
	END
}

mkdir -p "$BUILD/run"
edge_config >"$BUILD/run/hatago.yaml"
if [[ ! $IFACE ]]; then
	gate_config >>"$BUILD/run/hatago.yaml"
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

A sample service answers on $SERVICE. The gate on $GATE lets 2 requests run there
and 2 wait, and gives each client 5 a second (10 at once). The edge on lo lets each client
open 20 connections a second to the gate (40 at once). From another terminal, in this folder:

        curl http://$GATE/
This is the sample service.

Six at a time: two are refused at once, two run, two wait until those are done.
        seq 6 | xargs -P6 -I{} curl -s -o /dev/null \\
            -w '%{http_code} after %{time_total} s\n' http://$GATE/slow
503 after 0.002 s
503 after 0.002 s
200 after 1.004 s
200 after 1.004 s
200 after 2.006 s
200 after 2.006 s

Fifteen in a row: ten pass, for the others it is too soon. And how that is told:
        curl -s -o /dev/null -w '%{http_code} ' 'http://$GATE/?[1-15]'
200 200 200 200 200 200 200 200 200 200 429 429 429 429 429
        curl -si -w '\n' -H 'Content-Type: application/json' \\
            -d '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo"}}' \\
            'http://$GATE/mcp?[1-12]' | tail -n 8
HTTP/1.1 429 Too Many Requests
Content-Type: application/json
Content-Length: 183
Retry-After: 1
RateLimit: "requests";r=0;t=1
RateLimit-Policy: "requests";q=10;w=2

{"jsonrpc":"2.0","error":{"code":-32000,"message":"Rate limit exceeded","data":{"type":"rate_limit","retryAfter":1,"limit":5,"remaining":0,"resetTime":"$(date -u +%FT%TZ)"}},"id":7}

A flood, which the edge drops before it reaches the gate:
        $BUILD/hatago-flood --device lo --to $GATE --from 127.0.0.66 --rate 50000 --seconds 2
        curl http://$GATE/                 # it still answers
        $CTL status
        $CTL client list                   # who was dropped
        $CTL why 127.0.0.66                # and why
        $CTL event follow                  # refusals, as they happen
        curl http://$GATE/metrics/concurrency
Ctrl-C here stops and detaches.
END
fi
wait "$hatagod"
