// SPDX-License-Identifier: MIT
/*
 * Options of the command line, long and short: those of the program, and those of the
 * command by its rows. What the words between them mean is parse.c's.
 */
#include <errno.h>
#include <string.h>

#include "ops/parse_parts.h"

const struct parse_option parse_options[] = {
	{"socket", "PATH", "hatagod's control socket", 's'},
	{"pins", "PATH", "the edge's pins, for when hatagod is down", 'p'},
	{"json", NULL, "one JSON document instead of tables; errors too", 'j'},
	{"color", "WHEN", "auto, always or never; NO_COLOR is obeyed", 0},
	{"help", NULL, "help on what stands before it", 'h'},
};
const size_t parse_option_count = sizeof(parse_options) / sizeof(parse_options[0]);

static int parse_color_of(struct parser *p, const char *text)
{
	static const char *const names[] = {
		[PARSE_COLOR_AUTO] = "auto",
		[PARSE_COLOR_ALWAYS] = "always",
		[PARSE_COLOR_NEVER] = "never",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text && strcmp(names[i], text) == 0) {
			p->to->color = (enum parse_color)i;
			return 0;
		}
	return err_set(p->err, -EINVAL, "--color must be auto, always or never, not '%.40s'", text);
}

static int parse_own_value(struct parser *p, const struct parse_option *option, const char *value)
{
	switch (option->name[0]) {
	case 's':
		p->to->socket = value;
		return 0;
	case 'p':
		p->to->pins = value;
		return 0;
	case 'j':
		p->to->json = true;
		return 0;
	case 'h':
		p->to->help = true;
		return 0;
	default:
		return parse_color_of(p, value);
	}
}

static int parse_row_value(struct parser *p, const struct ops_argument *row, const char *value)
{
	if (row->type == OPS_FLAG)
		return json_object_set_new(p->to->arguments, row->name, json_true());
	if (row->type == OPS_FILE) {
		p->to->file = value;
		return 0;
	}
	return parse_set(p, row, value);
}

/* An option that was found: one of the program's or one of the command's. */
struct parse_found {
	const struct parse_option *own;
	const struct ops_argument *row;
};

static const struct ops_argument *parse_find_row(const struct ops_command *command,
						 const char *name, char letter)
{
	for (size_t i = 0; command && i < OPS_ARGUMENTS_MAX; i++) {
		const struct ops_argument *row = &command->arguments[i];

		if (row->type != OPS_NONE && row->is_option && !row->is_hidden &&
		    (name ? strcmp(row->name, name) == 0 : row->letter == letter))
			return row;
	}
	return NULL;
}

/*
 * By its long name or, where that is NULL, by its letter. An option of the default verb
 * means that verb: `client -n 5`.
 */
static bool parse_find(struct parser *p, const char *name, char letter, struct parse_found *ret)
{
	const struct ops_command *command = p->to->command;

	*ret = (struct parse_found){0};
	for (size_t i = 0; i < parse_option_count; i++) {
		const struct parse_option *own = &parse_options[i];

		if (name ? strcmp(own->name, name) == 0 : own->letter == letter)
			ret->own = own;
	}
	if (!command && !ret->own)
		command = parse_default(p->to->object);
	ret->row = parse_find_row(command, name, letter);
	if (ret->row)
		p->to->command = command;
	return ret->own || ret->row;
}

static bool parse_takes_value(const struct parse_found *found)
{
	return found->row ? found->row->type != OPS_FLAG : found->own->word != NULL;
}

static int parse_give(struct parser *p, const struct parse_found *found, const char *value)
{
	return found->row ? parse_row_value(p, found->row, value)
			  : parse_own_value(p, found->own, value);
}

static int parse_no_option(struct parser *p, const char *name)
{
	const char *words[PARSE_WORDS_MAX];
	const struct ops_command *command = p->to->command;
	size_t n = 0;

	for (size_t i = 0; i < parse_option_count; i++)
		words[n++] = parse_options[i].name;
	for (size_t i = 0; command && i < OPS_ARGUMENTS_MAX; i++)
		if (command->arguments[i].type != OPS_NONE && command->arguments[i].is_option &&
		    !command->arguments[i].is_hidden)
			words[n++] = command->arguments[i].name;
	if (!command)
		return err_set(p->err, -EINVAL,
			       "there is no option '%.40s' here; options of a command stand "
			       "behind it",
			       name);
	return parse_suggest(p->err, "there is no option", name, words, n);
}

int parse_long(struct parser *p, const char *word)
{
	const char *equals = strchr(word, '='), *value = NULL;
	struct parse_found found;
	char name[32];
	size_t length = equals ? (size_t)(equals - word) : strlen(word);

	if (length >= sizeof(name))
		return parse_no_option(p, word);
	memcpy(name, word, length);
	name[length] = '\0';
	if (!parse_find(p, name, 0, &found))
		return parse_no_option(p, name);
	if (!parse_takes_value(&found) && equals)
		return err_set(p->err, -EINVAL, "--%s takes no value", name);
	if (parse_takes_value(&found)) {
		value = equals ? equals + 1 : p->at + 1 < p->argc ? p->argv[++p->at] : NULL;
		if (!value)
			return err_set(p->err, -EINVAL, "--%s needs a value", name);
	}
	return parse_give(p, &found, value);
}

/* -j, -n20, -n 20, -ja */
int parse_short(struct parser *p, const char *letters)
{
	struct parse_found found;
	int r;

	for (; *letters; letters++) {
		const char *value = letters[1] ? letters + 1 : NULL;

		if (!parse_find(p, NULL, *letters, &found))
			return parse_no_option(p, (char[]){*letters, '\0'});
		if (parse_takes_value(&found)) {
			if (!value && p->at + 1 < p->argc)
				value = p->argv[++p->at];
			if (!value)
				return err_set(p->err, -EINVAL, "-%c needs a value", *letters);
			return parse_give(p, &found, value);
		}
		r = parse_give(p, &found, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}
