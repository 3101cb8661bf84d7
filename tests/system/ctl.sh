# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# hatago-bpfctl: every command in words and as JSON, exit codes, typos, help, lists of any
# length, bans that end, the reasons in words, rights, and what works while hatagod is down.

start() {
	client_and_server
	hatagod_start server <<-'YAML'
		edge:
		  devices: [eth0]
		  protect: [8080/udp, 8080/tcp]
		  maxClients: 4096
		  packets: {tokensPerSecond: 0.01, burstCapacity: 100}
	YAML
}

flood_of() { # SOURCE COUNT [BYTES]; waits until the edge has judged it
	local before

	before=$(accounted eth0)
	flood client --device eth0 --to 10.0.0.2:8080 --kind udp --from "$1" --count "$2" --rate 20000 \
		--size "${3:-60}" >/dev/null
	wait_for has_accounted $((before + $2))
}

# The command says PART in words, and its JSON meets the condition.
says() { # PART JQ-CONDITION ARGUMENT...
	local part=$1 condition=$2 text document

	shift 2
	text=$(ctl "$@" 2>&1) || fail "\`$*\` failed: $text"
	has "$text" "$part" "\`$*\`"
	has_not "$text" $'\e[' "\`$*\` is coloured although nobody looks"
	document=$(ctl -j "$@" 2>/dev/null) || fail "\`-j $*\` failed: $document"
	is_equal "$(wc -l <<<"$document")" 1 "lines of \`-j $*\`"
	jq -e "$condition" <<<"$document" >/dev/null || fail "\`-j $*\` does not meet $condition: $document"
}

test_every_command_in_words_and_as_json()
{
	start
	link other:eth0,10.1.0.1/24 server:eth1,10.1.0.2/24
	flood_of 10.9.0.1 300
	says native '.hatagod.pid > 0 and .edge.devices[0].device == "eth0"' status
	says eth0 '.devices[0].mode == "native" and .enforce' edge show
	says eth1 '.devices[0].device == "eth1"' edge attach eth1 --confirm 60s
	ctl edge attach eth1 --confirm 60s >/dev/null
	says eth1 '.confirmed == ["eth1"]' edge confirm eth1
	ctl edge detach eth1 >/dev/null
	ctl edge attach eth1 --mode tc >/dev/null
	has "$(ctl edge show)" tc "edge show"
	has "$(ctl edge detach eth1)" eth1 "edge detach"
	says 10.9.0.1 '.clients[0].client == "10.9.0.1" and .clients[0].drops == 200' client list
	says 10.9.0.1 '.client == "10.9.0.1" and .state == "limited"' client show 10.9.0.1
	says "would be dropped" '.packet.reason == "limit_packets"' why 10.9.0.1
	says 10.9.0.2 '.banned == "10.9.0.2" and .remaining_ms < 600600' ban add 10.9.0.2 --for 10m --reason "too loud"
	says "too loud" '.count == 1 and .bans[0].reason == "too loud"' ban list
	has "$(ctl ban del 10.9.0.2)" 10.9.0.2 "ban del"
	says nobody '.count == 0' ban list
	for list in allow deny; do
		says "$list" ".list == \"$list\"" "$list" add 10.8.0.0/16 2001:db8::/32
		says 10.8.0.0/16 '[.entries[].prefix] | sort == ["10.8.0.0/16", "2001:db8::/32"]' "$list" list
		has "$(ctl "$list" del 10.8.0.0/16)" 1 "$list del"
		says 2001:db8::/32 '.entries | length == 1' "$list" list
	done
	says packets '.limits[] | select(.dimension == "packets") | .burst == 100' limit show
	says 500 '.limits[] | select(.dimension == "packets") | .burst == 500 and .rate == 50.5' \
		limit set packets 50.5 500 --refill 100ms
	says limit_packets '.devices[0].counters[] | select(.reason == "limit_packets") | .packets == 200' counter list
	says "$HATAGOD_CONFIG" '.valid' config check "$HATAGOD_CONFIG"
	says protect '.config.edge.protect[0] == "8080/udp" or .config.edge.protect[0] == "8080/tcp"' config show
	says reload '.changes | type == "array"' config reload
	says 0. '.version and .abi >= 1 and .hatagod.version == .version' version
}

