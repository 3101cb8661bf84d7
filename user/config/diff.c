/* SPDX-License-Identifier: MIT */
/* See describe.h: in which keys two configurations differ, type by type. */
#include <string.h>

#include "base/address.h"
#include "config/describe.h"
#include "config/keys.h"

_Static_assert(CONFIG_CHANGES_MAX >= KEY_COUNT_MAX, "an array of changes holds every key");

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool texts_equal(char *const *a, char *const *b, size_t max)
{
	for (size_t i = 0; i < max && (a[i] || b[i]); i++)
		if (!text_equal(a[i], b[i]))
			return false;
	return true;
}

static bool ports_equal(const struct config_edge *a, const struct config_edge *b)
{
	if (a->protect_all != b->protect_all || a->protect_icmp != b->protect_icmp ||
	    a->port_count != b->port_count)
		return false;
	for (size_t i = 0; i < a->port_count; i++)
		if (a->ports[i].protocol != b->ports[i].protocol ||
		    a->ports[i].first != b->ports[i].first || a->ports[i].last != b->ports[i].last)
			return false;
	return true;
}

static bool prefixes_equal(const struct config_prefixes *a, const struct config_prefixes *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!prefix_equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static bool key_equal(const void *a, const void *b, const struct config_key *key);

static bool item_equal(const void *a, const void *b, const struct config_key *list)
{
	for (const struct config_key *key = list + 1; key <= list + key_inside(list); key++)
		if (!key_equal(a, b, key))
			return false;
	return true;
}

/* The next one from *i on that is excluded, or that is not; NULL: there is none. */
static const struct config_class *class_next(const struct config_classes *classes, bool exclude,
					     size_t *i)
{
	while (*i < classes->count && classes->items[*i].exclude != exclude)
		++*i;
	return *i < classes->count ? &classes->items[(*i)++] : NULL;
}

static bool classes_equal(const struct config_classes *a, const struct config_classes *b,
			  const struct config_key *key)
{
	bool exclude = key->type == KEY_EXCLUDED;
	size_t i = 0, n = 0;

	for (;;) {
		const struct config_class *x = class_next(a, exclude, &i);
		const struct config_class *y = class_next(b, exclude, &n);

		if (!x || !y)
			return x == y;
		if (exclude ? !text_equal(x->name, y->name) : !item_equal(x, y, key))
			return false;
	}
}

static bool weights_equal(const struct config_gate *a, const struct config_gate *b,
			  const struct config_key *key)
{
	if (a->weight_count != b->weight_count)
		return false;
	for (size_t i = 0; i < a->weight_count; i++)
		if (!item_equal(&a->weights[i], &b->weights[i], key))
			return false;
	return true;
}

static bool list_equal(const struct config *a, const struct config *b, const struct config_key *key)
{
	const void *x = key_field_const(a, key), *y = key_field_const(b, key);

	switch (key->type) {
	case KEY_FAMILIES:
		return a->edge.ipv4 == b->edge.ipv4 && a->edge.ipv6 == b->edge.ipv6;
	case KEY_PORTS:
		return ports_equal(&a->edge, &b->edge);
	case KEY_FAILURES:
		return *(const uint32_t *)x == *(const uint32_t *)y;
	case KEY_PREFIXES:
		return prefixes_equal(x, y);
	case KEY_EXCLUDED:
	case KEY_CLASSES:
		return classes_equal(x, y, key);
	case KEY_WEIGHTS:
		return weights_equal(&a->gate, &b->gate, key);
	default:
		return texts_equal(x, y, key->max);
	}
}

static bool client_id_equal(const struct config_gate *a, const struct config_gate *b)
{
	return a->client_id == b->client_id && text_equal(a->client_id_header, b->client_id_header);
}

static bool value_equal(const void *x, const void *y, const struct config_key *key)
{
	switch (key->type) {
	case KEY_SECTION:
	case KEY_BOOL:
	case KEY_STYLE:
	case KEY_ON_OPEN:
		return *(const bool *)x == *(const bool *)y;
	case KEY_U8:
		return *(const uint8_t *)x == *(const uint8_t *)y;
	case KEY_I32:
	case KEY_U32:
	case KEY_DURATION:
		return *(const uint32_t *)x == *(const uint32_t *)y;
	case KEY_U64:
	case KEY_MILLI:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	case KEY_DECIMAL: /* both were read from thousandths, so equal ones are the same bits */
		return memcmp(x, y, sizeof(double)) == 0;
	case KEY_MODE:
		return *(const enum config_mode *)x == *(const enum config_mode *)y;
	case KEY_WINDOW:
		return memcmp(x, y, sizeof(struct config_window)) == 0;
	case KEY_PREFIX:
		return prefix_equal(x, y);
	default:
		return text_equal(*(const char *const *)x, *(const char *const *)y);
	}
}

/* a and b: configurations, or items of a list. */
static bool key_equal(const void *a, const void *b, const struct config_key *key)
{
	const struct config *x = a, *y = b;

	if (key->type >= KEY_LISTS)
		return list_equal(a, b, key);
	if (key->type == KEY_CLIENT_ID)
		return client_id_equal(&x->gate, &y->gate);
	return value_equal(key_field_const(a, key), key_field_const(b, key), key);
}

/*
 * A section is compared by its keys, unless being there is all that switches it on; the
 * keys of items with their lists.
 */
static bool key_is_compared(const struct config_key *key)
{
	if (key->flags & KEY_ITEM)
		return false;
	return key->type != KEY_SECTION ||
	       (key->offset != KEY_NOWHERE && !(key[1].flags & KEY_INSIDE));
}

size_t config_diff(const struct config *a, const struct config *b, struct config_change *ret,
		   size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (!key_is_compared(key) || key_equal(a, b, key))
			continue;
		if (count < max)
			ret[count] = (struct config_change){key->path, key->flags & KEY_RESTART};
		count++;
	}
	return count;
}
