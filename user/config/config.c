/* SPDX-License-Identifier: MIT */
/*
 * See config.h: a file's way from bytes to a checked value. Defaults first, then the
 * file over them (read.c, lists.c, value.c), then the whole is judged (check.c).
 */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/draft.h"
#include "config/limits.h"
#include "config/value.h"

#define FILE_CHUNK 65536

struct mark draft_seen(const struct draft *draft, const char *path)
{
	return draft->seen[key_find(path) - config_keys];
}

int draft_init(struct draft *draft, struct config *config, const char *file)
{
	*draft = (struct draft){.config = config, .problems = {.file = file}};
	for (const struct config_key *key = config_keys; key < config_keys + config_key_count;
	     key++) {
		if (!key->preset || (key->flags & (KEY_INSIDE | KEY_ITEM | KEY_FOLLOWS)) ||
		    key_is_preset_empty(key))
			continue;
		if (key->type == KEY_FAMILIES)
			config->edge.ipv4 = config->edge.ipv6 = true;
		else if (key->type == KEY_FAILURES)
			config->circuit_breaker.fail_on = CONFIG_FAIL_ALL;
		else if (key->type < KEY_LISTS && value_set(config, key, key->preset, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

void draft_done(struct draft *draft)
{
	for (size_t i = 0; i < config_key_count; i++)
		free(draft->prefixes[i].items);
}

static void config_done(struct config *config)
{
	for (const struct config_key *key = config_keys; key < config_keys + config_key_count;
	     key++) {
		if (key->flags & KEY_ITEM) /* goes with its list */
			continue;
		if (key->type >= KEY_LISTS)
			list_clear(config, key);
		else if (key->type >= KEY_STRINGS)
			free(*(char **)key_field(config, key));
	}
	free(config->gate.client_id_header);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	config_done(config);
	free(config);
}

static void config_free_at(struct config **config)
{
	config_free(*config);
}

int config_parse(const char *text, size_t length, const char *name, struct config **ret,
		 struct config_problems *problems)
{
	_cleanup_(config_free_at) struct config *config = calloc(1, sizeof(*config));
	struct draft draft;
	int r;

	*problems = (struct config_problems){0};
	if (!config)
		return -ENOMEM;
	r = draft_init(&draft, config, name);
	if (r == 0 && length > CONFIG_FILE_MAX)
		problems_add(&draft.problems, (struct mark){0}, "size",
			     "the file is too long; it may have %u bytes", CONFIG_FILE_MAX);
	else if (r == 0 && draft_read(&draft, text, length)) {
		draft_prefixes_finish(&draft);
		draft_check(&draft);
	}
	draft_done(&draft);
	if (r == 0)
		r = problems_finish(&draft.problems, problems);
	if (r == 0)
		*ret = TAKE_PTR(config);
	return r;
}

/* Reads up to CONFIG_FILE_MAX + 1 bytes, so that a longer file is told apart. */
static int file_read(const char *path, char **ret, size_t *ret_length)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length = 0, capacity = 0;

	if (fd < 0)
		return -errno;
	while (length <= CONFIG_FILE_MAX) {
		ssize_t n;

		if (length == capacity) {
			size_t wanted = capacity ? capacity * 2 : FILE_CHUNK;
			char *grown = realloc(text, wanted);

			if (!grown)
				return -ENOMEM;
			text = grown;
			capacity = wanted;
		}
		n = read(fd, text + length, capacity - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*ret = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int config_load(const char *path, struct config **ret, struct config_problems *problems)
{
	_cleanup_free_ char *text = NULL;
	struct problems unread = {.file = path};
	size_t length = 0;
	int r;

	*problems = (struct config_problems){0};
	r = file_read(path, &text, &length);
	if (r == 0)
		return config_parse(text, length, path, ret, problems);
	problems_add(&unread, (struct mark){0}, "file",
		     "can't be read: %s; name another file with -c", strerror(-r));
	problems_finish(&unread, problems);
	return r;
}
