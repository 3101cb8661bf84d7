/* SPDX-License-Identifier: MIT */
/*
 * What a machine's load files said, before and after, laid out in a folder that sense_open()
 * takes for its root. tests/fixtures/sense/NAME.tree holds both:
 *
 *	# where it is from
 *	@ before                the files of the first state
 *	== proc/stat            a file, up to the next line of these
 *	=- proc/loadavg         the same, without the last newline
 *	@ after 2000            what is different so many ms later
 *	=x proc/stat            this one is gone
 */
#ifndef HATAGO_TESTS_SENSE_FIXTURE_H
#define HATAGO_TESTS_SENSE_FIXTURE_H

#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURES "tests/fixtures/sense/"

struct sense_fixture {
	char root[64];
	FILE *tree, *file; /* file: that is being written */
	bool is_cut;	   /* its last newline is still to be written, or not */
	uint64_t after_ms;
};

static inline void fixture_fail(const char *what)
{
	fail_msg("%s", what);
	abort();
}

static inline void fixture_close_file(struct sense_fixture *f)
{
	if (f->file)
		fclose(f->file);
	f->file = NULL;
}

/* Opens root/path anew in place, with the folders that it takes. */
static inline void fixture_open_file(struct sense_fixture *f, const char *path)
{
	char full[1024];

	snprintf(full, sizeof(full), "%s/%.900s", f->root, path);
	for (char *slash = full + strlen(f->root); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	fixture_close_file(f);
	f->file = fopen(full, "w");
	if (!f->file)
		fixture_fail(full);
}

/* Empties it first: whoever has it open sees nothing of it any more. */
static inline void fixture_remove(struct sense_fixture *f, const char *path)
{
	char full[1024];

	fixture_open_file(f, path);
	fixture_close_file(f);
	snprintf(full, sizeof(full), "%s/%.900s", f->root, path);
	unlink(full);
}

static inline void fixture_line(struct sense_fixture *f, char *line, bool *is_first)
{
	if (strncmp(line, "== ", 3) == 0 || strncmp(line, "=- ", 3) == 0) {
		fixture_open_file(f, line + 3);
		f->is_cut = line[1] == '-';
		*is_first = true;
	} else if (strncmp(line, "=x ", 3) == 0) {
		fixture_remove(f, line + 3);
	} else if (f->file && f->is_cut) {
		fprintf(f->file, "%s%s", *is_first ? "" : "\n", line);
		*is_first = false;
	} else if (f->file) {
		fprintf(f->file, "%s\n", line);
	}
}

/* Lays out what comes up to the next '@'; false: there was no more. */
static inline bool fixture_next(struct sense_fixture *f)
{
	bool is_first = true, is_there = false;
	char line[32768];

	while (fgets(line, sizeof(line), f->tree)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '@') {
			is_there = strncmp(line, "@ after ", 8) == 0;
			if (is_there)
				f->after_ms = strtoull(line + 8, NULL, 10);
			if (is_there)
				break;
			continue;
		}
		fixture_line(f, line, &is_first);
	}
	fixture_close_file(f);
	return is_there;
}

/* Lays out the first state. Ends with fixture_done(). */
static inline void fixture_begin(struct sense_fixture *f, const char *name)
{
	char path[256];

	memset(f, 0, sizeof(*f));
	snprintf(f->root, sizeof(f->root), "/tmp/hatago-sense-XXXXXX");
	snprintf(path, sizeof(path), FIXTURES "%s.tree", name);
	f->tree = fopen(path, "r");
	if (!f->tree || !mkdtemp(f->root))
		fixture_fail(path);
	if (!fixture_next(f) || f->after_ms == 0)
		fixture_fail("the fixture has no second state");
}

static inline int fixture_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fixture_done(struct sense_fixture *f)
{
	fclose(f->tree);
	nftw(f->root, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
