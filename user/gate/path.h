/* SPDX-License-Identifier: MIT */
/*
 * The path of a request as services understand it, so that two ways to write one path meet
 * the same route: percent-encodings of plain characters undone, empty and dot segments
 * resolved (RFC 3986, sections 5.2.4 and 6.2.2). Pure.
 */
#ifndef HATAGO_GATE_PATH_H
#define HATAGO_GATE_PATH_H

#include <stddef.h>

#define PATH_NORMAL_MAX 1024 /* bytes */

/*
 * Returns the length, or 0 for a path that has no plain reading: too long, an encoded slash or
 * NUL, a backslash, or dots that lead above the root. Such a path meets no route.
 */
size_t path_normal(const char *path, size_t length, char to[PATH_NORMAL_MAX]);

#endif
