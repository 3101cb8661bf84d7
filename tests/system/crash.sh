# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# kill -9 leaves the edge attached and limiting; the next start adopts what is pinned, with
# buckets, bans and counters, and replaces the program with no packet unguarded. Pins of
# somebody else or of an older version are refused.

start_with_hundred() { # MODE
	client_and_server
	hatagod_start server <<-YAML
		edge:
		  devices: [eth0]
		  mode: $1
		  protect: [8080/udp]
		  maxClients: 4096
		  packets: {tokensPerSecond: 0.001, burstCapacity: 100}
	YAML
}

flood_of() { # SOURCE COUNT; waits until the edge has judged it
	local before

	before=$(accounted eth0)
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from "$1" --count "$2" --rate 20000
	wait_for has_accounted $((before + $2))
}

limits_while_down() { # MODE
	start_with_hundred "$1"
	arrivals_count server flood "ip saddr 10.9.0.1"
	flood_of 10.9.0.1 60
	hatagod_kill
	flood_of 10.9.0.1 500
	is_equal "$(arrivals server flood)" 100 "what reached the host"
	is_equal "$(counted eth0 drop limit_packets)" 460 "dropped, says the command through the pins"
	has "$(ctl status 2>/dev/null)" DOWN "status"
}

test_kill_leaves_it_limiting_native()
{
	limits_while_down native
}

test_kill_leaves_it_limiting_tc()
{
	limits_while_down tc
}

test_bans_and_limits_change_while_down()
{
	start_with_hundred auto
	hatagod_kill
	ctl ban add 10.9.0.5 --reason "while down" 2>/dev/null >/dev/null
	ctl limit set packets 0.001 30 2>/dev/null >/dev/null
	ctl deny add 10.9.8.0/24 2>/dev/null >/dev/null
	flood_of 10.9.0.5 50
	flood_of 10.9.0.6 50
	flood_of 10.9.8.1 50
	is_equal "$(counted eth0 drop banned)" 50 "dropped for the ban"
	is_equal "$(counted eth0 drop limit_packets)" 20 "dropped for the limit"
	is_equal "$(counted eth0 drop denied)" 50 "denied"
}

adopts() { # MODE
	start_with_hundred "$1"
	flood_of 10.9.0.1 300
	ctl ban add 10.9.0.9 --for 1h --reason "too loud" >/dev/null
	ctl allow add 10.9.7.0/24 >/dev/null
	hatagod_kill
	flood_of 10.9.0.1 40
	hatagod_start server
	is_equal "$(counted eth0 pass within_limits)" 100 "passed, after the start"
	is_equal "$(counted eth0 drop limit_packets)" 240 "dropped, after the start"
	is_equal "$(ctl_json '.bans[0].client + " " + .bans[0].reason' ban list)" "10.9.0.9 too loud" "the ban"
	is_equal "$(ctl_json '.entries[0].prefix' allow list)" 10.9.7.0/24 "the allow list"
	flood_of 10.9.0.1 40
	flood_of 10.9.0.9 40
	is_equal "$(counted eth0 pass within_limits)" 100 "passed in all"
	is_equal "$(counted eth0 drop banned)" 40 "dropped for the ban"
	is_equal "$(ctl_json '.devices[0].mode' edge show)" "$1" "mode"
	grep -qi adopt "$HATAGOD_LOG" || fail "the log does not say that it adopted the pins"
	hatagod_stop
	is_equal "$(pinned)" "" "pins after SIGTERM"
	is_equal "$(xdp_mode server eth0)" 0 "XDP after SIGTERM"
	has_not "$(on server tc qdisc show dev eth0)" clsact "queueing after SIGTERM"
}

test_start_adopts_native()
{
	adopts native
}

test_start_adopts_generic()
{
	adopts generic
}

test_start_adopts_tc()
{
	adopts tc
}

no_unguarded_packet() { # MODE
	local flooder frames unseen starts=0

	start_with_hundred "$1"
	arrivals_count server banned "ip saddr 10.9.0.9"
	ctl ban add 10.9.0.9 >/dev/null
	unseen=$(unaccounted)
	frames=$(received server eth0)
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.9 --rate 50000 --seconds 4 \
		>"$WORK/flood" &
	flooder=$!
	wait_for has_accounted 1000
	while is_running "$flooder"; do
		hatagod_kill
		hatagod_start server
		((++starts))
	done
	wait "$flooder"
	((starts >= 2)) || fail "only $starts starts in the whole flood"
	wait_for has_unaccounted "$unseen"
	is_equal "$(arrivals server banned)" 0 "packets of the banned client that reached the host"
	frames=$(($(received server eth0) - frames))
	((frames > 20000)) || fail "only $frames frames came in"
	echo "NOTE: $starts starts, $frames frames, none unguarded; $(<"$WORK/flood")"
}

test_no_packet_is_unguarded_in_the_replacement_native()
{
	no_unguarded_packet native
}

test_no_packet_is_unguarded_in_the_replacement_tc()
{
	no_unguarded_packet tc
}

