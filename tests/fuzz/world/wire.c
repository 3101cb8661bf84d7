// SPDX-License-Identifier: MIT
/*
 * See wire.h. Each reader returns -1 where the form is broken, which the two at the end
 * report: an answer to HEAD is told from another only by what follows, so both are tried.
 */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#define VERSION "HTTP/1.1 "
#define INTERIM VERSION "1" /* what an interim answer begins with */

struct head {
	size_t length;
	unsigned int status;
	bool is_chunked, has_length, has_upgrade;
	uint64_t body_length;
	unsigned int hosts, client, named;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The line's length without its end; -1: it is broken; -2: it is not whole. */
static ssize_t line_length(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\r')
			return i + 1 == n ? -2 : bytes[i + 1] == '\n' ? (ssize_t)i : -1;
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return -1;
	}
	return -2;
}

static size_t token_length(const char *at, size_t n)
{
	size_t i = 0;

	while (i < n && at[i] && strchr(TOKEN, at[i]))
		i++;
	return i;
}

static bool is_named(const char *line, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(line, name, n) == 0;
}

/* "a.b.c.N", "unknown": the gate's own word is the last of the list. */
static unsigned int last_number(const char *value, size_t n)
{
	unsigned int number = WIRE_CLIENT_NONE, unit = 1;

	for (; n && value[n - 1] >= '0' && value[n - 1] <= '9' && unit <= 100; n--, unit *= 10)
		number += unit * (unsigned int)(value[n - 1] - '0');
	return number;
}

static bool decimal(const char *value, size_t n, uint64_t *ret)
{
	uint64_t number = 0;

	if (!n || n > 18)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(value[i] - '0');
	}
	*ret = number;
	return true;
}

static bool read_field(const char *line, size_t n, const struct wire_asked *asked,
		       struct head *head)
{
	size_t name = token_length(line, n), length;
	const char *value = line + name + 2;

	if (!name || n < name + 2 || line[name] != ':' || line[name + 1] != ' ')
		return false;
	length = n - name - 2;
	if (is_named(line, name, "content-length")) {
		if (head->has_length || head->is_chunked)
			return false;
		head->has_length = true;
		return decimal(value, length, &head->body_length);
	}
	if (is_named(line, name, "transfer-encoding")) {
		if (head->has_length || head->is_chunked)
			return false;
		head->is_chunked = true;
		return length == 7 && memcmp(value, "chunked", 7) == 0;
	}
	head->has_upgrade = head->has_upgrade || is_named(line, name, "upgrade");
	head->hosts += is_named(line, name, "host");
	if (is_named(line, name, "x-forwarded-for"))
		head->client = last_number(value, length);
	if (asked && asked->name && is_named(line, name, asked->name))
		head->named = last_number(value, length);
	return true;
}

static bool read_request_line(const char *line, size_t n)
{
	size_t method = token_length(line, n), at = method + 1;

	if (!method || at >= n || line[method] != ' ' || (line[at] != '/' && line[at] != '*'))
		return false;
	while (at < n && line[at] > ' ' && (unsigned char)line[at] < 0x7f)
		at++;
	return n - at == 9 && memcmp(line + at, " HTTP/1.1", 9) == 0;
}

static bool read_status_line(const char *line, size_t n, struct head *head)
{
	uint64_t status = 0;

	if (n < 13 || line[12] != ' ' || !decimal(line + strlen(VERSION), 3, &status) ||
	    status < 100)
		return false;
	head->status = (unsigned int)status;
	return true;
}

/* 1: whole; 0: more is to come; -1: broken. asked: of an answer; NULL: it is a request. */
static int read_head(const char *bytes, size_t n, const struct wire_asked *asked, struct head *ret)
{
	size_t at = 0;

	*ret = (struct head){0};
	for (unsigned int lines = 0;; lines++) {
		ssize_t length = line_length(bytes + at, n - at);
		const char *line = bytes + at;
		bool is_good;

		/* Of a line that is not whole, at least what an answer begins with. */
		if (asked && !lines && memcmp(line, VERSION, least(n, strlen(VERSION))) != 0)
			return -1;
		if (length < 0)
			return length == -2 ? 0 : -1;
		at += (size_t)length + 2;
		if (length == 0 && lines)
			break;
		if (lines)
			is_good = read_field(line, (size_t)length, asked, ret);
		else if (asked)
			is_good = read_status_line(line, (size_t)length, ret);
		else
			is_good = read_request_line(line, (size_t)length);
		if (!is_good)
			return -1;
	}
	ret->length = at;
	return asked || ret->hosts == 1 ? 1 : -1;
}

