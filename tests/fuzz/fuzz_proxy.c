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
	/* a copy of the exact size: reading beyond it would be seen */
	char *copy = malloc(n);
	int result;

	if (n)
		memcpy(copy, data, n);
	result = proxy_protocol_parse(copy, n, ret_source, ret_has);
	free(copy);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_storage source = {0};
	bool has_source = false, has;
	int whole = parse(data, size, &source, &has_source), before = 0;

	EXPECT(whole == -EPROTO || (whole >= 0 && whole <= PROXY_HEADER_MAX));
	EXPECT(whole <= (int)size && (whole || size < PROXY_HEADER_MAX));
	if (whole > 0 && has_source)
		EXPECT(source.ss_family == AF_INET || source.ss_family == AF_INET6);
	for (size_t n = 0; n <= size && n <= PROXY_HEADER_MAX; n++) {
		int result = parse(data, n, &source, &has);

		EXPECT(result == 0 || result == whole);
		EXPECT(before == 0 || result == before);
		EXPECT(result <= (int)n);
		before = result;
	}
	return 0;
}
