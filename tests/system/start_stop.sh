# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# hatagod from its start to SIGTERM: what is over a limit is really dropped, what is under
# it passes, nothing stays behind, and what can't be done is said in one sentence with its
# remedy. Reloads, crashes and modes are the neighbours'.

# The client's 101st packet is dropped, and any later one for a day.
start_with_hundred() { # MODE
	hatagod_start server <<-YAML
		edge:
		  devices: [eth0]
		  mode: $1
		  protect: [8080/tcp, 8080/udp]
		  maxClients: 4096
		  packets: {tokensPerSecond: 0.001, burstCapacity: 100}
	YAML
}

drops_exactly() { # MODE
	client_and_server
	start_with_hundred "$1"
	arrivals_count server flood "ip saddr 10.9.0.1"
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.1 --count 1000 --rate 20000
	wait_for is_counted_in_all 1000
	is_equal "$(counted eth0 pass within_limits)" 100 "passed"
	is_equal "$(counted eth0 drop limit_packets)" 900 "dropped"
	is_equal "$(arrivals server flood)" 100 "what reached the host"
}

is_counted_in_all() { # PACKETS, passed and dropped of the flood
	(($(counted eth0 pass within_limits) + $(counted eth0 drop limit_packets) == $1))
}

test_drops_exactly_what_is_over_native()
{
	drops_exactly native
}

test_drops_exactly_what_is_over_generic()
{
	drops_exactly generic
}

test_drops_exactly_what_is_over_tc()
{
	drops_exactly tc
}

test_service_answers_through_the_edge()
{
	client_and_server
	hatagod_start server <<-'YAML'
		edge:
		  devices: [eth0]
		  protect: [8080/tcp]
		  maxClients: 4096
		  packets: {tokensPerSecond: 20000, burstCapacity: 40000}
		  bytes: {tokensPerSecond: 50000000, burstCapacity: 100000000}
		  connections: {tokensPerSecond: 0.001, burstCapacity: 3}
	YAML
	sample_start server 10.0.0.2:8080
	for _ in 1 2 3; do
		on client curl -sf -m 5 http://10.0.0.2:8080/ >/dev/null
	done
	# The fourth connection is one too many, and not one byte of it gets through.
	fails_with 28 on client curl -sf -m 2 http://10.0.0.2:8080/
	(($(counted eth0 drop limit_connections) > 0)) || fail "no SYN was dropped"
}

is_bare() { # HOST DEVICE
	is_equal "$(xdp_mode "$1" "$2")" 0 "XDP on $2"
	has_not "$(on "$1" tc qdisc show dev "$2")" clsact "queueing of $2"
	is_equal "$(on "$1" tc filter show dev "$2" ingress 2>/dev/null)" "" "filters of $2"
}

