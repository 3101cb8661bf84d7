/* SPDX-License-Identifier: MIT */
/*
 * Gets a request answered: by hatagod over its socket or, where it can't be reached and
 * the command allows it, from the pins by the very same functions. Always comes back with
 * an answer document, if need be an error of its own.
 */
#ifndef HATAGO_BPFCTL_TRANSPORT_H
#define HATAGO_BPFCTL_TRANSPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "net/line_client.h"
#include "ops/ops.h"

#define TRANSPORT_SOCKET    "/run/hatago/control.sock"
#define TRANSPORT_READ_MS   10000
#define TRANSPORT_CHANGE_MS 60000

struct transport {
	const char *socket, *pins;
	bool quiet;	/* say nothing on stderr of falling back to the pins */
	bool is_local;	/* hatagod was not reached; it is not tried again */
	struct err why; /* it was not */
	bool is_open;	/* the pins were tried */
	struct ops_context ops;
};

void transport_init(struct transport *transport, const char *socket, const char *pins, bool quiet);
void transport_done(struct transport *transport);

/*
 * The answer, NUL-terminated, the caller's to free(): {"result":...} or {"error":...}.
 * NULL only where there is no memory.
 */
char *transport_call(struct transport *transport, const struct ops_command *command,
		     const json_t *arguments);

/*
 * For a command that is followed, of hatagod only: `take` gets the answer and then each
 * line. NULL: it had enough (or there is no memory); else an answer that is an error.
 */
char *transport_follow(struct transport *transport, const struct ops_command *command,
		       const json_t *arguments, line_taker take, void *ctx);

#endif
