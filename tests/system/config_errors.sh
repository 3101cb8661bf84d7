# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What is wrong with a configuration: all of it is told in one run, with file, line, column,
# key and what is allowed; the exit code is 2 and nothing is attached. And the environment.

write_bad_config() {
	# Lines are counted: see the expectations.
	cat >"$HATAGOD_CONFIG" <<-'YAML'
		edge:
		  devices: [eth0]
		  protect: [8080/tpc]
		  maxClients: 3
		  mode: nativ
		  packets: {tokensPerSecond: fast, burstCapacity: 10}
		  bytes: {tokensPerSecond: 1000, burstCapacity: 100}
		  colour: red
		  allow: [10.0.0.1, 10.0.0.0/33]
		  deny: [10.0.0.1]
		metrics:
		  listen: nowhere
		timeout: 10 parsecs
	YAML
}

tells() { # LINE:COLUMN KEY PART
	grep -q "$HATAGOD_CONFIG:$1: $2: .*$3" <<<"$OUTPUT" ||
		fail "'$HATAGOD_CONFIG:$1: $2: ...$3' is not in: $OUTPUT"
}

tells_everything() {
	tells 3:13 edge.protect 8080/tpc
	tells 4:15 edge.maxClients "from 64 to 16777216"
	tells 5:9 edge.mode "auto, native, generic or tc"
	tells 6:30 edge.packets.tokensPerSecond "a number from"
	tells 7:34 edge.bytes.burstCapacity "at least 1514"
	tells 8:3 edge.colour ""
	tells 9:21 edge.allow "10.0.0.0/33"
	tells 10:10 edge.deny "edge.allow"
	tells 12:11 metrics.listen "ADDRESS:PORT"
	tells 13:10 timeout "ms, s, m, h, d"
}

test_all_problems_are_told_in_one_run()
{
	client_and_server
	write_bad_config
	fails_with 2 on server "$BUILD/hatagod" -c "$HATAGOD_CONFIG"
	tells_everything
	is_equal "$(xdp_mode server eth0)" 0 "XDP on eth0"
	is_equal "$(pinned)" "" "pins"
	[[ ! -e /run/hatago/control.sock ]] || fail "there is a socket"
}

test_check_only_validates()
{
	client_and_server
	write_bad_config
	fails_with 2 on server "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
	tells_everything
	cat >"$HATAGOD_CONFIG" <<-'YAML'
		edge: {devices: [eth0], protect: [8080/tcp]}
	YAML
	on server "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
	is_equal "$(xdp_mode server eth0)" 0 "XDP on eth0"
	is_equal "$(pinned)" "" "pins"
	# Without any right, too: a check touches nothing.
	setpriv --bounding-set=-all --inh-caps=-all "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
}

test_check_says_what_the_gate_would_do()
{
	cat >"$HATAGOD_CONFIG" <<-'YAML'
		gate: {listen: ["127.0.0.1:8080", "unix:/run/gate.sock"], upstream: "http://127.0.0.1:8787"}
		maxConcurrent: 7
	YAML
	OUTPUT=$("$BUILD/hatagod" --check -c "$HATAGOD_CONFIG")
	has "$OUTPUT" "no edge" "the edge"
	has "$OUTPUT" "gate listens on: 127.0.0.1:8080, unix:/run/gate.sock" "listens"
	has "$OUTPUT" "upstream: http://127.0.0.1:8787" "upstream"
	has "$OUTPUT" "at the upstream: 7 requests at once, 50 wait up to 30 s" "permits"
	has "$OUTPUT" "all clients together: requests 10 a second" "rate"
	[[ ! -e /run/gate.sock ]] || fail "a check made the gate's socket"
	echo "edge: {devices: [eth0], protect: [all]}" >"$HATAGOD_CONFIG"
	has "$("$BUILD/hatagod" --check -c "$HATAGOD_CONFIG")" "no gate" "without a gate"
}

