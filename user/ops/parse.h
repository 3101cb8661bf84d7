/* SPDX-License-Identifier: MIT */
/*
 * The command line by the table of commands: words and options to a command and the
 * arguments of its request. Pure: opens nothing, prints nothing. That the arguments are
 * what they should be is ops_check()'s, once files are read.
 */
#ifndef HATAGO_OPS_PARSE_H
#define HATAGO_OPS_PARSE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "ops/ops.h"

enum parse_color { PARSE_COLOR_AUTO, PARSE_COLOR_ALWAYS, PARSE_COLOR_NEVER };

/* Options of the program itself, for the parser and for help. */
struct parse_option {
	const char *name, *word, *help;
	char letter;
};
extern const struct parse_option parse_options[];
extern const size_t parse_option_count;

struct parsed {
	const struct ops_command *command; /* NULL: only help is asked for */
	const char *object;		   /* whose help, where there is no command; NULL: all */
	json_t *arguments;		   /* all of them strings, flags and arrays of strings */
	const char *file;		   /* of the command's OPS_FILE option, or NULL */
	const char *socket, *pins;	   /* or NULL */
	enum parse_color color;
	bool json, help;
};

/*
 * argv[0] is skipped. -EINVAL: what is wrong, with the nearest word that would be right;
 * *ret is valid then too, so that its `json` says how to tell it. parsed_done() frees.
 */
int parse_argv(int argc, char *const argv[], struct parsed *ret, struct err *err);
void parsed_done(struct parsed *parsed);

/* Does an argument of this type take all the words that are left? */
bool parse_is_many(enum ops_type type);
/* Is this the verb that the object alone means? `hatago-bpfctl client` lists. */
bool parse_is_default_verb(const struct ops_command *command);

#endif
