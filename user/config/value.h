/* SPDX-License-Identifier: MIT */
/*
 * From a scalar's text to a key's field: ${NAME} from the environment, then strictly
 * by the key's type. Knows nothing of YAML. Known to user/config/ only.
 */
#ifndef HATAGO_CONFIG_VALUE_H
#define HATAGO_CONFIG_VALUE_H

#include <stdbool.h>

#include "base/err.h"
#include "config/keys.h"
#include "config/limits.h"

/*
 * Puts the environment's values in the place of ${NAME} and ${NAME:-default}; $${ stands
 * for ${ itself. What comes from the environment is never read again. *ret_expanded
 * tells whether there was any. Returns 0 or -EINVAL with words.
 */
int value_expand(const char *text, char ret[CONFIG_VALUE_MAX], bool *ret_expanded, struct err *err);
/* The other way round: what value_expand() would read as this text. Cut to the buffer. */
void value_escape(const char *text, char ret[CONFIG_VALUE_MAX]);
/* Is this how a text of the key, or an item of its list, is written? */
bool value_is_spelled(const struct config_key *key, const char *text);
/* breaker.c: "30s", "30000", "100 calls". false: it is none of these, or out of bounds. */
bool value_window(const struct config_key *key, const char *text, struct config_window *ret);
/*
 * Sets the field of a key that is no section and no list. base: as for key_field(). Returns
 * 0, a negative errno with words (the field is untouched then) or -ENOMEM.
 */
int value_set(void *base, const struct config_key *key, const char *text, struct err *err);

#endif
