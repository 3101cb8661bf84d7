/* SPDX-License-Identifier: MIT */
/* See value.h. One setter for each type of key; what is refused is told with what is allowed. */
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/text.h"
#include "core/refusal.h"

/* "'10/s' is not allowed; it must be …" */
static int value_refuse(const struct config_key *key, const char *text, struct err *err)
{
	char allowed[KEY_ALLOWED_MAX];

	key_allowed(key, allowed);
	return err_set(err, -EINVAL, "'%.*s' is not allowed; it must be %s", CONFIG_SHOWN_MAX, text,
		       allowed);
}

/* A template is told what is wrong with it. */
static int value_check_template(const struct config_key *key, const char *text, struct err *err)
{
	const char *problem;

	if (!*text)
		return 0;
	if (strlen(text) > key->max)
		return err_set(err, -EINVAL, "the template is too long; it may have %zu bytes",
			       (size_t)key->max);
	problem = refusal_template_problem(text);
	return problem ? err_set(err, -EINVAL, "the template is refused: %s", problem) : 0;
}

static int value_set_string(char **field, const struct config_key *key, const char *text,
			    struct err *err)
{
	char *copy = NULL;
	int r = 0;

	if (!value_is_spelled(key, text))
		return value_refuse(key, text, err);
	if (key->type == KEY_TEMPLATE)
		r = value_check_template(key, text, err);
	if (r < 0)
		return r;
	if (*text) {
		copy = strdup(text);
		if (!copy)
			return err_set(err, -ENOMEM, "out of memory");
	}
	free(*field);
	*field = copy;
	return 0;
}

static int value_set_mode(enum config_mode *field, const struct config_key *key, const char *text,
			  struct err *err)
{
	for (int mode = 0; config_mode_name(mode); mode++)
		if (strcmp(text, config_mode_name(mode)) == 0) {
			*field = mode;
			return 0;
		}
	return value_refuse(key, text, err);
}

static int value_set_choice(bool *field, const struct config_key *key, const char *text,
			    struct err *err)
{
	bool value = strcmp(text, key_choice(key, true)) == 0;

	if (!value && strcmp(text, key_choice(key, false)) != 0)
		return value_refuse(key, text, err);
	*field = value;
	return 0;
}

/* Names of headers are the same in upper and lower case. */
static int value_set_client_id(struct config *config, const struct config_key *key,
			       const char *text, struct err *err)
{
	struct config_gate *gate = &config->gate;
	bool is_peer = strcasecmp(text, "peer") == 0;
	bool is_forwarded_for = strcasecmp(text, "x-forwarded-for") == 0;
	char *header = NULL;

	if (!value_is_spelled(key, text))
		return value_refuse(key, text, err);
	if (!is_peer && !is_forwarded_for) {
		header = strdup(text);
		if (!header)
			return err_set(err, -ENOMEM, "out of memory");
	}
	free(gate->client_id_header);
	gate->client_id_header = header;
	gate->client_id = is_peer	     ? CONFIG_ID_PEER
			  : is_forwarded_for ? CONFIG_ID_FORWARDED_FOR
					     : CONFIG_ID_HEADER;
	return 0;
}

static int value_set_textual(void *base, const struct config_key *key, const char *text,
			     struct err *err)
{
	void *field = key_field(base, key);

	switch (key->type) {
	case KEY_MODE:
		return value_set_mode(field, key, text, err);
	case KEY_STYLE:
	case KEY_ON_OPEN:
		return value_set_choice(field, key, text, err);
	case KEY_WINDOW:
		return value_window(key, text, field) ? 0 : value_refuse(key, text, err);
	case KEY_CLIENT_ID:
		return value_set_client_id(base, key, text, err);
	case KEY_PREFIX:
		return prefix_read(text, field, err);
	default:
		return value_set_string(field, key, text, err);
	}
}

static bool value_signed(const char *text, int32_t *ret)
{
	bool is_negative = text[0] == '-';
	uint64_t v;

	if (!text_to_u64(text + is_negative, is_negative, (uint64_t)INT32_MAX + is_negative, &v))
		return false;
	*ret = (int32_t)(is_negative ? -(int64_t)v : (int64_t)v);
	return true;
}

/* Any number without a sign, in the unit of its field. */
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

int value_set(void *base, const struct config_key *key, const char *text, struct err *err)
{
	void *field = key_field(base, key);
	uint64_t v = 0;

	if (key->type >= KEY_TEXTUAL)
		return value_set_textual(base, key, text, err);
	if (key->type == KEY_BOOL) {
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return value_refuse(key, text, err);
		*(bool *)field = text[0] == 't';
		return 0;
	}
	if (key->type == KEY_I32)
		return value_signed(text, field) ? 0 : value_refuse(key, text, err);
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
