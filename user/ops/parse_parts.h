/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of the command line's parser share: words (parse.c) and options
 * (parse_options.c). Known to them only.
 */
#ifndef HATAGO_OPS_PARSE_PARTS_H
#define HATAGO_OPS_PARSE_PARTS_H

#include "ops/parse.h"

#define PARSE_WORDS_MAX 64 /* that a suggestion is chosen from */

struct parser {
	int argc, at;
	char *const *argv;
	bool no_options; /* after -- */
	size_t position; /* of the next positional argument */
	struct parsed *to;
	struct err *err;
};

/* What the object alone means, or NULL. */
const struct ops_command *parse_default(const char *object);
/* "what 'word'; did you mean ...?"; returns -EINVAL. */
int parse_suggest(struct err *err, const char *what, const char *word, const char *const *words,
		  size_t n);
/* Takes a value as the argument of the row. */
int parse_set(struct parser *p, const struct ops_argument *row, const char *text);

/* parse_options.c: a word behind "--", and the letters behind "-". */
int parse_long(struct parser *p, const char *word);
int parse_short(struct parser *p, const char *letters);

#endif