stop_leaves_nothing() { # MODE
	client_and_server
	start_with_hundred "$1"
	ctl ban add 10.9.9.9 >/dev/null
	[[ -e /sys/fs/bpf/hatago/config && -S /run/hatago/control.sock ]] || fail "nothing was there before"
	hatagod_stop
	is_equal "$STATUS" 0 "exit code after SIGTERM"
	has_noticed STOPPING=1 || fail "STOPPING=1 was not told"
	is_bare server eth0
	is_equal "$(pinned)" "" "pins"
	[[ ! -e /run/hatago/control.sock ]] || fail "the socket is still there"
	is_equal "$(bpftool -j prog show | jq '[.[] | select(.name // "" | startswith("hatago"))
		| select(.pids // [] | any(.pid > 0))] | length')" 0 "programs that processes here hold"
}

test_sigterm_leaves_nothing_native()
{
	stop_leaves_nothing native
}

test_sigterm_leaves_nothing_generic()
{
	stop_leaves_nothing generic
}

test_sigterm_leaves_nothing_tc()
{
	stop_leaves_nothing tc
}

test_sigterm_keeps_a_foreign_qdisc_and_its_filters()
{
	client_and_server
	on server tc qdisc add dev eth0 clsact
	foreign_program tc /sys/fs/bpf/foreign
	on server tc filter add dev eth0 egress prio 7 protocol all bpf direct-action pinned /sys/fs/bpf/foreign
	start_with_hundred tc
	hatagod_stop
	has "$(on server tc qdisc show dev eth0)" clsact "the qdisc that was there before"
	has "$(on server tc filter show dev eth0 egress)" "pref 7" "the filter that was there before"
}

test_sigint_stops_as_well()
{
	client_and_server
	start_with_hundred auto
	kill -s INT "$HATAGOD_PID"
	wait_exit "$HATAGOD_PID"
	is_equal "$STATUS" 0 "exit code after SIGINT"
	is_bare server eth0
}

test_second_hatagod_is_refused_and_the_first_lives()
{
	local first

	client_and_server
	start_with_hundred auto
	first=$HATAGOD_PID
	fails_with 1 on server "$BUILD/hatagod" -c "$HATAGOD_CONFIG"
	is_running "$first" || fail "the first one is gone"
	is_equal "$(xdp_mode server eth0)" 1 "XDP of the first one"
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.1 --count 500 --rate 20000
	wait_for is_counted_in_all 500
	is_equal "$(counted eth0 pass within_limits)" 100 "passed"
}

# One line of log at the level of an error, and in it what is to be done.
refuses_in_one_sentence() { # CODE REMEDY COMMAND...
	local code=$1 remedy=$2

	shift 2
	fails_with "$code" "$@"
	is_equal "$(wc -l <<<"$OUTPUT")" 1 "lines of what it says ($OUTPUT)"
	has "$OUTPUT" "$remedy" "what it says"
	has_not "$OUTPUT" "libbpf" "what it says"
}

# What it needs no more is gone for good, also for what it starts; a reload and SIGTERM work.
test_keeps_three_capabilities()
{
	local capabilities

	client_and_server
	start_with_hundred auto
	capabilities=$(grep -E '^Cap(Inh|Prm|Eff|Bnd)|^NoNewPrivs' "/proc/$HATAGOD_PID/status")
	# CAP_NET_ADMIN is 12, CAP_PERFMON 38, CAP_BPF 39
	is_equal "$(paste -sd' ' <<<"$capabilities" | tr -d '\t')" "CapInh:0000000000000000 CapPrm:000000c000001000 CapEff:000000c000001000 CapBnd:0000000000000000 NoNewPrivs:1" "rights"
	link other:eth0,10.1.0.1/24 server:eth1,10.1.0.2/24
	ctl edge attach eth1 >/dev/null
	ctl edge attach eth1 --mode tc >/dev/null
	sed -i 's/burstCapacity: 100/burstCapacity: 200/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	hatagod_stop
	is_equal "$STATUS" 0 "exit code"
	is_equal "$(pinned)" "" "pins after SIGTERM"
}

test_without_rights_it_says_which_it_needs()
{
	client_and_server
	start_with_hundred auto
	hatagod_stop
	refuses_in_one_sentence 1 "CAP_BPF" on server setpriv --bounding-set=-all --inh-caps=-all \
		"$BUILD/hatagod" -c "$HATAGOD_CONFIG"
	has "$OUTPUT" "root" "the remedy"
	is_equal "$(pinned)" "" "pins"
}

test_device_that_does_not_exist_is_named()
{
	client_and_server
	cat >"$HATAGOD_CONFIG" <<-'YAML'
		edge: {devices: [eth0, eth7], protect: [8080/tcp], maxClients: 4096}
	YAML
	refuses_in_one_sentence 1 "eth7" on server "$BUILD/hatagod" -c "$HATAGOD_CONFIG"
	is_bare server eth0
	is_equal "$(pinned)" "" "pins"
}

test_port_that_is_taken_is_named()
{
	client_and_server
	sample_start server 127.0.0.1:9464
	cat >"$HATAGOD_CONFIG" <<-'YAML'
		edge: {devices: [eth0], protect: [8080/tcp], maxClients: 4096}
	YAML
	refuses_in_one_sentence 1 "127.0.0.1:9464" on server "$BUILD/hatagod" -c "$HATAGOD_CONFIG"
	is_bare server eth0
	is_equal "$(pinned)" "" "pins"
}

test_help_and_version()
{
	has "$("$BUILD/hatagod" --help)" "--check" "help"
	has "$("$BUILD/hatagod" --version)" "0." "version"
	fails_with 2 "$BUILD/hatagod" --chekc
	fails_with 2 "$BUILD/hatagod" surplus
}
