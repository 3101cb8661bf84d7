// SPDX-License-Identifier: MIT
/*
 * See transport.h. A change that hatagod took but did not answer in time may have been
 * made, so only what reads falls back then.
 */
#include "transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void transport_init(struct transport *transport, const char *socket, const char *pins, bool quiet)
{
	*transport = (struct transport){
		.socket = socket ? socket : TRANSPORT_SOCKET,
		.pins = pins ? pins : VIEW_DEFAULT_PINS,
		.quiet = quiet,
	};
	ops_init(&transport->ops);
	transport->ops.pins = transport->pins;
}

void transport_done(struct transport *transport)
{
	view_free(transport->ops.view);
	ops_done(&transport->ops);
}

static char *transport_error(const struct transport *t, int code, const char *message)
{
	struct json out;

	json_init(&out);
	ops_write_error(&t->ops, code, message, &out);
	return json_take(&out);
}

static char *transport_request(const struct ops_command *command, const json_t *arguments)
{
	char name[OPS_NAME_MAX], *text;
	json_t *request;

	ops_name(command, name);
	request = json_pack("{s:s, s:O}", "command", name, "arguments", arguments);
	text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	return text;
}

/* The pins, opened once. */
static void transport_open(struct transport *t)
{
	if (t->is_open)
		return;
	t->is_open = true;
	t->ops.view_code = view_open(t->pins, &t->ops.view, &t->ops.view_err);
}

static char *transport_local(struct transport *t, const struct ops_command *command,
			     const char *request)
{
	struct ops_outcome outcome;
	struct err err;
	struct json out;

	if (command->where != OPS_LOCAL)
		transport_open(t);
	if (command->where == OPS_PINS && !t->ops.view && t->ops.view_code == -ENOENT) {
		err_set(&err, -ECONNREFUSED, "%s, and no edge is pinned in %s", t->why.text,
			t->pins);
		return transport_error(t, -ECONNREFUSED, err.text);
	}
	json_init(&out);
	ops_answer(&t->ops, request, strlen(request), true, &out, &outcome);
	json_decref(outcome.arguments);
	return json_take(&out);
}

/* What the line client says of why it failed, in words for an operator. */
static int transport_why(const struct transport *t, int r, struct err *err)
{
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(err, r, "hatagod does not run: nobody answers at %s", t->socket);
	if (r == -EACCES)
		return err_set(
			err, r,
			"no right to open %s: it is for root and the group that control.group "
			"in the configuration names",
			t->socket);
	return r;
}

static int transport_remote(const struct transport *t, const struct ops_command *command,
			    const char *request, char **ret, struct err *err)
{
	uint32_t wait_ms = command->right == OPS_CHANGE ? TRANSPORT_CHANGE_MS : TRANSPORT_READ_MS;
	size_t length;
	int r = line_client_call(t->socket, request, strlen(request), wait_ms, ret, &length, err);

	return transport_why(t, r, err);
}

/* hatagod failed with this code: may the pins do instead? */
static bool transport_may_fall_back(const struct ops_command *command, int code)
{
	if (command->where != OPS_PINS)
		return false;
	return code == -ENOENT || code == -ECONNREFUSED ||
	       (command->right == OPS_READ && code != -EACCES && code != -EPERM);
}

static void transport_say(const struct transport *t)
{
	if (!t->quiet && t->ops.view)
		fprintf(stderr, "hatago-bpfctl: %s; working on the pins in %s\n", t->why.text,
			t->pins);
}

static char *transport_fail(const struct transport *t, int code, const struct err *err)
{
	if (code == -EACCES || code == -EPERM)
		return transport_error(t, code, err->text);
	if (code == -EMSGSIZE || code == -ENOMEM || code == -ENAMETOOLONG)
		return transport_error(t, code, err->text);
	return transport_error(t, -ECONNREFUSED, err->text);
}

char *transport_call(struct transport *t, const struct ops_command *command,
		     const json_t *arguments)
{
	_cleanup_free_ char *request = transport_request(command, arguments);
	char *answer = NULL;
	int r;

	if (!request)
		return NULL;
	if (t->is_local || command->where == OPS_LOCAL)
		return transport_local(t, command, request);
	r = transport_remote(t, command, request, &answer, &t->why);
	if (r == 0)
		return answer;
	if (!transport_may_fall_back(command, r))
		return transport_fail(t, r, &t->why);
	t->is_local = true;
	transport_open(t);
	transport_say(t);
	return transport_local(t, command, request);
}

char *transport_follow(struct transport *t, const struct ops_command *command,
		       const json_t *arguments, line_taker take, void *ctx)
{
	_cleanup_free_ char *request = transport_request(command, arguments);
	int r;

	if (!request)
		return NULL;
	r = line_client_follow(t->socket, request, strlen(request), TRANSPORT_READ_MS, take, ctx,
			       &t->why);
	r = transport_why(t, r, &t->why);
	return r == 0 ? NULL : transport_fail(t, r, &t->why);
}
