/* SPDX-License-Identifier: MIT */
/*
 * A configuration while it is being read: the values so far, where each stood, and what
 * is wrong with it. read.c fills it key by key, lists.c item by item; check.c then judges
 * it as a whole. Lists of mappings are filled by items.c. Known to user/config/ only.
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
	struct draft_prefixes prefixes[KEY_COUNT_MAX];
	void *item; /* of a list of mappings: the one that is being read */
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
/* Counts one more item; false, after a problem, where the list is full. */
bool draft_list_count(struct draft *draft, const struct config_key *key, struct mark at);
void draft_refuse_item(struct draft *draft, const struct config_key *key, const char *text,
		       struct mark at, const char *allowed);
/* Frees what a list of the configuration holds, and empties it. */
void list_clear(struct config *config, const struct config_key *key);
int draft_prefix_compare(const void *left, const void *right); /* struct draft_prefix */
/* Sorts the prefixes, drops repeated ones and moves them to the configuration. */
void draft_prefixes_finish(struct draft *draft);

/* ports.c: one item of edge.families or edge.protect. */
void draft_add_family(struct draft *draft, const struct config_key *key, const char *text,
		      struct mark at);
void draft_add_port(struct draft *draft, const struct config_key *key, const char *text,
		    struct mark at);

/* items.c: a mapping of a list begins, whose place is draft->item; false: it is to be skipped. */
bool draft_item_begin(struct draft *draft, const struct config_key *list, struct mark at);
/* It has been read, from `at` on. */
void draft_item_end(struct draft *draft, const struct config_key *list, struct mark at);
void draft_add_excluded(struct draft *draft, const struct config_key *key, const char *text,
			struct mark at);
/* Drops the ones that are excluded, or the others. */
void classes_clear(struct config_classes *classes, bool exclude);

/* breaker.c: one item of circuitBreaker.failOn; then what its keys have to do with each other. */
void draft_add_failure(struct draft *draft, const struct config_key *key, const char *text,
		       struct mark at);
void draft_check_breaker(struct draft *draft);

/* check.c: prepares the limits and finds contradictions between keys. */
void draft_check(struct draft *draft);
/* A bucket that would take too long to fill. */
void draft_refuse_fill(struct draft *draft, struct mark at, const char *path,
		       const struct hatago_limit *limit);
/* check_gate.c: likewise for the gate; also fills in what follows from other keys. */
void draft_check_gate(struct draft *draft);

#endif
