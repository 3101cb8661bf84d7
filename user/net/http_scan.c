// SPDX-License-Identifier: MIT
/*
 * The first judge of a head: the line discipline of RFC 9112 without its leniencies, in one
 * pass of eight bytes at a time that stops only at control bytes. Rubbish is refused at the
 * byte that makes it so, not after a time-out; so the outcome does not depend on how the
 * bytes were cut into reads. See http_message.h.
 */
#include <endian.h>
#include <string.h>

#include "net/http_parts.h"

#define EACH_BYTE(byte) (0x0101010101010101ull * (byte))

/* One line's way through the scan. */
struct look {
	struct http_scan *scan;
	const char *bytes;
	size_t end; /* what may be looked at */
	const struct http_message_bounds *bounds;
	bool is_request;
};

static int refuse(struct http_scan *scan, size_t at, int status)
{
	scan->seen = (uint32_t)at + 1;
	return -status;
}

static bool is_stop(unsigned char c, bool ascii_only)
{
	return c < 0x20 || c == 0x7f || (ascii_only && c >= 0x80);
}

/*
 * The first control byte (tabs too) from `at`, or end. A borrow out of a byte can only come
 * from one that is a hit itself, so the lowest hit of a word is always a true one.
 */
static size_t find_stop(const char *bytes, size_t at, size_t end, bool ascii_only)
{
	const uint64_t high = EACH_BYTE(0x80), also = ascii_only ? high : 0;

	for (; end - at >= 8; at += 8) {
		uint64_t word, del, hits;

		memcpy(&word, bytes + at, 8);
		word = le64toh(word);
		del = word ^ EACH_BYTE(0x7f);
		hits = ((word - EACH_BYTE(0x20)) & ~word) | ((del - EACH_BYTE(0x01)) & ~del);
		hits = (hits & high) | (word & also);
		if (hits)
			return at + (size_t)__builtin_ctzll(hits) / 8;
	}
	while (at < end && !is_stop((unsigned char)bytes[at], ascii_only))
		at++;
	return at;
}

bool http_request_line_split(const char *line, size_t n, struct http_text *ret_method,
			     struct http_text *ret_target)
{
	const size_t version = sizeof(" HTTP/1.1") - 1;
	const char *last = line + n - version, *first;

	if (n <= version + 2 || memcmp(last, " HTTP/", 6) != 0)
		return false;
	first = memchr(line, ' ', (size_t)(last - line));
	if (!first || first == line || first + 1 == last)
		return false;
	if (memchr(first + 1, ' ', (size_t)(last - first) - 1))
		return false;
	*ret_method = (struct http_text){line, (uint32_t)(first - line)};
	*ret_target = (struct http_text){first + 1, (uint32_t)(last - first) - 1};
	return true;
}

/* The end of a line at `cr`: the head's length if that was all, 0, or the refusal. */
static int end_line(struct look *look, size_t cr)
{
	struct http_scan *scan = look->scan;
	size_t length = cr - scan->line_start;
	struct http_text method, target;

	if (length == 0 && scan->lines > 0) {
		scan->seen = (uint32_t)cr + 2;
		return (int)scan->seen;
	}
	if (length == 0) {
		if (!look->is_request || scan->blank)
			return refuse(scan, cr + 1, 400);
		scan->blank = 1;
	} else {
		if (scan->lines == 0 && look->is_request &&
		    !http_request_line_split(look->bytes + scan->line_start, length, &method,
					     &target))
			return refuse(scan, cr + 1, 400);
		if (++scan->lines > 1 + look->bounds->fields)
			return refuse(scan, cr + 1, 431);
	}
	scan->seen = scan->line_start = (uint32_t)cr + 2;
	return 0;
}

/* A line must not begin with a blank (that is a folded one) or be without a name. */
static bool begins_badly(const struct look *look)
{
	char c;

	if (look->scan->line_start >= look->end)
		return false;
	c = look->bytes[look->scan->line_start];
	return c == ' ' || c == '\t' || c == ':';
}

/*
 * Looks at the rest of one line. 0: seen has come to the line's end, or to where more bytes
 * are needed (*ret_more).
 */
static int look_at_line(struct look *look, bool *ret_more)
{
	struct http_scan *scan = look->scan;
	bool first = scan->lines == 0, request_line = first && look->is_request;
	size_t line_end = (size_t)scan->line_start + look->bounds->line_bytes;
	size_t at = scan->seen;

	if (begins_badly(look))
		return refuse(scan, scan->line_start, 400);
	do {
		at = find_stop(look->bytes, at, look->end, request_line);
		if (first && at > line_end)
			return refuse(scan, line_end, 414);
	} while (at < look->end && look->bytes[at] == '\t' && !request_line && ++at);
	scan->seen = (uint32_t)at;
	if (at == look->end) {
		*ret_more = true;
		return 0;
	}
	if (look->bytes[at] != '\r')
		return refuse(scan, at, 400);
	if (at + 1 == look->end) { /* the same CR is looked at again with what follows it */
		*ret_more = true;
		return 0;
	}
	if (look->bytes[at + 1] != '\n')
		return refuse(scan, at + 1, 400);
	return end_line(look, at);
}

int http_scan(struct http_scan *scan, const char *bytes, size_t n, bool is_request,
	      const struct http_message_bounds *bounds)
{
	struct look look = {scan, bytes, n, bounds, is_request};
	bool more = false;
	int result = 0;

	if (n > bounds->head_bytes)
		look.end = bounds->head_bytes;
	if (scan->seen > look.end) /* the bound has become smaller meanwhile */
		return refuse(scan, scan->seen, 431);
	while (!result && !more)
		result = look_at_line(&look, &more);
	if (!result && n >= bounds->head_bytes) /* not even room for the end is left */
		return refuse(scan, bounds->head_bytes - 1, 431);
	return result;
}
