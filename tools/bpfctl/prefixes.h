/* SPDX-License-Identifier: MIT */
/*
 * Prefixes as they are given: by words of the command line, lines of a file, or standard
 * input, each with the place that it came from. Reads them; what is done with them is
 * batch.c's.
 */
#ifndef HATAGO_BPFCTL_PREFIXES_H
#define HATAGO_BPFCTL_PREFIXES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "hatago/abi.h"

struct prefixes_item {
	char *text;
	size_t index; /* as they were given */
	size_t line;  /* 0: from the command line */
	struct hatago_prefix prefix;
};

struct prefixes {
	const char *file; /* NULL: none; "-": standard input */
	struct prefixes_item *items;
	size_t count, capacity;
};

/* Those of the array `words` (may be NULL), then those of the file. Not yet parsed. */
int prefixes_read(struct prefixes *prefixes, const json_t *words, const char *file,
		  struct err *err);
void prefixes_done(struct prefixes *prefixes);
/* "FILE:12: message", or the message alone for what came from the command line. */
void prefixes_place(const struct prefixes *prefixes, size_t index, const char *message, char *buf,
		    size_t size);
/* Once all are parsed: drops those that repeat an earlier one; the others keep their order. */
void prefixes_unique(struct prefixes *prefixes);

#endif
