// SPDX-License-Identifier: MIT
/*
 * hatago-bpfctl: from words to a request, from its answer to a table or a document and an
 * exit code: 0 done, 1 failed, 2 usage or configuration, 3 hatagod can't be reached, 4 not
 * found, 5 not permitted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "bpfctl.h"
#include "text.h"

#define RATES_WAIT_MS (OPS_SAMPLE_MIN_MS + 200)

static bool main_colors(enum parse_color color)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color != PARSE_COLOR_AUTO)
		return color == PARSE_COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static int main_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return TEXT_WIDTH;
	return size.ws_col > TEXT_WIDTH_MAX ? TEXT_WIDTH_MAX : size.ws_col;
}

/* Errors go to stderr in words, but to stdout as the document that a program waits for. */
static int main_error(const json_t *error, const char *document, bool json)
{
	const json_t *problems = json_object_get(error, "problems"), *problem;
	uint64_t count = get_u64(error, "problem_count");
	size_t i;

	if (json) {
		puts(document);
	} else {
		json_array_foreach(problems, i, problem)
			fprintf(stderr, "%s\n", get_text(problem, "message"));
		if (count > json_array_size(problems))
			fprintf(stderr, "and %llu more\n",
				(unsigned long long)(count - json_array_size(problems)));
		fprintf(stderr, "hatago-bpfctl: %s\n", get_text(error, "message"));
	}
	return ops_exit_code(json_string_value(json_object_get(error, "code")));
}

/* For what goes wrong before there is a request. */
static int main_fail(int code, const char *message, bool json)
{
	_cleanup_free_ char *document = NULL;
	struct json out;

	json_init(&out);
	ops_write_error(NULL, code, message, &out);
	document = json_take(&out);
	if (json && document)
		puts(document);
	else
		fprintf(stderr, "hatago-bpfctl: %s\n", message);
	return ops_exit_code(ops_error_code(code));
}

/* The document without the envelope: what stands in {"result":...}. */
static void main_print_result(char *answer, const json_t *root)
{
	static const char head[] = "{\"result\":";
	size_t length = strlen(answer);
	_cleanup_free_ char *text = NULL;

	if (strncmp(answer, head, sizeof(head) - 1) == 0 && answer[length - 1] == '}') {
		answer[length - 1] = '\0';
		puts(answer + sizeof(head) - 1);
		return;
	}
	text = json_dumps(json_object_get(root, "result"), JSON_COMPACT | JSON_ENCODE_ANY);
	puts(text ? text : "null");
}

static int main_answer(const struct parsed *args, char *answer)
{
	json_error_t where;
	json_t *root = answer ? json_loads(answer, JSON_REJECT_DUPLICATES, &where) : NULL;
	const json_t *error = json_object_get(root, "error");
	int code = 0;

	if (!root)
		code = main_fail(-EPROTO,
				 answer ? "what hatagod answers is no JSON" : "out of memory",
				 args->json);
	else if (error)
		code = main_error(error, answer, args->json);
	else if (args->json)
		main_print_result(answer, root);
	else
		render(args->command, json_object_get(root, "result"), stdout);
	json_decref(root);
	return code;
}

/* A status whose rates are still to be measured is asked for twice. */
static char *main_status(struct transport *transport, const struct parsed *args)
{
	const struct timespec pause = {.tv_nsec = RATES_WAIT_MS * 1000000L};
	char *answer = transport_call(transport, args->command, args->arguments);

	if (!answer || !strstr(answer, "\"rates\":null"))
		return answer;
	free(answer);
	nanosleep(&pause, NULL);
	return transport_call(transport, args->command, args->arguments);
}

static char *main_call(struct transport *transport, const struct parsed *args)
{
	if (json_object_get(args->arguments, "prefixes") || args->file)
		return batch_run(transport, args);
	if (strcmp(args->command->object, "status") == 0)
		return main_status(transport, args);
	if (strcmp(args->command->object, "version") == 0)
		return version_run(transport, args);
	return transport_call(transport, args->command, args->arguments);
}

static int main_run(const struct parsed *args)
{
	_cleanup_free_ char *answer = NULL;
	struct transport transport;
	struct err err;
	int r = args->file ? 0 : ops_check(args->command, args->arguments, &err);

	if (r < 0)
		return main_fail(r, err.text, args->json);
	transport_init(&transport, args->socket, args->pins, args->json);
	if (args->command->is_followed)
		answer = follow_run(&transport, args);
	else
		answer = main_call(&transport, args);
	if (answer || !args->command->is_followed)
		r = main_answer(args, answer);
	transport_done(&transport);
	return r;
}

int main(int argc, char *argv[])
{
	struct parsed args;
	struct err err;
	int r = parse_argv(argc, argv, &args, &err);

	screen.color = main_colors(args.color);
	screen.width = main_width();
	if (r < 0)
		r = main_fail(r, err.text, args.json);
	else if (args.help)
		usage_print(stdout, args.object, args.command);
	else
		r = main_run(&args);
	parsed_done(&args);
	if (fflush(stdout) == EOF || ferror(stdout))
		r = r ? r : 1;
	return r;
}
