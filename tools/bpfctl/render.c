// SPDX-License-Identifier: MIT
/*
 * Results for people: which function shows which command, and those that are told in a
 * line or two. A member that is missing is shown as nothing, so that a command can talk
 * to a hatagod of another version.
 */
#include <string.h>

#include "bpfctl.h"
#include "text.h"

const char *get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

double get_number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

uint64_t get_u64(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? (uint64_t)json_integer_value(value)
				      : (uint64_t)json_number_value(value);
}

bool get_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

void render_lasts(const json_t *result, FILE *out)
{
	const json_t *notes = json_object_get(result, "notes"), *note;
	size_t i;

	json_array_foreach(notes, i, note)
	{
		text_paint(out, PAINT_YELLOW, "note: ");
		text_wrap(out, 6, 6, json_string_value(note));
	}
	if (*get_text(result, "lasts")) {
		text_paint(out, PAINT_DIM, "lasts ");
		text_wrap(out, 6, 6, get_text(result, "lasts"));
	}
}

static void render_attach(const json_t *result, FILE *out)
{
	const json_t *device = json_array_get(json_object_get(result, "devices"), 0);
	const json_t *confirm = json_object_get(device, "confirm_within_ms");
	char buf[TEXT_NUMBER_MAX];

	render_edge(result, out);
	if (json_is_integer(confirm)) {
		text_paint(out, PAINT_YELLOW, "not confirmed: ");
		fprintf(out, "it detaches by itself in %s, unless before that comes\n",
			text_ms(get_u64(device, "confirm_within_ms"), buf));
		fprintf(out, "  hatago-bpfctl edge confirm %s\n", get_text(device, "device"));
	}
	render_lasts(result, out);
}

static void render_detach(const json_t *result, FILE *out)
{
	fprintf(out, "%s is detached\n", get_text(result, "detached"));
	render_lasts(result, out);
}

static void render_confirm(const json_t *result, FILE *out)
{
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(result, "confirmed"), i, name)
		fprintf(out, "%s is confirmed\n", json_string_value(name));
	render_lasts(result, out);
}

static void render_ban_add(const json_t *result, FILE *out)
{
	char buf[TEXT_NUMBER_MAX];

	fprintf(out, "%s is banned", get_text(result, "banned"));
	if (json_is_null(json_object_get(result, "remaining_ms")))
		fputs(" until it is lifted", out);
	else
		fprintf(out, " for %s, until %s", text_ms(get_u64(result, "remaining_ms"), buf),
			get_text(result, "until"));
	fputs(get_bool(result, "replaced") ? " (in place of the ban it had)\n" : "\n", out);
	render_lasts(result, out);
}

static void render_ban_del(const json_t *result, FILE *out)
{
	fprintf(out, "%s is not banned any more\n", get_text(result, "lifted"));
	render_lasts(result, out);
}

static void render_forgive(const json_t *result, FILE *out)
{
	fprintf(out, "%s is forgiven: its buckets of requests are full%s\n",
		get_text(result, "forgiven"),
		get_bool(result, "was_escalated")
			? ", and its new connections are not dropped any more"
			: "");
	render_lasts(result, out);
}

static void render_list_change(const json_t *result, FILE *out)
{
	char buf[TEXT_NUMBER_MAX];

	if (json_object_get(result, "added")) {
		fprintf(out, "%s: %s added", get_text(result, "list"),
			text_exact(get_u64(result, "added"), buf));
		if (get_u64(result, "present"))
			fprintf(out, ", %s were there already",
				text_exact(get_u64(result, "present"), buf));
	} else {
		fprintf(out, "%s: %s deleted", get_text(result, "list"),
			text_exact(get_u64(result, "deleted"), buf));
	}
	fputc('\n', out);
	render_lasts(result, out);
}

static void render_limit_set(const json_t *result, FILE *out)
{
	render_limits(result, out);
	render_lasts(result, out);
}

static void render_check(const json_t *result, FILE *out)
{
	fprintf(out, "%s is valid\n", get_text(result, "file"));
}

static void render_config(const json_t *result, FILE *out)
{
	text_paint(out, PAINT_DIM, "# %s, as hatagod runs it\n", get_text(result, "file"));
	text_paint(out, PAINT_DIM, "# limits that were set since then: limit show\n");
	render_yaml(json_object_get(result, "config"), 0, out);
}

static void render_reload(const json_t *result, FILE *out)
{
	const json_t *changes = json_object_get(result, "changes"), *change;
	size_t i;

	if (json_array_size(changes) == 0)
		fputs("reloaded; nothing in it has changed\n", out);
	else
		fputs("reloaded:\n", out);
	json_array_foreach(changes, i, change)
	{
		fputs("  ", out);
		text_wrap(out, 2, 4, json_string_value(change));
	}
	render_lasts(result, out);
}

static void render_version(const json_t *result, FILE *out)
{
	const json_t *hatagod = json_object_get(result, "hatagod");

	fprintf(out, "hatago-bpfctl %s (maps of version %llu)\n", get_text(result, "version"),
		(unsigned long long)get_u64(result, "abi"));
	if (json_is_object(hatagod))
		fprintf(out, "hatagod       %s (maps of version %llu)\n",
			get_text(hatagod, "version"), (unsigned long long)get_u64(hatagod, "abi"));
	else
		fputs("hatagod       is not reached\n", out);
}

static const struct {
	const char *name;
	void (*show)(const json_t *result, FILE *out);
} renderers[] = {
	{"status", render_status},
	{"edge show", render_edge},
	{"edge attach", render_attach},
	{"edge detach", render_detach},
	{"edge confirm", render_confirm},
	{"client list", render_clients},
	{"client show", render_client},
	{"client forgive", render_forgive},
	{"why", render_why},
	{"ban add", render_ban_add},
	{"ban del", render_ban_del},
	{"ban list", render_bans},
	{"allow add", render_list_change},
	{"allow del", render_list_change},
	{"allow list", render_entries},
	{"deny add", render_list_change},
	{"deny del", render_list_change},
	{"deny list", render_entries},
	{"limit show", render_limits},
	{"limit set", render_limit_set},
	{"counter list", render_counters},
	{"breaker show", render_breakers},
	{"breaker open", render_breakers},
	{"breaker close", render_breakers},
	{"breaker reset", render_breakers},
	{"config check", render_check},
	{"config show", render_config},
	{"config reload", render_reload},
	{"version", render_version},
};

void render(const struct ops_command *command, const json_t *result, FILE *out)
{
	char name[OPS_NAME_MAX];

	ops_name(command, name);
	for (size_t i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++)
		if (strcmp(renderers[i].name, name) == 0) {
			renderers[i].show(result, out);
			return;
		}
	render_yaml(result, 0, out); /* a command that has no words of its own yet */
}
