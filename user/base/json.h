/* SPDX-License-Identifier: MIT */
/*
 * A streaming JSON writer onto a growing buffer: no tree, so a list of a million clients
 * costs its text and nothing more. Commas, quotes and escapes are its business; bytes that
 * are no UTF-8 become \ufffd. Compact, on one line. It does not check that every object
 * begun is ended; that is the caller's.
 *
 * An error (memory, JSON_BYTES_MAX) sets `failed`; later calls do nothing then, so it
 * is enough to look once, at the end.
 */
#ifndef HATAGO_BASE_JSON_H
#define HATAGO_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_BYTES_MAX ((size_t)1 << 30)

struct json {
	char *text;    /* NUL-terminated once anything was written; NULL before */
	size_t length; /* without the NUL */
	size_t capacity;
	bool failed;
	bool comma; /* the next value in this object or array needs one before it */
};

void json_init(struct json *j);
/* Frees the text. May be called twice. */
void json_done(struct json *j);
/* The text, now the caller's to free(), or NULL if it failed; j is as after json_init. */
char *json_take(struct json *j);

/* key: NULL in arrays and for the outermost value. */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);
/* s NULL: null. Not json_string, nor json_null below: those are functions of jansson's. */
void json_str(struct json *j, const char *key, const char *s);
void json_u64(struct json *j, const char *key, uint64_t v);
void json_i64(struct json *j, const char *key, int64_t v);
/* The shortest text that reads back as the same number; null if it is not finite. */
void json_double(struct json *j, const char *key, double v);
/* The same of v to three places: what is measured is no finer. */
void json_rounded(struct json *j, const char *key, double v);
void json_bool(struct json *j, const char *key, bool v);
void json_nil(struct json *j, const char *key);

#endif
