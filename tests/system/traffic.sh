# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Which traffic is charged, to whom, and what always passes: ports, replies to the host's own
# connections, ARP and neighbour discovery, fragments, VLAN tags, lists, and the good
# client beside the attacker. Every packet shape is in tests/bpf; here are real devices.

# One packet a client, then none for a day: whatever is charged twice is dropped.
start_with_one() { # MODE [MORE-LINES-OF-EDGE...]
	client_and_server
	{
		cat <<-YAML
			edge:
			  devices: [eth0]
			  mode: $1
			  protect: [8080/tcp, 8080/udp]
			  maxClients: 4096
			  packets: {tokensPerSecond: 0.001, burstCapacity: 1}
		YAML
		shift
		printf '  %s\n' "$@"
	} >"$HATAGOD_CONFIG"
	hatagod_start server
}

counts_to() { # VERDICT REASON PACKETS: of eth0, and no more than that
	wait_for has_counted "$@"
	is_equal "$(counted eth0 "$1" "$2")" "$3" "$1 $2"
}

has_counted() { # VERDICT REASON AT-LEAST
	(($(counted eth0 "$1" "$2") >= $3))
}

answers() { # PORT: the service there answers the client
	on client curl -sf -m 5 -o /dev/null "http://10.0.0.2:$1/health"
}

test_only_protected_ports_are_charged()
{
	start_with_one auto
	send_frames client eth0 10 'ipv4("10.9.0.1", "10.0.0.2", udp(8081))'
	send_frames client eth0 10 'ipv4("10.9.0.1", "10.0.0.2", tcp(8081))'
	send_frames client eth0 10 'ipv4("10.9.0.1", "10.0.0.2", raw(47, b"x" * 30))'
	wait_for has_counted pass not_protected 30
	send_frames client eth0 10 'ipv4("10.9.0.1", "10.0.0.2", udp(8080))'
	counts_to drop limit_packets 9
	send_frames client eth0 10 'ipv4("10.9.0.2", "10.0.0.2", tcp(8080))'
	counts_to drop limit_packets 18
}

test_port_ranges_icmp_and_all()
{
	start_with_one auto
	sed -i 's/protect: .*/protect: [7000-7010\/udp, icmp]/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	send_frames client eth0 3 'ipv4("10.9.0.1", "10.0.0.2", udp(6999))'
	send_frames client eth0 3 'ipv4("10.9.0.1", "10.0.0.2", udp(7011))'
	send_frames client eth0 3 'ipv4("10.9.0.1", "10.0.0.2", tcp(7005))'
	wait_for has_counted pass not_protected 9
	send_frames client eth0 2 'ipv4("10.9.0.1", "10.0.0.2", udp(7000))'
	send_frames client eth0 2 'ipv4("10.9.0.2", "10.0.0.2", udp(7010))'
	send_frames client eth0 2 'ipv4("10.9.0.3", "10.0.0.2", raw(1, b"\x08\0" + b"\0" * 30))'
	counts_to drop limit_packets 3
	sed -i 's/protect: .*/protect: [all]/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	send_frames client eth0 2 'ipv4("10.9.0.4", "10.0.0.2", raw(47, b"x" * 30))'
	counts_to drop limit_packets 4
}

test_replies_to_own_connections_pass()
{
	start_with_one auto
	# The client is banned and its bucket is empty, yet the host can use its service.
	ctl ban add 10.0.0.1 >/dev/null
	sample_start client 10.0.0.1:8081
	for _ in 1 2 3 4; do
		on server curl -sf -m 5 -o /dev/null http://10.0.0.1:8081/
	done
	is_equal "$(counted eth0 drop banned)" 0 "dropped"
}

test_other_services_answer_during_a_flood()
{
	local flooder

	start_with_one auto
	sample_start server 10.0.0.2:22 # where ssh would be
	flood client --device eth0 --to 10.0.0.2:8080 --from 10.0.0.1 --rate 50000 --seconds 3 >/dev/null &
	flooder=$!
	wait_for has_counted drop limit_packets 1000
	for _ in 1 2 3 4 5; do
		answers 22 || fail "the other port does not answer during the flood"
	done
	is_running "$flooder" || fail "the flood ended too early to test anything"
}

# Neighbours are asked for anew, while their asker is banned and denied.
test_arp_and_neighbour_discovery_always_pass()
{
	start_with_one auto 'deny: [10.0.0.1, "fd00::1"]'
	sed -i 's/protect: .*/protect: [all]/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	on client ip neigh flush dev eth0
	on server ip neigh flush dev eth0
	on client curl -s -m 0.3 http://10.0.0.2:8080/ || :
	on client curl -s -m 0.3 'http://[fd00::2]:8080/' || :
	wait_for knows_neighbour 10.0.0.2
	wait_for knows_neighbour fd00::2
	(($(counted eth0 pass arp) > 0)) || fail "no ARP was counted"
	(($(counted eth0 pass neighbor_discovery) > 0)) || fail "no neighbour discovery was counted"
	(($(counted eth0 drop denied) > 0)) || fail "the client is not denied, so nothing is tested"
}

