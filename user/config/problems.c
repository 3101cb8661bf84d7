/* SPDX-License-Identifier: MIT */
/*
 * See problems.h. A line quotes what stands in the file, so its control characters are
 * replaced: it goes to a terminal.
 */
#include "config/problems.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "config/limits.h"

struct problem {
	struct mark at;
	size_t order; /* in which it was found */
	char *line;
};

static void problem_sanitize(char *line)
{
	for (unsigned char *c = (unsigned char *)line; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) /* U+0080 to U+009F */
			c[0] = c[1] = '?';
	}
}

static char *problem_line(const char *file, struct mark at, const char *key, const char *text)
{
	char *line;
	int r;

	if (at.line)
		r = asprintf(&line, "%s:%u:%u: %s: %s", file, at.line, at.column, key, text);
	else
		r = asprintf(&line, "%s: %s: %s", file, key, text);
	if (r < 0)
		return NULL;
	problem_sanitize(line);
	return line;
}

void problems_add(struct problems *p, struct mark at, const char *key, const char *format, ...)
{
	struct problem problem = {.at = at, .order = p->count};
	_cleanup_free_ char *text = NULL;
	va_list args;
	int r;

	if (p->count == CONFIG_PROBLEMS_MAX) {
		p->more++;
		return;
	}
	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0) {
		text = NULL;
		p->out_of_memory = true;
		return;
	}
	problem.line = problem_line(p->file, at, key, text);
	if (!problem.line || memory_grow(&p->items, &p->capacity, p->count, sizeof(problem)) < 0) {
		free(problem.line);
		p->out_of_memory = true;
		return;
	}
	p->items[p->count++] = problem;
}

static int problem_compare(const void *left, const void *right)
{
	const struct problem *a = left, *b = right;

	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* Moves the lines to ret, which has room for them. */
static void problems_move(struct problems *p, struct config_problems *ret)
{
	qsort(p->items, p->count, sizeof(p->items[0]), problem_compare);
	for (size_t i = 0; i < p->count; i++)
		ret->lines[ret->count++] = p->items[i].line;
	p->count = 0;
	if (p->more) {
		char *line;

		if (asprintf(&line, "%s: and %zu more problems", p->file, p->more) >= 0)
			ret->lines[ret->count++] = line;
	}
}

int problems_finish(struct problems *p, struct config_problems *ret)
{
	int r = p->count ? -EINVAL : 0;

	if (p->count) {
		ret->lines = calloc(p->count + 1, sizeof(ret->lines[0]));
		if (ret->lines)
			problems_move(p, ret);
		else
			p->out_of_memory = true;
	}
	for (size_t i = 0; i < p->count; i++)
		free(p->items[i].line);
	free(p->items);
	return p->out_of_memory ? -ENOMEM : r;
}

void config_problems_done(struct config_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->lines[i]);
	free(problems->lines);
	*problems = (struct config_problems){0};
}
