// SPDX-License-Identifier: MIT
/*
 * See text.h. A table is collected whole and printed once its widths are known; the last
 * column is never padded, so that no line ends in blanks.
 */
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define TABLE_GAP  2
#define SHORT_FROM 10000000.0 /* from here on digits are left out */

struct screen screen = {.width = TEXT_WIDTH};

const char *text_exact(uint64_t n, char buf[TEXT_NUMBER_MAX])
{
	char digits[TEXT_NUMBER_MAX];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
	return buf;
}

/* Three digits in all; below a thousand only small fractions matter. */
static int text_places(double n, size_t unit)
{
	if (unit == 0)
		return n < 9.95;
	return n < 9.995 ? 2 : n < 99.95;
}

static void text_trim(char *text, char what)
{
	size_t length = strlen(text);

	while (length > 1 && text[length - 1] == what)
		text[--length] = '\0';
}

const char *text_si(double n, char buf[TEXT_NUMBER_MAX])
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	/* 999.5 would be printed as 1000 */
	while (n >= 999.5 && unit + 2 < sizeof(units)) {
		n /= 1000;
		unit++;
	}
	snprintf(buf, TEXT_NUMBER_MAX, "%.*f", text_places(n, unit), n);
	if (strchr(buf, '.')) {
		text_trim(buf, '0');
		text_trim(buf, '.');
	}
	if (unit)
		snprintf(buf + strlen(buf), TEXT_NUMBER_MAX - strlen(buf), "%c", units[unit]);
	return buf;
}

const char *text_short(double n, char buf[TEXT_NUMBER_MAX])
{
	return n < SHORT_FROM ? text_exact((uint64_t)n, buf) : text_si(n, buf);
}

const char *text_decimal(double n, char buf[TEXT_NUMBER_MAX])
{
	uint64_t milli = (uint64_t)(n * 1000 + 0.5);

	text_exact(milli / 1000, buf);
	if (milli % 1000 == 0)
		return buf;
	snprintf(buf + strlen(buf), TEXT_NUMBER_MAX - strlen(buf), ".%03u",
		 (unsigned int)(milli % 1000));
	text_trim(buf, '0');
	return buf;
}

const char *text_ms(uint64_t ms, char buf[TEXT_NUMBER_MAX])
{
	static const char *const zero[] = {"m0s", "h0m", "d0h"};
	size_t length;

	text_duration(ms > UINT64_MAX / 1000000 ? UINT64_MAX : ms * 1000000, buf, TEXT_NUMBER_MAX);
	length = strlen(buf);
	for (size_t i = 0; length > 3 && i < sizeof(zero) / sizeof(zero[0]); i++)
		if (strcmp(buf + length - 3, zero[i]) == 0)
			buf[length - 2] = '\0';
	return ms ? buf : "0s";
}

static const char *const paints[] = {
	[PAINT_NONE] = "",	    [PAINT_BOLD] = "\033[1m",	[PAINT_DIM] = "\033[2m",
	[PAINT_RED] = "\033[1;31m", [PAINT_GREEN] = "\033[32m", [PAINT_YELLOW] = "\033[33m",
};

void text_paint(FILE *out, enum paint paint, const char *format, ...)
{
	bool colored = screen.color && paint != PAINT_NONE;
	va_list args;

	va_start(args, format);
	if (colored)
		fputs(paints[paint], out);
	vfprintf(out, format, args);
	if (colored)
		fputs("\033[0m", out);
	va_end(args);
}

void text_wrap(FILE *out, int taken, int indent, const char *sentence)
{
	bool first = true;

	while (*sentence) {
		size_t length = strcspn(sentence, " ");

		if (!first && taken + 1 + (int)length > screen.width) {
			fprintf(out, "\n%*s", indent, "");
			taken = indent;
			first = true;
		}
		if (!first) {
			fputc(' ', out);
			taken++;
		}
		for (size_t i = 0; i < length; i++)
			fputc(sentence[i] == TEXT_GLUE[0] ? ' ' : sentence[i], out);
		taken += (int)length;
		sentence += length;
		sentence += strspn(sentence, " ");
		first = false;
	}
	fputc('\n', out);
}

void table_init(struct table *table, const char *const *head)
{
	*table = (struct table){0};
	for (; head[table->columns] && table->columns < TABLE_COLUMNS; table->columns++) {
		const char *name = head[table->columns];

		table->right[table->columns] = name[0] == '<';
		table->head[table->columns] = name + (name[0] == '<');
	}
}

void table_add(struct table *table, enum paint paint, const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy ||
	    memory_grow(&table->cells, &table->capacity, table->count, sizeof(*table->cells)) < 0) {
		free(copy);
		table->failed = true;
		return;
	}
	table->cells[table->count].text = copy;
	table->cells[table->count].paint = paint;
	table->count++;
}

void table_add_number(struct table *table, enum paint paint, uint64_t n)
{
	char buf[TEXT_NUMBER_MAX];

	table_add(table, paint, text_short((double)n, buf));
}

/* Columns on the screen: bytes that begin a UTF-8 character. */
static int table_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* Blanks are held back until something stands behind them, so that no line ends in them. */
static void table_print_cell(const struct table *table, size_t column, int width,
			     const struct table_cell *cell, int *blanks, FILE *out)
{
	int pad = width - table_width(cell->text);

	if (table->right[column])
		*blanks += pad;
	if (*cell->text) {
		fprintf(out, "%*s", *blanks, "");
		*blanks = 0;
		text_paint(out, cell->paint, "%s", cell->text);
	}
	if (!table->right[column])
		*blanks += pad;
	*blanks += TABLE_GAP;
}

/* row: one cell a column; a column without a width has nothing in any row. */
static void table_print_row(const struct table *table, const int width[TABLE_COLUMNS],
			    const struct table_cell *row, int indent, FILE *out)
{
	int blanks = indent;

	for (size_t c = 0; c < table->columns; c++)
		if (width[c])
			table_print_cell(table, c, width[c], &row[c], &blanks, out);
	fputc('\n', out);
}

static void table_measure(const struct table *table, int width[TABLE_COLUMNS])
{
	for (size_t c = 0; c < table->columns; c++) {
		width[c] = 0;
		for (size_t i = c; i < table->count; i += table->columns) {
			int w = table_width(table->cells[i].text);

			width[c] = w > width[c] ? w : width[c];
		}
		if (width[c] && width[c] < table_width(table->head[c]))
			width[c] = table_width(table->head[c]);
	}
}

void table_print(struct table *table, FILE *out, int indent)
{
	struct table_cell head[TABLE_COLUMNS];
	int width[TABLE_COLUMNS];

	table_measure(table, width);
	for (size_t c = 0; c < table->columns; c++)
		head[c] = (struct table_cell){(char *)table->head[c], PAINT_BOLD};
	table_print_row(table, width, head, indent, out);
	for (size_t i = 0; i + table->columns <= table->count; i += table->columns)
		table_print_row(table, width, &table->cells[i], indent, out);
	if (table->failed)
		fputs("(cut short: out of memory)\n", out);
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = (struct table){0};
}
