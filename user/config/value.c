/* SPDX-License-Identifier: MIT */
/* See value.h. One setter for each type of key; what is refused is told with what is allowed. */
#include "config/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define VALUE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define VALUE_DIGITS  "0123456789"
#define PORT_MAX      65535

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
	size_t name_length = strspn(inside, VALUE_LETTERS VALUE_DIGITS "_");
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

/* "'10/s' is not allowed; it must be …" */
static int value_refuse(const struct config_key *key, const char *text, struct err *err)
{
	char allowed[KEY_ALLOWED_MAX];

	key_allowed(key, allowed);
	return err_set(err, -EINVAL, "'%.*s' is not allowed; it must be %s", CONFIG_SHOWN_MAX, text,
		       allowed);
}

static bool value_is_word(const char *text, size_t max, const char *letters)
{
	size_t length = strlen(text);

	return length > 0 && length <= max && strspn(text, letters) == length;
}

static bool value_is_path(const struct config_key *key, const char *text)
{
	size_t length = strlen(text);

	if (text[0] != '/' || length < 2 || length > key->max || text[length - 1] == '/')
		return false;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return true;
}

static bool value_is_listen(const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	uint8_t address[16];
	uint64_t port;
	size_t length;

	if (!colon || !text_to_u64(colon + 1, 1, PORT_MAX, &port))
		return false;
	length = (size_t)(colon - text);
	if (length < 2 || length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (host[0] != '[')
		return inet_pton(AF_INET, host, address) == 1;
	if (host[length - 1] != ']')
		return false;
	host[length - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, address) == 1;
}

static bool value_is_text(const struct config_key *key, const char *text)
{
	switch (key->type) {
	case KEY_PATH:
		return value_is_path(key, text);
	case KEY_URL_PATH:
		return text[0] == '/' &&
		       value_is_word(text, key->max, VALUE_LETTERS VALUE_DIGITS "-._~/");
	case KEY_LISTEN:
		return value_is_listen(text);
	default: /* KEY_GROUP */
		return !*text || value_is_word(text, key->max, VALUE_LETTERS VALUE_DIGITS "-._");
	}
}

static int value_set_text(struct config *config, const struct config_key *key, const char *text,
			  struct err *err)
{
	char **field = key_field(config, key);
	char *copy = NULL;

	if (!value_is_text(key, text))
		return value_refuse(key, text, err);
	if (*text) {
		copy = strdup(text);
		if (!copy)
			return err_set(err, -ENOMEM, "out of memory");
	}
	free(*field);
	*field = copy;
	return 0;
}

static int value_set_mode(struct config *config, const struct config_key *key, const char *text,
			  struct err *err)
{
	for (int mode = 0; config_mode_name(mode); mode++)
		if (strcmp(text, config_mode_name(mode)) == 0) {
			*(enum config_mode *)key_field(config, key) = mode;
			return 0;
		}
	return value_refuse(key, text, err);
}

/* Any number of any type, in the unit of its field. */
static bool value_number(const struct config_key *key, const char *text, uint64_t *ret)
{
	uint64_t v;
	bool ok;

	if (key->type == KEY_DURATION)
		ok = text_to_duration_ms(text, &v);
	else if (key->type == KEY_MILLI || key->type == KEY_DECIMAL)
		ok = text_to_milli(text, &v);
	else
		ok = text_to_u64(text, 0, UINT64_MAX, &v);
	if (!ok || v < key->min || v > key->max)
		return false;
	*ret = v;
	return true;
}

int value_set(struct config *config, const struct config_key *key, const char *text,
	      struct err *err)
{
	void *field = key_field(config, key);
	uint64_t v = 0;

	if (key->type >= KEY_PATH)
		return value_set_text(config, key, text, err);
	if (key->type == KEY_MODE)
		return value_set_mode(config, key, text, err);
	if (key->type == KEY_BOOL) {
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return value_refuse(key, text, err);
		*(bool *)field = text[0] == 't';
		return 0;
	}
	if (!value_number(key, text, &v))
		return value_refuse(key, text, err);
	if (key->type == KEY_U8)
		*(uint8_t *)field = (uint8_t)v;
	else if (key->type == KEY_U32 || key->type == KEY_DURATION)
		*(uint32_t *)field = (uint32_t)v;
	else if (key->type == KEY_DECIMAL)
		*(double *)field = (double)v / 1000;
	else
		*(uint64_t *)field = v;
	return 0;
}
