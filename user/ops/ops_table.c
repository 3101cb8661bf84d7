// SPDX-License-Identifier: MIT
/*
 * The one list of commands. What a command is called, what it takes, who may run it, what
 * it needs and how long its effect lasts stand here and nowhere else; the functions are
 * in the other files of this folder.
 */
#include <stdio.h>
#include <string.h>

#include "core/scan.h"
#include "ops/commands.h"

#define ARG(name_, word_, type_, help_)                                             \
	{                                                                           \
		.name = (name_), .word = (word_), .type = (type_), .help = (help_), \
		.is_required = true                                                 \
	}
#define ARG_OR_NOT(name_, word_, type_, help_)                                     \
	{                                                                          \
		.name = (name_), .word = (word_), .type = (type_), .help = (help_) \
	}
#define OPTION(name_, letter_, word_, type_, help_, ...)                                \
	{                                                                               \
		.name = (name_), .letter = (letter_), .word = (word_), .type = (type_), \
		.help = (help_), .is_option = true, __VA_ARGS__                         \
	}

#define ADDRESS	 ARG("address", "ADDR", OPS_PREFIX, "an address, or a client as it is listed")
#define DEVICE	 ARG("device", "DEV", OPS_DEVICE, "a network device, such as eth0")
#define PREFIXES ARG("prefixes", "PREFIX...", OPS_PREFIXES, "addresses and prefixes, IPv4 or IPv6")
#define PREFIXES_FILE                         \
	OPTION("file", 'f', "FILE", OPS_FILE, \
	       "also those of a file, one a line, # begins a comment; - is standard input")
/* A long list comes in several requests: first all of them with `check`, then all without. */
#define PREFIXES_CHECK                                                                             \
	OPTION("check", 0, NULL, OPS_FLAG, "only check them", .is_hidden = true),                  \
		OPTION("total", 0, "N", OPS_COUNT, "how many there are in all", .is_hidden = true, \
		       .max = HATAGO_LIST_MAX)

#define EVENT_WORD(name) " " #name
#define EVENT_NAMES	 OPS_EVENTS_LIST(EVENT_WORD)

