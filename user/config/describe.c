/* SPDX-License-Identifier: MIT */
/*
 * See describe.h. What is written is what would be read: the same names, units and
 * defaults, from the same table. A section that is not there is left out.
 */
#include "config/describe.h"

#include <inttypes.h>
#include <string.h>

#include "base/address.h"
#include "config/keys.h"
#include "config/value.h"

#define PORT_TEXT_MAX	24 /* "65534-65535/tcp" */
#define WINDOW_TEXT_MAX 24 /* "1024 calls" */

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

/* Up to the first one that is not there. */
static void json_texts(const struct config *config, const struct config_key *key, struct json *j)
{
	char *const *items = key_field_const(config, key);

	for (size_t i = 0; i < key->max && items[i]; i++)
		json_value(j, NULL, items[i]);
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

static void json_failures(uint32_t failures, struct json *j)
{
	for (int failure = 0; config_failure_name(failure); failure++)
		if (failures & 1u << failure)
			json_str(j, NULL, config_failure_name(failure));
}

static void json_excluded(const struct config_classes *classes, struct json *j)
{
	for (size_t i = 0; i < classes->count; i++)
		if (classes->items[i].exclude)
			json_value(j, NULL, classes->items[i].name);
}

static void json_key(const void *base, const struct config_key *key, struct json *j);

static void json_item(const void *item, const struct config_key *list, struct json *j)
{
	json_object_begin(j, NULL);
	for (const struct config_key *key = list + 1; key <= list + key_inside(list); key++)
		json_key(item, key, j);
	json_object_end(j);
}

static void json_items(const struct config *config, const struct config_key *list, struct json *j)
{
	const struct config_classes *classes = key_field_const(config, list);

	if (list->type == KEY_WEIGHTS) {
		for (size_t i = 0; i < config->gate.weight_count; i++)
			json_item(&config->gate.weights[i], list, j);
		return;
	}
	for (size_t i = 0; i < classes->count; i++)
		if (!classes->items[i].exclude)
			json_item(&classes->items[i], list, j);
}

static void json_list(const struct config *config, const struct config_key *key, struct json *j)
{
	json_array_begin(j, key_leaf(key));
	if (key->type == KEY_FAMILIES)
		json_families(&config->edge, j);
	else if (key->type == KEY_PORTS)
		json_ports(&config->edge, j);
	else if (key->type == KEY_PREFIXES)
		json_prefixes(key_field_const(config, key), j);
	else if (key->type == KEY_FAILURES)
		json_failures(*(const uint32_t *)key_field_const(config, key), j);
	else if (key->type == KEY_EXCLUDED)
		json_excluded(key_field_const(config, key), j);
	else if (key->type >= KEY_MAPPINGS)
		json_items(config, key, j);
	else
		json_texts(config, key, j);
	json_array_end(j);
}

static void json_milli(const struct config_key *key, uint64_t milli, struct json *j)
{
	if (milli || !(key->flags & KEY_OPTIONAL))
		json_double(j, key_leaf(key), (double)milli / 1000);
}

static void json_number(const void *field, const struct config_key *key, struct json *j)
{
	const char *leaf = key_leaf(key);
	uint64_t wide;

	switch (key->type) {
	case KEY_U8:
		json_u64(j, leaf, *(const uint8_t *)field);
		break;
	case KEY_I32:
		json_i64(j, leaf, *(const int32_t *)field);
		break;
	case KEY_DECIMAL:
		json_double(j, leaf, *(const double *)field);
		break;
	case KEY_MILLI:
		json_milli(key, *(const uint64_t *)field, j);
		break;
	case KEY_U64:
		wide = *(const uint64_t *)field;
		if (wide || !(key->flags & KEY_OPTIONAL))
			json_u64(j, leaf, wide);
		break;
	default:
		json_u64(j, leaf, *(const uint32_t *)field);
	}
}

static void json_client_id(const struct config_gate *gate, const char *leaf, struct json *j)
{
	if (gate->client_id == CONFIG_ID_HEADER)
		json_value(j, leaf, gate->client_id_header);
	else
		json_str(j, leaf, gate->client_id == CONFIG_ID_PEER ? "peer" : "x-forwarded-for");
}

static void json_window(const struct config_window *window, const char *leaf, struct json *j)
{
	char text[WINDOW_TEXT_MAX];

	snprintf(text, sizeof(text), "%" PRIu32 " calls", window->calls);
	if (window->calls)
		json_str(j, leaf, text);
	else
		json_u64(j, leaf, window->ms);
}

/* base: the configuration, or the item of a list. */
static void json_key(const void *base, const struct config_key *key, struct json *j)
{
	const void *field = key_field_const(base, key);
	const char *leaf = key_leaf(key), *text;
	char prefix[PREFIX_TEXT_MAX];

	if (key->type >= KEY_LISTS) {
		json_list(base, key, j);
	} else if (key->type >= KEY_STRINGS) {
		text = *(const char *const *)field;
		json_value(j, leaf, text ? text : "");
	} else if (key->type == KEY_BOOL) {
		json_bool(j, leaf, *(const bool *)field);
	} else if (key->type == KEY_MODE) {
		json_str(j, leaf, config_mode_name(*(const enum config_mode *)field));
	} else if (key_choice(key, false)) {
		json_str(j, leaf, key_choice(key, *(const bool *)field));
	} else if (key->type == KEY_WINDOW) {
		json_window(field, leaf, j);
	} else if (key->type == KEY_CLIENT_ID) {
		json_client_id(&((const struct config *)base)->gate, leaf, j);
	} else if (key->type == KEY_PREFIX) {
		prefix_format(field, prefix);
		json_str(j, leaf, prefix);
	} else {
		json_number(field, key, j);
	}
}

/* A bucket that is off but has a rate stands in the file, so that it can be switched on. */
static bool section_is_there(const struct config *config, const struct config_key *section)
{
	if (section->offset == KEY_NOWHERE || *(const bool *)key_field_const(config, section))
		return true;
	for (const struct config_key *key = section + 1;
	     key <= section + key_inside(section) && key_is_in(key, section->path); key++)
		if (key->type == KEY_MILLI && *(const uint64_t *)key_field_const(config, key))
			return true;
	return false;
}

/* Writes the keys from `first` on, `count` of them; a section calls it again for its own. */
static void json_keys(const struct config *config, const struct config_key *first, size_t count,
		      struct json *j)
{
	for (const struct config_key *key = first; key < first + count; key++) {
		size_t inside = key_inside(key); /* or the keys of a list's items */

		if (key->type != KEY_SECTION) {
			json_key(config, key, j);
		} else if (section_is_there(config, key)) {
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

void config_keys_markdown(FILE *out)
{
	fputs("| key | default | allowed | what it is for |\n|---|---|---|---|\n", out);
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char allowed[KEY_ALLOWED_MAX];

		key_allowed(key, allowed);
		if (key->type == KEY_SECTION)
			fprintf(out, "| **`%s`** | | ", key->path);
		else if (key->flags & KEY_FOLLOWS)
			fprintf(out, "| `%s` | that of `%s` | %s", key->path, key->preset, allowed);
		else if (key->flags & KEY_OPTIONAL)
			fprintf(out, "| `%s` | none | %s", key->path, allowed);
		else if (key->preset)
			fprintf(out, "| `%s` | `%s` | %s", key->path, key->preset, allowed);
		else
			fprintf(out, "| `%s` | required | %s", key->path, allowed);
		fprintf(out, " | %s%s%s |\n", key->help,
			key->flags & KEY_GATE ? " Obeyed by the gate." : "",
			key->flags & KEY_RESTART ? " Needs a restart." : "");
	}
}
