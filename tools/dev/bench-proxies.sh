# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The proxies that bench-gate.sh and bench-overload.sh compare, with equivalent limits, one
# worker each, X-Forwarded-For, no access log; and how their cost is read. Sourced; ends what it started.
#
# All proxies are on the first CPU, load and upstream on the second, where there are two;
# all before whatever else wants the CPUs, where that is allowed.
# CPU time is the scheduler's own count (schedstat, ns), of all threads of the process.
set -euo pipefail
BUILD=${BUILD:-build}
PATH=$PATH:/usr/sbin:/sbin

readonly UPSTREAM=127.0.0.1:18700
# shellcheck disable=SC2034 # for those who source it
readonly REQUESTS_MANY=1000000 # a second of a client: a rate limit that never refuses
readonly REFUSAL='{"jsonrpc":"2.0","error":{"code":-32000,"message":"Rate limit exceeded"},"id":null}'
WORK=$(mktemp -d /tmp/hatago-bench.XXXXXX)
PROXY_CPU=0 LOAD_CPU=0
(($(nproc) < 2)) || LOAD_CPU=1

# A session has a nice value of its own, which would make the processes' useless.
session_nice() { # NICE
	[[ ! -w /proc/self/autogroup ]] || echo "$1" 2>/dev/null >/proc/self/autogroup || :
}
SESSION_NICE=$(sed 's/.* //' /proc/self/autogroup 2>/dev/null || echo 0)
renice -n -20 $$ >/dev/null 2>&1 || :
session_nice -20

declare -A PID=()  # of each proxy started, and of `upstream`
declare -A PORT=([relay]=18710 [gate]=18711 [haproxy]=18712 [nginx]=18713
	[direct]=18700)

