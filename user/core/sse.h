/* SPDX-License-Identifier: MIT */
/*
 * Counts the JSON-RPC responses in a stream of server-sent events (text/event-stream) as it
 * passes: the event that answers a request ends its permit. Pure; keeps no event.
 */
#ifndef HATAGO_CORE_SSE_H
#define HATAGO_CORE_SSE_H

#include <stdint.h>

#include "core/rpc.h"

struct sse {
	uint64_t events;    /* complete ones with data */
	uint64_t responses; /* JSON-RPC responses in their data, those of batches too */
	/* private */
	struct rpc rpc;
	uint8_t step;
	uint8_t matched; /* bytes of "data" */
	bool has_data, after_cr, at_start;
};

void sse_init(struct sse *sse);
void sse_feed(struct sse *sse, const char *bytes, size_t n);

#endif
