/* SPDX-License-Identifier: MIT */
/*
 * A configuration while it is being read: the values so far, where each stood, and what
 * is wrong with it. read.c fills it key by key, lists.c item by item; check.c then judges
 * it as a whole. Known to user/config/ only.
 */
#ifndef HATAGO_CONFIG_DRAFT_H
#define HATAGO_CONFIG_DRAFT_H

#include "config/config.h"
#include "config/keys.h"
#include "config/problems.h"

struct draft_prefix {
	struct hatago_prefix prefix;
	struct mark at;
};

struct draft_prefixes {
	struct draft_prefix *items;
	size_t count, capacity;
};

struct draft {
	struct config *config;
	struct problems problems;
	/* By the key's index in the table: where it stood, and how many items a list had. */
	struct mark seen[KEY_COUNT_MAX];
	size_t items[KEY_COUNT_MAX];
	struct draft_prefixes allow, deny;
};

/* Fills in the defaults. 0 or -ENOMEM. */
int draft_init(struct draft *draft, struct config *config, const char *file);
void draft_done(struct draft *draft);
/* Where the key stood; line 0: it is not in the file. */
struct mark draft_seen(const struct draft *draft, const char *path);

/*
 * read.c: reads the text into the draft; what is wrong becomes problems. False where the
 * text broke off: it is no YAML, or a bound was passed.
 */
bool draft_read(struct draft *draft, const char *text, size_t length);

/* lists.c: empties a list before its items are read (a key may be there twice), then adds one. */
void draft_list_begin(struct draft *draft, const struct config_key *key);
void draft_list_add(struct draft *draft, const struct config_key *key, const char *text,
		    struct mark at);
int draft_prefix_compare(const void *left, const void *right); /* struct draft_prefix */
/* Sorts the prefixes, drops repeated ones and moves them to the configuration. */
void draft_prefixes_finish(struct draft *draft);

/* check.c: prepares the limits and finds contradictions between keys. */
void draft_check(struct draft *draft);

#endif
