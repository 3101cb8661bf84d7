# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# SIGHUP and `config reload`: the file is checked whole, compared and applied without
# detaching. A bad one changes nothing. No bucket, ban, counter or packet is lost.

# CONFIG is written anew by every test; the burst is what most of them change.
write_config() { # BURST [MORE-LINES-OF-EDGE]
	cat >"$HATAGOD_CONFIG" <<-YAML
		edge:
		  devices: [eth0]
		  protect: [8080/udp]
		  maxClients: 4096
		  packets: {tokensPerSecond: 0.001, burstCapacity: $1}
		  ${2:-}
	YAML
}

start_with() { # BURST [MORE-LINES-OF-EDGE]
	client_and_server
	write_config "$@"
	hatagod_start server
}

burst() { # in force
	ctl_json '.limits[] | select(.dimension == "packets").burst' limit show
}

flood_of() { # SOURCE COUNT; waits until the edge has judged it
	local before

	before=$(accounted eth0)
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from "$1" --count "$2" --rate 20000
	wait_for has_accounted $((before + $2))
}

reloads_of() { # RESULT
	metric "hatago_config_reloads_total{result=\"$1\"}"
}

test_sighup_applies_a_changed_limit_at_once()
{
	local program

	start_with 100
	program=$(xdp_program server eth0)
	flood_of 10.9.0.1 50
	write_config 200
	hatagod_reload
	is_equal "$(burst)" 200 "burst"
	is_equal "$(xdp_program server eth0)" "$program" "the program on eth0"
	is_equal "$(reloads_of success)" 1 "reloads in the metrics"
	# The bucket stays: 50 are gone from it, and its size is 200 now.
	flood_of 10.9.0.1 500
	is_equal "$(counted eth0 pass within_limits)" 200 "passed in all"
	is_equal "$(counted eth0 drop limit_packets)" 350 "dropped in all"
}

test_command_reloads_and_tells_what_changed()
{
	start_with 100
	write_config 250
	has "$(ctl config reload)" "edge.packets.burstCapacity" "what it says"
	is_equal "$(burst)" 250 "burst"
	has "$(ctl_json '.changes | join(" ")' config reload)" "" "changes of a reload without any"
	is_equal "$(ctl_json '.changes | length' config reload)" 0 "changes of a reload without any"
	is_equal "$(ctl_json '.config.edge.packets.burstCapacity' config show)" 250 "config show"
}

keeps_everything() { # PROGRAM
	is_equal "$(burst)" 100 "burst"
	is_equal "$(xdp_program server eth0)" "$1" "the program on eth0"
	is_equal "$(ctl_json .count ban list)" 1 "bans"
	is_equal "$(counted eth0 pass within_limits)" 50 "counters"
}

test_bad_file_changes_nothing_and_says_why()
{
	local program

	start_with 100
	program=$(xdp_program server eth0)
	flood_of 10.9.0.1 50
	ctl ban add 10.9.0.9 >/dev/null
	printf 'edge:\n  devices: [eth0]\n  protect: [8080/udp]\n  maxClients: 1\n  colour: red\n' >"$HATAGOD_CONFIG"
	fails_with 2 ctl config reload
	has "$OUTPUT" "$HATAGOD_CONFIG:4:15: edge.maxClients" "what it says"
	has "$OUTPUT" "$HATAGOD_CONFIG:5:3: edge.colour" "what it says"
	keeps_everything "$program"
	hatagod_reload
	keeps_everything "$program"
	is_equal "$(reloads_of failure)" 2 "failures in the metrics"
	is_equal "$(metric hatago_config_last_reload_success)" 0 "the last one in the metrics"
	has "$(ctl status)" "RELOAD FAILED" "status"
	grep -q "$HATAGOD_CONFIG:5:3: edge.colour" "$HATAGOD_LOG" || fail "the log does not say why"
	# A good one mends it.
	write_config 100
	ctl config reload >/dev/null
	is_equal "$(metric hatago_config_last_reload_success)" 1 "the last one in the metrics"
	has_not "$(ctl status)" "RELOAD FAILED" "status"
}

test_device_that_is_missing_changes_nothing()
{
	local program

	start_with 100
	program=$(xdp_program server eth0)
	write_config 300
	sed -i 's/\[eth0\]/[eth0, eth7]/' "$HATAGOD_CONFIG"
	fails_with 4 ctl config reload
	has "$OUTPUT" eth7 "what it says"
	is_equal "$(burst)" 100 "burst"
	is_equal "$(xdp_program server eth0)" "$program" "the program on eth0"
}

entries() { # LIST: "PREFIX ORIGIN" lines, sorted
	ctl_json '.entries[] | .prefix + " " + .origin' "$1" list | sort | paste -sd,
}

