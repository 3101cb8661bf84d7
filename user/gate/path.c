// SPDX-License-Identifier: MIT
/*
 * See path.h.
 */
#include "gate/path.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character at the path's beginning, and how many bytes it takes; -1: it is odd. */
static int path_char(const char *path, size_t length, size_t *ret_size)
{
	int high, low, c;

	*ret_size = 1;
	if (path[0] == '\\')
		return -1;
	if (path[0] != '%')
		return (unsigned char)path[0];
	high = length > 2 ? hex_value(path[1]) : -1;
	low = length > 2 ? hex_value(path[2]) : -1;
	c = high * 16 + low;
	*ret_size = 3;
	return high < 0 || low < 0 || c == '/' || c == '\\' || c == 0 ? -1 : c;
}

/* The segment that ends here, from its slash on: "." and "" go, ".." takes one more along. */
static bool segment_end(const char *to, size_t *length, size_t slash)
{
	size_t size = *length - slash - 1;

	if (size == 0 || (size == 1 && to[slash + 1] == '.')) {
		*length = slash;
	} else if (size == 2 && to[slash + 1] == '.' && to[slash + 2] == '.') {
		if (slash == 0)
			return false;
		while (slash > 0 && to[--slash] != '/')
			;
		*length = slash;
	}
	return true;
}

size_t path_normal(const char *path, size_t length, char to[PATH_NORMAL_MAX])
{
	size_t n = 0, slash = 0, size;

	for (size_t i = 0; i < length; i += size) {
		int c = path_char(path + i, length - i, &size);

		if (c < 0 || n == PATH_NORMAL_MAX)
			return 0;
		if (c == '/' && n > 0) {
			if (!segment_end(to, &n, slash))
				return 0;
			slash = n;
		}
		to[n++] = (char)c;
	}
	if (n && to[0] == '/' && n - slash > 1 && to[slash + 1] == '.' &&
	    !segment_end(to, &n, slash))
		return 0;
	if (n == 0 && length) /* nothing is left of it but the root */
		to[n++] = '/';
	return n;
}
