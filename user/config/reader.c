/* SPDX-License-Identifier: MIT */
/*
 * See reader.h. What is refused is told and the reading goes on, but for broken YAML and
 * too deep nesting: behind those nothing has a meaning.
 */
#include "config/reader.h"

#include <errno.h>
#include <string.h>

#include "config/limits.h"

int reader_init(struct reader *r, struct draft *draft, const char *text, size_t length)
{
	*r = (struct reader){.draft = draft, .text = text, .length = length};
	if (!yaml_parser_initialize(&r->parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, length);
	return 0;
}

void reader_done(struct reader *r)
{
	yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
}

static struct mark mark_of(const yaml_mark_t *m)
{
	return (struct mark){(uint32_t)m->line + 1, (uint32_t)m->column + 1};
}

struct mark reader_mark(const struct reader *r)
{
	return mark_of(&r->event.start_mark);
}

/* Where the byte at this offset stands: columns count characters, as libyaml's do. */
static struct mark mark_of_offset(const struct reader *r, size_t offset)
{
	struct mark at = {1, 1};

	for (size_t i = 0; i < offset && i < r->length; i++) {
		if (r->text[i] == '\n')
			at = (struct mark){at.line + 1, 1};
		else if ((r->text[i] & 0xc0) != 0x80)
			at.column++;
	}
	return at;
}

static void reader_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	struct mark at = mark_of(&p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR) {
		r->draft->problems.out_of_memory = true;
		return;
	}
	if (p->error == YAML_READER_ERROR) /* has an offset instead of a mark */
		at = mark_of_offset(r, p->problem_offset);
	problems_add(&r->draft->problems, at, READER_SYNTAX,
		     "this is no YAML: %s%s%s; see packaging/hatago.yaml for a sample", p->problem,
		     p->context ? " " : "", p->context ? p->context : "");
}

/* Tells about what is refused wherever it stands. */
static void reader_refuse(struct reader *r)
{
	const yaml_event_t *e = &r->event;
	const void *anchor = NULL, *tag = NULL;

	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	} else if (e->type == YAML_ALIAS_EVENT) {
		anchor = e->data.alias.anchor;
	}
	if (anchor)
		problems_add(&r->draft->problems, reader_mark(r), READER_SYNTAX,
			     "anchors (&) and aliases (*) are not taken; write the value itself");
	if (tag)
		problems_add(&r->draft->problems, reader_mark(r), READER_SYNTAX,
			     "tags (!) are not taken; write the value itself");
}

bool reader_next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (!yaml_parser_parse(&r->parser, &r->event)) {
		reader_syntax(r);
		return false;
	}
	reader_refuse(r);
	return true;
}

static bool event_opens(const yaml_event_t *e)
{
	return e->type == YAML_MAPPING_START_EVENT || e->type == YAML_SEQUENCE_START_EVENT;
}

static bool event_closes(const yaml_event_t *e)
{
	return e->type == YAML_MAPPING_END_EVENT || e->type == YAML_SEQUENCE_END_EVENT;
}

bool reader_skip(struct reader *r)
{
	unsigned int depth = 0;

	for (;;) {
		if (event_opens(&r->event))
			depth++;
		else if (event_closes(&r->event))
			depth--;
		if (depth == 0)
			return true;
		if (depth > CONFIG_DEPTH_MAX) {
			problems_add(&r->draft->problems, reader_mark(r), READER_SYNTAX,
				     "nested too deeply; up to %d levels are taken",
				     CONFIG_DEPTH_MAX);
			return false;
		}
		if (!reader_next(r))
			return false;
	}
}

bool event_is_null(const yaml_event_t *e)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (e->type != YAML_SCALAR_EVENT || e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp((const char *)e->data.scalar.value, words[i]) == 0)
			return true;
	return false;
}

const char *event_kind(const yaml_event_t *e)
{
	if (event_is_null(e))
		return "has no value";
	switch (e->type) {
	case YAML_MAPPING_START_EVENT:
		return "is a mapping";
	case YAML_SEQUENCE_START_EVENT:
		return "is a list";
	default:
		return "is a single value";
	}
}
