/* SPDX-License-Identifier: MIT */
/*
 * Text for people: numbers, colours, tables whose columns fit what is in them, sentences
 * that break at the screen's edge. Knows nothing of what it prints.
 */
#ifndef HATAGO_BPFCTL_TEXT_H
#define HATAGO_BPFCTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TEXT_NUMBER_MAX 32
#define TEXT_WIDTH	80 /* where nobody says otherwise */
#define TEXT_WIDTH_MAX	120
#define TEXT_GLUE	"\1" /* in a wrapped sentence: a blank that does not break */
#define TABLE_COLUMNS	8

enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_RED, PAINT_GREEN, PAINT_YELLOW };

/* Set once by main, before anything is printed. */
struct screen {
	bool color;
	int width;
};
extern struct screen screen;

/* "1,234,567" */
const char *text_exact(uint64_t n, char buf[TEXT_NUMBER_MAX]);
/* "1,234,567" below ten million, then "12.3M", "4.56G". */
const char *text_short(double n, char buf[TEXT_NUMBER_MAX]);
/* The same from a thousand on: "1.23k". */
const char *text_si(double n, char buf[TEXT_NUMBER_MAX]);
/* "20000", "0.5": up to three places, no more than need be. */
const char *text_decimal(double n, char buf[TEXT_NUMBER_MAX]);
/* Of so many milliseconds: "3m20s". */
const char *text_ms(uint64_t ms, char buf[TEXT_NUMBER_MAX]);

void text_paint(FILE *out, enum paint paint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A sentence, broken between words; lines after the first begin with `indent` blanks, and so
 * many columns are taken on the first line already. */
void text_wrap(FILE *out, int taken, int indent, const char *sentence);

struct table {
	size_t columns;
	const char *head[TABLE_COLUMNS]; /* static */
	bool right[TABLE_COLUMNS];	 /* numbers */
	struct table_cell {
		char *text;
		enum paint paint;
	} * cells; /* by rows */
	size_t count, capacity;
	bool failed;
};

/* head: the columns' names, "<" before those of numbers; ends with NULL. */
void table_init(struct table *table, const char *const *head);
/* Copies the text; NULL: an empty cell. */
void table_add(struct table *table, enum paint paint, const char *text);
void table_add_number(struct table *table, enum paint paint, uint64_t n);
/*
 * Prints it, with `indent` blanks before each line and without columns that are empty in
 * every row, and frees it.
 */
void table_print(struct table *table, FILE *out, int indent);

#endif