test_start_under_another_configuration_adopts_and_applies()
{
	start_with_hundred auto
	flood_of 10.9.0.1 60
	hatagod_kill
	sed -i 's/burstCapacity: 100/burstCapacity: 150/; s/maxClients: 4096/maxClients: 16384/' "$HATAGOD_CONFIG"
	hatagod_start server
	flood_of 10.9.0.1 200
	is_equal "$(counted eth0 pass within_limits)" 150 "passed in all"
	(($(ctl_json .edge.table.slots status) >= 16384)) || fail "the table did not grow"
}

test_device_left_out_of_the_configuration_is_let_go()
{
	start_with_hundred auto
	link other:eth0,10.1.0.1/24 server:eth1,10.1.0.2/24
	hatagod_kill
	sed -i 's/\[eth0\]/[eth1]/' "$HATAGOD_CONFIG"
	hatagod_start server
	is_equal "$(xdp_mode server eth0)" 0 "XDP on eth0"
	is_equal "$(xdp_mode server eth1)" 1 "XDP on eth1"
	is_equal "$(find /sys/fs/bpf/hatago -name 'dev-*' -printf '%f\n')" dev-eth1 "pins of devices"
}

test_device_that_vanished_is_no_harm()
{
	start_with_hundred auto
	hatagod_kill
	on server ip link del eth0
	link client:eth0,10.0.0.1/24 server:eth0,10.0.0.2/24
	hatagod_start server
	is_equal "$(xdp_mode server eth0)" 1 "XDP on the new eth0"
	flood_of 10.9.0.1 200
	is_equal "$(counted eth0 pass within_limits)" 100 "passed"
}

test_foreign_pins_are_refused()
{
	client_and_server
	mkdir /sys/fs/bpf/hatago
	bpftool map create /sys/fs/bpf/hatago/config type array key 4 value 8 entries 1 name foreign
	cat >"$HATAGOD_CONFIG" <<-'YAML'
		edge: {devices: [eth0], protect: [8080/udp], maxClients: 4096}
	YAML
	fails_with 1 on server "$BUILD/hatagod" -c "$HATAGOD_CONFIG"
	has "$OUTPUT" /sys/fs/bpf/hatago/config "the error names the pin"
	has "$OUTPUT" edge.pins "the error's remedy"
	is_equal "$(ls -A /sys/fs/bpf/hatago)" config "pins"
	is_equal "$(xdp_mode server eth0)" 0 "XDP on eth0"
	fails_with 1 "$BUILD/hatago-bpfctl" ban list
	# The remedy helps.
	sed -i 's/edge: {/edge: {pins: \/sys\/fs\/bpf\/mine, /' "$HATAGOD_CONFIG"
	hatagod_start server
	is_equal "$(xdp_mode server eth0)" 1 "XDP on eth0"
}

# Changes the pinned maps' version, as if another version of hatagod had made them.
age_pins() { # PIN VERSION
	python3 - "$1" "$2" <<-'PYTHON'
		import ctypes, mmap, platform, struct, sys
		path = ctypes.create_string_buffer(sys.argv[1].encode())
		attributes = ctypes.create_string_buffer(struct.pack("QII", ctypes.addressof(path), 0, 0), 128)
		number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
		fd = ctypes.CDLL(None, use_errno=True).syscall(number, 7, attributes, 128)  # BPF_OBJ_GET
		if fd < 0:
		    sys.exit("no such pin")
		with mmap.mmap(fd, mmap.PAGESIZE) as m:
		    m[8:12] = struct.pack("I", int(sys.argv[2]))
	PYTHON
}

test_pins_of_another_version_are_refused()
{
	local version

	version=$("$BUILD/hatagod" --version)
	version=${version##*version } version=${version%)}
	start_with_hundred auto
	arrivals_count server flood "ip saddr 10.9.0.1"
	hatagod_kill
	age_pins /sys/fs/bpf/hatago/config 999
	fails_with 1 on server "$BUILD/hatagod" -c "$HATAGOD_CONFIG"
	has "$OUTPUT" 999 "the error names the version"
	has "$OUTPUT" SIGTERM "the error's remedy"
	fails_with 1 "$BUILD/hatago-bpfctl" ban list
	has "$OUTPUT" 999 "the command's error names the version"
	# It is refused, and so all goes on as it was.
	is_equal "$(xdp_mode server eth0)" 1 "XDP on eth0"
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.1 --count 500 --rate 20000 >/dev/null
	wait_for has_arrived 100
	age_pins /sys/fs/bpf/hatago/config "$version"
	hatagod_start server
	is_equal "$(counted eth0 pass within_limits)" 100 "passed in all"
}

has_arrived() { # PACKETS
	(($(arrivals server flood) == $1))
}

test_stale_socket_is_replaced()
{
	start_with_hundred auto
	hatagod_kill
	[[ -S /run/hatago/control.sock ]] || fail "kill -9 left no socket, so nothing is tested"
	hatagod_start server
	is_equal "$(ctl_json .hatagod.pid status)" "$(pgrep -x hatagod)" "who answers"
}