knows_neighbour() { # ADDRESS
	on client ip -j neigh show "$1" dev eth0 | jq -e '.[0].lladdr' >/dev/null
}

fragments_are_charged() { # MODE
	start_with_one "$1"
	# Later fragments have no port: charged to their source, so the first passes.
	send_frames client eth0 10 'ipv4("10.9.0.1", "10.0.0.2", raw(17, b"x" * 64), offset=1480)'
	counts_to pass within_limits 1
	counts_to drop limit_packets 9
	send_frames client eth0 10 'ipv6("fd00:9::1", "fd00::2", fragment(raw(17, b"x" * 64), offset=1448))'
	counts_to pass within_limits 2
	counts_to drop limit_packets 18
	# First ones have a port, and it is not protected.
	send_frames client eth0 10 'ipv4("10.9.0.1", "10.0.0.2", udp(8081), more=True)'
	send_frames client eth0 10 'ipv6("fd00:9::1", "fd00::2", fragment(udp(8081), more=True))'
	wait_for has_counted pass not_protected 20
}

test_fragments_are_charged_to_their_source_native()
{
	fragments_are_charged native
}

test_fragments_are_charged_to_their_source_tc()
{
	fragments_are_charged tc
}

# A real datagram in fragments gets through whole.
test_fragmented_datagram_passes()
{
	start_with_one auto
	sed -i 's/burstCapacity: 1}/burstCapacity: 100}/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	on server timeout 10 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.0.2", 8080))
print(len(s.recv(65536)))' >"$WORK/got" &
	wait_for on server sh -c "ss -Hlun | grep -q 10.0.0.2:8080"
	on client python3 -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x" * 6000, ("10.0.0.2", 8080))'
	wait_for grep -q 6000 "$WORK/got"
	(($(counted eth0 pass within_limits) >= 5)) || fail "fragments were not charged"
}

tags_are_seen_through() { # MODE
	local deep

	start_with_one "$1"
	send_frames client eth0 5 'vlan(7, ipv4("10.9.0.1", "10.0.0.2", udp(8080)))'
	send_frames client eth0 5 'vlan(9, vlan(7, ipv6("fd00:9::1", "fd00::2", tcp(8080))), 0x88a8)'
	counts_to pass within_limits 2
	counts_to drop limit_packets 8
	send_frames client eth0 5 'vlan(7, ipv4("10.9.0.1", "10.0.0.2", udp(8081)))'
	wait_for has_counted pass not_protected 5
	# tc gets frames whose outermost tag the kernel has taken off already.
	deep='vlan(8, vlan(9, vlan(7, ipv4("10.9.0.1", "10.0.0.2", udp(8080)))), 0x88a8)'
	[[ $1 != tc ]] || deep="vlan(10, $deep)"
	send_frames client eth0 5 "$deep"
	counts_to pass deep_vlan 5
}

test_vlan_tags_native()
{
	tags_are_seen_through native
}

test_vlan_tags_generic()
{
	tags_are_seen_through generic
}

test_vlan_tags_tc()
{
	tags_are_seen_through tc
}

test_ipv6_and_its_extension_headers()
{
	start_with_one auto
	arrivals_count server six "ip6 saddr fd00:9::/32"
	send_frames client eth0 5 'ipv6("fd00:9::1", "fd00::2", options(options(udp(8080)), 0))'
	counts_to drop limit_packets 4
	# All of a /64 is one client.
	send_frames client eth0 5 'ipv6("fd00:9::2", "fd00::2", udp(8080))'
	counts_to drop limit_packets 9
	is_equal "$(arrivals server six)" 1 "what reached the host"
	is_equal "$(ctl_json '.clients[0].client' client list)" "fd00:9::/64" "the client"
}

test_malformed_is_dropped_for_protected_families_only()
{
	start_with_one auto
	send_frames client eth0 5 'ipv4("10.9.0.1", "10.0.0.2", udp(8080), length=1400)'
	counts_to drop malformed 5
	printf '  families: [ipv6]\n' >>"$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	send_frames client eth0 5 'ipv4("10.9.0.1", "10.0.0.2", udp(8080), length=1400)'
	counts_to pass malformed 5
	send_frames client eth0 5 'ipv4("10.9.0.1", "10.0.0.2", udp(8080))'
	wait_for has_counted pass not_protected 5
}

