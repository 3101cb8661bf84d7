/* SPDX-License-Identifier: MIT */
/*
 * The values of a refusal as JSON, written into a buffer of fixed size: what the built-in
 * bodies (refusal.c) and the operator's templates (refusal_template.c) have in common. No
 * memory, since refusing must stay cheap when everything else is scarce.
 */
#ifndef HATAGO_CORE_REFUSAL_PARTS_H
#define HATAGO_CORE_REFUSAL_PARTS_H

#include "core/refusal.h"

/* A text that grows in a buffer; what no longer fits sets is_full, and nothing is half. */
struct refusal_out {
	char *to;
	size_t length, size; /* size: with the NUL, which the caller sets */
	bool is_full;
};

/* X(NAME, name): everything that a body can tell. */
#define REFUSAL_VALUES(X)                  \
	X(RETRY_AFTER, "retryAfter")       \
	X(LIMIT, "limit")                  \
	X(REMAINING, "remaining")          \
	X(RESET_TIME, "resetTime")         \
	X(QUEUE_POSITION, "queuePosition") \
	X(ESTIMATED_WAIT, "estimatedWait") \
	X(WAITED, "waited")                \
	X(MAX_CONCURRENT, "maxConcurrent") \
	X(CURRENT, "current")              \
	X(STATE, "state")                  \
	X(NEXT_CHECK, "nextCheck")         \
	X(CODE, "code")

enum refusal_value {
#define REFUSAL_VALUE_NUMBER(name, text) REFUSAL_VALUE_##name,
	REFUSAL_VALUES(REFUSAL_VALUE_NUMBER)
#undef REFUSAL_VALUE_NUMBER
		REFUSAL_VALUE_COUNT
};

void refusal_put(struct refusal_out *out, const char *bytes, size_t n);
void refusal_puts(struct refusal_out *out, const char *text);
void refusal_put_u64(struct refusal_out *out, uint64_t v);
/* Is it a text, which JSON has in quotes, and not a number? */
bool refusal_value_is_text(enum refusal_value value);
/* The value's characters, escaped as JSON needs them but without quotes;
 * numbers end at 2^53 - 1. */
void refusal_put_value(struct refusal_out *out, const struct refusal *refusal, int32_t code,
		       enum refusal_value value);
/* Fills the template in; false: it has a placeholder of no value, or the outcome didn't fit. */
bool refusal_put_template(struct refusal_out *out, const struct refusal *refusal, int32_t code,
			  const char *text);

#endif
