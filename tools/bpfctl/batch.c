// SPDX-License-Identifier: MIT
/*
 * Long lists of prefixes. A request has a bound, so a list may take several: then all of
 * them are checked by hatagod first, and only if none has a problem all are sent again to
 * be applied. Every problem is told with the place that it came from.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/memory.h"
#include "bpfctl.h"
#include "prefixes.h"

#define BATCH_CHUNK    16000u /* prefixes; with the longest ones still within a request's bound */
#define BATCH_CODE_MAX 32
#define BATCH_TEXT_MAX (ERR_TEXT_MAX + 256)

struct batch {
	struct transport *transport;
	const struct ops_command *command;
	struct prefixes list;
	json_t *problems; /* as an answer has them */
	size_t problem_count;
};

static void batch_problem(struct batch *batch, size_t index, const char *message)
{
	char text[BATCH_TEXT_MAX];
	json_t *problem;

	if (batch->problem_count++ >= OPS_PROBLEMS_MAX)
		return;
	prefixes_place(&batch->list, index, message, text, sizeof(text));
	problem = json_pack("{s:s}", "message", text);
	if (index < batch->list.count && batch->list.items[index].line)
		json_object_set_new(problem, "line",
				    json_integer((json_int_t)batch->list.items[index].line));
	json_array_append_new(batch->problems, problem);
}

/* Every word must be a prefix. */
static int batch_parse(struct batch *batch, struct err *err)
{
	struct prefixes *list = &batch->list;
	struct err reason;

	for (size_t i = 0; i < list->count; i++) {
		if (prefix_read(list->items[i].text, &list->items[i].prefix, &reason) == 0)
			continue;
		if (list->count == 1 && !list->items[i].line)
			return err_set(err, -EINVAL, "%s", reason.text);
		batch_problem(batch, i, reason.text);
	}
	if (batch->problem_count)
		return err_set(err, -EINVAL, "%zu of %zu prefixes are wrong; nothing was changed",
			       batch->problem_count, list->count);
	prefixes_unique(list);
	return 0;
}

/* The answer for an error, with the problems so far. */
static char *batch_error(const struct batch *batch, const char *code, const char *message)
{
	json_t *root = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
	json_t *error = json_object_get(root, "error");
	char *text;

	if (batch->problem_count) {
		json_object_set_new(error, "problem_count",
				    json_integer((json_int_t)batch->problem_count));
		json_object_set(error, "problems", batch->problems);
	}
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

static json_t *batch_request(const struct batch *batch, size_t from, bool check)
{
	json_t *arguments = json_object(), *prefixes = json_array();

	if (check) { /* first, so that a log which cuts long requests shows it */
		json_object_set_new(arguments, "check", json_true());
		json_object_set_new(arguments, "total",
				    json_integer((json_int_t)batch->list.count));
	}
	for (size_t i = from; i < batch->list.count && i < from + BATCH_CHUNK; i++)
		json_array_append_new(prefixes, json_string(batch->list.items[i].text));
	json_object_set_new(arguments, "prefixes", prefixes);
	return arguments;
}

/* hatagod's problems know the place in the request; here is known where that came from. */
static void batch_take_problems(struct batch *batch, size_t from, const json_t *error)
{
	const json_t *problems = json_object_get(error, "problems"), *problem;
	uint64_t count = get_u64(error, "problem_count");
	size_t i;

	json_array_foreach(problems, i, problem) batch_problem(
		batch,
		json_object_get(problem, "index") ? from + get_u64(problem, "index") : SIZE_MAX,
		get_text(problem, "message"));
	if (count > json_array_size(problems))
		batch->problem_count += count - json_array_size(problems);
}

/* Adds the numbers of the chunks before to those of this one's result. */
static void batch_sum(json_t **sum, json_t *result)
{
	const char *key;
	json_t *value;

	json_object_foreach(*sum, key, value)
	{
		json_t *more = json_object_get(result, key);

		if (json_is_integer(value) && json_is_integer(more))
			json_integer_set(more,
					 json_integer_value(more) + json_integer_value(value));
	}
	json_decref(*sum);
	*sum = json_incref(result);
}

/* One chunk's whole answer, or NULL: no memory, or no JSON. */
static json_t *batch_call(struct batch *batch, size_t from, bool check)
{
	json_t *arguments = batch_request(batch, from, check), *root;
	char *answer = transport_call(batch->transport, batch->command, arguments);

	root = answer ? json_loads(answer, 0, NULL) : NULL;
	free(answer);
	json_decref(arguments);
	return root;
}

/*
 * Has every chunk checked, so that all problems are told at once. NULL: there are none;
 * else the answer for the user.
 */
static char *batch_try(struct batch *batch)
{
	char code[BATCH_CODE_MAX] = "", text[BATCH_TEXT_MAX], *answer = NULL;

	for (size_t from = 0; from < batch->list.count && !answer; from += BATCH_CHUNK) {
		json_t *root = batch_call(batch, from, true);
		const json_t *error = json_object_get(root, "error");

		if (json_object_get(error, "problems")) {
			batch_take_problems(batch, from, error);
			snprintf(code, sizeof(code), "%s", get_text(error, "code"));
		} else if (!json_object_get(root, "result")) {
			answer = batch_error(batch, get_text(error, "code"),
					     get_text(error, "message"));
		}
		json_decref(root);
	}
	if (answer || !batch->problem_count)
		return answer;
	snprintf(text, sizeof(text), "%zu of %zu prefixes are refused; nothing was changed",
		 batch->problem_count, batch->list.count);
	return batch_error(batch, code, text);
}

/* Applies chunk by chunk. NULL: all is done and *sum is the result; else the answer. */
static char *batch_apply(struct batch *batch, json_t **sum)
{
	char text[BATCH_TEXT_MAX], *answer = NULL;

	for (size_t from = 0; from < batch->list.count && !answer; from += BATCH_CHUNK) {
		json_t *root = batch_call(batch, from, false);
		const json_t *error = json_object_get(root, "error");

		if (json_object_get(root, "result")) {
			batch_sum(sum, json_object_get(root, "result"));
		} else {
			batch_take_problems(batch, from, error);
			snprintf(text, sizeof(text), "%s", get_text(error, "message"));
			if (from)
				snprintf(text, sizeof(text), "%s; the %zu before these are done",
					 get_text(error, "message"), from);
			answer = batch_error(batch, get_text(error, "code"), text);
		}
		json_decref(root);
	}
	return answer;
}

static char *batch_result(json_t *sum)
{
	json_t *root = json_pack("{s:O}", "result", sum);
	char *text = json_dumps(root, JSON_COMPACT);

	json_decref(root);
	return text;
}

char *batch_run(struct transport *transport, const struct parsed *args)
{
	struct batch batch = {
		.transport = transport,
		.command = args->command,
		.problems = json_array(),
	};
	json_t *sum = NULL;
	struct err err;
	char *answer = NULL;
	int r = prefixes_read(&batch.list, json_object_get(args->arguments, "prefixes"), args->file,
			      &err);

	if (r == 0)
		r = batch_parse(&batch, &err);
	if (r < 0)
		answer = batch_error(&batch, ops_error_code(r), err.text);
	if (!answer && batch.list.count > BATCH_CHUNK)
		answer = batch_try(&batch);
	if (!answer)
		answer = batch_apply(&batch, &sum);
	if (!answer)
		answer = batch_result(sum);
	json_decref(sum);
	json_decref(batch.problems);
	prefixes_done(&batch.list);
	return answer;
}
