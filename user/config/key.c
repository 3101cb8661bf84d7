/* SPDX-License-Identifier: MIT */
/*
 * What can be asked about the keys of the table (keys.c): where a value lies, what
 * belongs to a section, and in words what a key allows.
 */
#include "config/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/limits.h"
#include "core/breaker_window.h"

static const char *const mode_names[] = {
	[CONFIG_MODE_AUTO] = "auto",
	[CONFIG_MODE_NATIVE] = "native",
	[CONFIG_MODE_GENERIC] = "generic",
	[CONFIG_MODE_TC] = "tc",
};

const char *config_mode_name(enum config_mode mode)
{
	return (size_t)mode < sizeof(mode_names) / sizeof(mode_names[0]) ? mode_names[mode] : NULL;
}

const char *key_choice(const struct config_key *key, bool value)
{
	if (key->type == KEY_STYLE)
		return value ? "inband" : "status";
	if (key->type == KEY_ON_OPEN)
		return value ? "hold" : "refuse";
	return NULL;
}

const struct config_key *key_find(const char *path)
{
	for (size_t i = 0; i < config_key_count; i++)
		if (strcmp(config_keys[i].path, path) == 0)
			return &config_keys[i];
	return NULL;
}

void *key_field(void *base, const struct config_key *key)
{
	return (char *)base + key->offset;
}

const void *key_field_const(const void *base, const struct config_key *key)
{
	return (const char *)base + key->offset;
}

const char *key_leaf(const struct config_key *key)
{
	const char *dot = strrchr(key->path, '.');

	return dot ? dot + 1 : key->path;
}

bool key_is_in(const struct config_key *key, const char *section)
{
	const char *leaf = key_leaf(key);
	size_t length = strlen(section);

	if (leaf == key->path)
		return length == 0;
	return (size_t)(leaf - 1 - key->path) == length && strncmp(key->path, section, length) == 0;
}

bool key_is_preset_empty(const struct config_key *key)
{
	return key->preset && strcmp(key->preset, "\"\"") == 0;
}

size_t key_inside(const struct config_key *section)
{
	const struct config_key *key = section + 1;
	size_t length = strlen(section->path);

	while (key < config_keys + config_key_count &&
	       strncmp(key->path, section->path, length) == 0 && key->path[length] == '.')
		key++;
	return (size_t)(key - section - 1);
}

/* Thousandths as a decimal number. */
static void key_milli(uint64_t milli, char *buf, size_t size)
{
	if (milli % 1000)
		snprintf(buf, size, "%" PRIu64 ".%03" PRIu64, milli / 1000, milli % 1000);
	else
		snprintf(buf, size, "%" PRIu64, milli / 1000);
}

static void key_allowed_decimal(const struct config_key *key, char buf[KEY_ALLOWED_MAX])
{
	char min[32], max[32];

	key_milli(key->min, min, sizeof(min));
	key_milli(key->max, max, sizeof(max));
	snprintf(buf, KEY_ALLOWED_MAX, "a number from %s to %s, with up to 3 decimal places", min,
		 max);
}

static void key_allowed_duration(const struct config_key *key, char buf[KEY_ALLOWED_MAX])
{
	const char *largest = key->max == CONFIG_DAY_MS ? "1d" : "1h";

	snprintf(buf, KEY_ALLOWED_MAX,
		 "a time from %" PRIu64 " to %s, in ms or with a unit (ms, s, m, h, d)", key->min,
		 largest);
}

static void key_allowed_window(const struct config_key *key, char buf[KEY_ALLOWED_MAX])
{
	key_allowed_duration(key, buf);
	snprintf(buf + strlen(buf), KEY_ALLOWED_MAX - strlen(buf),
		 "; or a number of calls from 1 to %u, such as 100 calls", BREAKER_CALLS_MAX);
}

static void key_allowed_mappings(const struct config_key *list, char buf[KEY_ALLOWED_MAX])
{
	size_t used = (size_t)snprintf(buf, KEY_ALLOWED_MAX,
				       "a list of up to %" PRIu64 " mappings of", list->max);
	size_t inside = key_inside(list);

	for (size_t i = 1; i <= inside && used < KEY_ALLOWED_MAX; i++)
		used += (size_t)snprintf(buf + used, KEY_ALLOWED_MAX - used, "%s %s",
					 i == 1	       ? ""
					 : i == inside ? " and"
						       : ",",
					 key_leaf(list + i));
}