bench_end() {
	((${#PID[@]} == 0)) || kill "${PID[@]}" 2>/dev/null || :
	wait || :
	session_nice "$SESSION_NICE"
	rm -rf "$WORK"
}
trap bench_end EXIT

die() {
	echo "bench: $*" >&2
	exit 1
}

is_listening() { # PORT
	(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Starts it in the background as PID[NAME] and waits until it listens.
launch() { # NAME CPU PORT COMMAND...
	local name=$1 cpu=$2 port=$3 i

	shift 3
	is_listening "$port" && die "port $port is taken"
	taskset -c "$cpu" "$@" >"$WORK/$name.log" 2>&1 &
	PID[$name]=$!
	for ((i = 0; i < 100; i++)); do
		is_listening "$port" && return
		[[ -d /proc/${PID[$name]} ]] || break
		sleep 0.05
	done
	cat "$WORK/$name.log" >&2
	die "$name does not start"
}

finish() { # NAME
	[[ ${PID[$1]:-} ]] || return 0
	kill "${PID[$1]}" 2>/dev/null || :
	wait "${PID[$1]}" 2>/dev/null || :
	unset "PID[$1]"
}

upstream_start() { # OPTIONS...
	launch upstream "$LOAD_CPU" "${UPSTREAM##*:}" "$BUILD/bench/upstream" "$UPSTREAM" "$@"
}

# --- the proxies; each: RATE (requests a second of a client) CONCURRENT QUEUE; for the gate
# further lines of its configuration may follow ---

start_relay() {
	launch relay "$PROXY_CPU" "${PORT[relay]}" "$BUILD/bench/relay" \
		"127.0.0.1:${PORT[relay]}" "$UPSTREAM"
}

start_gate() {
	cat >"$WORK/gate.yaml" <<-YAML
		gate: {listen: ["127.0.0.1:${PORT[gate]}"], upstream: "http://$UPSTREAM", workers: 1}
		maxConcurrent: $2
		queueSize: $3
		perClientLimits: true
		rateLimiting: {tokensPerSecond: $1, burstCapacity: $1}
		metrics: {enabled: false}
		control: {socket: $WORK/gate.sock}
	YAML
	printf '%s\n' "${@:4}" >>"$WORK/gate.yaml"
	launch gate "$PROXY_CPU" "${PORT[gate]}" "$BUILD/hatagod" -c "$WORK/gate.yaml"
}

start_haproxy() {
	cat >"$WORK/haproxy.cfg" <<-CFG
		global
		    nbthread 1
		    maxconn 12000
		    no strict-limits
		    pidfile $WORK/haproxy.pid
		defaults
		    mode http
		    timeout client 300s
		    timeout server 300s
		    timeout connect 5s
		    timeout queue 30s
		    timeout http-keep-alive 300s
		    http-reuse always
		    option abortonclose
		    option forwardfor
		frontend clients
		    bind 127.0.0.1:${PORT[haproxy]}
		    http-request track-sc0 src table per_client
		    http-request return status 429 content-type application/json string '$REFUSAL' if { sc_http_req_rate(0) gt $1 }
		    http-request return status 503 content-type application/json string '$REFUSAL' if { queue(service) ge $3 }
		    default_backend service
		backend per_client
		    stick-table type ipv6 size 100k expire 30s store http_req_rate(1s)
		backend service
		    server upstream $UPSTREAM maxconn $2
	CFG
	launch haproxy "$PROXY_CPU" "${PORT[haproxy]}" haproxy -db -f "$WORK/haproxy.cfg"
}

# It has no queue: what is over max_conns is refused at once.
start_nginx() {
	cat >"$WORK/nginx.conf" <<-CONF
		daemon off; master_process off; worker_processes 1;
		pid $WORK/nginx.pid; error_log $WORK/nginx.error crit;
		events { worker_connections 15000; use epoll; }
		http {
		    access_log off; keepalive_timeout 300s; keepalive_requests 1000000000;
		    client_body_temp_path $WORK/nginx-body; proxy_temp_path $WORK/nginx-proxy;
		    fastcgi_temp_path $WORK/nginx-fastcgi; uwsgi_temp_path $WORK/nginx-uwsgi;
		    scgi_temp_path $WORK/nginx-scgi;
		    limit_req_zone \$binary_remote_addr zone=rate:10m rate=$1r/s;
		    limit_conn_zone \$binary_remote_addr zone=connections:10m;
		    limit_req_status 429;
		    upstream service {
		        zone service 64k;
		        server $UPSTREAM max_conns=$2;
		        keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 300s;
		    }
		    server {
		        listen 127.0.0.1:${PORT[nginx]} backlog=4096;
		        location / {
		            error_page 429 @refused;
		            error_page 502 =503 @busy;
		            limit_req zone=rate burst=$(($1 > 1 ? $1 : 0)) nodelay;
		            limit_conn connections 10000;
		            proxy_pass http://service;
		            proxy_http_version 1.1;
		            proxy_set_header Connection "";
		            proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
		        }
		        location @busy { default_type application/json; return 503 '$REFUSAL'; }
		        location @refused { default_type application/json; return 429 '$REFUSAL'; }
		    }
		}
	CONF
	sed -i 's/ burst=0 nodelay//' "$WORK/nginx.conf"
	launch nginx "$PROXY_CPU" "${PORT[nginx]}" nginx -e "$WORK/nginx.error" -c "$WORK/nginx.conf"
}

# Does this hatagod know the gate?
gate_there() {
	local yaml=$WORK/probe.yaml

	[[ -x $BUILD/hatagod ]] || return 1
	echo "gate: {listen: ['127.0.0.1:${PORT[gate]}'], upstream: 'http://$UPSTREAM'}" >"$yaml"
	"$BUILD/hatagod" --check -c "$yaml" >/dev/null 2>&1
}

# All proxies that are measured: the relay and `direct`, which is none, come besides them.
proxies=(haproxy nginx)
if gate_there; then
	proxies=(gate "${proxies[@]}")
else
	echo "bench: this hatagod has no gate; without it" >&2
fi

# --- what a process costs ---

cpu_ns() { # NAME
	cat /proc/"${PID[$1]}"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

pss_kib() { # NAME
	awk '/^Pss:/ { print $2 }' "/proc/${PID[$1]}/smaps_rollup"
}

# --- figures: a file of numbers for each, one number a round ---

note() { # FIGURE VALUE
	echo "$2" >>"$WORK/figure-$1"
}

median() { # FIGURE
	[[ -s $WORK/figure-$1 ]] || { echo -; return; }
	sort -g "$WORK/figure-$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# The median of the ratios of each round.
median_ratio() { # FIGURE FIGURE
	[[ -s $WORK/figure-$1 && -s $WORK/figure-$2 ]] || { echo -; return; }
	paste "$WORK/figure-$1" "$WORK/figure-$2" | awk '$2 > 0 { printf "%.3f\n", $1 / $2 }' | sort -g |
		awk '{ v[NR] = $1 } END { print (NR ? v[int((NR + 1) / 2)] : "-") }'
}

verdict() { # VALUE MOST, or LEAST VALUE: "yes", "NO", or "-" where there is no value
	awk -v a="$1" -v b="$2" \
		'BEGIN { print (a == "-" || b == "-" ? "-" : a + 0 <= b + 0 ? "yes" : "NO") }'
}