test_lists_change_by_their_difference()
{
	start_with 100 'deny: [10.9.1.0/24, 10.9.2.0/24]'
	ctl deny add 10.9.7.0/24 10.9.3.0/24 >/dev/null
	is_equal "$(entries deny)" \
		"10.9.1.0/24 configuration,10.9.2.0/24 configuration,10.9.3.0/24 operator,10.9.7.0/24 operator" before
	# One goes, one comes; what an operator had set stays the operator's.
	write_config 100 'deny: [10.9.2.0/24, 10.9.3.0/24, "2001:db8:1::/48"]'
	hatagod_reload
	is_equal "$(entries deny)" \
		"10.9.2.0/24 configuration,10.9.3.0/24 operator,10.9.7.0/24 operator,2001:db8:1::/48 configuration" after
	flood_of 10.9.1.5 10
	flood_of 10.9.2.5 20
	is_equal "$(counted eth0 pass within_limits)" 10 "passed"
	is_equal "$(counted eth0 drop denied)" 20 "denied"
}

test_bans_buckets_and_counters_are_kept()
{
	start_with 100
	flood_of 10.9.0.1 300
	ctl ban add 10.9.0.9 --reason "too loud" >/dev/null
	write_config 100 'connections: {tokensPerSecond: 5, burstCapacity: 5}'
	hatagod_reload
	is_equal "$(ctl_json '.bans[0].client + " " + .bans[0].reason' ban list)" "10.9.0.9 too loud" "the ban"
	is_equal "$(counted eth0 drop limit_packets)" 200 "counters"
	flood_of 10.9.0.1 50
	flood_of 10.9.0.9 50
	is_equal "$(counted eth0 pass within_limits)" 100 "passed in all"
	is_equal "$(counted eth0 drop banned)" 50 "dropped for the ban"
}

test_table_of_another_size_keeps_its_clients()
{
	start_with 100
	flood_of 10.9.0.1 300
	ctl ban add 10.9.0.9 >/dev/null
	sed -i 's/maxClients: 4096/maxClients: 65536/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	(($(ctl_json .edge.table.slots status) >= 65536)) || fail "the table did not grow"
	flood_of 10.9.0.1 50
	flood_of 10.9.0.9 50
	is_equal "$(counted eth0 pass within_limits)" 100 "passed in all"
	is_equal "$(counted eth0 drop banned)" 50 "dropped for the ban"
}

test_devices_come_and_go()
{
	start_with 100
	link other:eth0,10.1.0.1/24 server:eth1,10.1.0.2/24
	sed -i 's/\[eth0\]/[eth1]/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	is_equal "$(xdp_mode server eth0)" 0 "XDP on eth0"
	is_equal "$(xdp_mode server eth1)" 1 "XDP on eth1"
}

test_enforce_can_be_turned_off_and_on()
{
	start_with 100 'enforce: true'
	flood_of 10.9.0.1 200
	write_config 100 'enforce: false'
	ctl config reload >/dev/null
	is_equal "$(metric hatago_edge_enforcing)" 0 "enforcing"
	flood_of 10.9.0.1 50
	is_equal "$(counted eth0 would_drop limit_packets)" 50 "would drop"
	write_config 100 'enforce: true'
	ctl config reload >/dev/null
	flood_of 10.9.0.1 50
	is_equal "$(counted eth0 drop limit_packets)" 150 "dropped in all"
}

test_what_needs_a_restart_is_said()
{
	start_with 100
	printf 'metrics: {listen: "127.0.0.1:9999"}\n' >>"$HATAGOD_CONFIG"
	has "$(ctl config reload 2>&1)" "metrics.listen" "what the reload says"
	has "$(ctl status)" "metrics.listen" "status"
	on server curl -sf http://127.0.0.1:9464/readyz >/dev/null || fail "metrics moved or are gone"
}

test_no_packet_is_unaccounted_for_under_flood()
{
	local frames unseen flooder id before program i

	start_with 100
	program=$(xdp_program server eth0)
	unseen=$(unaccounted)
	frames=$(received server eth0)
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --sources 3000 --rate 50000 --seconds 4 \
		>"$WORK/flood" &
	flooder=$!
	id=0
	while is_running "$flooder"; do
		((++id))
		before=$(accounted eth0)
		i=$((100 + id % 7))
		write_config "$i" "deny: [10.$((id % 200)).0.0/16]"
		((id % 5)) || sed -i 's/8080.udp/8080-8090\/udp/' "$HATAGOD_CONFIG"
		ctl config reload >/dev/null
		is_equal "$(burst)" "$i" "burst after reload $id"
		wait_for has_moved "$before" "$flooder"
	done
	wait "$flooder"
	((id >= 5)) || fail "only $id reloads in the whole flood"
	wait_for has_unaccounted "$unseen"
	is_equal "$(xdp_program server eth0)" "$program" "the program on eth0"
	frames=$(($(received server eth0) - frames))
	((frames > 20000)) || fail "only $frames frames came in"
	echo "NOTE: $id reloads, $frames frames, all accounted for; $(<"$WORK/flood")"
}

has_moved() { # ACCOUNTED FLOODER: the flood went on since, or is over
	has_ended "$2" || (($(accounted eth0) > $1))
}
