/* SPDX-License-Identifier: MIT */
/*
 * What the two files of why ADDR share; not for others.
 *
 *   ops_why.c  asks and writes the result      why_words.c  says it in sentences
 */
#ifndef HATAGO_OPS_WHY_H
#define HATAGO_OPS_WHY_H

#include "base/address.h"
#include "core/explain.h"
#include "ops/commands.h"

struct why {
	const char *address; /* as it was asked */
	struct hatago_prefix prefix;
	struct hatago_prefix allowed, denied; /* the entries that cover it */
	struct explain_client client;
	struct explain e;
	const struct hatago_rules *rules;
};

/* Adds a sentence to the array that is open. */
void why_say(struct json *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The sentence for one of the two frames: an ordinary one, or one that opens a connection. */
void why_say_verdict(const struct ops_context *ops, const struct why *w,
		     const struct explain_verdict *v, const char *what, uint64_t bytes,
		     struct json *out);
/* What the gate would say to a request, which is no frame: so it is beside the verdict. */
void why_say_requests(const struct why *w, struct json *out);

#endif