test_limit_set_holds_at_once_and_says_how_long()
{
	start
	flood_of 10.9.0.1 300
	has "$(ctl limit set packets 0.01 150)" "until the configuration is reloaded" "what it says"
	flood_of 10.9.0.1 300
	is_equal "$(counted eth0 pass within_limits)" 150 "passed in all"
	ctl limit set packets off >/dev/null
	flood_of 10.9.0.1 300
	is_equal "$(counted eth0 pass within_limits)" 450 "passed in all"
	is_equal "$(ctl_json '.limits[] | select(.dimension == "packets").as_configured' limit show)" false "as configured"
	ctl config reload >/dev/null
	is_equal "$(ctl_json '.limits[] | select(.dimension == "packets").burst' limit show)" 100 "burst after a reload"
}

test_each_change_says_how_long_it_lasts()
{
	local command

	start
	link other:eth0,10.1.0.1/24 server:eth1,10.1.0.2/24
	while read -r -a command; do
		# shellcheck disable=SC2154 # it is read
		ctl_json '.lasts // ""' "${command[@]}" </dev/null | grep -q . || fail "\`${command[*]}\` does not say"
		has "$(ctl "${command[@]:0:2}" --help)" lasts "help of \`${command[*]:0:2}\`"
	done <<-'END'
		edge attach eth1 --confirm 60s
		edge confirm eth1
		edge detach eth1
		ban add 10.9.0.1
		ban del 10.9.0.1
		allow add 10.8.0.0/16
		allow del 10.8.0.0/16
		deny add 10.8.0.0/16
		deny del 10.8.0.0/16
		limit set bytes 1000000 100000
		config reload
	END
}

test_exit_codes()
{
	start
	fails_with 2 ctl ban add
	fails_with 2 ctl ban add 10.9.0.300
	fails_with 2 ctl ban add 10.9.0.0/16
	has "$OUTPUT" "deny add" "the remedy for a ban of many"
	fails_with 2 ctl deny add 10.9.0.1/16
	fails_with 2 ctl limit set packets fast 10
	fails_with 2 ctl limit set bytes 1000 100
	fails_with 2 ctl client list -n 0
	fails_with 2 ctl config check "$WORK/none.yaml"
	fails_with 2 ctl edge attach eth0 --mode quick
	fails_with 4 ctl ban del 10.9.0.9
	fails_with 4 ctl deny del 10.9.0.0/16
	fails_with 4 ctl client show 10.9.0.9
	fails_with 4 ctl edge attach eth7
	fails_with 4 ctl edge detach eth7
	fails_with 4 ctl counter list -d eth7
	fails_with 3 ctl -s "$WORK/none.sock" edge confirm
	fails_with 3 ctl -s "$WORK/none.sock" -p /sys/fs/bpf/none ban list
	hatagod_stop
	fails_with 3 ctl status
	fails_with 3 ctl ban add 10.9.0.1
	ctl version >/dev/null
}

test_errors_as_json()
{
	start
	fails_with 4 ctl -j ban del 10.9.0.9
	is_equal "$(jq -r .error.code <<<"$OUTPUT")" not_found code
	has "$(jq -r .error.message <<<"$OUTPUT")" 10.9.0.9 message
	fails_with 2 ctl -j bann list
	is_equal "$(jq -r .error.code <<<"$OUTPUT")" usage code
	fails_with 2 ctl --json ban add nobody
	is_equal "$(jq -r .error.code <<<"$OUTPUT")" usage code
	fails_with 3 ctl -j -s "$WORK/none.sock" edge confirm
	is_equal "$(jq -r .error.code <<<"$OUTPUT")" unreachable code
}

test_typos_are_answered_with_the_nearest()
{
	fails_with 2 "$BUILD/hatago-bpfctl" statsu
	has "$OUTPUT" "did you mean 'status'" "statsu"
	fails_with 2 "$BUILD/hatago-bpfctl" ban lsit
	has "$OUTPUT" "did you mean 'list'" "ban lsit"
	fails_with 2 "$BUILD/hatago-bpfctl" client list --srot bytes
	has "$OUTPUT" "did you mean 'sort'" "--srot"
	fails_with 2 "$BUILD/hatago-bpfctl" client list --sort byte
	has "$OUTPUT" "bytes" "--sort byte"
}

