/* SPDX-License-Identifier: MIT */
/*
 * The table of the configuration's keys. It drives the parser, the bounds, the words of
 * every problem, `config show`, the comparison at a reload and the manual, so that a key
 * is added in one place. Known to user/config/ only.
 */
#ifndef HATAGO_CONFIG_KEYS_H
#define HATAGO_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define KEY_ALLOWED_MAX 160 /* bytes of what key_allowed() writes */

enum key_type {
	KEY_SECTION,  /* a mapping; bool: it is there, unless the offset is KEY_NOWHERE */
	KEY_BOOL,     /* bool */
	KEY_U8,	      /* uint8_t */
	KEY_U32,      /* uint32_t */
	KEY_U64,      /* uint64_t */
	KEY_DURATION, /* uint32_t, ms */
	KEY_DECIMAL,  /* double; min and max in thousandths */
	KEY_MILLI,    /* uint64_t, thousandths, as are min and max */
	KEY_MODE,     /* enum config_mode */
	KEY_PATH,     /* char *, absolute; max: bytes */
	KEY_URL_PATH, /* char *; max: bytes */
	KEY_LISTEN,   /* char *, HOST:PORT */
	KEY_GROUP,    /* char *, NULL where empty; max: bytes */
	KEY_LISTS,    /* from here on: lists */
	KEY_DEVICES = KEY_LISTS, /* of struct config_edge; max: items, as below */
	KEY_FAMILIES,		 /* of struct config_edge */
	KEY_PORTS,		 /* of struct config_edge */
	KEY_PREFIXES,		 /* struct config_prefixes */
};

enum key_flags {
	KEY_RESTART = 1 << 0, /* a change takes effect only at a start */
	KEY_GATE = 1 << 1,    /* only the gate obeys it */
	KEY_INSIDE = 1 << 2,  /* the default holds where the section is there; else it is off */
};

#define KEY_NOWHERE SIZE_MAX

struct config_key {
	const char *path;
	enum key_type type;
	unsigned int flags;
	size_t offset; /* in struct config */
	uint64_t min, max;
	const char *preset; /* the default, as it would be written; NULL: none */
	const char *help;   /* a sentence or two; no '|', for the manual is a table */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;
#define KEY_COUNT_MAX 96

/* The key of this path, or NULL. */
const struct config_key *key_find(const char *path);
/* Where the key's value lies. */
void *key_field(struct config *config, const struct config_key *key);
const void *key_field_const(const struct config *config, const struct config_key *key);
/* The last part of the path. */
const char *key_leaf(const struct config_key *key);
/* Is the key directly in the section of this path ("" for the top level)? */
bool key_is_in(const struct config_key *key, const char *section);
/* In words: "a whole number from 64 to 16777216". */
void key_allowed(const struct config_key *key, char buf[KEY_ALLOWED_MAX]);

const char *config_mode_name(enum config_mode mode);

#endif