/* Of one chunk, with its ends of line; 0: more is to come; -1: broken. */
static ssize_t chunk_length(const char *bytes, size_t n, size_t *ret_data)
{
	ssize_t line = line_length(bytes, n);
	size_t data = 0, end;

	if (line < 0)
		return line == -2 ? 0 : -1;
	if (line == 0 || line > 8 || (line > 1 && bytes[0] == '0'))
		return -1;
	for (ssize_t i = 0; i < line; i++) {
		const char *digits = "0123456789abcdef", *digit = strchr(digits, bytes[i]);

		if (!digit)
			return -1;
		data = data * 16 + (size_t)(digit - digits);
	}
	*ret_data = data;
	end = (size_t)line + 2 + data;
	if (!data)
		return (ssize_t)end;
	if (n < end + 2)
		return 0;
	return memcmp(bytes + end, "\r\n", 2) == 0 ? (ssize_t)end + 2 : -1;
}

/* 1: whole, and *ret_length is its length; 0: more is to come; -1: broken. */
static int read_chunks(const char *bytes, size_t n, size_t *ret_length)
{
	size_t at = 0, data = 1;

	while (data) {
		ssize_t length = chunk_length(bytes + at, n - at, &data);

		if (length <= 0)
			return (int)length;
		at += (size_t)length;
	}
	for (;;) { /* trailers */
		ssize_t length = line_length(bytes + at, n - at);
		struct head trailer = {0};

		if (length < 0)
			return length == -2 ? 0 : -1;
		if (length && (!read_field(bytes + at, (size_t)length, NULL, &trailer) ||
			       trailer.has_length || trailer.is_chunked || trailer.hosts))
			return -1;
		at += (size_t)length + 2;
		if (length == 0)
			break;
	}
	*ret_length = at;
	return 1;
}

static int read_body(const char *bytes, size_t n, const struct head *head, size_t *ret_length)
{
	if (head->is_chunked)
		return read_chunks(bytes, n, ret_length);
	if (n < head->body_length)
		return 0;
	*ret_length = head->body_length;
	return 1;
}

/* --- the two sides --- */

static __attribute__((noreturn)) void broken(const char *what, const char *bytes, size_t n)
{
	fprintf(stderr, "the gate wrote %s that are broken:\n", what);
	fwrite(bytes, 1, n, stderr);
	fputs("\n", stderr);
	abort();
}

void wire_read_requests(const char *bytes, size_t n, struct wire_requests *ret)
{
	size_t at = 0;

	*ret = (struct wire_requests){.is_at_end = true};
	while (at < n && !ret->is_opaque) {
		struct head head;
		size_t body = 0;
		int r = read_head(bytes + at, n - at, NULL, &head);

		ret->begun++;
		ret->is_at_end = false;
		if (r > 0) {
			ret->heads++;
			ret->client = head.client;
			r = read_body(bytes + at + head.length, n - at - head.length, &head, &body);
		}
		if (r < 0)
			broken("requests", bytes, n);
		if (r == 0)
			return;
		ret->is_at_end = true;
		ret->is_opaque = head.has_upgrade;
		at += head.length + body;
	}
}

static bool walk(const char *bytes, size_t n, struct wire_asked asked, struct wire_answers *ret);

/* What follows an answer without a body, or behind it. */
static bool walk_on(const char *bytes, size_t n, struct wire_asked asked, struct wire_answers *ret)
{
	struct wire_answers rest = *ret;

	rest.whole++;
	rest.is_at_end = true;
	if (!walk(bytes, n, asked, &rest))
		return false;
	*ret = rest;
	return true;
}

/* Reads the answers; false: they can't be read so. */
static bool walk(const char *bytes, size_t n, struct wire_asked asked, struct wire_answers *ret)
{
	struct head head;
	size_t body = 0;
	int r;

	for (;;) {
		if (!n)
			return true;
		ret->is_at_end = false;
		r = read_head(bytes, n, &asked, &head);
		if (r == 0 && memcmp(bytes, INTERIM, least(n, strlen(INTERIM))) != 0)
			ret->begun++;
		if (r <= 0)
			return r == 0;
		bytes += head.length;
		n -= head.length;
		if (head.named && head.named != asked.client)
			return false;
		if (head.status == 101) {
			ret->begun++;
			ret->is_at_end = true;
			return true;
		}
		if (head.status >= 200)
			break;
		ret->is_at_end = true;
	}
	ret->begun++;
	if (head.status == 204 || head.status == 304)
		return walk_on(bytes, n, asked, ret);
	if (asked.heads) {
		struct wire_asked less = asked;

		less.heads--;
		if (walk_on(bytes, n, less, ret))
			return true;
	}
	if (!head.is_chunked && !head.has_length)
		return true;
	r = read_body(bytes, n, &head, &body);
	if (r <= 0)
		return r == 0;
	return walk_on(bytes + body, n - body, asked, ret);
}

void wire_read_answers(const char *bytes, size_t n, const struct wire_asked *asked,
		       struct wire_answers *ret)
{
	struct wire_answers answers = {.is_at_end = true};

	if (!walk(bytes, n, *asked, &answers))
		broken("answers", bytes, n);
	*ret = answers;
}
