# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What metrics.listen serves: Prometheus text that promtool accepts, JSON in the seed
# document's shape, health and readiness; every degraded state among them; and what a
# scrape of a full table takes.

readonly SCRAPE_MS_MAX=250 # loose, since a shared machine is no measure; the goal is 20

start_with() { # MODE LINES-OF-EDGE...
	client_and_server
	{
		cat <<-YAML
			edge:
			  devices: [eth0]
			  mode: $1
			  protect: [8080/udp]
		YAML
		shift
		printf '  %s\n' "$@"
	} >"$HATAGOD_CONFIG"
	hatagod_start server
}

get() { # PATH [CURL-OPTION...]
	local path=$1

	shift
	on server curl -s "$@" "http://127.0.0.1:9464$path"
}

status_of() { # PATH [CURL-OPTION...]
	get "$@" -o /dev/null -w '%{http_code}'
}

flood_of() { # SOURCES COUNT
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.9.0.1 --sources "$1" --count "$2" --rate 20000
	wait_for has_accounted "$2"
}

test_promtool_accepts_it()
{
	command -v promtool >/dev/null || skip "promtool is not installed"
	start_with auto 'maxClients: 4096' 'packets: {tokensPerSecond: 0.5, burstCapacity: 10}' \
		'bytes: {tokensPerSecond: 1000000, burstCapacity: 100000}' 'deny: [10.8.0.0/16]'
	flood_of 20 500
	ctl ban add 10.9.9.9 >/dev/null
	get /metrics | promtool check metrics >"$WORK/promtool" 2>&1 || fail "promtool says: $(<"$WORK/promtool")"
	is_equal "$(<"$WORK/promtool")" "" "what promtool says"
	has "$(get /metrics -D - -o /dev/null)" "text/plain; version=0.0.4" "content type"
	# No label per client.
	has_not "$(get /metrics)" "10.9." "the text"
}

test_counters_say_what_happened()
{
	start_with auto 'maxClients: 4096' 'packets: {tokensPerSecond: 0.001, burstCapacity: 100}'
	flood_of 1 400
	ctl ban add 10.9.9.9 >/dev/null
	is_equal "$(metric 'hatago_edge_packets_total{device="eth0",verdict="pass",reason="within_limits"}')" 100 passed
	is_equal "$(metric 'hatago_edge_packets_total{device="eth0",verdict="drop",reason="limit_packets"}')" 300 dropped
	is_equal "$(metric 'hatago_edge_bytes_total{device="eth0",verdict="drop",reason="limit_packets"}')" 18000 bytes
	is_equal "$(metric hatago_edge_clients_banned)" 1 "banned"
	(($(metric hatago_edge_clients_occupied) >= 2)) || fail "occupied slots: $(metric hatago_edge_clients_occupied)"
	is_equal "$(metric 'hatago_edge_limit_burst_tokens{dimension="packets"}')" 100 burst
	is_equal "$(metric 'hatago_edge_mode_degraded{device="eth0"}')" 0 degraded
	is_equal "$(metric hatago_complaints)" 0 complaints
}

has_types() { # PATH=TYPE...: of the JSON
	local entry document

	document=$(json_metrics .)
	for entry; do
		is_equal "$(jq -r "${entry%=*} | type" <<<"$document")" "${entry##*=}" "type of ${entry%=*}"
	done
}

test_json_has_the_shape_of_the_seed()
{
	start_with auto 'maxClients: 4096' 'packets: {tokensPerSecond: 0.001, burstCapacity: 100}'
	flood_of 200 20000
	has "$(get /metrics/concurrency -D - -o /dev/null)" "application/json" "content type"
	has_types .timestamp=string .concurrency.current=number .concurrency.max=number \
		.concurrency.queue.size=number .concurrency.queue.maxSize=number \
		.circuitBreaker.state=string .circuitBreaker.failures=number .circuitBreaker.lastFailure=null \
		.rateLimiting.tokens=number .rateLimiting.capacity=number .rateLimiting.refillRate=number \
		.performance.avgResponseTime=number .performance.requestsPerSecond=number .performance.errorRate=number \
		.queue.size=number .queue.maxSize=number .gate.enabled=boolean .gate.outcomes.served=number \
		.gate.responseTime.p99=number .gate.queueWait.p50=number .gate.events.dropped=number \
		.edge=object .edge.devices=array .edge.table.slots=number .edge.table.occupied=number \
		.edge.topOffenders=array
	is_equal "$(json_metrics '.circuitBreaker.state')" closed "breaker"
	has "$(json_metrics .timestamp)" Z "time"
	is_equal "$(json_metrics '.edge.devices[0].name + " " + .edge.devices[0].mode')" "eth0 native" device
	is_equal "$(json_metrics '[.edge.devices[0].counters[] | select(.reason == "within_limits").packets] | add')" 20000 \
		"passed"
}

