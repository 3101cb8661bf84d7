// SPDX-License-Identifier: MIT
/*
 * The control socket: who asks (as the kernel knows it), whether they may, and the answer
 * of ops/. Root, and the user that hatagod runs as, may everything; members of
 * control.group may read; those of control.changeGroup may change as well. Each change,
 * and each that was refused, is a line in the log with the caller's name.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/log.h"
#include "base/memory.h"

#define CONTROL_ENTRY_MAX     (64 << 10) /* bytes of an entry of the user or group database */
#define CONTROL_NAME_MAX      64
#define CONTROL_ARGUMENTS_MAX 300 /* bytes of a request's arguments in the log */

static bool may_change(const struct agent *agent, const struct line_peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid() ||
	       (agent->has_change_group && line_peer_has_group(peer, agent->change_group));
}

/* The socket's mode says the same; this holds even where somebody loosens it. */
static bool may_read(const struct agent *agent, const struct line_peer *peer)
{
	return may_change(agent, peer) ||
	       (agent->has_group && line_peer_has_group(peer, agent->group));
}

static void user_name(uid_t uid, char ret[CONTROL_NAME_MAX])
{
	char *text = malloc(CONTROL_ENTRY_MAX);
	struct passwd entry, *found = NULL;
	const char *name = "?";

	if (text && getpwuid_r(uid, &entry, text, CONTROL_ENTRY_MAX, &found) == 0 && found)
		name = found->pw_name;
	ret[0] = '\0';
	strncat(ret, name, CONTROL_NAME_MAX - 1);
	free(text);
}

static void log_change(const struct line_peer *peer, const struct ops_outcome *outcome)
{
	_cleanup_free_ char *arguments = NULL;
	char name[CONTROL_NAME_MAX], command[OPS_NAME_MAX];

	if (outcome->arguments)
		arguments = json_dumps(outcome->arguments, JSON_COMPACT);
	user_name(peer->uid, name);
	ops_name(outcome->command, command);
	log_line(outcome->code < 0 ? LEVEL_WARNING : LEVEL_INFO,
		 "%s by %s (uid %u, gid %u, pid %d): %.*s%s: %s%s", command, name, peer->uid,
		 peer->gid, peer->pid, CONTROL_ARGUMENTS_MAX, arguments ? arguments : "{}",
		 arguments && strlen(arguments) > CONTROL_ARGUMENTS_MAX ? "..." : "",
		 outcome->code < 0 ? "failed: " : "done",
		 outcome->code < 0 ? outcome->err.text : "");
}

static void answer_error(struct line_request *request, int code, const char *message)
{
	struct json out;
	size_t length;

	json_init(&out);
	ops_write_error(NULL, code, message, &out);
	length = out.length;
	line_request_answer(request, json_take(&out), length);
}

/* The answer is the first line of many. */
static void answer_follow(struct agent *agent, struct line_request *request,
			  const struct line_peer *peer, const json_t *arguments,
			  const struct json *answer)
{
	bool is_root = peer->uid == 0 || peer->uid == geteuid();
	struct ops_wanted wanted;
	int r;

	ops_event_wanted(arguments, &wanted);
	r = events_follow(agent->events, request, is_root, &wanted, answer->text, answer->length);
	if (r == -EBUSY)
		answer_error(request, r, "too many follow events already");
	else if (r < 0)
		answer_error(request, r, "out of memory");
}

/* What others may want to know: the request's arguments are the event's members. */
static void emit_change(struct agent *agent, const struct ops_outcome *outcome)
{
	static const struct {
		const char *command, *event;
	} rows[] = {{"ban add", "banAdded"},
		    {"ban del", "banDeleted"},
		    {"client forgive", "clientForgiven"}};
	_cleanup_free_ char *arguments = NULL;
	char name[OPS_NAME_MAX];

	ops_name(outcome->command, name);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && outcome->code == 0; i++) {
		if (strcmp(rows[i].command, name) != 0)
			continue;
		arguments = json_dumps(outcome->arguments, JSON_COMPACT);
		if (arguments)
			events_emit(agent->events, rows[i].event, arguments);
	}
}

static void on_line(void *ctx, struct line_request *request, const struct line_peer *peer,
		    const char *line, size_t length)
{
	struct agent *agent = ctx;
	struct ops_outcome outcome;
	struct json out;

	if (!may_read(agent, peer)) {
		answer_error(request, -EPERM,
			     "you may not ask: reading is for root and the members of "
			     "control.group");
		return;
	}
	if (!line) {
		answer_error(request, -E2BIG, "the request is longer than a line may be");
		return;
	}
	json_init(&out);
	ops_answer(&agent->ops, line, length, may_change(agent, peer), &out, &outcome);
	if (outcome.code == 0 && outcome.command->is_followed) {
		answer_follow(agent, request, peer, outcome.arguments, &out);
		json_done(&out);
		json_decref(outcome.arguments);
		return;
	}
	length = out.length;
	line_request_answer(request, json_take(&out), length);
	if (outcome.command && outcome.command->right == OPS_CHANGE) {
		log_change(peer, &outcome);
		emit_change(agent, &outcome);
		agent->scanned_ns = 0;
		agent->lists_counted = false;
	}
	json_decref(outcome.arguments);
}

/* NULL: no group, which is no error. */
static int find_group(const char *name, const char *key, bool *ret_has, gid_t *ret, struct err *err)
{
	struct group entry, *found = NULL;
	char *text;
	int r;

	if (!name || !*name)
		return 0;
	text = malloc(CONTROL_ENTRY_MAX);
	r = text ? getgrnam_r(name, &entry, text, CONTROL_ENTRY_MAX, &found) : ENOMEM;
	if (found) {
		*ret_has = true;
		*ret = found->gr_gid;
	}
	free(text);
	if (r)
		return err_set(err, -r, "%s: can't look up the group %s: %s", key, name,
			       strerror(r));
	if (!found)
		return err_set(err, -ESRCH,
			       "%s: there is no group %s; make it: groupadd --system %s", key, name,
			       name);
	return 0;
}

int control_start(struct agent *agent, struct err *err)
{
	const struct config_control *control = &agent->config->control;
	int r = find_group(control->group, "control.group", &agent->has_group, &agent->group, err);

	if (r == 0)
		r = find_group(control->change_group, "control.changeGroup",
			       &agent->has_change_group, &agent->change_group, err);
	return r < 0 ? r
		     : line_server_new(&agent->loop, control->socket, control->group, on_line,
				       agent, &agent->control, err);
}
