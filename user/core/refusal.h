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
#define REFUSAL_FIELDS_MAX   256 /* bytes that hold every output of refusal_fields */
#define REFUSAL_STATE_MAX    32	 /* bytes of the state that are shown */

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
	double limit;		 /* tokens per second */
	uint64_t remaining;	 /* tokens */
	uint64_t reset_ns;	 /* CLOCK_REALTIME, when one token is there again */
	uint64_t queue_position; /* where it would have stood, or stood */
	uint64_t estimated_wait_ms;
	uint64_t waited_ms; /* queue_timeout */
	uint32_t max_concurrent, current;
	const char *state;	/* of the breaker */
	uint64_t next_check_ns; /* CLOCK_REALTIME */
};

struct refusal_style {
	int32_t code; /* of the error: -32000 */
	bool null_id; /* "id": null, as the seed document has it literally, whatever the id */
	const char *templates[REFUSAL_KINDS]; /* JSON of the error object; NULL: the built-in */
};

/*
 * Writes the body for a JSON-RPC caller and returns its length; it is always whole, on one line
 * and NUL-terminated. id: the request's, as JSON, or NULL; then, as with one of more than
 * RPC_ID_MAX bytes, the member is left out, unless style->null_id. A template that can't be
 * filled in, or whose outcome would not fit, gives way to the built-in body.
 */
size_t refusal_json_rpc(const struct refusal *refusal, const struct refusal_style *style,
			const char *id, size_t id_length, char to[REFUSAL_BODY_MAX]);
/* The same for a caller that does not speak JSON-RPC: the error's object alone, not in another. */
size_t refusal_json(const struct refusal *refusal, const struct refusal_style *style,
		    char to[REFUSAL_BODY_MAX]);
/*
 * Not a refusal, but a failure behind the gate: a JSON-RPC error (-32603) of this type and
 * message, both plain text that needs no escapes in JSON. id as above.
 */
size_t refusal_failure(const char *type, const char *message, const struct refusal_style *style,
		       const char *id, size_t id_length, char to[REFUSAL_BODY_MAX]);
/*
 * The header fields of the answer, each with its CRLF, and their length: Retry-After and,
 * where there is a limit, RateLimit and RateLimit-Policy as in
 * draft-ietf-httpapi-ratelimit-headers-10. burst: tokens; window_s: in which they come, 0
 * for none. Nothing and 0 where they don't fit.
 */
size_t refusal_fields(const struct refusal *refusal, uint64_t burst, uint64_t window_s, char *to,
		      size_t size);
/*
 * Is this text a template? {{name}} stands for a value of the refusal (retryAfter, limit,
 * remaining, resetTime, queuePosition, estimatedWait, waited, maxConcurrent, current, state,
 * nextCheck, code): for its JSON, a number or a quoted text, or within a string for its
 * characters alone. Filled in, it must be a JSON object with a whole number as code and a
 * text as message, whatever the values. NULL, or what is wrong with it.
 */
const char *refusal_template_problem(const char *text);
const char *refusal_label(enum refusal_kind kind);

#endif