test_command_checks_as_well()
{
	write_bad_config
	fails_with 2 "$BUILD/hatago-bpfctl" config check "$HATAGOD_CONFIG"
	tells_everything
	fails_with 2 "$BUILD/hatago-bpfctl" -j config check "$HATAGOD_CONFIG"
	is_equal "$(jq -r .error.code <<<"$OUTPUT")" usage "code in the JSON"
	is_equal "$(jq -r '.error.problems | length == 10' <<<"$OUTPUT")" true "problems in the JSON"
}

test_sample_configuration_is_valid()
{
	"$BUILD/hatagod" --check -c packaging/hatago.yaml
	"$BUILD/hatago-bpfctl" config check packaging/hatago.yaml
}

test_file_that_is_not_there_or_not_yaml()
{
	fails_with 2 "$BUILD/hatagod" -c "$WORK/none.yaml"
	has "$OUTPUT" "$WORK/none.yaml" "the error"
	printf 'edge: {devices: [eth0\n' >"$HATAGOD_CONFIG"
	fails_with 2 "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
	has "$OUTPUT" "$HATAGOD_CONFIG:" "the error"
	printf 'timeout: 1s\ntimeout: 2s\n' >"$HATAGOD_CONFIG"
	fails_with 2 "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
	tells 2:1 timeout ""
}

test_numbers_are_read_strictly()
{
	local value

	for value in 10/s 1e3 0x10 -1 1.2345 '""' '[1]'; do
		printf 'edge:\n  packets: {burstCapacity: 10, tokensPerSecond: %s}\n' "$value" >"$HATAGOD_CONFIG"
		fails_with 2 "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
		tells 2:49 edge.packets.tokensPerSecond ""
	done
}

test_environment_fills_in()
{
	client_and_server
	export HATAGO_TEST_DEVICE=eth0 HATAGO_TEST_PORT=8080
	hatagod_start server <<-'YAML'
		edge:
		  devices: ["${HATAGO_TEST_DEVICE}"]
		  protect: ["${HATAGO_TEST_PORT}/tcp"]
		  maxClients: ${HATAGO_TEST_CLIENTS:-4096}
		  enforce: ${HATAGO_TEST_ENFORCE:-false}
	YAML
	is_equal "$(xdp_mode server eth0)" 1 "XDP on eth0"
	is_equal "$(ctl_json '.protect[0]' edge show)" 8080/tcp "what is protected"
	is_equal "$(ctl_json '.enforce' edge show)" false "enforce"
	is_equal "$(ctl_json '.config.edge.maxClients' config show)" 4096 "maxClients"
}

test_environment_that_is_not_set_is_an_error()
{
	# shellcheck disable=SC2016 # it is for hatagod
	printf 'edge:\n  maxClients: ${HATAGO_TEST_NONE}\n' >"$HATAGOD_CONFIG"
	fails_with 2 "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
	tells 2:15 edge.maxClients HATAGO_TEST_NONE
	# What comes in is checked like what stands there.
	HATAGO_TEST_NONE=many fails_with 2 "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
	tells 2:15 edge.maxClients "from 64 to"
}

# Numbers of lines and columns in lists of mappings, and what the gate needs.
test_gate_is_checked()
{
	cat >"$HATAGOD_CONFIG" <<-'YAML'
		gate:
		  upstream: http://example.org:80
		  clientId: x-forwarded-for
		  routes:
		    - path: /mcp
		      cost: dear
		    - cost: 2
		  weights: [{prefix: 192.0.2.0/24, weight: 1001}]
		templates:
		  rateLimit: '[]'
	YAML
	fails_with 2 "$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
	tells 1:1 gate.listen "is missing"
	tells 2:13 gate.upstream "http://example.org:80"
	tells 3:3 gate.clientId "gate.trustedProxies"
	tells 6:13 gate.routes.cost "from 0 to 1000000"
	tells 7:7 gate.routes.path "is missing"
	tells 8:44 gate.weights.weight "from 1 to 1000"
	tells 10:14 templates.rateLimit ""
	# As the sample has it, but switched on.
	sed 's/^#\(gate:\|  \)/\1/' packaging/hatago.yaml >"$HATAGOD_CONFIG"
	"$BUILD/hatagod" --check -c "$HATAGOD_CONFIG"
}
