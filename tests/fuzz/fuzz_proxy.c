// SPDX-License-Identifier: MIT
/*
 * Fuzzes the header of the PROXY protocol. Every shorter part of the input must lead to the
 * same outcome or ask for more, and once refused it stays refused.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXPECT(condition)         \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static int parse(const uint8_t *data, size_t n, struct sockaddr_storage *ret_source, bool *ret_has)
{
	/* a copy that ends where its memory ends: reading beyond it would be seen */
	char *copy = malloc(n + 1);
	int result;

	memcpy(copy + 1, data, n);
	result = proxy_protocol_parse(copy + 1, n, ret_source, ret_has);
	free(copy);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_storage source = {0};
	bool has_source = false, has;
	int whole, before = 0;

	if (size == 0)
		return 0;
	whole = parse(data, size, &source, &has_source);
	EXPECT(whole == -EPROTO || (whole >= 0 && whole <= PROXY_HEADER_MAX));
	EXPECT(whole <= (int)size && (whole || size < PROXY_HEADER_MAX));
	if (whole > 0 && has_source)
		EXPECT(source.ss_family == AF_INET || source.ss_family == AF_INET6);
	for (size_t n = 1; n <= size && n <= PROXY_HEADER_MAX; n++) {
		int result = parse(data, n, &source, &has);

		EXPECT(result == 0 || result == whole);
		EXPECT(before == 0 || result == before);
		EXPECT(result <= (int)n);
		before = result;
	}
	return 0;
}
