// SPDX-License-Identifier: MIT
/*
 * Fuzzes the heads that clients and upstreams send. The first byte says of which kind the
 * head is, the second how it is cut into reads; the scan must not depend on that. A head
 * that is believed must hold nothing that could split it, and, written anew from its parts
 * as the gate does, must mean the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXPECT(condition)         \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

enum { KIND_REQUEST = 1, KIND_TO_HEAD = 2 };

static const struct http_message_bounds bounds = {512, 4096, 100};
static const struct http_message_bounds wide = {8192, 16384, HTTP_FIELDS_MAX};
static struct http_message first, again;

static int scan_in_pieces(struct http_scan *scan, const char *bytes, size_t size, size_t piece,
			  bool is_request)
{
	int result = 0;

	for (size_t n = 0; n < size && result == 0;) {
		char *copy;

		n = size - n < piece ? size : n + piece;
		/* a copy of the exact size: reading beyond it would be seen */
		copy = memcpy(malloc(n), bytes, n);
		result = http_scan(scan, copy, n, is_request, &bounds);
		EXPECT(scan->seen <= n && (result || scan->seen + 1 >= n));
		free(copy);
	}
	return result;
}

static int parse(const char *bytes, size_t n, unsigned int kind, struct http_message *ret)
{
	if (kind & KIND_REQUEST)
		return http_parse_request(bytes, n, ret);
	return http_parse_response(bytes, n, kind & KIND_TO_HEAD, ret);
}

static void check_text(struct http_text text)
{
	for (uint32_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.at[i];

		EXPECT(c == '\t' || (c >= 0x20 && c != 0x7f));
	}
}

static void check_target(const struct http_message *message)
{
	struct http_text target = message->target;

	EXPECT(target.length > 0 && (target.at[0] == '/' || target.at[0] == '*'));
	for (uint32_t i = 0; i < target.length; i++)
		EXPECT(target.at[i] > ' ' && target.at[i] < 0x7f && target.at[i] != '#');
	EXPECT(message->path.at == target.at && message->path.length <= target.length);
	EXPECT(!memchr(message->path.at, '?', message->path.length));
	EXPECT(message->host.length > 0 || message->minor == 0);
	EXPECT(!memchr(message->host.at ? message->host.at : "", '@', message->host.length));
	EXPECT(message->framing != HTTP_UNTIL_CLOSE);
}

static void check_fields(const struct http_message *message)
{
	unsigned int lengths = 0, codings = 0;

	EXPECT(message->field_count <= HTTP_FIELDS_MAX);
	for (uint32_t i = 0; i < message->field_count; i++) {
		const struct http_field *field = &message->field[i];

		EXPECT(field->name.length > 0);
		EXPECT(!memchr(field->name.at, ':', field->name.length));
		EXPECT(!memchr(field->name.at, ' ', field->name.length));
		check_text(field->name);
		check_text(field->value);
		if (field->value.length) {
			EXPECT(field->value.at[0] != ' ');
			EXPECT(field->value.at[field->value.length - 1] != ' ');
		}
		lengths += field->id == HTTP_FIELD_CONTENT_LENGTH;
		codings += field->id == HTTP_FIELD_TRANSFER_ENCODING;
		EXPECT(field->id == HTTP_FIELD_OTHER || message->known[field->id] <= i + 1);
	}
	EXPECT(lengths + codings <= 1);
	EXPECT(message->framing != HTTP_CHUNKED || (codings == 1 && message->minor == 1));
	EXPECT(message->framing != HTTP_LENGTH || lengths == 1);
	EXPECT(message->framing == HTTP_LENGTH || message->body_length == 0);
}

static char *put(char *at, struct http_text text, const char *end)
{
	return at + sprintf(at, "%.*s%s", (int)text.length, text.length ? text.at : "", end);
}

static size_t write_anew(const struct http_message *message, bool is_request, char *to)
{
	char *at = to;

	if (is_request) {
		at = put(at, message->method_name, " ");
		at = put(at, message->target, " ");
		at += sprintf(at, "HTTP/1.%u\r\n", message->minor);
		if (message->host.length) {
			at += sprintf(at, "Host: ");
			at = put(at, message->host, "\r\n");
		}
	} else {
		at += sprintf(at, "HTTP/1.%u %u ", message->minor, message->status);
		at = put(at, message->reason, "\r\n");
	}
	for (uint32_t i = 0; i < message->field_count; i++) {
		if (is_request && message->field[i].id == HTTP_FIELD_HOST)
			continue;
		at = put(at, message->field[i].name, ": ");
		at = put(at, message->field[i].value, "\r\n");
	}
	at = put(at, (struct http_text){0}, "\r\n");
	return (size_t)(at - to);
}

static void check_same(unsigned int kind)
{
	static char bytes[16384];
	size_t n = write_anew(&first, kind & KIND_REQUEST, bytes);
	struct http_scan scan = {0};

	EXPECT(http_scan(&scan, bytes, n, kind & KIND_REQUEST, &wide) == (int)n);
	EXPECT(parse(bytes, n, kind, &again) == 0);
	EXPECT(again.framing == first.framing && again.body_length == first.body_length);
	EXPECT(again.keep_alive == first.keep_alive && again.has_upgrade == first.has_upgrade);
	EXPECT(again.expects_continue == first.expects_continue && again.minor == first.minor);
	EXPECT(again.method == first.method && again.status == first.status);
	EXPECT(again.target.length == first.target.length);
	EXPECT(again.host.length == first.host.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_scan whole = {0}, cut = {0};
	const char *bytes = (const char *)data + 2;
	unsigned int kind;
	int length, status;
	char *copy;

	if (size < 3)
		return 0;
	kind = data[0];
	length = http_scan(&whole, bytes, size - 2, kind & KIND_REQUEST, &bounds);
	EXPECT(scan_in_pieces(&cut, bytes, size - 2, 1 + data[1], kind & KIND_REQUEST) == length);
	EXPECT(whole.seen == cut.seen);
	if (length <= 0) {
		EXPECT(length == 0 || length == -400 || length == -414 || length == -431);
		return 0;
	}
	EXPECT((size_t)length <= size - 2 && (uint32_t)length == whole.seen);
	copy = memcpy(malloc((size_t)length), bytes, (size_t)length);
	status = parse(copy, (size_t)length, kind, &first);
	if (!status) {
		if (kind & KIND_REQUEST)
			check_target(&first);
		check_fields(&first);
		check_same(kind);
	} else if (kind & KIND_REQUEST) {
		EXPECT(status == -400 || status == -431 || status == -501 || status == -505);
	} else {
		EXPECT(status == -502);
	}
	free(copy);
	return 0;
}
