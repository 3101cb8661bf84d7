# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What hatagod tells its service manager: ready only when the devices are protected, each
# reload's beginning and end, signs of life, the end.

write_config() {
	cat >"$HATAGOD_CONFIG" <<-'YAML'
		edge: {devices: [eth0], protect: [8080/tcp], maxClients: 4096}
	YAML
}

line_of() { # PATTERN: the number of the first line of the notices that matches
	grep -nm1 "$1" "$NOTICES" | cut -d: -f1
}

test_ready_comes_after_the_attach()
{
	client_and_server
	write_config
	hatagod_start server
	# It was awaited by hatagod_start, so all must be there at this moment.
	is_equal "$(xdp_mode server eth0)" 1 "XDP on eth0"
	on server curl -sf http://127.0.0.1:9464/readyz >/dev/null || fail "metrics do not answer"
	ctl version >/dev/null
	grep -q '^STATUS=.*1 of 1 devices protected' "$NOTICES" || fail "no STATUS= in: $(<"$NOTICES")"
}

test_start_that_fails_is_never_ready()
{
	client_and_server
	write_config
	sed -i 's/eth0/eth7/' "$HATAGOD_CONFIG"
	hatagod_launch server
	wait_exit "$HATAGOD_PID"
	is_equal "$STATUS" 1 "exit code"
	! has_noticed READY=1 || fail "READY=1 was told"
}

test_reload_is_told()
{
	client_and_server
	write_config
	hatagod_start server
	hatagod_reload
	has_noticed RELOADING=1 || fail "RELOADING=1 was not told"
	grep -qx 'MONOTONIC_USEC=[0-9]*' "$NOTICES" || fail "MONOTONIC_USEC was not told"
	(($(line_of '^RELOADING=1') < $(line_of '^READY=1'))) || fail "wrong order: $(<"$NOTICES")"
	# Also where the file is bad: it goes on, so it is ready.
	echo "colour: red" >>"$HATAGOD_CONFIG"
	hatagod_reload
	has_noticed RELOADING=1 || fail "RELOADING=1 was not told for a bad file"
}

test_watchdog_is_fed()
{
	client_and_server
	write_config
	WATCHDOG_USEC=400000 hatagod_start server
	for _ in 1 2 3; do
		: >"$NOTICES"
		wait_for -s 2 has_noticed WATCHDOG=1
	done
	# A process that hangs gives no sign.
	kill -s STOP "$HATAGOD_PID"
	wait_for is_stopped
	: >"$NOTICES"
	! (wait_for -s 1 has_noticed WATCHDOG=1) >/dev/null 3>/dev/null || fail "signs of life of a stopped process"
	kill -s CONT "$HATAGOD_PID"
	wait_for has_noticed WATCHDOG=1
}

is_stopped() {
	[[ $(cut -d' ' -f3 "/proc/$HATAGOD_PID/stat") == T ]]
}

test_stop_is_told()
{
	client_and_server
	write_config
	hatagod_start server
	hatagod_stop
	has_noticed STOPPING=1 || fail "STOPPING=1 was not told"
}

test_without_a_service_manager_it_is_silent()
{
	client_and_server
	write_config
	become server env -u NOTIFY_SOCKET "$BUILD/hatagod" -c "$HATAGOD_CONFIG" >"$WORK/out" 2>"$WORK/err" &
	HATAGOD_PID=$!
	wait_for on server curl -sf http://127.0.0.1:9464/readyz
	hatagod_stop
	is_equal "$STATUS" 0 "exit code"
	is_equal "$(<"$WORK/out")" "" "standard output"
}
