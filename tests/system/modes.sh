# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# How the edge gets onto a device: native, generic, tc, which of them `auto` takes and how
# loudly it says so; another program on the device, which is never evicted; several devices
# at once; jumbo frames, bridges, bonds and VLANs.

start_on() { # MODE DEVICES
	hatagod_start server <<-YAML
		edge:
		  devices: [$2]
		  mode: $1
		  protect: [8080/udp]
		  maxClients: 4096
		  packets: {tokensPerSecond: 0.001, burstCapacity: 100}
	YAML
}

# The named mode, everywhere where it is told, and degraded or not.
is_attached_as() { # DEVICE MODE DEGRADED(true|false)
	is_equal "$(ctl_json ".devices[] | select(.device == \"$1\").mode" edge show)" "$2" "mode in edge show"
	is_equal "$(ctl_json ".devices[] | select(.device == \"$1\").degraded" edge show)" "$3" "degraded in edge show"
	is_equal "$(json_metrics ".edge.devices[] | select(.name == \"$1\").mode")" "$2" "mode in the JSON"
	is_equal "$(metric "hatago_edge_attached{device=\"$1\",mode=\"$2\"}")" 1 "mode in the metrics"
	is_equal "$(metric "hatago_edge_mode_degraded{device=\"$1\"}")" "$([[ $2 == native ]] && echo 0 || echo 1)" \
		"degraded in the metrics"
	grep -q "$1.*$2" "$HATAGOD_LOG" || fail "the log does not tell that $1 is in mode $2"
}

drops_on() { # FROM-HOST FROM-DEVICE TO DEVICE SOURCE: a thousand packets, a hundred of which pass
	flood "$1" --device "$2" --to "$3:8080" --kind udp --from "$5" --count 1000 --rate 20000
	wait_for has_judged "$4" 1000
	is_equal "$(counted "$4" pass within_limits)" 100 "passed on $4"
	is_equal "$(counted "$4" drop limit_packets)" 900 "dropped on $4"
}

has_judged() { # DEVICE PACKETS
	(($(counted "$1" pass within_limits) + $(counted "$1" drop limit_packets) == $2))
}

# An XDP program that is not ours, natively on the device; its id is in $FOREIGN.
foreign_attach() { # HOST DEVICE
	foreign_program xdp /sys/fs/bpf/foreign
	on "$1" bpftool net attach xdpdrv pinned /sys/fs/bpf/foreign dev "$2"
	FOREIGN=$(xdp_program "$1" "$2")
}

test_auto_takes_native()
{
	client_and_server
	start_on auto eth0
	is_equal "$(xdp_mode server eth0)" 1 "XDP mode of the kernel"
	is_attached_as eth0 native false
}

test_generic_insists()
{
	client_and_server
	start_on generic eth0
	is_equal "$(xdp_mode server eth0)" 2 "XDP mode of the kernel"
	is_attached_as eth0 generic false
	has "$(ctl_json '.devices[0].why' edge show)" "asked for" "why"
}

test_tc_insists()
{
	client_and_server
	start_on tc eth0
	is_equal "$(xdp_mode server eth0)" 0 "XDP mode of the kernel"
	has "$(on server tc filter show dev eth0 ingress)" hatago "filters"
	is_attached_as eth0 tc false
}

test_foreign_xdp_program_is_never_evicted()
{
	local mode

	client_and_server
	foreign_attach server eth0
	for mode in native generic; do
		cat >"$HATAGOD_CONFIG" <<-YAML
			edge: {devices: [eth0], mode: $mode, protect: [8080/udp], maxClients: 4096}
		YAML
		fails_with 1 on server "$BUILD/hatagod" -c "$HATAGOD_CONFIG"
		has "$OUTPUT" eth0 "the error"
		has "$OUTPUT" foreign "the error names the program"
		has "$OUTPUT" auto "the error's remedy"
		is_equal "$(xdp_program server eth0)" "$FOREIGN" "the program on eth0"
		is_equal "$(pinned)" foreign "pins"
	done
}

test_auto_goes_to_tc_beside_a_foreign_program()
{
	client_and_server
	foreign_attach server eth0
	start_on auto eth0
	is_equal "$(xdp_program server eth0)" "$FOREIGN" "the program on eth0"
	is_attached_as eth0 tc true
	has "$(ctl_json '.devices[0].why' edge show)" foreign "why"
	has "$(ctl status)" DEGRADED "status"
	grep -q 'eth0.*foreign' "$HATAGOD_LOG" || fail "the log does not say why it is tc"
	(($(metric hatago_complaints) > 0)) || fail "no complaint in the metrics"
	drops_on client eth0 10.0.0.2 eth0 10.9.0.1
	hatagod_stop
	is_equal "$(xdp_program server eth0)" "$FOREIGN" "the program on eth0 after the stop"
}

