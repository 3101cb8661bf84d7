/* SPDX-License-Identifier: MIT */
/*
 * Lines on their way out of a stream whose other end may be slow: what it has not taken
 * waits here, up to a bound, and what finds no room is refused, never waited for. One write is
 * under way at a time, so that a thousand short lines are one write. It neither opens nor
 * closes the stream. For line_stream.c and the agent's hooks.
 */
#ifndef HATAGO_NET_OUTBOX_H
#define HATAGO_NET_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct outbox_buffer {
	char *bytes;
	size_t length, capacity, lines;
};

/* A write is over. status: 0 or a negative errno; on 0 there may be room again. */
typedef void (*outbox_written)(void *ctx, int status);

struct outbox {
	uv_stream_t *stream; /* NULL: not open yet, or no more */
	size_t bound;	     /* bytes */
	struct outbox_buffer waiting, leaving;
	bool is_busy; /* the write has not been answered */
	uv_write_t write;
	outbox_written written;
	void *ctx;
};

/* written is called by the loop only, never from within a function here. */
void outbox_init(struct outbox *box, size_t bound_bytes, outbox_written written, void *ctx);
/* The stream is there, or there again: what waits goes out. 0 or a negative errno. */
int outbox_open(struct outbox *box, uv_stream_t *stream);
/*
 * The stream is no more; the caller closes it. Returns how many lines were under way and
 * may not have arrived; those that wait stay. `written` is not called for that write.
 * Another stream may be opened once this one's handle is closed.
 */
size_t outbox_shut(struct outbox *box);
/* Takes a line without its newline. false: no room (or no memory), and nothing of it is kept. */
bool outbox_put(struct outbox *box, const char *line, size_t length);
bool outbox_is_empty(const struct outbox *box);
/* Lines that wait or are under way. */
size_t outbox_lines(const struct outbox *box);
/* To be called when the stream's handle is closed. */
void outbox_done(struct outbox *box);

#endif
