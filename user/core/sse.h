/* SPDX-License-Identifier: MIT */
/*
 * Counts the JSON-RPC responses in a stream of server-sent events (text/event-stream) as it
 * passes: the event that answers a request ends its permit, and says whether the service
 * failed. Pure; keeps no event.
 */
#ifndef HATAGO_CORE_SSE_H
#define HATAGO_CORE_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rpc.h"

struct sse {
	uint64_t events;    /* complete ones with data */
	uint64_t responses; /* JSON-RPC responses in their data, those of batches too */
	uint64_t failures;  /* those of them whose error's code is RPC_INTERNAL_ERROR */
	/* private */
	struct rpc rpc; /* reads the data of the event at hand */
	/* responses and failures in it; they count once it is complete */
	uint64_t pending, pending_failures;
	uint8_t step, matched;
	bool has_data, after_cr;
};

void sse_init(struct sse *sse);
/* In pieces of any size. An event that the stream's end cuts short does not count. */
void sse_feed(struct sse *sse, const char *bytes, size_t n);

#endif
