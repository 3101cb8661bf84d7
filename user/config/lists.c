/* SPDX-License-Identifier: MIT */
/*
 * The items of lists: texts and prefixes here, ports and families in ports.c, mappings in
 * items.c. Each item is judged by itself; two that contradict each other are found as the
 * second arrives, prefixes after sorting, since there may be many.
 */
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/memory.h"
#include "config/draft.h"
#include "config/limits.h"
#include "config/value.h"

#define DEVICE_NAME_MAX 15 /* IFNAMSIZ without the NUL */

void draft_refuse_item(struct draft *draft, const struct config_key *key, const char *text,
		       struct mark at, const char *allowed)
{
	problems_add(&draft->problems, at, key->path, "'%.*s' is not allowed; an item must be %s",
		     CONFIG_SHOWN_MAX, text, allowed);
}

/* What the kernel takes as a name, and the pins' folder with it. */
static bool device_is_name(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > DEVICE_NAME_MAX || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0)
		return false;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '/' || *c == ':')
			return false;
	return true;
}

/* In words, for the lists whose items are text. */
static const char *text_allowed(const struct config_key *key)
{
	if (key->type == KEY_LISTENERS)
		return "ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, localhost:PORT, or "
		       "unix:/PATH";
	if (key->type == KEY_UPSTREAMS)
		return "http://ADDRESS:PORT such as http://127.0.0.1:8787 or http://[::1]:8787, "
		       "http://localhost:PORT, or unix:/PATH";
	return "a word of up to 2048 bytes, without control characters beyond ASCII, and the "
	       "first one a program";
}

/* False after a problem. */
static bool text_check(struct draft *draft, const struct config_key *key, const char *text,
		       struct mark at)
{
	bool is_first = !*(char **)key_field(draft->config, key);

	if (key->type == KEY_DEVICES && !device_is_name(text))
		problems_add(&draft->problems, at, key->path,
			     "'%.*s' is no name of a device; it must have 1 to %d bytes without "
			     "blanks, '/' and ':'",
			     CONFIG_SHOWN_MAX, text, DEVICE_NAME_MAX);
	else if (!value_is_spelled(key, text) || (is_first && !*text))
		draft_refuse_item(draft, key, text, at, text_allowed(key));
	else
		return true;
	return false;
}

/* How many texts a list has is written down beside it, but for a command. */
static void text_count(struct config *config, const struct config_key *key, size_t count)
{
	if (key->type == KEY_DEVICES)
		config->edge.device_count = count;
	else if (key->type == KEY_LISTENERS)
		config->gate.listen_count = count;
	else if (key->type == KEY_UPSTREAMS)
		config->gate.upstream_count = count;
}

static void list_add_text(struct draft *draft, const struct config_key *key, const char *text,
			  struct mark at)
{
	char **items = key_field(draft->config, key);
	size_t count = 0;

	if (!text_check(draft, key, text, at))
		return;
	for (; count < key->max && items[count]; count++)
		if (key->type != KEY_COMMAND && strcmp(items[count], text) == 0) {
			problems_add(&draft->problems, at, key->path, "%s is listed twice; %s",
				     text,
				     key->type == KEY_DEVICES ? "a device can be attached to once"
							      : "keep one");
			return;
		}
	items[count] = strdup(text);
	if (items[count])
		text_count(draft->config, key, count + 1);
	else
		draft->problems.out_of_memory = true;
}

static void list_add_prefix(struct draft *draft, const struct config_key *key, const char *text,
			    struct mark at)
{
	struct draft_prefixes *list = &draft->prefixes[key - config_keys];
	struct draft_prefix item = {.at = at};
	struct err err;

	if (prefix_read(text, &item.prefix, &err) < 0) {
		problems_add(&draft->problems, at, key->path, "%s", err.text);
		return;
	}
	if (memory_grow(&list->items, &list->capacity, list->count, sizeof(item)) < 0) {
		draft->problems.out_of_memory = true;
		return;
	}
	list->items[list->count++] = item;
}

void list_clear(struct config *config, const struct config_key *key)
{
	void *field = key_field(config, key);

	switch (key->type) {
	case KEY_FAMILIES:
		config->edge.ipv4 = config->edge.ipv6 = false;
		break;
	case KEY_PORTS:
		free(config->edge.ports);
		config->edge.ports = NULL;
		config->edge.port_count = 0;
		config->edge.protect_all = config->edge.protect_icmp = false;
		break;
	case KEY_FAILURES:
		*(uint32_t *)field = 0;
		break;
	case KEY_PREFIXES:
		free(((struct config_prefixes *)field)->items);
		*(struct config_prefixes *)field = (struct config_prefixes){0};
		break;
	case KEY_EXCLUDED:
	case KEY_CLASSES:
		classes_clear(field, key->type == KEY_EXCLUDED);
		break;
	case KEY_WEIGHTS:
		config->gate.weight_count = 0;
		break;
	default:
		for (size_t i = 0; i < key->max; i++) {
			free(((char **)field)[i]);
			((char **)field)[i] = NULL;
		}
		text_count(config, key, 0);
	}
}

void draft_list_begin(struct draft *draft, const struct config_key *key)
{
	draft->items[key - config_keys] = 0;
	draft->prefixes[key - config_keys].count = 0;
	list_clear(draft->config, key);
}

bool draft_list_count(struct draft *draft, const struct config_key *key, struct mark at)
{
	size_t count = ++draft->items[key - config_keys];

	if (count == key->max + 1) /* told once */
		problems_add(&draft->problems, at, key->path,
			     "the list is too long; it may have %zu entries", (size_t)key->max);
	return count <= key->max;
}

void draft_list_add(struct draft *draft, const struct config_key *key, const char *text,
		    struct mark at)
{
	if (!draft_list_count(draft, key, at))
		return;
	switch (key->type) {
	case KEY_FAMILIES:
		draft_add_family(draft, key, text, at);
		break;
	case KEY_PORTS:
		draft_add_port(draft, key, text, at);
		break;
	case KEY_FAILURES:
		draft_add_failure(draft, key, text, at);
		break;
	case KEY_PREFIXES:
		list_add_prefix(draft, key, text, at);
		break;
	case KEY_EXCLUDED:
		draft_add_excluded(draft, key, text, at);
		break;
	default:
		list_add_text(draft, key, text, at);
	}
}

int draft_prefix_compare(const void *left, const void *right)
{
	const struct draft_prefix *a = left, *b = right;
	int r = memcmp(a->prefix.address, b->prefix.address, sizeof(a->prefix.address));

	if (r == 0 && a->prefix.length != b->prefix.length)
		r = a->prefix.length < b->prefix.length ? -1 : 1;
	return r;
}

static void prefixes_finish(struct draft *draft, struct draft_prefixes *list,
			    struct config_prefixes *ret)
{
	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(list->items[0]), draft_prefix_compare);
	ret->items = calloc(list->count, sizeof(ret->items[0]));
	if (!ret->items) {
		draft->problems.out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		if (i == 0 || draft_prefix_compare(&list->items[i - 1], &list->items[i]) != 0)
			ret->items[ret->count++] = list->items[i].prefix;
}

void draft_prefixes_finish(struct draft *draft)
{
	for (const struct config_key *key = config_keys; key < config_keys + config_key_count;
	     key++)
		if (key->type == KEY_PREFIXES)
			prefixes_finish(draft, &draft->prefixes[key - config_keys],
					key_field(draft->config, key));
}
