// SPDX-License-Identifier: MIT
/*
 * Arguments of a request against the rows of its command: the same check on the command
 * line before it sends anything and in hatagod before it does anything. After it the
 * getters can't fail.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "ops/commands.h"

#define OPS_DEVICE_MAX 15 /* IFNAMSIZ without its NUL */

static const struct ops_argument *ops_row(const struct ops_command *command, const char *name)
{
	for (size_t i = 0; i < OPS_ARGUMENTS_MAX; i++) {
		const struct ops_argument *row = &command->arguments[i];

		if (row->type != OPS_NONE && row->type != OPS_FILE && strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

/* How an argument is called on the command line, for messages: --sort, or ADDR. */
static const char *ops_row_name(const struct ops_argument *row, char *buf, size_t size)
{
	if (row->is_option)
		snprintf(buf, size, "--%s", row->name);
	else
		snprintf(buf, size, "%s", row->word);
	return buf;
}

static bool ops_is_choice(const char *choices, const char *text)
{
	size_t length = strlen(text);

	for (const char *at = choices; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (length && strncmp(at, text, length) == 0 &&
		    (at[length] == '|' || at[length] == '\0'))
			return true;
	}
	return false;
}

static bool ops_is_device(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= OPS_DEVICE_MAX && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0 && strcspn(text, "/: \t\n\r\v\f") == length;
}

/* It will stand on somebody's terminal. */
static bool ops_is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool ops_rate_of(const json_t *value, uint64_t *ret)
{
	char text[32];

	if (json_is_string(value) && strcmp(json_string_value(value), "off") == 0) {
		*ret = 0;
		return true;
	}
	if (json_is_string(value))
		return text_to_milli(json_string_value(value), ret);
	if (!json_is_number(value))
		return false;
	snprintf(text, sizeof(text), "%.3f", json_number_value(value));
	return text_to_milli(text, ret);
}

/* A number as such or as text. */
static bool ops_number_of(const json_t *value, bool is_duration, uint64_t *ret)
{
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*ret = (uint64_t)json_integer_value(value);
		return true;
	}
	if (!json_is_string(value))
		return false;
	return is_duration ? text_to_duration_ms(json_string_value(value), ret)
			   : text_to_u64(json_string_value(value), 0, UINT64_MAX, ret);
}

static int ops_check_number(const struct ops_argument *row, const char *name, const json_t *value,
			    struct err *err)
{
	bool is_duration = row->type == OPS_DURATION;
	char min[TEXT_DURATION_MAX], max[TEXT_DURATION_MAX];
	uint64_t number;

	if (ops_number_of(value, is_duration, &number) && number >= row->min && number <= row->max)
		return 0;
	if (!is_duration)
		return err_set(err, -EINVAL, "%s must be a whole number from %llu to %llu", name,
			       (unsigned long long)row->min, (unsigned long long)row->max);
	text_duration(row->min * OPS_MS, min, sizeof(min));
	text_duration(row->max * OPS_MS, max, sizeof(max));
	return err_set(err, -EINVAL,
		       "%s must be a time from %s to %s, such as 90s, 10m, 2h, 7d, or 1500 "
		       "(milliseconds)",
		       name, min, max);
}

static int ops_check_text(const struct ops_argument *row, const char *name, const json_t *value,
			  struct err *err)
{
	const char *text = json_string_value(value);
	struct hatago_prefix prefix;

	if (!text)
		return err_set(err, -EINVAL, "%s must be a string", name);
	if (row->type == OPS_CHOICE && !ops_is_choice(row->choices, text))
		return err_set(err, -EINVAL, "%s must be one of %s, not '%.40s'", name,
			       row->choices, text);
	if (row->type == OPS_DEVICE && !ops_is_device(text))
		return err_set(err, -EINVAL, "'%.40s' can't be the name of a network device", text);
	if (row->type == OPS_TEXT && row->max && strlen(text) > row->max)
		return err_set(err, -EINVAL, "%s must not be longer than %llu bytes", name,
			       (unsigned long long)row->max);
	if (row->type == OPS_TEXT && !ops_is_printable(text))
		return err_set(err, -EINVAL, "%s must not hold control characters", name);
	if (row->type == OPS_PREFIX && prefix_read(text, &prefix, err) < 0)
		return -EINVAL;
	return 0;
}

static int ops_check_array(const char *name, const json_t *value, struct err *err)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value) || json_array_size(value) == 0)
		return err_set(err, -EINVAL, "%s: at least one prefix is needed", name);
	if (json_array_size(value) > HATAGO_LIST_MAX)
		return err_set(err, -E2BIG, "%s: %zu prefixes are more than a list holds (%u)",
			       name, json_array_size(value), HATAGO_LIST_MAX);
	json_array_foreach(value, i, item) if (!json_is_string(item)) return err_set(
		err, -EINVAL, "%s: item %zu is no string", name, i);
	return 0; /* that they are prefixes is checked all at once, by the command */
}

static int ops_check_value(const struct ops_argument *row, const json_t *value, struct err *err)
{
	char name[OPS_NAME_MAX];
	uint64_t rate;

	ops_row_name(row, name, sizeof(name));
	switch (row->type) {
	case OPS_FLAG:
		return json_is_boolean(value)
			       ? 0
			       : err_set(err, -EINVAL, "%s must be true or false", name);
	case OPS_COUNT:
	case OPS_DURATION:
		return ops_check_number(row, name, value, err);
	case OPS_RATE:
		return ops_rate_of(value, &rate)
			       ? 0
			       : err_set(err, -EINVAL,
					 "%s must be a number such as 20000 or 0.5, or off", name);
	case OPS_PREFIXES:
		return ops_check_array(name, value, err);
	case OPS_EVENTS:
		return ops_check_events(name, value, err);
	default:
		return ops_check_text(row, name, value, err);
	}
}

int ops_check(const struct ops_command *command, const json_t *arguments, struct err *err)
{
	char name[OPS_NAME_MAX], called[OPS_NAME_MAX];
	const char *key;
	json_t *value;
	int r;

	ops_name(command, name);
	json_object_foreach((json_t *)arguments, key, value)
	{
		const struct ops_argument *row = ops_row(command, key);

		if (!row)
			return err_set(err, -EINVAL, "'%s' has no argument '%.40s'", name, key);
		r = ops_check_value(row, value, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < OPS_ARGUMENTS_MAX; i++) {
		const struct ops_argument *row = &command->arguments[i];

		if (row->type != OPS_NONE && row->is_required &&
		    !json_object_get(arguments, row->name))
			return err_set(err, -EINVAL, "'%s' needs %s: %s", name,
				       ops_row_name(row, called, sizeof(called)), row->help);
	}
	return 0;
}

const char *ops_text(const json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}

bool ops_flag(const json_t *args, const char *name)
{
	return json_is_true(json_object_get(args, name));
}

uint64_t ops_count(const json_t *args, const char *name, uint64_t otherwise)
{
	uint64_t number;

	return ops_number_of(json_object_get(args, name), false, &number) ? number : otherwise;
}

uint64_t ops_duration_ms(const json_t *args, const char *name, uint64_t otherwise)
{
	uint64_t ms;

	return ops_number_of(json_object_get(args, name), true, &ms) ? ms : otherwise;
}

uint64_t ops_rate_milli(const json_t *args, const char *name)
{
	uint64_t milli;

	return ops_rate_of(json_object_get(args, name), &milli) ? milli : 0;
}

bool ops_prefix(const json_t *args, const char *name, struct hatago_prefix *ret)
{
	const char *text = ops_text(args, name);

	return text && prefix_parse(text, ret) == 0;
}
