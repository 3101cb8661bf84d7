/* SPDX-License-Identifier: MIT */
/*
 * Lists of mappings: the routes and methods of the gate, and its weights. read.c fills an
 * item key by key, as it does a section, between draft_item_begin() and draft_item_end().
 * Paths that are never limited are routes too, though they stand in a list of their own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "config/draft.h"
#include "config/limits.h"
#include "config/value.h"
#include "hatago/bucket.h"

void classes_clear(struct config_classes *classes, bool exclude)
{
	size_t kept = 0;

	for (size_t i = 0; i < classes->count; i++) {
		if (classes->items[i].exclude == exclude)
			free(classes->items[i].name);
		else
			classes->items[kept++] = classes->items[i];
	}
	classes->count = kept;
}

/* A new one, all zeros, or NULL after a problem: it shares its bound with gate.exclude. */
static struct config_class *class_new(struct draft *draft, const struct config_key *list,
				      struct mark at)
{
	struct config_classes *classes = key_field(draft->config, list);
	struct config_class *class = &classes->items[classes->count];

	if (classes->count == CONFIG_CLASSES_MAX) {
		problems_add(&draft->problems, at, list->path,
			     "is too long; gate.exclude and gate.routes may have %d entries "
			     "together",
			     CONFIG_CLASSES_MAX);
		return NULL;
	}
	*class = (struct config_class){0};
	classes->count++;
	return class;
}

/* Names are NULL where they were refused. */
static void class_check_name(struct draft *draft, const struct config_key *list,
			     const struct config_class *class, struct mark at)
{
	const struct config_classes *classes = key_field(draft->config, list);

	for (const struct config_class *c = classes->items; c < class && class->name; c++) {
		if (!c->name || strcmp(c->name, class->name) != 0)
			continue;
		if (c->exclude == class->exclude)
			problems_add(&draft->problems, at, list->path,
				     "%s is listed twice; keep one", class->name);
		else
			problems_add(&draft->problems, at, list->path,
				     "%s is in %s as well; keep one of them", class->name,
				     c->exclude ? "gate.exclude" : "gate.routes");
		return;
	}
}

/* The key of an item, and where it stood in the item that was read last. */
static const struct config_key *item_key(const struct config_key *list, const char *leaf)
{
	const struct config_key *key = list + 1;

	while (strcmp(key_leaf(key), leaf) != 0)
		key++;
	return key;
}

static struct mark item_seen(const struct draft *draft, const struct config_key *key)
{
	return draft->seen[key - config_keys];
}

/* A bucket has a rate and a burst, or there is none. */
static void class_finish(struct draft *draft, const struct config_key *list,
			 struct config_class *class, struct mark at)
{
	const struct config_key *rate = item_key(list, "tokensPerSecond");
	const struct config_key *burst = item_key(list, "burstCapacity");
	struct mark rate_at = item_seen(draft, rate), burst_at = item_seen(draft, burst);
	struct hatago_limit *limit = &class->limit;

	class_check_name(draft, list, class, at);
	if (!rate_at.line != !burst_at.line)
		problems_add(&draft->problems, rate_at.line ? rate_at : burst_at,
			     rate_at.line ? burst->path : rate->path,
			     "is missing; a bucket has tokensPerSecond and burstCapacity");
	if (!limit->rate_milli || !limit->burst)
		return;
	if (hatago_limit_make(limit->rate_milli, limit->burst, 0, limit) < 0)
		draft_refuse_fill(draft, burst_at, burst->path, limit);
	else
		class->has_limit = true;
}

static void weight_finish(struct draft *draft, const struct config_key *list,
			  const struct config_weight *weight, struct mark at)
{
	char text[PREFIX_TEXT_MAX];

	if (!weight->prefix.length) /* it was refused */
		return;
	for (const struct config_weight *w = draft->config->gate.weights; w < weight; w++)
		if (prefix_equal(&w->prefix, &weight->prefix)) {
			prefix_format(&weight->prefix, text);
			problems_add(&draft->problems, at, list->path,
				     "%s is listed twice; keep one", text);
			return;
		}
}

bool draft_item_begin(struct draft *draft, const struct config_key *list, struct mark at)
{
	struct config_gate *gate = &draft->config->gate;

	if (!draft_list_count(draft, list, at))
		return false;
	if (list->type == KEY_CLASSES) {
		draft->item = class_new(draft, list, at);
	} else {
		draft->item = &gate->weights[gate->weight_count++];
		gate->weights[gate->weight_count - 1] = (struct config_weight){0};
	}
	if (!draft->item)
		return false;
	for (const struct config_key *key = list + 1; key <= list + key_inside(list); key++) {
		draft->seen[key - config_keys] = (struct mark){0};
		if (key->preset && value_set(draft->item, key, key->preset, NULL) < 0)
			draft->problems.out_of_memory = true;
	}
	return true;
}

void draft_item_end(struct draft *draft, const struct config_key *list, struct mark at)
{
	char allowed[KEY_ALLOWED_MAX];

	for (const struct config_key *key = list + 1; key <= list + key_inside(list); key++) {
		if (key->preset || (key->flags & KEY_OPTIONAL) || item_seen(draft, key).line)
			continue;
		key_allowed(key, allowed);
		problems_add(&draft->problems, at, key->path, "is missing; it must be %s", allowed);
	}
	if (list->type == KEY_CLASSES)
		class_finish(draft, list, draft->item, at);
	else
		weight_finish(draft, list, draft->item, at);
}

void draft_add_excluded(struct draft *draft, const struct config_key *key, const char *text,
			struct mark at)
{
	struct config_class *class;

	if (!value_is_spelled(key, text)) {
		draft_refuse_item(draft, key, text, at,
				  "a path such as /health, or the beginning of one such as "
				  "/static/*");
		return;
	}
	class = class_new(draft, key, at);
	if (!class)
		return;
	class->exclude = true;
	class->name = strdup(text);
	if (class->name)
		class_check_name(draft, key, class, at);
	else
		draft->problems.out_of_memory = true;
}
