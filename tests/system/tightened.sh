# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The edge under pressure, end to end: a /proc/stat of the test's own makes hatagod tighten
# the limits; who feels it first, and what is left of it when hatagod is killed. Also the
# connections that a client may have open.

readonly LIMIT=1000 RATE=800 # packets a second: what is allowed, and what comes

edge_and_gate() { # LINE...: of the gate's section; the configuration's rest is on standard input
	client_and_server
	sample_start server 127.0.0.1:8787
	hatagod_start server < <(
		cat <<-YAML
			edge:
			  devices: [eth0]
			  protect: [8080/tcp, 9000/udp]
			  maxClients: 4096
			  packets: {tokensPerSecond: $LIMIT, burstCapacity: 300}
			rateLimiting: {enabled: false}
			circuitBreaker: {enabled: false}
			gate:
			  listen: ["0.0.0.0:8080"]
			  upstream: http://127.0.0.1:8787
		YAML
		printf '  %s\n' "$@"
		cat
	)
}

load_begin() { # has the file over /proc/stat written; `load` says what it tells
	printf 'cpu%s 0 0 0 1 0 0 0 0\n' " " 0 >"$WORK/stat" # of one CPU: no cgroup has less
	mount --bind "$WORK/stat" /proc/stat
	mount -t tmpfs hatago-test /proc/pressure
	mount -t tmpfs hatago-test /sys/fs/cgroup
	mkfifo "$WORK/load"
	PYTHONDONTWRITEBYTECODE=1 python3 tests/gate/procstat.py "$WORK/stat" <"$WORK/load" &
	exec {LOAD}>"$WORK/load"
}

load() { # PERCENT
	echo "$1" >&"$LOAD"
}

scale_is() { # CONDITION
	awk "BEGIN { exit !($(json_metrics .edge.pressure.scale) $1) }"
}

# Packets of so many that the edge drops.
dropped_of() { # SOURCE SECONDS
	local before

	before=$(counted eth0 drop limit_packets)
	flood client --device eth0 --to 10.0.0.2:9000 --kind udp --from "$1" --rate "$RATE" --seconds "$2" >/dev/null
	echo $(($(counted eth0 drop limit_packets) - before))
}

test_killed_while_tightened()
{
	local flooder killed_at last last_at before now dropped

	load_begin
	edge_and_gate < <(
		cat <<-'YAML'
			adaptive:
			  enabled: true
			  checkInterval: 200ms
			  memoryThreshold: 0
			  cpuThreshold: 80
			  minScale: 0.4
			  psi: {cpu: {some: 0, full: 0}, memory: {some: 0, full: 0}, io: {some: 0, full: 0}}
		YAML
	)
	is_equal "$(on client curl -s -o /dev/null -w '%{http_code}' http://10.0.0.2:8080/)" 200 "the handshake that makes 10.0.0.1 trusted"
	is_equal "$(dropped_of 10.0.0.9 1)" 0 "packets of a stranger that are dropped in the calm"
	load 100
	wait_for scale_is "<= 0.5"
	load 76 # neither more nor less of it now
	sleep 0.6
	scale_is "> 0.4" || fail "it is at the last step already"
	is_between "$(dropped_of 10.0.0.9 1)" 50 "$RATE" "packets of a stranger that are dropped"
	is_equal "$(dropped_of 10.0.0.1 1)" 0 "packets of a trusted client that are dropped"
	load 100
	wait_for scale_is "<= 0.4"
	is_between "$(dropped_of 10.0.0.1 1)" 100 "$RATE" "the same at the last step"

	flood client --device eth0 --to 10.0.0.2:9000 --kind udp --from 10.0.0.9 --rate "$RATE" --seconds 5 >/dev/null &
	flooder=$!
	dropped=$(counted eth0 drop limit_packets)
	wait_for drops_more_than "$dropped"
	hatagod_kill
	killed_at=${EPOCHREALTIME/./}
	# The last one is dropped after the look before the one that sees it.
	last=$(counted eth0 drop limit_packets) last_at=$killed_at before=$killed_at
	while is_running "$flooder"; do
		now=${EPOCHREALTIME/./}
		dropped=$(counted eth0 drop limit_packets)
		((dropped == last)) || last=$dropped last_at=$before
		before=$now
	done
	((now - killed_at > 3000000)) || fail "the packets ended too early to tell"
	echo "NOTE: dropped for $(((last_at - killed_at) / 1000)) ms after hatagod was killed (bound 2000 ms)"
	is_between $(((last_at - killed_at) / 1000)) 0 2100 "ms for which packets are dropped"
}

drops_more_than() { # COUNT
	(($(counted eth0 drop limit_packets) > $1))
}

test_open_connections()
{
	edge_and_gate "maxConnectionsPerClient: 3" </dev/null
	on client python3 -B - <<-'PYTHON' || fail "the connections are not counted as they should be"
		import socket, sys, time
		sys.path.insert(0, "tests/gate")
		from client import Client
		gate = ("10.0.0.2", 8080)
		def is_let_in():
		    with socket.socket() as s:
		        s.settimeout(0.5)
		        return s.connect_ex(gate) == 0
		def until(wanted):
		    deadline = time.monotonic() + 5
		    while is_let_in() != wanted:
		        assert time.monotonic() < deadline, f"a further connection is let in: {not wanted}"
		        time.sleep(0.05)
		clients = [Client(gate) for _ in range(3)]
		assert [c.ask(target="/").status for c in clients] == [200] * 3
		until(False)
		assert [c.ask(target="/").status for c in clients] == [200] * 3, "those that stand are not served"
		clients.pop().sock.close()
		until(True)
	PYTHON
	(($(counted eth0 drop limit_open) >= 1)) || fail "no SYN was dropped as one too many"
}