test_allow_and_deny()
{
	start_with_one auto 'allow: [10.9.1.0/24, "fd00:9:1::/48"]' 'deny: [10.9.0.0/16, "fd00:9::/32"]'
	send_frames client eth0 5 'ipv4("10.9.1.1", "10.0.0.2", udp(8080))'
	send_frames client eth0 5 'ipv6("fd00:9:1::1", "fd00::2", udp(8080))'
	counts_to pass allowed 10
	send_frames client eth0 5 'ipv4("10.9.2.1", "10.0.0.2", udp(8080))'
	send_frames client eth0 5 'ipv6("fd00:9:2::1", "fd00::2", udp(8080))'
	counts_to drop denied 10
	# Only protected ports are denied.
	send_frames client eth0 5 'ipv4("10.9.2.1", "10.0.0.2", udp(8081))'
	wait_for has_counted pass not_protected 5
}

test_enforce_false_counts_and_drops_nothing()
{
	start_with_one auto 'enforce: false' 'deny: [10.9.2.0/24]'
	arrivals_count server through "ip saddr 10.9.0.0/16"
	ctl ban add 10.9.3.3 >/dev/null
	send_frames client eth0 10 'ipv4("10.9.0.1", "10.0.0.2", udp(8080))'
	send_frames client eth0 10 'ipv4("10.9.2.1", "10.0.0.2", udp(8080))'
	send_frames client eth0 10 'ipv4("10.9.3.3", "10.0.0.2", udp(8080))'
	counts_to would_drop limit_packets 9
	counts_to would_drop denied 10
	counts_to would_drop banned 10
	is_equal "$(ctl_json '[.devices[].counters[] | select(.verdict == "drop")] | length' counter list)" 0 "drops"
	is_equal "$(arrivals server through)" 30 "what reached the host"
	has "$(ctl status)" "would drop" "status" || :
}

test_client_prefix_is_configurable()
{
	start_with_one auto 'clientPrefix: {ipv4: 24, ipv6: 48}'
	send_frames client eth0 2 'ipv4("10.9.0.1", "10.0.0.2", udp(8080))'
	send_frames client eth0 2 'ipv4("10.9.0.200", "10.0.0.2", udp(8080))'
	send_frames client eth0 2 'ipv4("10.9.1.1", "10.0.0.2", udp(8080))'
	send_frames client eth0 2 'ipv6("fd00:9:1:1::1", "fd00::2", udp(8080))'
	send_frames client eth0 2 'ipv6("fd00:9:1:2::1", "fd00::2", udp(8080))'
	counts_to drop limit_packets 7
	is_equal "$(ctl_json '[.clients[].client] | sort | join(" ")' client list)" \
		"10.9.0.0/24 10.9.1.0/24 fd00:9:1::/48" "clients"
}

test_bytes_count_whole_frames()
{
	start_with_one auto 'bytes: {tokensPerSecond: 1, burstCapacity: 10140}'
	sed -i 's/^  packets: .*//' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.1 --size 1014 --count 20 --rate 1000
	counts_to pass within_limits 10
	counts_to drop limit_bytes 10
}

test_connections_are_syns_alone()
{
	start_with_one auto 'connections: {tokensPerSecond: 0.001, burstCapacity: 2}'
	sed -i 's/^  packets: .*//' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	send_frames client eth0 5 'ipv4("10.9.0.1", "10.0.0.2", tcp(8080, 0x02))'
	counts_to drop limit_connections 3
	send_frames client eth0 5 'ipv4("10.9.0.1", "10.0.0.2", tcp(8080, 0x10))'
	send_frames client eth0 5 'ipv4("10.9.0.1", "10.0.0.2", tcp(8080, 0x12))'
	counts_to pass within_limits 12
}

# With ports of its own the good client's answers come, flood or not.
test_good_client_is_well_while_the_attacker_is_limited()
{
	local flooder

	start_with_one auto 'connections: {tokensPerSecond: 50, burstCapacity: 100}'
	sed -i 's/packets: .*/packets: {tokensPerSecond: 1000, burstCapacity: 2000}/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	sample_start server 10.0.0.2:8080
	flood client --device eth0 --to 10.0.0.2:8080 --from 10.9.0.1 --rate 50000 --seconds 4 >/dev/null &
	flooder=$!
	wait_for has_counted drop limit_connections 1000
	for _ in {1..20}; do
		answers 8080 || fail "the good client gets no answer during the flood"
	done
	is_running "$flooder" || fail "the flood ended too early to test anything"
	is_equal "$(ctl_json .drops client show 10.0.0.1)" 0 "drops of the good client"
	is_equal "$(ctl_json '.clients[0].client' client list)" 10.9.0.1 "the worst client"
}
