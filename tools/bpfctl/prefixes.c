// SPDX-License-Identifier: MIT
/*
 * See prefixes.h. A file has one prefix a line; # begins a comment, blank lines don't
 * count. Bounded by what a list can hold.
 */
#include "prefixes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/memory.h"

#define PREFIXES_LINE_MAX 1024 /* bytes */

void prefixes_done(struct prefixes *prefixes)
{
	for (size_t i = 0; i < prefixes->count; i++)
		free(prefixes->items[i].text);
	free(prefixes->items);
	*prefixes = (struct prefixes){0};
}

static const char *prefixes_file_name(const struct prefixes *prefixes)
{
	return strcmp(prefixes->file, "-") == 0 ? "standard input" : prefixes->file;
}

static int prefixes_add(struct prefixes *prefixes, const char *text, size_t line, struct err *err)
{
	char *copy;

	if (prefixes->count == HATAGO_LIST_MAX)
		return err_set(err, -E2BIG, "more than the %u prefixes that a list holds",
			       HATAGO_LIST_MAX);
	copy = strdup(text);
	if (!copy || memory_grow(&prefixes->items, &prefixes->capacity, prefixes->count,
				 sizeof(*prefixes->items)) < 0) {
		free(copy);
		return err_set(err, -ENOMEM, "out of memory");
	}
	prefixes->items[prefixes->count] =
		(struct prefixes_item){.text = copy, .index = prefixes->count, .line = line};
	prefixes->count++;
	return 0;
}

/* The word of a line, without blanks and comment; "" if there is none. */
static char *prefixes_word(char *line)
{
	size_t length;

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t\r\n");
	length = strlen(line);
	while (length && strchr(" \t\r\n", line[length - 1]))
		line[--length] = '\0';
	return line;
}

static int prefixes_read_lines(struct prefixes *prefixes, FILE *in, struct err *err)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0, number = 0;
	ssize_t length;
	int r = 0;

	while (r == 0 && (length = getline(&line, &size, in)) >= 0) {
		const char *word;

		number++;
		if (length > PREFIXES_LINE_MAX || strlen(line) != (size_t)length)
			return err_set(err, -EINVAL, "%s:%zu: this is no line of text",
				       prefixes_file_name(prefixes), number);
		word = prefixes_word(line);
		if (*word)
			r = prefixes_add(prefixes, word, number, err);
	}
	if (r == 0 && ferror(in))
		return err_set(err, -EIO, "%s: %s", prefixes_file_name(prefixes), strerror(errno));
	return r;
}

static int prefixes_read_file(struct prefixes *prefixes, struct err *err)
{
	FILE *in;
	int r;

	if (strcmp(prefixes->file, "-") == 0)
		return prefixes_read_lines(prefixes, stdin, err);
	in = fopen(prefixes->file, "re");
	if (!in)
		return err_set(err, errno == ENOENT ? -EINVAL : -errno, "%s: %s", prefixes->file,
			       strerror(errno));
	r = prefixes_read_lines(prefixes, in, err);
	fclose(in);
	return r;
}

int prefixes_read(struct prefixes *prefixes, const json_t *words, const char *file, struct err *err)
{
	size_t i;
	json_t *word;
	int r;

	*prefixes = (struct prefixes){.file = file};
	json_array_foreach(words, i, word)
	{
		r = prefixes_add(prefixes, json_string_value(word), 0, err);
		if (r < 0)
			return r;
	}
	r = file ? prefixes_read_file(prefixes, err) : 0;
	if (r == 0 && !prefixes->count)
		return err_set(err, -EINVAL, "%s%s holds no prefix",
			       file ? prefixes_file_name(prefixes) : "",
			       file ? "" : "the command line");
	return r;
}

void prefixes_place(const struct prefixes *prefixes, size_t index, const char *message, char *buf,
		    size_t size)
{
	if (index < prefixes->count && prefixes->items[index].line)
		snprintf(buf, size, "%.200s:%zu: %s", prefixes_file_name(prefixes),
			 prefixes->items[index].line, message);
	else
		snprintf(buf, size, "%s", message);
}

/* By prefix; of two that are the same, the earlier first. */
static int prefixes_compare(const void *left, const void *right)
{
	const struct prefixes_item *a = left, *b = right;
	int order = memcmp(a->prefix.address, b->prefix.address, sizeof(a->prefix.address));

	if (order)
		return order;
	if (a->prefix.length != b->prefix.length)
		return a->prefix.length < b->prefix.length ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int prefixes_compare_index(const void *left, const void *right)
{
	const struct prefixes_item *a = left, *b = right;

	return a->index < b->index ? -1 : a->index > b->index;
}

void prefixes_unique(struct prefixes *prefixes)
{
	struct prefixes_item *items = prefixes->items;
	size_t kept = 1;

	if (prefixes->count < 2)
		return;
	qsort(items, prefixes->count, sizeof(*items), prefixes_compare);
	for (size_t i = 1; i < prefixes->count; i++) {
		if (prefix_equal(&items[kept - 1].prefix, &items[i].prefix))
			free(items[i].text);
		else
			items[kept++] = items[i];
	}
	prefixes->count = kept;
	qsort(items, kept, sizeof(*items), prefixes_compare_index);
}
