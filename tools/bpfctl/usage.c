// SPDX-License-Identifier: MIT
/*
 * Help on three levels, all out of the table of commands: the program, an object, a
 * command. What a command needs, who may run it and how long it lasts is said here too.
 */
#include <string.h>

#include "bpfctl.h"
#include "text.h"

#define USAGE_COLUMN 24 /* where what is said of a word begins */

/* "  left   right", the right side wrapped. */
static void usage_row(FILE *out, const char *left, const char *right)
{
	int taken = (int)strlen(left) + 2;

	fprintf(out, "  %s", left);
	if (taken + 2 > USAGE_COLUMN) {
		fputc('\n', out);
		taken = 0;
	}
	fprintf(out, "%*s", USAGE_COLUMN - taken, "");
	text_wrap(out, USAGE_COLUMN, USAGE_COLUMN, right);
}

static void usage_option(FILE *out, char letter, const char *name, const char *word,
			 const char *help)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
		 letter ? "," : " ", name, word ? " " : "", word ? word : "");
	usage_row(out, left, help);
}

static void usage_own_options(FILE *out)
{
	text_paint(out, PAINT_BOLD, "\nOptions of every command\n");
	for (size_t i = 0; i < parse_option_count; i++) {
		const struct parse_option *o = &parse_options[i];

		usage_option(out, o->letter, o->name, o->word, o->help);
	}
}

/* "ban add ADDR [--for TIME] [--reason TEXT]" */
static void usage_synopsis(const struct ops_command *command, char *buf, size_t size)
{
	size_t at;

	ops_name(command, buf);
	for (size_t i = 0; i < OPS_ARGUMENTS_MAX; i++) {
		const struct ops_argument *row = &command->arguments[i];

		at = strlen(buf);
		if (row->type == OPS_NONE || row->is_hidden)
			continue;
		if (!row->is_option)
			snprintf(buf + at, size - at, row->is_required ? " %s" : " [%s]",
				 row->word);
		else if (row->letter)
			snprintf(buf + at, size - at, " [-%c%s%s]", row->letter,
				 row->word ? " " : "", row->word ? row->word : "");
		else
			snprintf(buf + at, size - at, " [--%s%s%s]", row->name,
				 row->word ? " " : "", row->word ? row->word : "");
	}
}

static void usage_program(FILE *out)
{
	const char *object = "";
	char synopsis[160];

	text_paint(out, PAINT_BOLD, "Usage: ");
	fputs("hatago-bpfctl [OPTIONS] OBJECT [VERB] [ARGUMENTS]\n\n"
	      "Controls Hatago edge: through hatagod or, where that is down, through what it\n"
	      "pinned.\n\n",
	      out);
	text_paint(out, PAINT_BOLD, "Commands\n");
	for (size_t i = 0; i < ops_command_count; i++) {
		const struct ops_command *command = &ops_commands[i];

		if (*object && strcmp(object, command->object) != 0 && command->verb)
			fputc('\n', out);
		object = command->object;
		usage_synopsis(command, synopsis, sizeof(synopsis));
		usage_row(out, synopsis, command->help);
	}
	usage_own_options(out);
	text_paint(out, PAINT_BOLD, "\nExit codes\n");
	fputs("  0 done, 1 failed, 2 usage or configuration, 3 hatagod can't be reached,\n"
	      "  4 not found, 5 not permitted\n\n"
	      "An object alone lists or shows. More: hatago-bpfctl OBJECT VERB --help\n",
	      out);
}

static void usage_object(FILE *out, const char *object)
{
	char synopsis[160];

	text_paint(out, PAINT_BOLD, "Usage: ");
	fprintf(out, "hatago-bpfctl %s VERB [ARGUMENTS]\n\n", object);
	for (size_t i = 0; i < ops_command_count; i++) {
		if (strcmp(ops_commands[i].object, object) != 0)
			continue;
		usage_synopsis(&ops_commands[i], synopsis, sizeof(synopsis));
		usage_row(out, synopsis, ops_commands[i].help);
	}
	usage_own_options(out);
}

static void usage_needs(FILE *out, const struct ops_command *command)
{
	static const char *const where[] = {
		[OPS_LOCAL] = "nothing: neither hatagod nor an edge",
		[OPS_PINS] = "hatagod or, as root, what it pinned: works while hatagod is down",
		[OPS_DAEMON] = "hatagod",
	};

	fputc('\n', out);
	usage_row(out, "needs", where[command->where]);
	if (command->where != OPS_LOCAL)
		usage_row(out, "may",
			  command->right == OPS_CHANGE ? "root and control.changeGroup"
						       : "root, control.group and "
							 "control.changeGroup");
	if (command->lasts)
		usage_row(out, "lasts", command->lasts);
}

static void usage_command(FILE *out, const struct ops_command *command)
{
	char synopsis[160];

	usage_synopsis(command, synopsis, sizeof(synopsis));
	text_paint(out, PAINT_BOLD, "Usage: ");
	fprintf(out, "hatago-bpfctl %s\n\n", synopsis);
	fputs("  ", out);
	text_wrap(out, 2, 2, command->help);
	fputc('\n', out);
	for (size_t i = 0; i < OPS_ARGUMENTS_MAX; i++) {
		const struct ops_argument *row = &command->arguments[i];

		if (row->type == OPS_NONE || row->is_hidden)
			continue;
		if (row->is_option)
			usage_option(out, row->letter, row->name, row->word, row->help);
		else
			usage_row(out, row->word, row->help);
	}
	usage_needs(out, command);
	usage_own_options(out);
}

void usage_print(FILE *out, const char *object, const struct ops_command *command)
{
	if (command)
		usage_command(out, command);
	else if (object)
		usage_object(out, object);
	else
		usage_program(out);
}
