# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# No flood evicts anybody: while 16,777,216 invented sources flood a table of 65,541 slots, a
# client that is being limited keeps its exact rate and one that is banned stays banned, on
# both sides of the same device.

readonly RATE=2000 BURST=500 FLOOD_SECONDS=10

flood_of_everybody() {
	flood client --device eth0 --to 10.0.0.2:8080 --from 11.0.0.0 --sources 16777216 \
		--in-kernel --rate 0 --seconds "$FLOOD_SECONDS" >/dev/null &
	FLOODER=$!
	wait_for table_is_full
}

# Newcomers find no slot, so whoever could be evicted would be.
table_is_full() {
	(($(counted eth0 pass overflow) + $(counted eth0 drop overflow_limit) > 100000))
}

sends_too_much() { # ADDRESS
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from "$1" \
		--rate $((RATE * 4)) --seconds $((FLOOD_SECONDS + 5)) >/dev/null &
}

now_us() {
	date +%s%6N
}

test_flood_evicts_nobody()
{
	local begun ended first earliest last latest passed most least

	client_and_server
	hatagod_start server <<-YAML
		edge:
		  devices: [eth0]
		  protect: [8080/tcp, 8080/udp]
		  maxClients: 52428
		  packets: {tokensPerSecond: $RATE, burstCapacity: $BURST}
		  connections: {tokensPerSecond: 0.5, burstCapacity: 10}
	YAML
	is_equal "$(metric hatago_edge_clients_slots)" 65541 "slots of the table"
	arrivals_count server limited "ip saddr 10.9.0.1"
	arrivals_count server banned "ip saddr 10.9.0.2"
	ctl ban add 10.9.0.2 --for 10m >/dev/null
	sends_too_much 10.9.0.1
	sends_too_much 10.9.0.2
	wait_for has_dropped limit_packets
	wait_for has_dropped banned
	flood_of_everybody

	begun=$(now_us)
	first=$(arrivals server limited)
	earliest=$(now_us)
	sleep 5
	is_running "$FLOODER" || fail "the flood ended too early to test anything"
	latest=$(now_us)
	last=$(arrivals server limited)
	ended=$(now_us)

	passed=$((last - first))
	most=$((BURST + RATE * (ended - begun) * 1001 / 1000000000))
	least=$((RATE * (latest - earliest) / 1000000 * 999 / 1000 - BURST))
	echo "$passed passed; allowed $least to $most"
	is_between "$passed" "$least" "$most" "packets of the limited client"
	is_equal "$(arrivals server banned)" 0 "packets of the banned client"
	is_equal "$(ctl_json .state client show 10.9.0.2)" banned "its state"
	wait "$FLOODER"
	is_equal "$(arrivals server banned)" 0 "packets of the banned client after the flood"
}

has_dropped() { # REASON
	(($(counted eth0 drop "$1") > 1000))
}
