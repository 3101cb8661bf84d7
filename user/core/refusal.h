/* SPDX-License-Identifier: MIT */
/*
 * The body of a refusal: the JSON-RPC errors of the seed document, field by field, the
 * two kinds that it lacks, and the operator's own templates. Pure: no clock, no memory.
 */
#ifndef HATAGO_CORE_REFUSAL_H
#define HATAGO_CORE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFUSAL_BODY_MAX     4096 /* bytes, with the NUL */
#define REFUSAL_TEMPLATE_MAX 2048

/* X(name, label, message) */
#define REFUSALS(X)                                                          \
	X(RATE, "rate_limit", "Rate limit exceeded")                         \
	X(CONCURRENCY, "concurrency_limit", "Server overloaded")             \
	X(BREAKER, "circuit_breaker", "Service temporarily unavailable")     \
	X(QUEUE_TIMEOUT, "queue_timeout", "Waited too long for a free slot") \
	X(DRAINING, "draining", "Server is shutting down")

enum refusal_kind {
#define REFUSAL_NUMBER(name, label, message) REFUSAL_##name,
	REFUSALS(REFUSAL_NUMBER)
#undef REFUSAL_NUMBER
		REFUSAL_KINDS
};

struct refusal {
	enum refusal_kind kind;
	uint64_t retry_after_s;
	double limit;		   /* tokens per second */
	uint64_t remaining;	   /* tokens */
	uint64_t reset_ns;	   /* CLOCK_REALTIME, when one token is there again */
	uint64_t queue_position;   /* where it would have stood, or stood */
	uint64_t estimated_wait_ms;
	uint64_t waited_ms;	   /* queue_timeout */
	uint32_t max_concurrent, current;
	const char *state;	   /* of the breaker */
	uint64_t next_check_ns;	   /* CLOCK_REALTIME */
};

struct refusal_style {
	int32_t code;		   /* of the error: -32000 */
	bool null_id; /* "id": null, as the seed document has it literally, whatever the id */
	const char *templates[REFUSAL_KINDS]; /* JSON of the error object; NULL: the built-in */
};

/*
 * Writes the body for a JSON-RPC caller and returns its length. id: the request's, as JSON,
 * or NULL; then the member is left out, unless style->null_id.
 */
size_t refusal_json_rpc(const struct refusal *refusal, const struct refusal_style *style,
			const char *id, size_t id_length, char to[REFUSAL_BODY_MAX]);
/* The same for a caller that does not speak JSON-RPC: the error's object alone. */
size_t refusal_json(const struct refusal *refusal, const struct refusal_style *style,
		    char to[REFUSAL_BODY_MAX]);
/*
 * Is this text a template? {{name}} stands for a number or a quoted text of the refusal
 * (retryAfter, limit, remaining, resetTime, queuePosition, estimatedWait, waited,
 * maxConcurrent, current, state, nextCheck, code); with those filled in it must be a JSON
 * object with a numeric code and a text message. NULL, or what is wrong with it.
 */
const char *refusal_template_problem(const char *text);
const char *refusal_label(enum refusal_kind kind);

#endif
