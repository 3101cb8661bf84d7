/* SPDX-License-Identifier: MIT */
/*
 * See describe.h. What is written is what would be read: the same names, units and
 * defaults, from the same table. A section that is not there is left out.
 */
#include "config/describe.h"

#include <string.h>

#include "base/address.h"
#include "config/keys.h"
#include "config/value.h"

#define PORT_TEXT_MAX 24 /* "65534-65535/tcp" */

_Static_assert(CONFIG_CHANGES_MAX >= KEY_COUNT_MAX, "an array of changes holds every key");

static const char *const protocol_names[HATAGO_PORT_PROTOCOLS] = {
	[HATAGO_TCP] = "tcp",
	[HATAGO_UDP] = "udp",
};

/* Text that the file may hold, so that it reads back as it is. */
static void json_value(struct json *j, const char *key, const char *text)
{
	char escaped[CONFIG_VALUE_MAX];

	value_escape(text, escaped);
	json_str(j, key, escaped);
}

static void json_devices(const struct config_edge *edge, struct json *j)
{
	for (size_t i = 0; i < edge->device_count; i++)
		json_value(j, NULL, edge->devices[i]);
}

static void json_families(const struct config_edge *edge, struct json *j)
{
	if (edge->ipv4)
		json_str(j, NULL, "ipv4");
	if (edge->ipv6)
		json_str(j, NULL, "ipv6");
}

static void json_ports(const struct config_edge *edge, struct json *j)
{
	for (size_t i = 0; i < edge->port_count; i++) {
		const struct config_port_range *range = &edge->ports[i];
		const char *protocol = protocol_names[range->protocol];
		char text[PORT_TEXT_MAX];

		if (range->first == range->last)
			snprintf(text, sizeof(text), "%u/%s", range->first, protocol);
		else
			snprintf(text, sizeof(text), "%u-%u/%s", range->first, range->last,
				 protocol);
		json_str(j, NULL, text);
	}
	if (edge->protect_icmp)
		json_str(j, NULL, "icmp");
	if (edge->protect_all)
		json_str(j, NULL, "all");
}

static void json_prefixes(const struct config_prefixes *prefixes, struct json *j)
{
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < prefixes->count; i++) {
		prefix_format(&prefixes->items[i], text);
		json_str(j, NULL, text);
	}
}

static void json_list(const struct config *config, const struct config_key *key, struct json *j)
{
	json_array_begin(j, key_leaf(key));
	if (key->type == KEY_DEVICES)
		json_devices(&config->edge, j);
	else if (key->type == KEY_FAMILIES)
		json_families(&config->edge, j);
	else if (key->type == KEY_PORTS)
		json_ports(&config->edge, j);
	else
		json_prefixes(key_field_const(config, key), j);
	json_array_end(j);
}

static void json_key(const struct config *config, const struct config_key *key, struct json *j)
{
	const void *field = key_field_const(config, key);
	const char *leaf = key_leaf(key), *text;

	switch (key->type) {
	case KEY_BOOL:
		json_bool(j, leaf, *(const bool *)field);
		break;
	case KEY_U8:
		json_u64(j, leaf, *(const uint8_t *)field);
		break;
	case KEY_U32:
	case KEY_DURATION:
		json_u64(j, leaf, *(const uint32_t *)field);
		break;
	case KEY_U64:
		json_u64(j, leaf, *(const uint64_t *)field);
		break;
	case KEY_DECIMAL:
		json_double(j, leaf, *(const double *)field);
		break;
	case KEY_MILLI:
		json_double(j, leaf, (double)*(const uint64_t *)field / 1000);
		break;
	case KEY_MODE:
		json_str(j, leaf, config_mode_name(*(const enum config_mode *)field));
		break;
	case KEY_PATH:
	case KEY_URL_PATH:
	case KEY_LISTEN:
	case KEY_GROUP:
		text = *(const char *const *)field;
		json_value(j, leaf, text ? text : "");
		break;
	default:
		json_list(config, key, j);
	}
}

/* The section that follows another one's keys: how many begin with its path and a dot. */
static size_t section_length(const struct config_key *section)
{
	const struct config_key *key = section + 1;
	size_t length = strlen(section->path);

	while (key < config_keys + config_key_count &&
	       strncmp(key->path, section->path, length) == 0 && key->path[length] == '.')
		key++;
	return (size_t)(key - section - 1);
}