test_help_everywhere()
{
	local help object verb

	help=$("$BUILD/hatago-bpfctl" --help)
	for object in status edge client why ban allow deny limit counter config version; do
		has "$help" "$object" "help"
		has "$("$BUILD/hatago-bpfctl" "$object" --help)" Usage "help of $object"
	done
	while read -r object verb; do
		has "$("$BUILD/hatago-bpfctl" "$object" "$verb" --help)" "Usage: hatago-bpfctl $object $verb" \
			"help of $object $verb"
	done <<-'END'
		edge show
		edge attach
		edge detach
		edge confirm
		client list
		client show
		client forgive
		ban add
		ban del
		ban list
		allow add
		allow del
		allow list
		deny add
		deny del
		deny list
		limit show
		limit set
		counter list
		config check
		config show
		config reload
	END
	has "$help" "Exit codes" "help"
}

test_colour_is_for_terminals()
{
	start
	has "$(ctl --color always status)" $'\e[' "--color always"
	has_not "$(ctl --color never status)" $'\e[' "--color never"
	has "$(script -qec "$BUILD/hatago-bpfctl --color auto version; TERM=xterm $BUILD/hatago-bpfctl status" /dev/null)" \
		$'\e[' "a terminal"
	has_not "$(script -qec "NO_COLOR=1 TERM=xterm $BUILD/hatago-bpfctl status" /dev/null)" $'\e[' "NO_COLOR"
	fails_with 2 ctl --color sometimes status
}

listed() { # OPTION...: the clients in their order
	ctl_json '[.clients[].client] | join(" ")' client list "$@"
}

test_client_list_sorts_filters_and_is_bounded()
{
	start
	flood_of 10.9.0.1 300     # most drops
	flood_of 10.9.0.2 90 1400 # most bytes
	flood_of 10.9.1.3 150
	is_equal "$(listed)" "10.9.0.1 10.9.1.3 10.9.0.2" "by drops"
	is_equal "$(listed --sort packets)" "10.9.0.1 10.9.1.3 10.9.0.2" "by packets"
	is_equal "$(listed --sort bytes)" "10.9.0.2 10.9.0.1 10.9.1.3" "by bytes"
	is_equal "$(listed -n 1 --sort bytes)" "10.9.0.2" "the first"
	is_equal "$(listed --prefix 10.9.0.0/24)" "10.9.0.1 10.9.0.2" "in 10.9.0.0/24"
	is_equal "$(listed --prefix 10.9.1.3)" "10.9.1.3" "one address"
	is_equal "$(listed --prefix 2001:db8::/32)" "" "in 2001:db8::/32"
	is_equal "$(ctl_json .matched client list -n 1)" 3 "how many there are"
	has "$(ctl client list -n 2)" "2 of 3" "what it says"
}

test_ban_ends_by_itself()
{
	start
	ctl ban add 10.9.0.1 --for 1s >/dev/null
	flood_of 10.9.0.1 50
	is_equal "$(counted eth0 drop banned)" 50 "dropped"
	wait_for is_not_banned
	flood_of 10.9.0.1 50
	is_equal "$(counted eth0 pass within_limits)" 50 "passed after its end"
}

is_not_banned() {
	[[ $(ctl_json .count ban list) == 0 ]]
}

test_ban_replaces_a_ban_and_can_be_for_good()
{
	start
	ctl ban add 10.9.0.1 --for 1m >/dev/null
	is_equal "$(ctl_json '[.replaced, .remaining_ms] | tostring' ban add 10.9.0.1)" '[true,null]' "a ban for good"
	has "$(ctl ban list)" "for good" "ban list"
	ctl ban add 2001:db8::1 --reason "six" >/dev/null
	is_equal "$(ctl_json '.bans[] | select(.reason == "six").client' ban list)" "2001:db8::/64" "a client of IPv6"
}

