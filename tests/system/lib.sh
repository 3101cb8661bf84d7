# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What system tests are made of: hosts, links between them, hatagod, and waiting for
# events. Sourced by run.sh in fresh namespaces, so nothing here cleans up. A test is a
# function test_*: it ends well by returning, or calls fail or skip; any command
# that fails unasked fails the test.
#
#       test_drops_a_flood()
#       {
#               link client:eth0:10.0.0.1/24 server:eth0:10.0.0.2/24
#               hatagod_start server <<-'YAML'
#                       edge: {devices: [eth0], protect: [8080/tcp]}
#               YAML
#               ...
#               [[ $(metric server 'hatago_...') -gt 0 ]] || fail "nothing was dropped"
#       }
set -eEuo pipefail
shopt -s inherit_errexit
trap 'fail_unasked "$BASH_COMMAND"' ERR
exec 3>&1 # where fail speaks, also from within $(...)
PATH=$BUILD:$BUILD/bin:$PATH:/usr/sbin:/sbin

readonly WAIT_SECONDS=10 # longest that a test waits for one event
WORK=$(mktemp -d)        # files of the test
HATAGOD_HOST=            # where the last hatagod_start put it
HATAGOD_PID=
HATAGOD_LOG=$WORK/hatagod.log
HATAGOD_CONFIG=$WORK/hatago.yaml
NOTICES=$WORK/notices

# --- how a test ends ---

show_log() {
	[[ ! -s $HATAGOD_LOG ]] || { echo "--- hatagod said:"; tail -n 60 "$HATAGOD_LOG"; }
}

fail() { # REASON
	trap - ERR
	((BASHPID != $$)) || show_log >&3 # in a subshell the test itself fails next
	echo "FAIL: $*" >&3
	exit 1
}