const struct ops_command ops_commands[] = {
	{
		.object = "status",
		.help = "the edge at a glance: mode, drops and why, table, worst clients",
		.where = OPS_PINS,
		.run = ops_status,
	},
	{
		.object = "edge",
		.verb = "show",
		.help = "where the edge is attached, how, and what it passed and dropped",
		.where = OPS_PINS,
		.run = ops_edge_show,
	},
	{
		.object = "edge",
		.verb = "attach",
		.help = "attaches the edge to a device",
		.lasts = "until it is detached or hatagod is stopped or started anew; a reload "
			 "keeps it. Write it to edge.devices in the configuration to keep it",
		.right = OPS_CHANGE,
		.where = OPS_DAEMON,
		.arguments = {DEVICE,
			      OPTION("mode", 'm', "M", OPS_CHOICE,
				     "auto, native, generic or tc; else as configured",
				     .choices = "auto|native|generic|tc"),
			      OPTION("confirm", 0, "TIME", OPS_DURATION,
				     "detaches by itself unless 'edge confirm' comes in time",
				     .min = 1000, .max = OPS_DAY_MS)},
		.run = ops_edge_attach,
	},
	{
		.object = "edge",
		.verb = "detach",
		.help = "takes the edge off a device",
		.lasts = "until it is attached again; if edge.devices lists it, that is when "
			 "hatagod starts",
		.right = OPS_CHANGE,
		.where = OPS_PINS,
		.arguments = {DEVICE},
		.run = ops_edge_detach,
	},
	{
		.object = "edge",
		.verb = "confirm",
		.help = "keeps what was attached with --confirm; without DEV all of it",
		.lasts = "as the attach that it confirms: until it is detached or hatagod is "
			 "stopped or started anew, unless edge.devices lists it",
		.right = OPS_CHANGE,
		.where = OPS_DAEMON,
		.arguments = {ARG_OR_NOT("device", "DEV", OPS_DEVICE, "a network device")},
		.run = ops_edge_confirm,
	},
	{
		.object = "client",
		.verb = "list",
		.help = "the clients at the top of the table",
		.where = OPS_PINS,
		.arguments = {OPTION("sort", 0, "BY", OPS_CHOICE,
				     "drops (default), packets or bytes",
				     .choices = "drops|packets|bytes"),
			      OPTION("prefix", 0, "PREFIX", OPS_PREFIX,
				     "only clients within it, or the one that holds it"),
			      OPTION("number", 'n', "N", OPS_COUNT, "how many at most (default 20)",
				     .min = 1, .max = SCAN_TOP_MAX)},
		.run = ops_client_list,
	},
	{
		.object = "client",
		.verb = "show",
		.help = "one client: its counts, all its buckets, its ban or escalation",
		.where = OPS_PINS,
		.arguments = {ADDRESS},
		.run = ops_client_show,
	},
	{
		.object = "client",
		.verb = "forgive",
		.help = "ends an escalation, and fills the client's buckets of requests",
		.lasts = "until the gate refuses it more than edge.escalate.after times again: "
			 "refusals within the last edge.escalate.window still count",
		.right = OPS_CHANGE,
		.where = OPS_PINS,
		.arguments = {ADDRESS},
		.run = ops_client_forgive,
	},
	{
		.object = "why",
		.help = "would its next packet pass, which rule decides, when is it free again",
		.where = OPS_PINS,
		.arguments = {ADDRESS},
		.run = ops_why,
	},
	{
		.object = "ban",
		.verb = "add",
		.help = "drops all that a client sends to protected ports",
		.lasts = "until it ends or is lifted, also over a reload, a crash and the start "
			 "after it; stopping hatagod removes the edge and its bans",
		.right = OPS_CHANGE,
		.where = OPS_PINS,
		.arguments = {ADDRESS,
			      OPTION("for", 0, "TIME", OPS_DURATION,
				     "such as 90s, 10m, 2h, 7d; without it until it is lifted",
				     .min = 1, .max = 3650 * OPS_DAY_MS),
			      OPTION("reason", 0, "TEXT", OPS_TEXT,
				     "what 'ban list' and 'why' say about it",
				     .max = HATAGO_NOTE_MAX - 1)},
		.run = ops_ban_add,
	},
	{
		.object = "ban",
		.verb = "del",
		.help = "lifts a ban",
		.lasts = "for good",
		.right = OPS_CHANGE,
		.where = OPS_PINS,
		.arguments = {ADDRESS},
		.run = ops_ban_del,
	},
	{
		.object = "ban",
		.verb = "list",
		.help = "who is banned, for how long, and why",
		.where = OPS_PINS,
		.run = ops_ban_list,
	},
#define LIST(name_, key_, help_add_, help_list_, add_, del_, list_)                              \
	{                                                                                        \
		.object = name_,                                                                 \
		.verb = "add",                                                                   \
		.help = help_add_,                                                               \
		.lasts = "until hatagod is stopped, which removes the edge and its "             \
			 "lists; outlives a reload, a crash and the start after it. "            \
			 "Write it to " key_ " in the configuration to keep it",                 \
		.right = OPS_CHANGE,                                                             \
		.where = OPS_PINS,                                                               \
		.arguments = {PREFIXES, PREFIXES_FILE, PREFIXES_CHECK},                          \
		.run = add_,                                                                     \
	},                                                                                       \
		{                                                                                \
			.object = name_,                                                         \
			.verb = "del",                                                           \
			.help = "takes prefixes off the " name_ " list",                         \
			.lasts = "for good; but what " key_ " in the configuration lists comes " \
				 "back when it is reloaded or hatagod starts",                   \
			.right = OPS_CHANGE,                                                     \
			.where = OPS_PINS,                                                       \
			.arguments = {PREFIXES, PREFIXES_FILE, PREFIXES_CHECK},                  \
			.run = del_,                                                             \
		},                                                                               \
	{                                                                                        \
		.object = name_, .verb = "list", .help = help_list_, .where = OPS_PINS,          \
		.run = list_,                                                                    \
	}
	LIST("allow", "edge.allow", "lets prefixes pass uncharged, whatever else is said of them",
	     "what always passes", ops_allow_add, ops_allow_del, ops_allow_list),
	LIST("deny", "edge.deny", "drops all that prefixes send to protected ports",
	     "what is always dropped", ops_deny_add, ops_deny_del, ops_deny_list),
	{
		.object = "limit",
		.verb = "show",
		.help = "what each client may send, and ask of the gate",
		.where = OPS_PINS,
		.run = ops_limit_show,
	},
	{
		.object = "limit",
		.verb = "set",
		.help = "changes what each client may send, from the next packet on",
		.lasts = "until the configuration is reloaded or hatagod starts; write it to "
			 "edge.packets, edge.bytes or edge.connections there to keep it",
		.right = OPS_CHANGE,
		.where = OPS_PINS,
		.arguments = {{.name = "dimension",
			       .word = "DIM",
			       .type = OPS_CHOICE,
			       .help = "packets, bytes or connections",
			       .is_required = true,
			       .choices = "packets|bytes|connections"},
			      ARG("rate", "RATE", OPS_RATE, "tokens a second; 0 or off: no limit"),
			      {.name = "burst",
			       .word = "BURST",
			       .type = OPS_COUNT,
			       .help = "tokens at once after a pause (not with off)",
			       .min = 1,
			       .max = BUCKET_BURST_MAX},
			      OPTION("refill", 0, "TIME", OPS_DURATION,
				     "tokens arrive in steps of this; 0 (default): continuously",
				     .max = BUCKET_STEP_MAX_MS)},
		.run = ops_limit_set,
	},
	{
		.object = "counter",
		.verb = "list",
		.help = "packets and bytes by device, verdict and reason",
		.where = OPS_PINS,
		.arguments = {OPTION("device", 'd', "DEV", OPS_DEVICE, "only this one"),
			      OPTION("all", 'a', NULL, OPS_FLAG, "also what was never counted")},
		.run = ops_counter_list,
	},
	{
		.object = "breaker",
		.verb = "show",
		.help = "the circuit breakers of the gate's upstreams",
		.where = OPS_DAEMON,
		.run = ops_breaker_show,
	},
#define BREAKER(verb_, help_, lasts_, run_)                                                    \
	{                                                                                      \
		.object = "breaker", .verb = verb_, .help = help_, .lasts = lasts_,            \
		.right = OPS_CHANGE, .where = OPS_DAEMON,                                      \
		.arguments = {ARG_OR_NOT("upstream", "UPSTREAM", OPS_TEXT,                     \
					 "one of gate.upstream, as written there; else all")}, \
		.run = run_,                                                                   \
	}
	BREAKER("open", "keeps all requests from the upstream: they are refused at once",
		"until 'breaker close' or 'breaker reset', or until hatagod stops",
		ops_breaker_open),
	BREAKER("close", "lets requests through, however many fail",
		"until 'breaker open' or 'breaker reset', or until hatagod stops",
		ops_breaker_close),
	BREAKER("reset", "leaves the breaker to itself again: closed, with nothing held against it",
		"as long as the upstream answers", ops_breaker_reset),
	{
		.object = "event",
		.verb = "follow",
		.help = "tells what happens as it happens, until it is interrupted",
		.where = OPS_DAEMON,
		.is_followed = true,
		.arguments = {{.name = "names",
			       .word = "NAME...",
			       .type = OPS_EVENTS,
			       .help = "only events of these names:" EVENT_NAMES},
			      OPTION("number", 'n', "COUNT", OPS_COUNT, "ends after so many",
				     .min = 1, .max = OPS_FOLLOW_MAX)},
		.run = ops_event_follow,
	},
	{
		.object = "config",
		.verb = "check",
		.help = "reads a configuration and tells everything that is wrong with it",
		.where = OPS_LOCAL,
		.arguments = {ARG("path", "FILE", OPS_TEXT, "a configuration")},
		.run = ops_config_check,
	},
	{
		.object = "config",
		.verb = "show",
		.help = "the configuration that hatagod runs, with the defaults filled in",
		.where = OPS_DAEMON,
		.run = ops_config_show,
	},
	{
		.object = "config",
		.verb = "reload",
		.help = "reads the configuration again; a bad one changes nothing",
		.lasts = "as long as the file: hatagod reads the same one when it starts",
		.right = OPS_CHANGE,
		.where = OPS_DAEMON,
		.run = ops_config_reload,
	},
	{
		.object = "version",
		.help = "versions of this program, of hatagod and of the pinned maps",
		.where = OPS_LOCAL,
		.run = ops_version,
	},
};

const size_t ops_command_count = sizeof(ops_commands) / sizeof(ops_commands[0]);

void ops_name(const struct ops_command *command, char ret[OPS_NAME_MAX])
{
	snprintf(ret, OPS_NAME_MAX, "%s%s%s", command->object, command->verb ? " " : "",
		 command->verb ? command->verb : "");
}

const struct ops_command *ops_find(const char *name)
{
	char text[OPS_NAME_MAX];

	for (size_t i = 0; i < ops_command_count; i++) {
		ops_name(&ops_commands[i], text);
		if (strcmp(text, name) == 0)
			return &ops_commands[i];
	}
	return NULL;
}
