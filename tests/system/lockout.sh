# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Nobody locks himself out: `edge attach --confirm` ends by itself unless it is confirmed,
# whoever dies meanwhile.

readonly CONFIRM=2s # the time to confirm; each test waits for it once

start_unattached() { # MODE
	client_and_server
	hatagod_start server <<-YAML
		edge:
		  devices: []
		  mode: $1
		  protect: [8080/udp]
		  maxClients: 4096
		  packets: {tokensPerSecond: 0.001, burstCapacity: 100}
	YAML
}

is_attached() {
	[[ $(xdp_mode server eth0) != 0 || -n $(on server tc filter show dev eth0 ingress 2>/dev/null) ]]
}

is_detached() {
	! is_attached
}

# Sends packets of a client whose bucket is empty, until some get through.
lets_through() {
	local before

	before=$(arrivals server flood)
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.1 --count 200 --rate 20000 >/dev/null
	(($(arrivals server flood) - before > 100))
}

limits_now() {
	arrivals_count server flood "ip saddr 10.9.0.1"
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.1 --count 1000 --rate 20000 >/dev/null
	wait_for has_dropped 900
	is_equal "$(arrivals server flood)" 100 "what reached the host"
}

has_dropped() { # PACKETS
	(($(counted eth0 drop limit_packets) == $1))
}

detaches_by_itself() { # MODE
	start_unattached "$1"
	has "$(ctl edge attach eth0 --confirm "$CONFIRM")" confirm "what the attach says"
	is_equal "$(ctl_json '.devices[0].state' edge show)" unconfirmed "state"
	is_equal "$(metric 'hatago_edge_unconfirmed{device="eth0"}')" 1 "metric"
	limits_now
	wait_for is_detached
	wait_for lets_through
	is_equal "$(ctl_json '.devices | length' edge show)" 0 "devices"
	grep -q "eth0.*not confirmed" "$HATAGOD_LOG" || fail "the log does not tell"
}

test_unconfirmed_detaches_by_itself_native()
{
	detaches_by_itself native
}

test_unconfirmed_detaches_by_itself_generic()
{
	detaches_by_itself generic
}

test_unconfirmed_detaches_by_itself_tc()
{
	detaches_by_itself tc
}

confirmed_stays() { # MODE
	local by

	start_unattached "$1"
	ctl edge attach eth0 --confirm "$CONFIRM" >/dev/null
	by=$((${EPOCHREALTIME/./} + ${CONFIRM%s} * 1000000))
	has "$(ctl edge confirm)" eth0 "what the confirmation says"
	is_equal "$(ctl_json '.devices[0].state' edge show)" attached "state"
	wait_for is_later_than $((by + 500000))
	is_attached || fail "it detached although it was confirmed"
	limits_now
	# And now it outlives hatagod, too.
	hatagod_kill
	is_attached || fail "it went with hatagod although it was confirmed"
}

is_later_than() { # MICROSECONDS
	((${EPOCHREALTIME/./} > $1))
}

test_confirmed_stays_native()
{
	confirmed_stays native
}

test_confirmed_stays_tc()
{
	confirmed_stays tc
}

test_hatagod_dies_meanwhile_native()
{
	start_unattached native
	ctl edge attach eth0 --confirm "$CONFIRM" >/dev/null
	limits_now
	hatagod_kill
	wait_for is_detached
	wait_for lets_through
}

# A tc filter can't go with its process; it stands aside when the time is over.
test_hatagod_dies_meanwhile_tc()
{
	start_unattached tc
	ctl edge attach eth0 --confirm "$CONFIRM" >/dev/null
	limits_now
	hatagod_kill
	wait_for lets_through
	is_equal "$(ctl_json '.devices[0].state' edge show)" standing_aside "state"
	has "$(ctl status 2>/dev/null)" "NOT CONFIRMED IN TIME" "status"
	(($(counted eth0 pass unconfirmed) > 0)) || fail "the reason is not counted"
	hatagod_start server
	is_detached || fail "the next start left it there"
	is_equal "$(find /sys/fs/bpf/hatago -name 'dev-*')" "" "pins of devices"
}

# The session in which it was typed dies at once, as an ssh session does that was cut off.
test_session_dies_meanwhile()
{
	start_unattached auto
	# shellcheck disable=SC2016 # it is for the other shell
	setsid bash -c '"$1" edge attach eth0 --confirm "$2" >/dev/null; kill -s KILL 0' - \
		"$BUILD/hatago-bpfctl" "$CONFIRM" 2>/dev/null || :
	is_attached || fail "it was not attached"
	wait_for is_detached
	wait_for on server curl -sf http://127.0.0.1:9464/readyz
}

test_stop_while_unconfirmed_leaves_nothing()
{
	start_unattached tc
	ctl edge attach eth0 --confirm 60s >/dev/null
	hatagod_stop
	is_detached || fail "the filter is still there"
	has_not "$(on server tc qdisc show dev eth0)" clsact "queueing"
	is_equal "$(pinned)" "" "pins"
}

test_reload_does_not_confirm()
{
	start_unattached auto
	ctl edge attach eth0 --confirm "$CONFIRM" >/dev/null
	hatagod_reload
	is_equal "$(ctl_json '.devices[0].state' edge show)" unconfirmed "state after a reload"
	wait_for is_detached
}

test_confirm_that_comes_too_late_or_for_nothing()
{
	start_unattached auto
	fails_with 4 ctl edge confirm
	fails_with 4 ctl edge confirm eth0
	fails_with 2 ctl edge attach eth0 --confirm 5
	fails_with 2 ctl edge attach eth0 --confirm soon
	ctl edge attach eth0 --confirm "$CONFIRM" >/dev/null
	wait_for is_detached
	fails_with 4 ctl edge confirm eth0
}
