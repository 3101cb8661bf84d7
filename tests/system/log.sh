# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The log: lines with a level on standard error, JSON for machines, and a line for each
# change that names the caller.

start_logging() { # HATAGOD-OPTION...
	client_and_server
	hatagod_start server "$@" <<-'YAML'
		edge:
		  devices: [eth0]
		  protect: [8080/tcp]
		  maxClients: 4096
		  packets: {tokensPerSecond: 100, burstCapacity: 100}
	YAML
}

lines() { # JQ-CONDITION: how many lines of the JSON log meet it
	jq -cR 'fromjson' "$HATAGOD_LOG" | jq -s "[.[] | select($1)] | length"
}

test_json_lines_parse()
{
	start_logging --log-format json
	ctl ban add 10.9.9.9 --reason 'a "quoted" reason with \ and ü' >/dev/null
	echo "colour: red" >>"$HATAGOD_CONFIG"
	hatagod_reload
	hatagod_stop
	jq -eR 'fromjson | (.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$"))
		and (.level | IN("error", "warning", "info", "debug")) and (.message | length > 0)' \
		"$HATAGOD_LOG" >/dev/null || fail "not every line is as it should be"
	(($(lines '.level == "error"') > 0)) || fail "the bad reload is no error"
	(($(lines '.message | contains("eth0") and contains("native")') > 0)) || fail "the attach is not told"
	(($(lines '.message | contains("ban add") and contains("10.9.9.9")') == 1)) || fail "the ban is not told"
}

test_text_lines()
{
	start_logging
	hatagod_stop
	! grep -q '^{' "$HATAGOD_LOG" || fail "text looks like JSON"
	grep -q 'ready' "$HATAGOD_LOG" || fail "it does not say that it is ready"
	grep -qi 'sigterm' "$HATAGOD_LOG" || fail "it does not say why it stopped"
}

test_levels()
{
	start_logging --log-level error
	hatagod_stop
	is_equal "$(<"$HATAGOD_LOG")" "" "the log of a good run at the level of errors"
	hatagod_start server --log-level debug
	hatagod_stop
	(($(wc -l <"$HATAGOD_LOG") > 3)) || fail "debug says too little"
	fails_with 2 "$BUILD/hatagod" --log-level loud
	fails_with 2 "$BUILD/hatagod" --log-format xml
}

test_journal_gets_levels()
{
	: >"$HATAGOD_LOG"
	JOURNAL_STREAM=$(stat -c %d:%i "$HATAGOD_LOG") start_logging
	hatagod_stop
	grep -q '^<6>' "$HATAGOD_LOG" || fail "no syslog level in front of a line"
}

test_each_change_names_its_caller()
{
	start_logging
	ctl ban add 10.9.9.9 >/dev/null
	ctl limit set packets 50 50 >/dev/null
	ctl status >/dev/null
	grep -q 'ban add.*root.*uid 0.*10.9.9.9' "$HATAGOD_LOG" || fail "the ban is not told with its caller"
	grep -q 'limit set.*uid 0' "$HATAGOD_LOG" || fail "the limit is not told with its caller"
	! grep -q 'status by' "$HATAGOD_LOG" || fail "reading is told as if it were a change"
	fails_with 4 ctl ban del 10.9.9.8
	grep -q 'ban del.*failed' "$HATAGOD_LOG" || fail "a change that failed is not told"
}