test_worst_clients_are_listed_and_bounded()
{
	start_with auto 'maxClients: 4096' 'packets: {tokensPerSecond: 0.001, burstCapacity: 10}'
	flood_of 500 10000
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from 10.7.0.7 --count 1000 --rate 20000
	wait_for has_accounted 11000
	wait_for is_worst 10.7.0.7
	is_equal "$(json_metrics '.edge.topOffenders[0].drops')" 990 "its drops"
	(($(json_metrics '.edge.topOffenders | length') <= 100)) || fail "the list is not bounded"
	(($(json_metrics '.edge.topOffenders | length') >= 10)) || fail "the list is too short"
}

is_worst() { # CLIENT; a scan may be some time old
	[[ $(json_metrics '.edge.topOffenders[0].client') == "$1" ]]
}

test_health_and_readiness()
{
	start_with auto 'maxClients: 4096'
	is_equal "$(status_of /healthz)" 200 healthz
	is_equal "$(status_of /readyz)" 200 readyz
	is_equal "$(status_of /none)" 404 "another path"
	is_equal "$(status_of /metrics -X POST)" 405 "another method"
	is_equal "$(status_of /metrics -I)" 200 HEAD
	# A device that is gone is not protected: alive, but not ready; and told everywhere.
	on server ip link del eth0
	wait_for is_not_ready
	is_equal "$(status_of /healthz)" 200 healthz
	(($(metric hatago_complaints) > 0)) || fail "no complaint in the metrics"
	has "$(json_metrics '.complaints | join(" ")')" eth0 "complaints in the JSON"
	has "$(ctl status)" eth0 "status"
	is_equal "$(metric 'hatago_edge_mode_degraded{device="eth0"}')" 1 degraded
}

is_not_ready() {
	[[ $(status_of /readyz) == 503 ]]
}

test_degraded_mode_is_a_metric()
{
	client_and_server
	on server tc qdisc add dev eth0 clsact
	on server ip link add link eth0 name mac.0 type macvlan mode bridge || skip "this kernel has no macvlan"
	on server ip link set mac.0 up
	hatagod_start server <<-'YAML'
		edge: {devices: [mac.0], protect: [8080/udp], maxClients: 4096, enforce: false}
	YAML
	is_equal "$(metric 'hatago_edge_attached{device="mac.0",mode="generic"}')" 1 attached
	is_equal "$(metric 'hatago_edge_attached{device="mac.0",mode="native"}')" 0 "attached natively"
	is_equal "$(metric 'hatago_edge_mode_degraded{device="mac.0"}')" 1 degraded
	is_equal "$(metric hatago_edge_enforcing)" 0 enforcing
}

test_full_table_is_seen()
{
	start_with auto 'maxClients: 64' 'packets: {tokensPerSecond: 0.001, burstCapacity: 10}'
	flood_of 5000 10000
	(($(counted eth0 pass overflow) > 0)) || fail "nothing passed by the overflow bucket"
	(($(metric hatago_edge_full_sets) > 0)) || fail "no set is full"
	(($(metric 'hatago_edge_packets_total{device="eth0",verdict="drop",reason="overflow_limit"}') > 0)) ||
		fail "nothing was dropped by the overflow bucket"
}

test_metrics_can_be_off()
{
	client_and_server
	hatagod_start server <<-'YAML'
		edge: {devices: [eth0], protect: [8080/udp], maxClients: 4096}
		metrics: {enabled: false}
	YAML
	fails_with 7 get /healthz
}

test_endpoint_and_address_are_configurable()
{
	client_and_server
	hatagod_start server <<-'YAML'
		edge: {devices: [eth0], protect: [8080/udp], maxClients: 4096}
		metrics: {endpoint: /our/numbers, listen: "[::1]:9999"}
	YAML
	on server curl -sf 'http://[::1]:9999/our/numbers' | jq -e .edge >/dev/null
	has "$(on server curl -sf 'http://[::1]:9999/metrics')" "hatago_build_info{" "the text"
}

has_clients() { # AT-LEAST
	(($(ctl_json .edge.table.occupied status) >= $1))
}

test_scrape_of_a_million_clients()
{
	local path times

	start_with auto 'maxClients: 1500000' 'packets: {tokensPerSecond: 0.001, burstCapacity: 5}'
	sed -i 's/8080.udp/8080\/tcp/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	flood client --device eth0 --to 10.0.0.2:8080 --in-kernel --sources 1010000 --count 2000000 --rate 0 --seconds 30
	wait_for has_clients 1000000
	for path in /metrics /metrics/concurrency; do
		mapfile -t times < <(for _ in {1..9}; do
			get "$path" -o /dev/null -w '%{time_total}\n'
			sleep 0.25 # longer than a scan is kept, so that each has its own
		done | awk '{ printf "%.1f\n", $1 * 1000 }' | sort -n)
		echo "NOTE: $path with $(ctl_json .edge.table.occupied status) clients:" \
			"${times[0]} to ${times[8]} ms, median ${times[4]} ms"
		is_between "${times[0]%.*}" 0 "$SCRAPE_MS_MAX" "ms of the fastest scrape of $path"
	done
}
