/* SPDX-License-Identifier: MIT */
/*
 * See sse.h. The line discipline is the WHATWG's ("Server-sent events", parsing an event
 * stream): lines end with CR, LF or both, an event at an empty line, its data lines are
 * joined by LF. Data goes through an rpc as it comes; other fields are skipped.
 */
#include "core/sse.h"

#include <string.h>

/*
 *	LINE --':' or no "data"--> SKIP --end of line--> LINE
 *	LINE --"data:"--> BLANK --any--> DATA --end of line--> LINE
 * An empty line ends the event. In LINE, `matched` bytes of "data" were read; at the start
 * of the stream, in BOM, of the byte order mark.
 */
enum step {
	STEP_BOM,
	STEP_LINE,
	STEP_BLANK, /* one blank belongs to the colon and not to the data */
	STEP_DATA,
	STEP_SKIP,
};

static const char bom[] = "\xef\xbb\xbf", field[] = "data";

void sse_init(struct sse *sse)
{
	*sse = (struct sse){.step = STEP_BOM};
}

static void on_message(void *ctx, const struct rpc_message *message)
{
	struct sse *sse = ctx;

	sse->pending += message->kind == RPC_RESPONSE;
	sse->pending_failures += message->error_code == RPC_INTERNAL_ERROR;
}

static void data_begin(struct sse *sse)
{
	if (sse->has_data) {
		rpc_feed(&sse->rpc, "\n", 1);
		return;
	}
	sse->has_data = true;
	sse->pending = sse->pending_failures = 0;
	rpc_init(&sse->rpc, on_message, sse);
}

static void event_end(struct sse *sse)
{
	if (!sse->has_data)
		return;
	sse->has_data = false;
	sse->events++;
	if (sse->rpc.state != RPC_WHOLE)
		return;
	sse->responses += sse->pending;
	sse->failures += sse->pending_failures;
}

static void line_end(struct sse *sse, char c)
{
	bool is_empty = sse->step == STEP_LINE && sse->matched == 0;

	if (c == '\n' && sse->after_cr && is_empty) {
		sse->after_cr = false; /* the second half of a CRLF */
		return;
	}
	sse->after_cr = c == '\r';
	if (is_empty)
		event_end(sse);
	else if (sse->step == STEP_LINE && sse->matched == sizeof(field) - 1)
		data_begin(sse); /* the field's name alone: its value is empty */
	sse->step = STEP_LINE;
	sse->matched = 0;
}

/* The first end of a line. ret_lf: the LF looked up before, so that each byte is searched once. */
static const char *line_skip(const char *at, const char *end, const char **ret_lf)
{
	const char *cr;

	if (!*ret_lf || *ret_lf < at) {
		*ret_lf = memchr(at, '\n', (size_t)(end - at));
		if (!*ret_lf)
			*ret_lf = end;
	}
	cr = memchr(at, '\r', (size_t)(*ret_lf - at));
	return cr ? cr : *ret_lf;
}

/* One byte of a field's name, or of the byte order mark; false: look at it once more. */
static bool name_take(struct sse *sse, char c)
{
	if (sse->step == STEP_BOM) {
		if (c == bom[sse->matched]) {
			if (!bom[++sse->matched]) {
				sse->step = STEP_LINE;
				sse->matched = 0;
			}
			return true;
		}
		sse->step = sse->matched ? STEP_SKIP : STEP_LINE;
		return false;
	}
	if (c == ':' && sse->matched == sizeof(field) - 1) {
		sse->step = STEP_BLANK;
		data_begin(sse);
	} else if (sse->matched < sizeof(field) - 1 && c == field[sse->matched]) {
		sse->matched++;
	} else {
		sse->step = STEP_SKIP;
	}
	return true;
}

void sse_feed(struct sse *sse, const char *bytes, size_t n)
{
	const char *at = bytes, *end = bytes + n, *lf = NULL;

	sse->rpc.ctx = sse; /* it may have been moved since */
	while (at < end) {
		if ((*at == '\r' || *at == '\n') && sse->step != STEP_BOM) {
			line_end(sse, *at++);
		} else if (sse->step == STEP_BLANK) {
			at += *at == ' ';
			sse->step = STEP_DATA;
		} else if (sse->step == STEP_DATA || sse->step == STEP_SKIP) {
			const char *stop = line_skip(at, end, &lf);

			if (sse->step == STEP_DATA)
				rpc_feed(&sse->rpc, at, (size_t)(stop - at));
			at = stop;
		} else if (name_take(sse, *at)) {
			at++;
		}
	}
}
