/* SPDX-License-Identifier: MIT */
/*
 * From events to keys: hands each value to its key, scalars to value.c, items to lists.c
 * and, where they are mappings, to items.c.
 * It goes on after a problem wherever the structure still makes sense, so that one run
 * tells them all.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/limits.h"
#include "config/reader.h"
#include "config/value.h"

#define HINT_MAX 1024 /* bytes of what tells the keys of a section */

/* The value is of another kind than its key takes: says so and skips it. */
static bool reader_mismatch(struct reader *r, const struct config_key *key)
{
	char allowed[KEY_ALLOWED_MAX];

	key_allowed(key, allowed);
	if (r->event.type != YAML_ALIAS_EVENT) /* refused already */
		problems_add(&r->draft->problems, reader_mark(r), key->path, "%s; it must be %s",
			     event_kind(&r->event), allowed);
	return reader_skip(r);
}

/*
 * The text of the current scalar, with the environment in it. False, after a problem,
 * where there is none. *ret_quoted: it is text even if it looks like a number.
 */
static bool reader_text(struct reader *r, const struct config_key *key, char text[CONFIG_VALUE_MAX],
			bool *ret_quoted)
{
	const char *value = (const char *)r->event.data.scalar.value;
	bool expanded;
	struct err err;

	if (strlen(value) != r->event.data.scalar.length) {
		problems_add(&r->draft->problems, reader_mark(r), key->path,
			     "has a NUL byte in it; it must be text");
		return false;
	}
	if (value_expand(value, text, &expanded, &err) < 0) {
		problems_add(&r->draft->problems, reader_mark(r), key->path, "%s", err.text);
		return false;
	}
	*ret_quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE && !expanded;
	return true;
}

static bool read_scalar(struct reader *r, const struct config_key *key)
{
	char text[CONFIG_VALUE_MAX];
	struct err err;
	bool quoted;

	if (r->event.type != YAML_SCALAR_EVENT || event_is_null(&r->event))
		return reader_mismatch(r, key);
	if (!reader_text(r, key, text, &quoted))
		return true;
	if (quoted && key->type < KEY_TEXTUAL)
		problems_add(&r->draft->problems, reader_mark(r), key->path,
			     "'%.*s' is in quotes, which make it text; write it without",
			     CONFIG_SHOWN_MAX, text);
	else if (value_set(key->flags & KEY_ITEM ? r->draft->item : r->draft->config, key, text,
			   &err) < 0)
		problems_add(&r->draft->problems, reader_mark(r), key->path, "%s", err.text);
	return true;
}

static bool read_mapping(struct reader *r, const char *section);

/* A mapping of a list, which the current event begins. */
static bool read_mapping_item(struct reader *r, const struct config_key *key)
{
	struct mark at = reader_mark(r);

	if (!draft_item_begin(r->draft, key, at))
		return reader_skip(r);
	if (!read_mapping(r, key->path))
		return false;
	draft_item_end(r->draft, key, at);
	return true;
}

static bool read_item(struct reader *r, const struct config_key *key)
{
	bool is_mapping = key->type >= KEY_MAPPINGS, quoted;
	char text[CONFIG_VALUE_MAX];

	if (is_mapping && r->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping_item(r, key);
	if (!is_mapping && r->event.type == YAML_SCALAR_EVENT && !event_is_null(&r->event)) {
		if (reader_text(r, key, text, &quoted))
			draft_list_add(r->draft, key, text, reader_mark(r));
		return true;
	}
	problems_add(&r->draft->problems, reader_mark(r), key->path, "an item %s; it must be a %s",
		     event_kind(&r->event),
		     is_mapping ? "mapping of keys to values" : "single value");
	return reader_skip(r);
}

static bool read_list(struct reader *r, const struct config_key *key)
{
	draft_list_begin(r->draft, key);
	if (event_is_null(&r->event))
		return true;
	if (key->type == KEY_UPSTREAMS && r->event.type == YAML_SCALAR_EVENT)
		return read_item(r, key);
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		r->draft->items[key - config_keys]++; /* else it would be told to be empty too */
		return reader_mismatch(r, key);
	}
	for (;;) {
		if (!reader_next(r))
			return false;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		if (!read_item(r, key))
			return false;
	}
}