test_allow_wins_over_ban_and_deny()
{
	start
	has "$(ctl ban add 10.9.0.1)" 10.9.0.1 "ban add"
	ctl deny add 10.9.0.0/16 >/dev/null
	ctl allow add 10.9.0.0/24 >/dev/null
	flood_of 10.9.0.1 200
	is_equal "$(counted eth0 pass allowed)" 200 "passed"
	has "$(ctl why 10.9.0.1)" "allow list has 10.9.0.0/24" "why"
	has "$(ctl ban add 10.9.0.5 2>&1)" "allow list" "ban add says that it has no effect"
	ctl allow del 10.9.0.0/24 >/dev/null
	flood_of 10.9.0.1 50
	is_equal "$(counted eth0 drop denied)" 50 "denied"
	ctl deny del 10.9.0.0/16 >/dev/null
	flood_of 10.9.0.1 50
	is_equal "$(counted eth0 drop banned)" 50 "dropped for the ban"
}

why() { # ADDRESS: the words, without the line ends
	ctl why "$1" | tr -s ' \n' ' '
}

test_why_in_words()
{
	start
	has "$(why 10.9.0.1)" "would pass" "why of a stranger"
	flood_of 10.9.0.1 200
	has "$(why 10.9.0.1)" "free again in" "why of a limited one"
	has "$(why 10.9.0.1)" "100 of its 200 packets were dropped" "why of a limited one"
	ctl ban add 10.9.0.2 --for 10m --reason "too loud" >/dev/null
	has "$(why 10.9.0.2)" "too loud" "why of a banned one"
	has "$(why 10.9.0.2)" "ban del 10.9.0.2" "the remedy"
	ctl deny add 10.8.0.0/16 >/dev/null
	has "$(why 10.8.1.1)" "deny list has 10.8.0.0/16" "why of a denied one"
	sed -i 's/^edge:/edge:\n  enforce: false/' "$HATAGOD_CONFIG"
	ctl config reload >/dev/null
	has "$(why 10.9.0.2)" "enforce is false" "why without enforcement"
}

many_prefixes() { # COUNT
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
		if (i % 4) printf "11.%d.%d.%d\n", i / 65536 % 256, i / 256 % 256, i % 256
		else printf "2001:db8:%x:%x::/64 # number %d\n", i / 65536, i % 65536, i }'
}

test_lists_of_a_hundred_thousand_from_a_file_and_standard_input()
{
	start
	many_prefixes 65000 >"$WORK/half"
	many_prefixes 100000 >"$WORK/list"
	{
		echo "# a comment"
		echo
		cat "$WORK/half"
	} >"$WORK/file"
	is_equal "$(ctl_json .added deny add --file "$WORK/file")" 65000 "added from a file"
	is_equal "$(ctl_json '[.added, .present] | tostring' deny add --file - <"$WORK/list")" '[35000,65000]' \
		"added from standard input"
	is_equal "$(ctl_json '.entries | length' deny list)" 100000 "entries"
	is_equal "$(ctl_json '.entries | length' allow list)" 0 "entries of the other list"
	flood_of 11.0.0.3 20
	is_equal "$(counted eth0 drop denied)" 20 "denied"
	is_equal "$(ctl_json .added allow add -f "$WORK/list")" 100000 "added to the other list"
	is_equal "$(ctl_json .deleted deny del -f "$WORK/list")" 100000 "deleted"
	has "$(ctl deny list)" "empty" "the list"
}

test_list_file_with_errors_changes_nothing()
{
	start
	{
		many_prefixes 20000
		echo nonsense
		many_prefixes 100 | sed 's/^11/12/'
		echo 10.0.0.1/33
	} >"$WORK/list"
	fails_with 2 ctl deny add --file "$WORK/list"
	has "$OUTPUT" "$WORK/list:20001" "the first bad line"
	has "$OUTPUT" "$WORK/list:20102" "the second bad line"
	is_equal "$(ctl_json '.entries | length' deny list)" 0 "entries"
}

