// SPDX-License-Identifier: MIT
/*
 * A JSON value as YAML that a person would have written: blocks for objects, plain words
 * where YAML reads them back as the same, lists of scalars on one line if they fit.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bpfctl.h"
#include "text.h"

/* Would YAML read the word as a string, this very one? */
static bool yaml_is_plain(const char *text)
{
	static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "~"};

	if (!isalpha((unsigned char)text[0]) && text[0] != '/')
		/* An address or a port begins with a digit, but no number has these in it. */
		if (!isdigit((unsigned char)text[0]) || !strpbrk(text, "/") || strchr(text, ':'))
			return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_./-", *c))
			return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], text) == 0)
			return false;
	return true;
}

static char *yaml_scalar(const json_t *value)
{
	if (json_is_string(value) && yaml_is_plain(json_string_value(value)))
		return strdup(json_string_value(value));
	return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

/* A list of scalars on one line, broken where it gets too long. */
static void yaml_list(const json_t *list, int taken, int indent, FILE *out)
{
	json_t *item;
	size_t i;

	fputc('[', out);
	taken++;
	json_array_foreach(list, i, item)
	{
		char *text = yaml_scalar(item);
		int length = text ? (int)strlen(text) : 0;

		if (i && taken + length + 3 > screen.width) {
			fprintf(out, ",\n%*s", indent, "");
			taken = indent;
		} else if (i) {
			fputs(", ", out);
			taken += 2;
		}
		fputs(text ? text : "", out);
		taken += length;
		free(text);
	}
	fputs("]\n", out);
}

static void yaml_member(const char *key, const json_t *value, int indent, FILE *out)
{
	char *text;

	fprintf(out, "%*s%s:", indent, "", key);
	if (json_is_object(value)) {
		fputs(json_object_size(value) ? "\n" : " {}\n", out);
		render_yaml(value, indent + 2, out);
	} else if (json_is_array(value)) {
		fputc(' ', out);
		yaml_list(value, indent + (int)strlen(key) + 2, indent + 4, out);
	} else {
		text = yaml_scalar(value);
		fprintf(out, " %s\n", text ? text : "");
		free(text);
	}
}

void render_yaml(const json_t *value, int indent, FILE *out)
{
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)value, key, member) yaml_member(key, member, indent, out);
}
