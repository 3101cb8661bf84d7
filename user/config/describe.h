/* SPDX-License-Identifier: MIT */
/*
 * A checked configuration described: as JSON, as the difference to another one, and the
 * keys themselves as a table for the manual. All three walk the one key table.
 */
#ifndef HATAGO_CONFIG_DESCRIBE_H
#define HATAGO_CONFIG_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/json.h"
#include "config/config.h"

/* More keys than there are, so that an array of it holds every change. */
#define CONFIG_CHANGES_MAX 192

struct config_change {
	const char *key; /* its path, such as "edge.packets.burstCapacity"; static */
	bool restart;	 /* takes effect only when hatagod starts again */
};

/* Writes one object, which config_parse() reads back as the same configuration. key: as json.h. */
void config_json(const struct config *config, const char *key, struct json *j);
/*
 * The keys in which b differs from a, in the table's order; at most `max` of them are
 * written to ret. Returns how many there are.
 */
size_t config_diff(const struct config *a, const struct config *b, struct config_change *ret,
		   size_t max);
/* Every key with its default, what it allows and what it is for. */
void config_keys_markdown(FILE *out);

#endif
