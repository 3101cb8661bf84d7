// SPDX-License-Identifier: MIT
/*
 * See outbox.h. Two buffers: the one that the write under way reads from, which must not
 * move, and the one that grows meanwhile; they change places when the write is over.
 */
#include "net/outbox.h"

#include <stdlib.h>
#include <string.h>

#define OUTBOX_FIRST_BYTES ((size_t)4096) /* first room; it doubles up to the bound */

void outbox_init(struct outbox *box, size_t bound_bytes, outbox_written written, void *ctx)
{
	*box = (struct outbox){.bound = bound_bytes, .written = written, .ctx = ctx};
}

static int outbox_flush(struct outbox *box);

static void on_outbox_write(uv_write_t *write, int status)
{
	struct outbox *box = write->data;

	box->is_busy = false;
	box->leaving.length = 0;
	if (!box->stream)
		return; /* shut meanwhile */
	if (status == 0) {
		box->leaving.lines = 0;
		status = outbox_flush(box);
	}
	box->written(box->ctx, status);
}

/* Starts the next write if none is under way. 0 or a negative errno. */
static int outbox_flush(struct outbox *box)
{
	struct outbox_buffer next = box->waiting;
	uv_buf_t buf = uv_buf_init(next.bytes, (unsigned int)next.length);
	int r;

	if (!box->stream || box->is_busy || !next.length)
		return 0;
	box->write.data = box;
	r = uv_write(&box->write, box->stream, &buf, 1, on_outbox_write);
	if (r < 0)
		return r;
	box->waiting = box->leaving;
	box->leaving = next;
	box->is_busy = true;
	return 0;
}

int outbox_open(struct outbox *box, uv_stream_t *stream)
{
	box->stream = stream;
	return outbox_flush(box);
}

size_t outbox_shut(struct outbox *box)
{
	size_t lost = box->leaving.lines;

	box->stream = NULL;
	box->leaving.lines = 0;
	return lost;
}

/* Room for so many more bytes, within the bound. */
static bool outbox_grow(struct outbox *box, size_t more)
{
	struct outbox_buffer *to = &box->waiting;
	size_t capacity = to->capacity ? to->capacity : OUTBOX_FIRST_BYTES;
	char *bytes;

	if (to->length + box->leaving.length + more > box->bound)
		return false;
	while (capacity < to->length + more)
		capacity *= 2;
	if (capacity == to->capacity)
		return true;
	bytes = realloc(to->bytes, capacity);
	if (!bytes)
		return false;
	to->bytes = bytes;
	to->capacity = capacity;
	return true;
}

bool outbox_put(struct outbox *box, const char *line, size_t length)
{
	struct outbox_buffer *to = &box->waiting;

	if (length >= box->bound || !outbox_grow(box, length + 1))
		return false;
	memcpy(to->bytes + to->length, line, length);
	to->bytes[to->length + length] = '\n';
	to->length += length + 1;
	to->lines++;
	/* A failure is told by the next write or read: the stream is broken then. */
	(void)outbox_flush(box);
	return true;
}

bool outbox_is_empty(const struct outbox *box)
{
	return !box->waiting.length && !box->leaving.length;
}

size_t outbox_lines(const struct outbox *box)
{
	return box->waiting.lines + box->leaving.lines;
}

void outbox_done(struct outbox *box)
{
	free(box->waiting.bytes);
	free(box->leaving.bytes);
	box->waiting = box->leaving = (struct outbox_buffer){0};
}