test_works_while_hatagod_is_down()
{
	start
	flood_of 10.9.0.1 300
	hatagod_kill
	has "$(ctl status 2>/dev/null)" DOWN status
	is_equal "$(ctl_json '.clients[0].client' client list 2>/dev/null)" 10.9.0.1 "client list"
	says "would be dropped" '.packet.verdict == "drop"' why 10.9.0.1
	ctl ban add 10.9.0.2 --reason "while down" >/dev/null 2>"$WORK/err"
	has "$(<"$WORK/err")" "pins" "what it says of where it works"
	flood_of 10.9.0.2 50
	is_equal "$(counted eth0 drop banned)" 50 "dropped for the ban"
	says "while down" '.count == 1' ban list
	ctl ban del 10.9.0.2 >/dev/null 2>&1
	ctl allow add 10.9.3.0/24 >/dev/null 2>&1
	flood_of 10.9.3.3 300
	is_equal "$(counted eth0 pass allowed)" 300 "allowed"
	says 10.9.3.0/24 '.entries | length == 1' allow list
	says 777 '.limits[] | select(.dimension == "packets") | .burst == 777' limit set packets 10 777
	says limit_packets '.devices | length == 1' counter list
	fails_with 3 ctl edge attach eth0
	fails_with 3 ctl config reload
	fails_with 3 ctl config show
	ctl edge detach eth0 >/dev/null 2>&1
	is_equal "$(xdp_mode server eth0)" 0 "XDP after the detach through the pins"
}

as_nobody() { # GROUP-ID... -- ARGUMENT...
	local groups=()

	while [[ $1 != -- ]]; do
		groups+=("$1")
		shift
	done
	shift
	install -m 755 "$BUILD/hatago-bpfctl" /run/hatago-bpfctl
	if ((${#groups[@]})); then
		setpriv --reuid 65534 --regid 65534 --groups "$(IFS=, && echo "${groups[*]}")" /run/hatago-bpfctl "$@"
	else
		setpriv --reuid 65534 --regid 65534 --clear-groups /run/hatago-bpfctl "$@"
	fi
}

test_rights_by_group()
{
	local readers changers

	readers=$(getent group games | cut -d: -f3)
	changers=$(getent group users | cut -d: -f3)
	client_and_server
	hatagod_start server <<-'YAML'
		edge: {devices: [eth0], protect: [8080/udp], maxClients: 4096}
		control: {group: games, changeGroup: users}
	YAML
	is_equal "$(stat -c '%a %G' /run/hatago/control.sock)" "660 games" "the socket"
	fails_with 5 as_nobody -- status
	as_nobody "$readers" -- status >/dev/null
	as_nobody "$readers" -- ban list >/dev/null
	fails_with 5 as_nobody "$readers" -- ban add 10.9.0.1
	has "$OUTPUT" "changeGroup" "what it says"
	fails_with 5 as_nobody "$readers" -- config reload
	fails_with 5 as_nobody "$readers" -- -j limit set packets 10 10
	is_equal "$(jq -r .error.code <<<"$OUTPUT")" not_permitted "code in the JSON"
	as_nobody "$readers" "$changers" -- ban add 10.9.0.1 >/dev/null
	fails_with 5 as_nobody "$changers" -- ban list
	is_equal "$(ctl_json .count ban list)" 1 bans
	grep -q 'ban add by nobody (uid 65534.*done' "$HATAGOD_LOG" || fail "the log does not name who banned"
	grep -q 'ban add by nobody (uid 65534.*failed' "$HATAGOD_LOG" || fail "the log does not name who may not"
	# Without hatagod a file system's rights decide, and the pins are root's.
	hatagod_kill
	fails_with 5 as_nobody "$readers" "$changers" -- -s "$WORK/none.sock" ban list
}

test_socket_is_roots_alone_by_default()
{
	start
	is_equal "$(stat -c '%a %U' /run/hatago/control.sock)" "600 root" "the socket"
	fails_with 5 as_nobody -- status
	has "$OUTPUT" "control.group" "the remedy"
}

test_another_socket_and_other_pins()
{
	client_and_server
	hatagod_start server <<-YAML
		edge: {devices: [eth0], protect: [8080/udp], maxClients: 4096, pins: /sys/fs/bpf/mine}
		control: {socket: $WORK/mine.sock}
	YAML
	ctl -s "$WORK/mine.sock" ban add 10.9.0.1 >/dev/null
	fails_with 3 ctl ban list
	hatagod_kill
	is_equal "$(ctl -j -s "$WORK/mine.sock" -p /sys/fs/bpf/mine ban list 2>/dev/null | jq .count)" 1 "bans by the pins"
}

test_many_commands_at_once()
{
	local pids=() pid i

	start
	for i in {1..40}; do
		ctl ban add "10.9.0.$i" >/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	is_equal "$(ctl_json .count ban list)" 40 bans
}
