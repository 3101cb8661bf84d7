/* SPDX-License-Identifier: MIT */
/*
 * The table of the configuration's keys. It drives the parser, the bounds, the words of
 * every problem, `config show`, the comparison at a reload and the manual, so that a key
 * is added in one place. Known to user/config/ only.
 */
#ifndef HATAGO_CONFIG_KEYS_H
#define HATAGO_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define KEY_ALLOWED_MAX 192 /* bytes of what key_allowed() writes */

enum key_type {
	KEY_SECTION,		/* a mapping; bool: it is there, unless the offset is KEY_NOWHERE */
	KEY_BOOL,		/* bool */
	KEY_U8,			/* uint8_t */
	KEY_U32,		/* uint32_t */
	KEY_I32,		/* int32_t, all of them; min and max are not looked at */
	KEY_U64,		/* uint64_t */
	KEY_DURATION,		/* uint32_t, ms */
	KEY_DECIMAL,		/* double; min and max in thousandths */
	KEY_MILLI,		/* uint64_t, thousandths, as are min and max */
	KEY_TEXTUAL,		/* from here on: text, which may stand in quotes */
	KEY_MODE = KEY_TEXTUAL, /* enum config_mode */
	KEY_STYLE,		/* bool: inband */
	KEY_ON_OPEN,		/* bool: hold */
	KEY_WINDOW,		/* struct config_window; min and max of its ms */
	KEY_CLIENT_ID,		/* enum config_client_id, and its header; max: bytes of that */
	KEY_PREFIX,		/* struct hatago_prefix */
	KEY_STRINGS,		/* from here on: char *, NULL where empty */
	KEY_PATH = KEY_STRINGS, /* absolute; empty only where that is the default; max: bytes */
	KEY_URL_PATH,		/* max: bytes */
	KEY_ROUTE,		/* a path, or its beginning and '*'; max: bytes */
	KEY_METHOD,		/* a JSON-RPC method, likewise; max: bytes */
	KEY_LISTEN,		/* HOST:PORT */
	KEY_GROUP,		/* max: bytes */
	KEY_TEMPLATE,		/* of a refusal; max: bytes */
	KEY_LISTS,		/* from here on: lists; max: items */
	KEY_DEVICES = KEY_LISTS,    /* char *[max] */
	KEY_LISTENERS,		    /* likewise */
	KEY_UPSTREAMS,		    /* likewise; a single one may stand without a list */
	KEY_COMMAND,		    /* likewise */
	KEY_FAMILIES,		    /* of struct config_edge */
	KEY_PORTS,		    /* of struct config_edge */
	KEY_FAILURES,		    /* uint32_t, bits of enum config_failure */
	KEY_PREFIXES,		    /* struct config_prefixes */
	KEY_EXCLUDED,		    /* struct config_classes: those that are never limited */
	KEY_MAPPINGS,		    /* from here on: the items are mappings */
	KEY_CLASSES = KEY_MAPPINGS, /* struct config_classes: the others */
	KEY_WEIGHTS,		    /* of struct config_gate */
};

enum key_flags {
	KEY_RESTART = 1 << 0,  /* a change takes effect only at a start */
	KEY_GATE = 1 << 1,     /* only the gate obeys it */
	KEY_INSIDE = 1 << 2,   /* the default holds where the section is there; else it is off */
	KEY_ITEM = 1 << 3,     /* in a list's mappings: the offset is in an item */
	KEY_OPTIONAL = 1 << 4, /* has no default and may be missing, which is 0 */
	KEY_FOLLOWS = 1 << 5,  /* the default is the value of another key, which preset names */
};

#define KEY_NOWHERE SIZE_MAX

struct config_key {
	const char *path;
	enum key_type type;
	unsigned int flags;
	size_t offset; /* in struct config, or an item */
	uint64_t min, max;
	const char *preset; /* the default, as it would be written; NULL: none */
	const char *help;   /* a sentence or two; no '|', for the manual is a table */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;
#define KEY_COUNT_MAX 192

/* The key of this path, or NULL. */
const struct config_key *key_find(const char *path);
/* Where the key's value lies. base: the configuration, or the item of a KEY_ITEM. */
void *key_field(void *base, const struct config_key *key);
const void *key_field_const(const void *base, const struct config_key *key);
/* The last part of the path. */
const char *key_leaf(const struct config_key *key);
/* Is the key directly in the section of this path ("" for the top level)? */
bool key_is_in(const struct config_key *key, const char *section);
/* Is its default an empty text, so that it may be empty? */
bool key_is_preset_empty(const struct config_key *key);
/* How many of the keys that follow are in this section or list, at any depth. */
size_t key_inside(const struct config_key *section);
/* In words: "a whole number from 64 to 16777216". */
void key_allowed(const struct config_key *key, char buf[KEY_ALLOWED_MAX]);

const char *config_mode_name(enum config_mode mode);
/* The word for one value of a KEY_STYLE or KEY_ON_OPEN; NULL: the key is neither. */
const char *key_choice(const struct config_key *key, bool value);

#endif