# Names the line of the test, not of the function here that it called.
fail_unasked() { # COMMAND
	local at=1

	while [[ ${BASH_SOURCE[at]} == */lib.sh && ${BASH_SOURCE[at + 1]:-} == tests/* ]]; do
		((at++)) || :
	done
	fail "${BASH_SOURCE[at]##*/}:${BASH_LINENO[at - 1]}: \`$1\` failed"
}

skip() { # REASON
	echo "SKIP: $*"
	exit 77
}

is_equal() { # ACTUAL EXPECTED WHAT
	[[ $1 == "$2" ]] || fail "$3: is '$1', expected '$2'"
}

has() { # TEXT PART WHAT
	[[ $1 == *"$2"* ]] || fail "$3: '$2' is not in: $1"
}

has_not() { # TEXT PART WHAT
	[[ $1 != *"$2"* ]] || fail "$3: '$2' is in: $1"
}

is_between() { # ACTUAL LOW HIGH WHAT (whole numbers)
	(($1 >= $2 && $1 <= $3)) || fail "$4: is $1, expected $2 to $3"
}

# Runs a command that is to fail with this exit code; its output is in $OUTPUT.
fails_with() { # CODE COMMAND...
	local code=$1 status=0

	shift
	OUTPUT=$("$@" 2>&1) || status=$?
	((status == code)) || fail "\`$*\` ended with $status, expected $code; it said: $OUTPUT"
}

# --- waiting ---

# Until the command succeeds, or fails the test after the deadline.
wait_for() { # [-s SECONDS] COMMAND...
	local seconds=$WAIT_SECONDS deadline

	[[ $1 == -s ]] && { seconds=$2; shift 2; }
	deadline=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < deadline)) || fail "waited $seconds s in vain for \`$*\`"
		sleep 0.05
	done
}

is_running() { # PID
	[[ -d /proc/$1 && $(cut -d' ' -f3 "/proc/$1/stat") != Z ]]
}

has_ended() { # PID
	! is_running "$1"
}

# Waits for a child and gives its exit code in $STATUS.
wait_exit() { # PID
	wait_for has_ended "$1"
	# shellcheck disable=SC2034 # the tests read it
	{
		STATUS=0
		wait "$1" || STATUS=$?
	}
}

# --- hosts and links ---

host() { # NAME: makes a host, a network namespace, unless it is there; "" is the test's own
	[[ -n $1 && ! -e /run/netns/$1 ]] || return 0
	ip netns add "$1"
	on "$1" ip link set lo up
	on "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}

on() { # HOST COMMAND...: HOST "" is the test's own namespace
	local name=$1

	shift
	if [[ $name ]]; then
		# Not `ip netns exec`: it would hide the bpffs.
		nsenter --net="/run/netns/$name" "$@"
	else
		"$@"
	fi
}

# The same as the last thing that a background process does: its PID is the command's then.
become() { # HOST COMMAND...
	local name=$1

	shift
	if [[ $name ]]; then
		exec nsenter --net="/run/netns/$name" "$@"
	else
		exec "$@"
	fi
}

# A veth pair between two hosts; addresses, with lengths, may be several.
link() { # HOST:DEVICE[,ADDRESS...] HOST:DEVICE[,ADDRESS...]
	local end other names=() devices=() addresses=() address

	for end; do
		other=${end%%,*}
		names+=("${other%%:*}")
		devices+=("${other#*:}")
		[[ $end == *,* ]] && addresses+=("${end#*,}") || addresses+=("")
		host "${other%%:*}"
	done
	# Born under names that are nobody's, then moved.
	ip link add "hv$BASHPID-0" type veth peer name "hv$BASHPID-1"
	for i in 0 1; do
		if [[ ${names[i]} ]]; then
			ip link set "hv$BASHPID-$i" netns "${names[i]}"
		fi
		on "${names[i]}" ip link set "hv$BASHPID-$i" name "${devices[i]}"
		on "${names[i]}" ip link set "${devices[i]}" up
		for address in ${addresses[i]//,/ }; do
			on "${names[i]}" ip address add "$address" dev "${devices[i]}"
		done
	done
}

# What most tests need: a client (10.0.0.1, fd00::1) and a server (10.0.0.2, fd00::2).
client_and_server() {
	link client:eth0,10.0.0.1/24,fd00::1/64 server:eth0,10.0.0.2/24,fd00::2/64
}

address_of() { # HOST DEVICE: the MAC address
	on "$1" ip -j link show "$2" | jq -r '.[0].address'
}

# --- hatagod and the command ---

# Starts hatagod on a host with the configuration on standard input, or the last one, and
# waits until it says that it is ready. Further arguments go to hatagod.
hatagod_start() { # HOST [ARGUMENT...]
	hatagod_launch "$@"
	wait_for hatagod_is_ready_or_gone
	is_running "$HATAGOD_PID" || fail "hatagod did not start"
}

# The same without waiting.
hatagod_launch() { # HOST [ARGUMENT...]
	HATAGOD_HOST=$1
	shift
	[[ -c /dev/stdin ]] || cat >"$HATAGOD_CONFIG"
	notices_open
	NOTIFY_SOCKET=$NOTICES.socket become "$HATAGOD_HOST" "$BUILD/hatagod" -c "$HATAGOD_CONFIG" "$@" \
		</dev/null >>"$HATAGOD_LOG" 2>&1 &
	HATAGOD_PID=$!
}

# Writes what programs tell their service manager (sd_notify) to $NOTICES, which it empties.
notices_open() {
	: >"$NOTICES"
	[[ ! -S $NOTICES.socket ]] || return 0
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1] + ".socket")
while True:
    text = s.recv(4096).decode()
    with open(sys.argv[1], "a") as f:
        f.write(text + "\n")
' "$NOTICES" &
	wait_for test -S "$NOTICES.socket"
}

has_noticed() { # LINE, such as READY=1 or STOPPING=1
	grep -qxF "$1" "$NOTICES"
}

hatagod_is_ready_or_gone() {
	has_ended "$HATAGOD_PID" || has_noticed READY=1
}

# SIGHUP, and waits until it is ready again, with the new configuration or the old one.
hatagod_reload() {
	: >"$NOTICES"
	kill -s HUP "$HATAGOD_PID"
	wait_for has_noticed READY=1
}

# SIGTERM, and waits until it has gone; its exit code is in $STATUS.
hatagod_stop() {
	kill -s TERM "$HATAGOD_PID"
	wait_exit "$HATAGOD_PID"
}

hatagod_kill() {
	kill -s KILL "$HATAGOD_PID"
	wait_exit "$HATAGOD_PID" 2>/dev/null
}

ctl() { # ARGUMENT...
	on "$HATAGOD_HOST" "$BUILD/hatago-bpfctl" "$@"
}

ctl_json() { # JQ-FILTER ARGUMENT...
	local filter=$1

	shift
	ctl -j "$@" | jq -r "$filter"
}

# Follows in the background; waits until hatagod sends. Its PID is in $FOLLOWER.
follow() { # FILE ARGUMENT...
	local file=$1 before

	shift
	before=$(followers)
	become "$HATAGOD_HOST" "$BUILD/hatago-bpfctl" "$@" >"$file" 2>"$file.err" &
	FOLLOWER=$!
	wait_for has_followers $((before + 1))
	wait_for is_asleep "$FOLLOWER"
}

followers() { # connections to the control socket
	on "$HATAGOD_HOST" ss -Hxn state connected | grep -c ' /run/hatago/control.sock' || :
}

is_asleep() { # PID; one that is connected waits for an answer then, so it has asked
	[[ $(cut -d' ' -f3 "/proc/$1/stat") == S ]]
}

has_followers() { # COUNT
	(($(followers) == $1))
}

# What the edge counted on a device.
counted() { # DEVICE VERDICT REASON
	ctl_json "[.devices[0].counters[] | select(.verdict == \"$2\" and .reason == \"$3\").packets]
		| add // 0" counter list -d "$1"
}

# All that it counted there, whatever became of it.
accounted() { # DEVICE
	ctl_json '.devices[0].received.packets' counter list -d "$1"
}

has_accounted() { # AT-LEAST, on eth0
	(($(accounted eth0) >= $1))
}

# Frames that a server's eth0 has received less those that the edge there accounted for.
# Looks until none comes in between the looks.
unaccounted() {
	local first last counted

	for _ in {1..100}; do
		first=$(received server eth0)
		counted=$(accounted eth0)
		last=$(received server eth0)
		((first != last)) || { echo $((last - counted)); return; }
	done
	echo "frames never cease"
}

has_unaccounted() { # COUNT
	[[ $(unaccounted) == "$1" ]]
}

pinned() { # what lies in the BPF file system, without what the kernel puts there itself
	find /sys/fs/bpf -mindepth 1 -maxdepth 1 ! -name '*.debug' -printf '%f\n' | sort | paste -sd' '
}

# Pins a program that is not Hatago's, and that passes everything.
foreign_program() { # TYPE(xdp|tc) PIN
	local code=2

	[[ $1 == xdp ]] || code=-1
	echo "__attribute__((section(\"$1\"), used)) int foreign(void *x) { return x ? $code : $code; }" |
		"${CLANG:-clang}" -target bpf -O2 -g -x c -c - -o "$WORK/foreign.o"
	bpftool prog load "$WORK/foreign.o" "$2"
}

xdp_program() { # HOST DEVICE: its id, or 0
	on "$1" ip -j link show "$2" | jq '.[0].xdp.prog.id // .[0].xdp.attached[0].prog.id // 0'
}

xdp_mode() { # HOST DEVICE: how XDP is attached: 1 native, 2 generic, 0 not at all
	on "$1" ip -j link show "$2" | jq '.[0].xdp.mode // 0'
}

# The value of one line of the metrics, or 0 where it is not there.
metric() { # NAME{LABELS}, as Prometheus writes it
	on "$HATAGOD_HOST" curl -sf "http://127.0.0.1:9464/metrics" |
		awk -v wanted="$1" '$1 == wanted { value = $2 } END { printf "%.0f\n", value }'
}

json_metrics() { # JQ-FILTER
	on "$HATAGOD_HOST" curl -sf "http://127.0.0.1:9464/metrics/concurrency" | jq -r "$1"
}

# --- the gate ---

# Starts hatagod as nothing but a gate, on 127.0.0.1:8080 before 127.0.0.1:8787. Arguments
# are lines of its section, later ones in place of those here; standard input is the rest.
gate_start() { # [LINE...]
	{
		echo "gate:"
		printf '%s\n' "listen: [127.0.0.1:8080]" "upstream: http://127.0.0.1:8787" "workers: 2" "$@" |
			awk '{ key = $1 } !(key in line) { keys[n++] = key } { line[key] = $0 }
				END { for (i = 0; i < n; i++) print "  " line[keys[i]] }'
		cat
	} >"$HATAGOD_CONFIG"
	grep -q '^circuitBreaker:' "$HATAGOD_CONFIG" ||
		echo "circuitBreaker: {enabled: false}" >>"$HATAGOD_CONFIG"
	hatagod_start "" </dev/null
}

# Runs a group of the cases in tests/gate, with an upstream of their own (see upstream.py).
gate_cases() { # SCRIPT GROUP [NAME...]
	local bad

	export WORK HATAGOD_PID HATAGOD_CONFIG
	PYTHONDONTWRITEBYTECODE=1 python3 "tests/gate/$1.py" "${@:2}" | tee "$WORK/cases" || {
		bad=$(sed -n 's/^bad \(.*\) ([0-9]* ms).*/\1/p' "$WORK/cases" | paste -sd, | sed 's/,/, /g')
		fail "cases of $1.py $2: ${bad:-none came to its end}"
	}
	sed -n "s/^$2: /NOTE: $1.py $2: /p" "$WORK/cases"
}

# --- traffic ---

# The sample service, which answers curl; waits until it listens.
sample_start() { # HOST ADDRESS:PORT
	become "$1" "$BUILD/hatago-sample" "$2" >>"$WORK/sample.log" 2>&1 &
	# shellcheck disable=SC2034 # the tests read it
	SAMPLE_PID=$!
	wait_for on "$1" sh -c "ss -Hltn | grep -qF '$2'"
}

flood() { # HOST ARGUMENT...: bounded; see hatago-flood --help
	local from=$1

	shift
	on "$from" "$BUILD/hatago-flood" "$@"
}

# Frames that a device has received.
received() { # HOST DEVICE
	on "$1" ip -j -s link show "$2" | jq '.[0].stats64.rx.packets'
}

# Frames with these bytes; see frames.py for how they are said.
send_frames() { # HOST DEVICE COUNT FRAME
	on "$1" python3 tests/system/frames.py "$2" "$3" "$4"
}

# Has the host count what reaches its stack behind the edge; MATCH is nft's.
arrivals_count() { # HOST NAME MATCH
	on "$1" nft -f - <<-END
		add table inet seen
		add chain inet seen input { type filter hook prerouting priority -300; }
		add counter inet seen $2
		add rule inet seen input $3 counter name $2
	END
}

arrivals() { # HOST NAME
	on "$1" nft -j list counter inet seen "$2" | jq '.nftables[].counter // empty | .packets'
}
