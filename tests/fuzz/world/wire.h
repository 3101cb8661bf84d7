/* SPDX-License-Identifier: MIT */
/*
 * Reads what the gate has written, as severely as can be: the one form in which it may write
 * a message, so that no reader anywhere can understand it differently. Shares no code with
 * the gate. What breaks the form is printed, and ends the program.
 */
#ifndef HATAGO_TESTS_FUZZ_WIRE_H
#define HATAGO_TESTS_FUZZ_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_CLIENT_NONE 0

/* What stands on a connection to the upstream. */
struct wire_requests {
	size_t begun, heads; /* begun: with a first byte; heads: that are whole */
	unsigned int client; /* of the last whole head: the last number of its X-Forwarded-For */
	bool is_opaque;	     /* from some point on it may be a tunnel */
	bool is_at_end;	     /* nothing is begun and not whole */
};

/* What stands on a connection to a client. */
struct wire_answers {
	size_t begun, whole; /* final ones: interim ones are read, and not counted */
	bool is_at_end;	     /* the last is whole, or became a tunnel; false: only the end of the
			      * connection ends it */
};

/* What a reader of answers knows of its connection. */
struct wire_asked {
	size_t heads;	     /* HEAD requests at most */
	const char *name;    /* of a field that says whom an answer is for; NULL: none does */
	unsigned int client; /* the connection's */
};

void wire_read_requests(const char *bytes, size_t n, struct wire_requests *ret);
void wire_read_answers(const char *bytes, size_t n, const struct wire_asked *asked,
		       struct wire_answers *ret);

#endif
