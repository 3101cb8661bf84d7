/* SPDX-License-Identifier: MIT */
/*
 * See value.h: ${NAME} in a value becomes what the environment has, and back again. What
 * comes from there is text and nothing more.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* Text that is being put together in a buffer of CONFIG_VALUE_MAX bytes. */
struct expansion {
	char *text;
	size_t length;
};

static bool expansion_add(struct expansion *e, const char *text, size_t length)
{
	if (length >= CONFIG_VALUE_MAX - e->length)
		return false;
	memcpy(e->text + e->length, text, length);
	e->length += length;
	e->text[e->length] = '\0';
	return true;
}

/* `inside` is what stands between the braces; the value is *ret, of *ret_length bytes. */
static int value_lookup(const char *inside, size_t length, const char **ret, size_t *ret_length,
			struct err *err)
{
	size_t name_length = strspn(inside, NAME_LETTERS);
	bool has_default = name_length + 1 < length && memcmp(inside + name_length, ":-", 2) == 0;
	char name[CONFIG_NAME_MAX];
	const char *value;

	if (name_length == 0 || name_length >= sizeof(name) || isdigit((unsigned char)*inside) ||
	    (name_length != length && !has_default) || memmem(inside, length, "${", 2))
		return err_set(err, -EINVAL,
			       "'${%.*s}' is no reference to the environment; write ${NAME}, "
			       "${NAME:-default}, or $${ for these letters themselves",
			       (int)(length < CONFIG_SHOWN_MAX ? length : CONFIG_SHOWN_MAX),
			       inside);
	memcpy(name, inside, name_length);
	name[name_length] = '\0';
	value = getenv(name);
	if (has_default && (!value || !*value)) {
		*ret = inside + name_length + 2;
		*ret_length = length - name_length - 2;
		return 0;
	}
	if (!value)
		return err_set(err, -EINVAL,
			       "the environment has no %s; set it, or write ${%s:-default}", name,
			       name);
	*ret = value;
	*ret_length = strlen(value);
	return 0;
}

/* The reference at *text, which moves behind it. 0, -EINVAL, or -E2BIG. */
static int value_reference(const char **text, struct expansion *e, struct err *err)
{
	const char *end = strchr(*text, '}'), *value = "";
	size_t length = 0;
	int r;

	if (!end)
		return err_set(err, -EINVAL,
			       "'%.*s' has no closing }; write ${NAME} or ${NAME:-default}",
			       CONFIG_SHOWN_MAX, *text);
	r = value_lookup(*text + 2, (size_t)(end - *text - 2), &value, &length, err);
	if (r < 0)
		return r;
	*text = end + 1;
	return expansion_add(e, value, length) ? 0 : -E2BIG;
}

int value_expand(const char *text, char ret[CONFIG_VALUE_MAX], bool *ret_expanded, struct err *err)
{
	struct expansion e = {.text = ret};
	bool expanded = false;
	int r = 0;

	ret[0] = '\0';
	while (*text && r == 0) {
		size_t length = strcspn(text, "$");

		if (strncmp(text, "${", 2) == 0) {
			r = value_reference(&text, &e, err);
			expanded = true;
		} else if (strncmp(text, "$${", 3) == 0) {
			r = expansion_add(&e, "${", 2) ? 0 : -E2BIG;
			text += 3;
		} else {
			length += length == 0; /* a dollar by itself */
			r = expansion_add(&e, text, length) ? 0 : -E2BIG;
			text += length;
		}
	}
	if (r == -E2BIG)
		return err_set(err, -EINVAL, "the value is too long; it may have %d bytes",
			       CONFIG_VALUE_MAX - 1);
	if (r < 0)
		return r;
	*ret_expanded = expanded;
	return 0;
}

void value_escape(const char *text, char ret[CONFIG_VALUE_MAX])
{
	struct expansion e = {.text = ret};

	ret[0] = '\0';
	for (; *text; text++) {
		if (strncmp(text, "${", 2) == 0)
			expansion_add(&e, "$", 1);
		expansion_add(&e, text, 1);
	}
}
