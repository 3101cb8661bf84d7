// SPDX-License-Identifier: MIT
/*
 * See parse.h. Options of the program may stand anywhere, those of a command behind it;
 * "--" ends them. A word is the object, then the verb, then the next positional argument.
 */
#include "ops/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ops/parse_parts.h"

bool parse_is_default_verb(const struct ops_command *command)
{
	return command->verb &&
	       (strcmp(command->verb, "show") == 0 || strcmp(command->verb, "list") == 0) &&
	       !command->arguments[0].is_required;
}

bool parse_is_many(enum ops_type type)
{
	return type == OPS_PREFIXES || type == OPS_EVENTS;
}

const struct ops_command *parse_default(const char *object)
{
	for (size_t i = 0; object && i < ops_command_count; i++)
		if (strcmp(ops_commands[i].object, object) == 0 &&
		    parse_is_default_verb(&ops_commands[i]))
			return &ops_commands[i];
	return NULL;
}

int parse_suggest(struct err *err, const char *what, const char *word, const char *const *words,
		  size_t n)
{
	const char *nearest = text_nearest(word, words, n);

	if (nearest)
		return err_set(err, -EINVAL, "%s '%.40s'; did you mean '%s'?", what, word, nearest);
	return err_set(err, -EINVAL, "%s '%.40s'; --help lists what there is", what, word);
}

static int parse_object(struct parser *p, const char *word)
{
	const char *words[PARSE_WORDS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ops_command_count; i++) {
		const struct ops_command *command = &ops_commands[i];

		if (strcmp(command->object, word) == 0) {
			p->to->object = command->object;
			if (!command->verb)
				p->to->command = command;
			return 0;
		}
		if (n < PARSE_WORDS_MAX)
			words[n++] = command->object;
	}
	return parse_suggest(p->err, "there is no command", word, words, n);
}

static int parse_verb(struct parser *p, const char *word)
{
	const char *words[PARSE_WORDS_MAX];
	char what[64];
	size_t n = 0;

	for (size_t i = 0; i < ops_command_count; i++) {
		const struct ops_command *command = &ops_commands[i];

		if (strcmp(command->object, p->to->object) != 0)
			continue;
		if (strcmp(command->verb, word) == 0) {
			p->to->command = command;
			return 0;
		}
		if (n < PARSE_WORDS_MAX)
			words[n++] = command->verb;
	}
	snprintf(what, sizeof(what), "'%s' has no command", p->to->object);
	return parse_suggest(p->err, what, word, words, n);
}

/* The row of the next positional argument, or NULL where there is none. */
static const struct ops_argument *parse_next_row(const struct parser *p)
{
	size_t position = 0;

	for (size_t i = 0; i < OPS_ARGUMENTS_MAX; i++) {
		const struct ops_argument *row = &p->to->command->arguments[i];

		if (row->type == OPS_NONE || row->is_option)
			continue;
		if (position++ == p->position || parse_is_many(row->type))
			return row;
	}
	return NULL;
}

int parse_set(struct parser *p, const struct ops_argument *row, const char *text)
{
	json_t *value = json_string(text), *array;

	if (!value)
		return err_set(p->err, -EINVAL, "'%.40s' is no UTF-8 text", text);
	if (!parse_is_many(row->type))
		return json_object_set_new(p->to->arguments, row->name, value);
	array = json_object_get(p->to->arguments, row->name);
	if (!array) {
		array = json_array();
		json_object_set_new(p->to->arguments, row->name, array);
	}
	return json_array_append_new(array, value);
}

static int parse_word(struct parser *p, const char *word)
{
	const struct ops_argument *row;
	char name[OPS_NAME_MAX];

	if (strcmp(word, "help") == 0 && !p->to->command) {
		p->to->help = true;
		return 0;
	}
	if (!p->to->object)
		return parse_object(p, word);
	if (!p->to->command)
		return parse_verb(p, word);
	row = parse_next_row(p);
	if (!row) {
		ops_name(p->to->command, name);
		return err_set(p->err, -EINVAL, "'%s' has no use for '%.40s'", name, word);
	}
	p->position++;
	return parse_set(p, row, word);
}

static int parse_one(struct parser *p, const char *word)
{
	if (p->no_options || word[0] != '-' || word[1] == '\0')
		return parse_word(p, word);
	if (strcmp(word, "--") == 0) {
		p->no_options = true;
		return 0;
	}
	return word[1] == '-' ? parse_long(p, word + 2) : parse_short(p, word + 1);
}

/* The object alone: its default verb, unless help is asked for. */
static int parse_finish(struct parser *p)
{
	struct parsed *to = p->to;

	if (to->command || to->help)
		return 0;
	if (!to->object)
		return err_set(p->err, -EINVAL, "a command is missing; --help lists them");
	to->command = parse_default(to->object);
	return to->command ? 0
			   : err_set(p->err, -EINVAL, "what of '%s'? see %s --help", to->object,
				     to->object);
}

int parse_argv(int argc, char *const argv[], struct parsed *ret, struct err *err)
{
	struct err later = {0};
	struct parser p = {.argc = argc, .argv = argv, .to = ret, .err = err};
	int r = 0, first = 0;

	*ret = (struct parsed){.arguments = json_object()};
	if (!ret->arguments)
		return err_set(err, -ENOMEM, "out of memory");
	/* On to the end after an error, so that a later -j is known; the first error counts. */
	for (p.at = 1; p.at < argc; p.at++) {
		p.err = first < 0 ? &later : err;
		r = parse_one(&p, argv[p.at]);
		if (r < 0 && first == 0)
			first = r;
	}
	p.err = err;
	return first < 0 ? first : parse_finish(&p);
}

void parsed_done(struct parsed *parsed)
{
	json_decref(parsed->arguments);
	parsed->arguments = NULL;
}