void key_allowed(const struct config_key *key, char buf[KEY_ALLOWED_MAX])
{
	static const char *const words[] = {
		[KEY_SECTION] = "a mapping of keys to values",
		[KEY_BOOL] = "true or false",
		[KEY_I32] = "a whole number from -2147483648 to 2147483647",
		[KEY_MODE] = "auto, native, generic or tc",
		[KEY_STYLE] = "status or inband",
		[KEY_ON_OPEN] = "refuse or hold",
		[KEY_CLIENT_ID] = "peer, x-forwarded-for or the name of a header",
		[KEY_PREFIX] = "an address or a prefix such as 192.0.2.0/24",
		[KEY_LISTEN] = "ADDRESS:PORT such as 127.0.0.1:9464 or [::1]:9464",
		[KEY_FAMILIES] = "a list of ipv4, ipv6 or both",
		[KEY_FAILURES] = "a list of connect, reset, timeout, 5xx, rpcInternal",
	};

	switch (key->type) {
	case KEY_U8:
	case KEY_U32:
	case KEY_U64:
		snprintf(buf, KEY_ALLOWED_MAX, "a whole number from %" PRIu64 " to %" PRIu64,
			 key->min, key->max);
		break;
	case KEY_DURATION:
		key_allowed_duration(key, buf);
		break;
	case KEY_WINDOW:
		key_allowed_window(key, buf);
		break;
	case KEY_DECIMAL:
	case KEY_MILLI:
		key_allowed_decimal(key, buf);
		break;
	case KEY_PATH:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a path from / on, of up to %" PRIu64 " bytes, without blanks", key->max);
		break;
	case KEY_URL_PATH:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a path such as /metrics/concurrency, of up to %" PRIu64
			 " letters, digits and -._~/",
			 key->max);
		break;
	case KEY_ROUTE:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a path such as /mcp, or the beginning of one such as /api/*, of up to "
			 "%" PRIu64 " bytes",
			 key->max);
		break;
	case KEY_METHOD:
		snprintf(
			buf, KEY_ALLOWED_MAX,
			"a method such as tools/call, or the beginning of one such as resources/*, "
			"of up to %" PRIu64 " bytes",
			key->max);
		break;
	case KEY_TEMPLATE:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "text in quotes, of up to %" PRIu64
			 " bytes: a JSON object with code and message",
			 key->max);
		break;
	case KEY_GROUP:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "the name of a group, of up to %" PRIu64 " letters, digits and -._",
			 key->max);
		break;
	case KEY_DEVICES:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a list of up to %" PRIu64 " names of network devices", key->max);
		break;
	case KEY_PORTS:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a list of up to %" PRIu64
			 " of PORT/tcp, PORT/udp, FIRST-LAST/tcp, FIRST-LAST/udp, icmp; or all",
			 key->max);
		break;
	case KEY_LISTENERS:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a list of up to %" PRIu64
			 " of ADDRESS:PORT such as 127.0.0.1:8080, or unix:/PATH",
			 key->max);
		break;
	case KEY_UPSTREAMS:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "http://ADDRESS:PORT such as http://127.0.0.1:8787, or unix:/PATH, or a "
			 "list "
			 "of up to %" PRIu64 " of them",
			 key->max);
		break;
	case KEY_COMMAND:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a list of up to %" PRIu64 " words, a program and its arguments",
			 key->max);
		break;
	case KEY_EXCLUDED:
		snprintf(buf, KEY_ALLOWED_MAX,
			 "a list of up to %" PRIu64 " paths such as /health or /static/*",
			 key->max);
		break;
	case KEY_CLASSES:
	case KEY_WEIGHTS:
		key_allowed_mappings(key, buf);
		break;
	case KEY_PREFIXES:
		snprintf(buf, KEY_ALLOWED_MAX, "a list of up to %" PRIu64 " addresses and prefixes",
			 key->max);
		break;
	default:
		snprintf(buf, KEY_ALLOWED_MAX, "%s", words[key->type]);
	}
}