/* A bucket that is off but has a rate stands in the file, so that it can be switched on. */
static bool section_is_there(const struct config *config, const struct config_key *section)
{
	if (section->offset == KEY_NOWHERE || *(const bool *)key_field_const(config, section))
		return true;
	for (const struct config_key *key = section + 1;
	     key <= section + section_length(section) && key_is_in(key, section->path); key++)
		if (key->type == KEY_MILLI && *(const uint64_t *)key_field_const(config, key))
			return true;
	return false;
}

/* Writes the keys from `first` on, `count` of them; a section calls it again for its own. */
static void json_keys(const struct config *config, const struct config_key *first, size_t count,
		      struct json *j)
{
	for (const struct config_key *key = first; key < first + count; key++) {
		size_t inside;

		if (key->type != KEY_SECTION) {
			json_key(config, key, j);
			continue;
		}
		inside = section_length(key);
		if (section_is_there(config, key)) {
			json_object_begin(j, key_leaf(key));
			json_keys(config, key + 1, inside, j);
			json_object_end(j);
		}
		key += inside;
	}
}

void config_json(const struct config *config, const char *key, struct json *j)
{
	json_object_begin(j, key);
	json_keys(config, config_keys, config_key_count, j);
	json_object_end(j);
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool devices_equal(const struct config_edge *a, const struct config_edge *b)
{
	if (a->device_count != b->device_count)
		return false;
	for (size_t i = 0; i < a->device_count; i++)
		if (!text_equal(a->devices[i], b->devices[i]))
			return false;
	return true;
}

static bool ports_equal(const struct config_edge *a, const struct config_edge *b)
{
	if (a->protect_all != b->protect_all || a->protect_icmp != b->protect_icmp ||
	    a->port_count != b->port_count)
		return false;
	for (size_t i = 0; i < a->port_count; i++)
		if (a->ports[i].protocol != b->ports[i].protocol ||
		    a->ports[i].first != b->ports[i].first || a->ports[i].last != b->ports[i].last)
			return false;
	return true;
}

static bool prefixes_equal(const struct config_prefixes *a, const struct config_prefixes *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!prefix_equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static bool key_equal(const struct config *a, const struct config *b, const struct config_key *key)
{
	const void *x = key_field_const(a, key), *y = key_field_const(b, key);

	switch (key->type) {
	case KEY_SECTION:
	case KEY_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case KEY_U8:
		return *(const uint8_t *)x == *(const uint8_t *)y;
	case KEY_U32:
	case KEY_DURATION:
		return *(const uint32_t *)x == *(const uint32_t *)y;
	case KEY_U64:
	case KEY_MILLI:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	case KEY_DECIMAL: /* both were read from thousandths, so equal ones are the same bits */
		return memcmp(x, y, sizeof(double)) == 0;
	case KEY_MODE:
		return *(const enum config_mode *)x == *(const enum config_mode *)y;
	case KEY_DEVICES:
		return devices_equal(&a->edge, &b->edge);
	case KEY_FAMILIES:
		return a->edge.ipv4 == b->edge.ipv4 && a->edge.ipv6 == b->edge.ipv6;
	case KEY_PORTS:
		return ports_equal(&a->edge, &b->edge);
	case KEY_PREFIXES:
		return prefixes_equal(x, y);
	default:
		return text_equal(*(const char *const *)x, *(const char *const *)y);
	}
}

/* A section is compared by its keys, unless being there is all that switches it on. */
static bool key_is_compared(const struct config_key *key)
{
	return key->type != KEY_SECTION ||
	       (key->offset != KEY_NOWHERE && !(key[1].flags & KEY_INSIDE));
}

size_t config_diff(const struct config *a, const struct config *b, struct config_change *ret,
		   size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (!key_is_compared(key) || key_equal(a, b, key))
			continue;
		if (count < max)
			ret[count] = (struct config_change){key->path, key->flags & KEY_RESTART};
		count++;
	}
	return count;
}

void config_keys_markdown(FILE *out)
{
	fputs("| key | default | allowed | what it is for |\n|---|---|---|---|\n", out);
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char allowed[KEY_ALLOWED_MAX];

		key_allowed(key, allowed);
		if (key->type == KEY_SECTION)
			fprintf(out, "| **`%s`** | | ", key->path);
		else if (key->preset)
			fprintf(out, "| `%s` | `%s` | %s", key->path, key->preset, allowed);
		else
			fprintf(out, "| `%s` | required | %s", key->path, allowed);
		fprintf(out, " | %s%s%s |\n", key->help,
			key->flags & KEY_GATE ? " Obeyed by the gate." : "",
			key->flags & KEY_RESTART ? " Needs a restart." : "");
	}
}