test_foreign_program_that_comes_later_can_not_take_the_place()
{
	client_and_server
	start_on native eth0
	foreign_program xdp /sys/fs/bpf/foreign
	! on server bpftool net attach xdpdrv pinned /sys/fs/bpf/foreign dev eth0 2>/dev/null ||
		fail "another program could push the edge off"
	drops_on client eth0 10.0.0.2 eth0 10.9.0.1
}

test_two_devices_count_for_themselves_and_share_clients()
{
	client_and_server
	link other:eth0,10.1.0.1/24 server:eth1,10.1.0.2/24
	start_on auto "eth0, eth1"
	drops_on client eth0 10.0.0.2 eth0 10.9.0.1
	# The same client through the other device: its bucket is empty already.
	flood other --device eth0 --to 10.1.0.2:8080 --kind udp --from 10.9.0.1 --count 300 --rate 20000
	wait_for has_judged eth1 300
	is_equal "$(counted eth1 drop limit_packets)" 300 "dropped on eth1"
	is_equal "$(counted eth0 drop limit_packets)" 900 "dropped on eth0"
	is_equal "$(ctl_json .packets client show 10.9.0.1)" 1300 "packets of the client"
	is_equal "$(metric 'hatago_edge_packets_total{device="eth1",verdict="drop",reason="limit_packets"}')" 300 \
		"metric of eth1"
	is_equal "$(ctl_json '.devices | length' counter list)" 2 "devices in counter list"
}

test_jumbo_frames()
{
	client_and_server
	on client ip link set eth0 mtu 9000
	on server ip link set eth0 mtu 9000
	start_on native eth0
	is_attached_as eth0 native false
	arrivals_count server jumbo "ip saddr 10.9.0.1 meta length > 8000"
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.1 --count 300 --rate 5000 --size 9014
	wait_for has_judged eth0 300
	is_equal "$(counted eth0 pass within_limits)" 100 "passed"
	is_equal "$(arrivals server jumbo)" 100 "what reached the host"
	is_equal "$(ctl_json '.devices[0].counters[] | select(.reason == "limit_packets").bytes' counter list)" \
		$((200 * 9014)) "bytes of whole frames"
}

test_bridge_is_a_device_like_any_other()
{
	link client:eth0,10.0.0.1/24 server:port0
	on server ip link add br0 type bridge || skip "this kernel has no bridges"
	on server ip link set port0 master br0
	on server ip address add 10.0.0.2/24 dev br0
	on server ip link set br0 up
	start_on auto br0
	drops_on client eth0 10.0.0.2 br0 10.9.0.1
	hatagod_stop
	is_equal "$(xdp_mode server br0)" 0 "XDP after the stop"
}

test_bond_is_a_device_like_any_other()
{
	link client:eth0,10.0.0.1/24 server:port0
	on server ip link add bond0 type bond mode active-backup 2>/dev/null || skip "this kernel has no bonds"
	on server ip link set port0 down
	on server ip link set port0 master bond0
	on server ip address add 10.0.0.2/24 dev bond0
	on server ip link set bond0 up
	start_on auto bond0
	drops_on client eth0 10.0.0.2 bond0 10.9.0.1
	hatagod_stop
	is_equal "$(xdp_mode server bond0)" 0 "XDP after the stop"
}

# A device whose driver has no native XDP: auto says so and takes the next best.
test_auto_falls_to_generic_and_says_why()
{
	link client:eth0,10.0.0.1/24 server:eth0
	on server ip link add link eth0 name mac.0 type macvlan mode bridge || skip "this kernel has no macvlan"
	on server ip address add 10.0.0.3/24 dev mac.0
	on server ip link set mac.0 up
	start_on auto mac.0
	is_attached_as mac.0 generic true
	has "$(ctl_json '.devices[0].why' edge show)" "native" "why"
	drops_on client eth0 10.0.0.3 mac.0 10.9.0.1
}

test_loopback()
{
	host server
	start_on auto lo
	drops_on server lo 127.0.0.1 lo 127.0.0.66
}

test_mode_moves_on_a_reload()
{
	client_and_server
	start_on native eth0
	sed -i 's/mode: native/mode: tc/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	is_equal "$(xdp_mode server eth0)" 0 "XDP after native -> tc"
	is_attached_as eth0 tc false
	sed -i 's/mode: tc/mode: generic/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	is_equal "$(xdp_mode server eth0)" 2 "XDP after tc -> generic"
	has_not "$(on server tc qdisc show dev eth0)" clsact "queueing after tc -> generic"
	drops_on client eth0 10.0.0.2 eth0 10.9.0.1
}
