# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A SYN flood of invented sources, as fast as this machine makes it, while the budget of
# strangers is asked: clients that are trusted connect as ever, and honest newcomers come
# through at their second try. They come in by another device of the same edge, since a queue
# that the flood fills would lose their frames before the edge sees them.

readonly TRUSTED=50 NEWCOMERS=200 CONNECT_SECONDS=3 PATIENCE=8 FLOOD_SECONDS=60

addresses() { # FIRST COUNT: of 10.2.1.0 and on
	local i

	for ((i = $1; i < $1 + $2; i++)); do
		echo "10.2.$((1 + i / 250)).$((1 + i % 250))"
	done
}

edge_press() { # ADDRESS...: trusted ones
	cat >"$HATAGOD_CONFIG"
	become server "$BUILD/hatago-press" "$HATAGOD_CONFIG" "$@" >"$WORK/press" 2>>"$HATAGOD_LOG" &
	PRESS_PID=$!
	# shellcheck disable=SC2034 # ctl reads it
	HATAGOD_HOST=server
	wait_for -s 20 grep -qx ready "$WORK/press"
}

strangers_are_dropped() {
	(($(counted eth0 drop strangers) > 100000))
}

# Answered connections, of how many, the median and the longest in ms.
connects() { # SOURCE...
	on client python3 tests/system/connects.py 10.2.0.2 8080 "$CONNECT_SECONDS" "$PATIENCE" "$@"
}

test_flood_of_strangers()
{
	local flooder good all median longest before rate

	link flooder:eth0,10.1.0.1/24 server:eth0,10.1.0.2/24
	link client:eth0,10.2.0.1/16 server:eth1,10.2.0.2/16
	on client ip route add local 10.2.1.0/24 dev lo
	on client ip route add local 10.2.2.0/24 dev lo
	sample_start server 0.0.0.0:8080
	mapfile -t trusted < <(addresses 0 "$TRUSTED")
	mapfile -t newcomers < <(addresses "$TRUSTED" "$NEWCOMERS")
	edge_press "${trusted[@]}" <<-YAML
		edge:
		  devices: [eth0, eth1]
		  protect: [8080/tcp]
		  connections: {tokensPerSecond: 50, burstCapacity: 100}
		  strangers: {tokensPerSecond: 100, burstCapacity: 200}
		gate: {listen: ["127.0.0.1:8081"], upstream: "http://127.0.0.1:8080"}
	YAML
	flood flooder --device eth0 --to 10.1.0.2:8080 --from 11.0.0.0 --sources 16777216 --in-kernel \
		--rate 0 --seconds "$FLOOD_SECONDS" >/dev/null &
	flooder=$!
	wait_for strangers_are_dropped

	before=$(accounted eth0)
	read -r good all median longest < <(connects "${trusted[@]}")
	rate=$((($(accounted eth0) - before) / CONNECT_SECONDS))
	echo "NOTE: trusted: $good of $all connected, median $median ms, longest $longest ms"
	is_equal "$good" "$all" "connections of trusted clients"
	((longest < 1000)) || fail "a trusted client had to try twice: $longest ms"

	before=$(accounted eth0)
	read -r good all median longest < <(connects "${newcomers[@]}")
	echo "NOTE: newcomers: $good of $all connected, median $median ms, longest $longest ms;" \
		"a flood of $rate SYNs a second"
	is_running "$flooder" || fail "the flood ended too early to test anything"
	((good * 100 >= all * 95)) || fail "only $good of $all newcomers connected"
	((longest > 900)) || fail "no newcomer had to try twice: the flood is none"
	has "$(ctl status)" "for all that are not trusted" "status"
	kill "$flooder" "$PRESS_PID"
	wait_exit "$PRESS_PID"
	is_equal "$STATUS" 0 "exit code"
	is_equal "$(pinned)" "" "what is left pinned"
}
