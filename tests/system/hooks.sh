# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Events: `hatago-bpfctl event follow` beside a hatagod that reloads and bans, in words and
# as JSON, by name and number, how it ends, and who may.

start() {
	client_and_server
	hatagod_start server <<-'YAML'
		edge: {devices: [eth0], protect: [8080/udp], maxClients: 4096}
		control: {group: games, changeGroup: users}
	YAML
}

has_lines() { # FILE COUNT
	(($(wc -l <"$1") >= $2))
}

test_follow_in_words_and_as_json()
{
	start
	follow "$WORK/words" event follow
	local words=$FOLLOWER
	follow "$WORK/json" event follow -j
	local json=$FOLLOWER
	ctl config reload >/dev/null
	sed -i 's/4096}/4096, enforce: false}/' "$HATAGOD_CONFIG"
	hatagod_reload
	echo nonsense: >>"$HATAGOD_CONFIG"
	hatagod_reload
	ctl ban add 10.9.0.1 --for 10m --reason "too loud" >/dev/null
	ctl ban del 10.9.0.1 >/dev/null
	fails_with 2 ctl ban del 10.9.0.1/24 # nothing happened
	wait_for has_lines "$WORK/words" 5
	wait_for has_lines "$WORK/json" 5
	kill -s INT "$words" "$json"
	wait_exit "$words"
	is_equal "$STATUS" 0 "exit code after SIGINT"
	wait_exit "$json"
	is_equal "$STATUS" 0 "exit code after SIGINT, JSON"
	is_equal "$(sed -E 's/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z /T /' "$WORK/words")" \
		"$(printf '%s\n' 'T configReloaded changes=0 failed=false' \
			'T configReloaded changes=1 failed=false' 'T configReloaded changes=0 failed=true' \
			'T banAdded address=10.9.0.1 for=10m reason="too loud"' \
			'T banDeleted address=10.9.0.1')" "the events in words"
	is_equal "$(jq -r 'select(.time | test("^20.*Z$")) | .event' "$WORK/json" | paste -sd' ')" \
		"configReloaded configReloaded configReloaded banAdded banDeleted" "the events"
	is_equal "$(cat "$WORK/words.err" "$WORK/json.err")" "" "what it complained of"
}

test_follow_some_of_a_name()
{
	start
	follow "$WORK/some" event follow banAdded banDeleted -n 2
	ctl config reload >/dev/null
	ctl ban add 10.9.0.1 >/dev/null
	ctl ban add 10.9.0.2 >/dev/null
	wait_exit "$FOLLOWER"
	is_equal "$STATUS" 0 "exit code"
	is_equal "$(wc -l <"$WORK/some")" 2 "events"
	has "$(tail -n 1 "$WORK/some")" "banAdded address=10.9.0.2" "the last event"
	wait_for has_followers 0
}

test_follow_ends_with_hatagod()
{
	fails_with 3 "$BUILD/hatago-bpfctl" event follow
	has "$OUTPUT" "does not run" "what it says"
	start
	follow "$WORK/stopped" event follow
	hatagod_stop
	is_equal "$STATUS" 0 "hatagod's exit code"
	wait_exit "$FOLLOWER"
	is_equal "$STATUS" 3 "exit code"
	hatagod_start server </dev/null
	follow "$WORK/killed" event follow -j
	hatagod_kill
	wait_exit "$FOLLOWER"
	is_equal "$STATUS" 3 "exit code, JSON"
	is_equal "$(jq -r .error.code "$WORK/killed")" unreachable "code in the JSON"
}

test_follow_is_refused()
{
	local readers i followers=()

	start
	fails_with 2 ctl event follow onLimitExceded
	has "$OUTPUT" "did you mean 'onLimitExceeded'" "what it suggests"
	fails_with 2 ctl event follow -n 0
	fails_with 2 ctl event
	has "$(ctl event follow --help)" "onStateChange" "help"
	readers=$(getent group games | cut -d: -f3)
	install -m 755 "$BUILD/hatago-bpfctl" /run/hatago-bpfctl
	fails_with 5 setpriv --reuid 65534 --regid 65534 --clear-groups /run/hatago-bpfctl event follow
	for i in {1..16}; do
		follow "$WORK/$i" event follow
		followers+=("$FOLLOWER")
	done
	fails_with 1 ctl event follow
	has "$OUTPUT" "too many" "what it says to the seventeenth"
	fails_with 1 setpriv --reuid 65534 --regid 65534 --groups "$readers" /run/hatago-bpfctl event follow
	kill -s INT "${followers[@]}"
	wait_for has_followers 0
	become "$HATAGOD_HOST" setpriv --reuid 65534 --regid 65534 --groups "$readers" \
		/run/hatago-bpfctl event follow -n 1 >"$WORK/reader" &
	FOLLOWER=$!
	wait_for has_followers 1
	wait_for is_asleep "$FOLLOWER"
	ctl config reload >/dev/null
	wait_exit "$FOLLOWER"
	is_equal "$STATUS" 0 "exit code of a reader"
	has "$(<"$WORK/reader")" configReloaded "what a reader sees"
}

# A follower that reads nothing holds up neither hatagod nor the others.
test_follower_that_hangs()
{
	local i

	start
	follow "$WORK/hangs" event follow
	local hangs=$FOLLOWER
	kill -s STOP "$hangs"
	follow "$WORK/reads" event follow -j -n 50
	for i in {1..50}; do
		ctl ban add 10.9.0.1 --reason "number $i" >/dev/null
	done
	wait_exit "$FOLLOWER"
	is_equal "$(tail -n 1 "$WORK/reads" | jq -r .reason)" "number 50" "the last event"
	kill -s CONT "$hangs"
	wait_for has_lines "$WORK/hangs" 50
	hatagod_stop
	is_equal "$STATUS" 0 "hatagod's exit code"
}
