/* SPDX-License-Identifier: MIT */
/*
 * The items of lists: devices, ports, families, prefixes. Each item is judged by itself;
 * two that contradict each other are found as the second arrives, prefixes after sorting,
 * since there may be many.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/draft.h"
#include "config/limits.h"

#define DEVICE_NAME_MAX 15 /* IFNAMSIZ without the NUL */
#define PORT_MAX	65535

static struct draft_prefixes *draft_prefixes_of(struct draft *draft, const struct config_key *key)
{
	return key_field(draft->config, key) == &draft->config->edge.allow ? &draft->allow
									   : &draft->deny;
}

static void list_refuse(struct draft *draft, const struct config_key *key, const char *text,
			struct mark at)
{
	const char *allowed = key->type == KEY_FAMILIES
				      ? "ipv4 or ipv6"
				      : "PORT/tcp, PORT/udp, FIRST-LAST/tcp or FIRST-LAST/udp with "
					"ports from 1 to 65535, icmp or all";

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

static void list_add_device(struct draft *draft, const struct config_key *key, const char *text,
			    struct mark at)
{
	struct config_edge *edge = &draft->config->edge;

	if (!device_is_name(text)) {
		problems_add(&draft->problems, at, key->path,
			     "'%.*s' is no name of a device; it must have 1 to %d bytes without "
			     "blanks, '/' and ':'",
			     CONFIG_SHOWN_MAX, text, DEVICE_NAME_MAX);
		return;
	}
	for (size_t i = 0; i < edge->device_count; i++)
		if (strcmp(edge->devices[i], text) == 0) {
			problems_add(&draft->problems, at, key->path,
				     "%s is listed twice; a device can be attached to once", text);
			return;
		}
	edge->devices[edge->device_count] = strdup(text);
	if (edge->devices[edge->device_count])
		edge->device_count++;
	else
		draft->problems.out_of_memory = true;
}

static void list_add_family(struct draft *draft, const struct config_key *key, const char *text,
			    struct mark at)
{
	if (strcmp(text, "ipv4") == 0)
		draft->config->edge.ipv4 = true;
	else if (strcmp(text, "ipv6") == 0)
		draft->config->edge.ipv6 = true;
	else
		list_refuse(draft, key, text, at);
}

/* "8080", "6000-7000" */
static bool port_range_parse(const char *text, size_t length, struct config_port_range *ret)
{
	char first[16], *last;
	uint64_t low, high;

	if (length >= sizeof(first))
		return false;
	memcpy(first, text, length);
	first[length] = '\0';
	last = strchr(first, '-');
	if (last)
		*last++ = '\0';
	if (!text_to_u64(first, 1, PORT_MAX, &low) ||
	    !text_to_u64(last ? last : first, low, PORT_MAX, &high))
		return false;
	ret->first = (uint16_t)low;
	ret->last = (uint16_t)high;
	return true;
}

/* 0; -EPROTOTYPE: only the protocol is missing; -EINVAL: anything else. */
static int port_parse(const char *text, struct config_port_range *ret)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct config_port_range range;

	if (!port_range_parse(text, length, &range))
		return -EINVAL;
	if (!slash)
		return -EPROTOTYPE;
	if (strcmp(slash, "/tcp") == 0)
		range.protocol = HATAGO_TCP;
	else if (strcmp(slash, "/udp") == 0)
		range.protocol = HATAGO_UDP;
	else
		return -EINVAL;
	*ret = range;
	return 0;
}

static void list_add_port(struct draft *draft, const struct config_key *key, const char *text,
			  struct mark at)
{
	struct config_edge *edge = &draft->config->edge;
	struct config_port_range range, *ports;
	int r;

	if (strcmp(text, "all") == 0) {
		edge->protect_all = true;
		return;
	}
	if (strcmp(text, "icmp") == 0) {
		edge->protect_icmp = true;
		return;
	}
	r = port_parse(text, &range);
	if (r == -EPROTOTYPE) {
		problems_add(&draft->problems, at, key->path,
			     "'%s' has no protocol; write %s/tcp or %s/udp", text, text, text);
		return;
	}
	if (r < 0) {
		list_refuse(draft, key, text, at);
		return;
	}
	ports = reallocarray(edge->ports, edge->port_count + 1, sizeof(range));
	if (!ports) {
		draft->problems.out_of_memory = true;
		return;
	}
	ports[edge->port_count++] = range;
	edge->ports = ports;
}

static void list_add_prefix(struct draft *draft, const struct config_key *key, const char *text,
			    struct mark at)
{
	struct draft_prefixes *list = draft_prefixes_of(draft, key);
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

void draft_list_begin(struct draft *draft, const struct config_key *key)
{
	struct config_edge *edge = &draft->config->edge;

	draft->items[key - config_keys] = 0;
	switch (key->type) {
	case KEY_DEVICES:
		while (edge->device_count)
			free(edge->devices[--edge->device_count]);
		break;
	case KEY_FAMILIES:
		edge->ipv4 = edge->ipv6 = false;
		break;
	case KEY_PORTS:
		edge->port_count = 0;
		edge->protect_all = edge->protect_icmp = false;
		break;
	default:
		draft_prefixes_of(draft, key)->count = 0;
	}
}

void draft_list_add(struct draft *draft, const struct config_key *key, const char *text,
		    struct mark at)
{
	size_t count = ++draft->items[key - config_keys];

	if (count > key->max) {
		if (count == key->max + 1) /* told once */
			problems_add(&draft->problems, at, key->path,
				     "the list is too long; it may have %zu entries",
				     (size_t)key->max);
		return;
	}
	switch (key->type) {
	case KEY_DEVICES:
		list_add_device(draft, key, text, at);
		break;
	case KEY_FAMILIES:
		list_add_family(draft, key, text, at);
		break;
	case KEY_PORTS:
		list_add_port(draft, key, text, at);
		break;
	default:
		list_add_prefix(draft, key, text, at);
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
	prefixes_finish(draft, &draft->allow, &draft->config->edge.allow);
	prefixes_finish(draft, &draft->deny, &draft->config->edge.deny);
}
