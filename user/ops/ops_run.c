// SPDX-License-Identifier: MIT
/*
 * From a request to an answer: finds the command, checks right, place and arguments,
 * runs it, and turns a failure into one of five codes. What a command does is not known
 * here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ops/commands.h"

void ops_init(struct ops_context *ops)
{
	memset(ops, 0, sizeof(*ops));
	ops->pins = VIEW_DEFAULT_PINS;
	ops->view_code = -ENOENT;
	ops->mono_ns = clock_mono_ns;
	ops->real_ns = clock_real_ns;
}

static void ops_forget_problems(struct ops_context *ops)
{
	for (size_t i = 0; i < ops->problem_count && i < OPS_PROBLEMS_MAX; i++)
		free(ops->problems[i].text);
	ops->problem_count = 0;
}

void ops_done(struct ops_context *ops)
{
	ops_forget_problems(ops);
}

void ops_problem(struct ops_context *ops, size_t index, const char *text)
{
	if (ops->problem_count < OPS_PROBLEMS_MAX)
		ops->problems[ops->problem_count] =
			(struct ops_problem){.index = index, .text = strdup(text)};
	ops->problem_count++;
}

const char *ops_error_code(int code)
{
	switch (code) {
	case -EINVAL:
	case -EDOM:
	case -ERANGE:
	case -E2BIG:
	case -ENAMETOOLONG:
		return "usage";
	case -ENOENT:
	case -ENODEV:
	case -ESRCH:
		return "not_found";
	case -EPERM:
	case -EACCES:
		return "not_permitted";
	case -ECONNREFUSED:
	case -ENOTCONN:
		return "unreachable";
	default:
		return "failed";
	}
}

int ops_exit_code(const char *error_code)
{
	static const char *const codes[] = {"failed", "usage", "unreachable", "not_found",
					    "not_permitted"};

	for (size_t i = 0; error_code && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i], error_code) == 0)
			return (int)i + 1;
	return 1;
}

void ops_write_error(const struct ops_context *ops, int code, const char *message, struct json *out)
{
	json_object_begin(out, NULL);
	json_object_begin(out, "error");
	json_str(out, "code", ops_error_code(code));
	json_str(out, "message", message);
	if (ops && ops->problem_count) {
		json_u64(out, "problem_count", ops->problem_count);
		json_array_begin(out, "problems");
		for (size_t i = 0; i < ops->problem_count && i < OPS_PROBLEMS_MAX; i++) {
			json_object_begin(out, NULL);
			if (ops->problems[i].index != SIZE_MAX)
				json_u64(out, "index", ops->problems[i].index);
			json_str(out, "message", ops->problems[i].text);
			json_object_end(out);
		}
		json_array_end(out);
	}
	json_object_end(out);
	json_object_end(out);
}

/* May it be run here, by this caller? */
static int ops_admit(const struct ops_context *ops, const struct ops_command *command,
		     bool may_change, struct err *err)
{
	char name[OPS_NAME_MAX];

	ops_name(command, name);
	if (command->right == OPS_CHANGE && !may_change)
		return err_set(err, -EPERM,
			       "you may read but not change: '%s' is for root and the members of "
			       "control.changeGroup",
			       name);
	if (command->where == OPS_DAEMON && !ops->daemon)
		return err_set(err, -ENOTCONN, "only hatagod can do '%s', and it is not reached",
			       name);
	return 0;
}

static int ops_run_command(struct ops_context *ops, const struct ops_command *command,
			   const json_t *arguments, bool may_change, const char *key,
			   struct json *out, struct err *err)
{
	int r = ops_admit(ops, command, may_change, err);

	if (r == 0)
		r = ops_check(command, arguments, err);
	if (r == 0 && ops->view && command->where != OPS_LOCAL)
		r = view_refresh(ops->view, err);
	if (r < 0)
		return r;
	json_object_begin(out, key);
	r = command->run(ops, arguments, out, err);
	if (r == 0 && command->lasts)
		json_str(out, "lasts", command->lasts);
	json_object_end(out);
	if (r == 0 && out->failed)
		return err_set(err, -ENOMEM, "the result is too large for the memory there is");
	return r;
}

static int ops_no_command(const char *name, struct err *err)
{
	return err_set(err, -EINVAL, "there is no command '%.40s'", name);
}

int ops_run(struct ops_context *ops, const char *name, const json_t *arguments, bool may_change,
	    struct json *out, struct err *err)
{
	const struct ops_command *command = ops_find(name);

	ops_forget_problems(ops);
	if (!command)
		return ops_no_command(name, err);
	return ops_run_command(ops, command, arguments, may_change, NULL, out, err);
}

/* Takes a request apart: its command and arguments, or what is wrong with it. */
static int ops_read_request(const char *line, size_t length, json_t **ret_request,
			    const char **ret_name, json_t **ret_arguments, struct err *err)
{
	json_error_t where;
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where), *value;
	const char *key;

	if (!request)
		return err_set(err, -EINVAL, "the request is no JSON: %s", where.text);
	*ret_request = request;
	if (!json_is_object(request))
		return err_set(err, -EINVAL, "the request is no JSON object");
	json_object_foreach(request, key,
			    value) if (strcmp(key, "command") != 0 &&
				       strcmp(key, "arguments") !=
					       0) return err_set(err, -EINVAL,
								 "a request has no member '%.40s'",
								 key);
	*ret_name = json_string_value(json_object_get(request, "command"));
	if (!*ret_name)
		return err_set(err, -EINVAL, "the request names no command");
	*ret_arguments = json_object_get(request, "arguments");
	if (*ret_arguments && !json_is_object(*ret_arguments))
		return err_set(err, -EINVAL, "the request's arguments are no JSON object");
	return 0;
}

void ops_answer(struct ops_context *ops, const char *line, size_t length, bool may_change,
		struct json *out, struct ops_outcome *ret)
{
	json_t *request = NULL, *arguments = NULL;
	const char *name = NULL;

	*ret = (struct ops_outcome){0};
	ops_forget_problems(ops);
	ret->code = ops_read_request(line, length, &request, &name, &arguments, &ret->err);
	if (ret->code == 0) {
		ret->command = ops_find(name);
		ret->arguments = json_incref(arguments);
		json_object_begin(out, NULL);
		ret->code = ret->command ? ops_run_command(ops, ret->command, arguments, may_change,
							   "result", out, &ret->err)
					 : ops_no_command(name, &ret->err);
		json_object_end(out);
	}
	json_decref(request);
	if (ret->code < 0) {
		json_done(out);
		ops_write_error(ops, ret->code, ret->err.text, out);
	}
}
