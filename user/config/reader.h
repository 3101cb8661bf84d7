/* SPDX-License-Identifier: MIT */
/*
 * The events of libyaml, one at a time, with what is refused wherever it stands taken
 * out: anchors and aliases (a small file could unfold into a huge one), tags, deep
 * nesting. No tree is built. Knows no keys; those are read.c's. Known to user/config/ only.
 */
#ifndef HATAGO_CONFIG_READER_H
#define HATAGO_CONFIG_READER_H

#include <stdbool.h>
#include <yaml.h>

#include "config/draft.h"

#define READER_SYNTAX "syntax" /* stands for the key in problems of the file itself */

struct reader {
	struct draft *draft;
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	const char *text;   /* all that there is to read */
	size_t length;
};

/* 0 or -ENOMEM. */
int reader_init(struct reader *r, struct draft *draft, const char *text, size_t length);
void reader_done(struct reader *r);
/* Goes on to the next event; false, after a problem, where there is none. */
bool reader_next(struct reader *r);
/* Goes to the end of the value that begins at the current event; false as above. */
bool reader_skip(struct reader *r);
/* Where the current event begins. */
struct mark reader_mark(const struct reader *r);

/* Nothing, "~" or "null", without quotes. */
bool event_is_null(const yaml_event_t *e);
/* What a value is, in words: "is a list". */
const char *event_kind(const yaml_event_t *e);

#endif