/* "did you mean devices?", "did you mean edge.devices?", or all that there are. */
static void section_suggest(const char *section, const char *leaf, char *buf, size_t size)
{
	const char *words[KEY_COUNT_MAX];
	const char *nearest;
	size_t count = 0, used;

	for (size_t i = 0; i < config_key_count; i++)
		if (key_is_in(&config_keys[i], section))
			words[count++] = key_leaf(&config_keys[i]);
	nearest = text_nearest(leaf, words, count);
	for (size_t i = 0; !nearest && i < config_key_count; i++)
		if (strcmp(key_leaf(&config_keys[i]), leaf) == 0)
			nearest = config_keys[i].path;
	if (nearest) {
		snprintf(buf, size, "did you mean %s?", nearest);
		return;
	}
	used = (size_t)snprintf(buf, size, "the keys here are");
	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s %s", i ? "," : "", words[i]);
}

static const char *path_join(const char *section, const char *leaf, char path[CONFIG_KEY_MAX])
{
	snprintf(path, CONFIG_KEY_MAX, "%s%s%.*s", section, *section ? "." : "", CONFIG_SHOWN_MAX,
		 leaf);
	return path;
}

/* The key that the current event names, or NULL after a problem. */
static const struct config_key *section_key(struct reader *r, const char *section)
{
	const yaml_event_t *e = &r->event;
	const struct config_key *key = NULL;
	char path[CONFIG_KEY_MAX], hint[HINT_MAX];
	const char *leaf;

	if (e->type != YAML_SCALAR_EVENT) {
		problems_add(&r->draft->problems, reader_mark(r),
			     *section ? section : READER_SYNTAX, "a key must be a single word");
		return NULL;
	}
	leaf = (const char *)e->data.scalar.value;
	path_join(section, leaf, path);
	if (strlen(leaf) == e->data.scalar.length && !strchr(leaf, '.'))
		key = key_find(path);
	if (!key) {
		section_suggest(section, leaf, hint, sizeof(hint));
		problems_add(&r->draft->problems, reader_mark(r), path, "is an unknown key; %s",
			     hint);
	}
	return key;
}

/* Writes down that the key is there. */
static void section_note(struct reader *r, const struct config_key *key)
{
	struct mark *seen = &r->draft->seen[key - config_keys];

	if (seen->line)
		problems_add(&r->draft->problems, reader_mark(r), key->path,
			     "is there twice, first in line %u; keep one", seen->line);
	else
		*seen = reader_mark(r);
	if (key->flags & KEY_GATE)
		r->draft->config->gate_options_given = true;
}

static bool read_section(struct reader *r, const struct config_key *key);

static bool read_value(struct reader *r, const struct config_key *key)
{
	if (key->type == KEY_SECTION)
		return read_section(r, key);
	return key->type >= KEY_LISTS ? read_list(r, key) : read_scalar(r, key);
}

/* The keys and values of the mapping that the current event begins. */
static bool read_mapping(struct reader *r, const char *section)
{
	for (;;) {
		const struct config_key *key;

		if (!reader_next(r))
			return false;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return true;
		key = section_key(r, section);
		if (key)
			section_note(r, key);
		else if (!reader_skip(r)) /* the key itself may be a structure */
			return false;
		if (!reader_next(r))
			return false;
		if (!(key ? read_value(r, key) : reader_skip(r)))
			return false;
	}
}

/* As deep as the table of keys, no deeper, whatever the file does. */
static bool read_section(struct reader *r, const struct config_key *key)
{
	if (key->offset != KEY_NOWHERE)
		*(bool *)key_field(r->draft->config, key) = true;
	if (event_is_null(&r->event))
		return true;
	if (r->event.type != YAML_MAPPING_START_EVENT)
		return reader_mismatch(r, key);
	return read_mapping(r, key->path);
}

/* The top level: a mapping, or nothing at all. */
static bool read_root(struct reader *r)
{
	if (event_is_null(&r->event))
		return true;
	if (r->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(r, "");
	problems_add(&r->draft->problems, reader_mark(r), READER_SYNTAX,
		     "the file %s; it must be a mapping of keys to values", event_kind(&r->event));
	return false;
}

static bool read_stream(struct reader *r)
{
	if (!reader_next(r)) /* the stream begins */
		return false;
	if (!reader_next(r)) /* a document begins, or there is none */
		return false;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return true;
	if (!reader_next(r) || !read_root(r))
		return false;
	if (!reader_next(r)) /* the document ends */
		return false;
	if (!reader_next(r)) /* and the stream with it, or another begins */
		return false;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return true;
	problems_add(&r->draft->problems, reader_mark(r), READER_SYNTAX,
		     "a second document begins here; a file may have one");
	return false;
}

bool draft_read(struct draft *draft, const char *text, size_t length)
{
	struct reader r;
	bool complete;

	if (reader_init(&r, draft, text, length) < 0) {
		draft->problems.out_of_memory = true;
		return false;
	}
	complete = read_stream(&r);
	reader_done(&r);
	return complete;
}
