// SPDX-License-Identifier: MIT
/*
 * The PROXY protocol's header; see proxy_protocol.h and HAProxy's proxy-protocol.txt. Both
 * versions are refused at the first byte that can't be theirs, so that a client who does
 * not speak it learns so at once. Destination, checksums and TLVs are not looked at.
 */
#include "net/proxy_protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

#define V1_MAX	       107 /* bytes with the end of line, says the specification */
#define V1_WORDS       5   /* family, two addresses, two ports */
#define V2_FIXED_BYTES 16  /* signature, version and command, family, length */

static const char v1_prefix[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum { V2_SIGNATURE_BYTES = sizeof(v2_signature) - 1, V1_PREFIX_BYTES = sizeof(v1_prefix) - 1 };

static void source_set(int family, const void *address, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&v4->sin_addr, address, sizeof(v4->sin_addr));
		v4->sin_port = htons(port);
	} else {
		memcpy(&v6->sin6_addr, address, sizeof(v6->sin6_addr));
		v6->sin6_port = htons(port);
	}
}

/* Cuts the text at single blanks into exactly V1_WORDS words. */
static bool v1_split(char *text, char *ret_words[V1_WORDS])
{
	char *blank;

	for (int i = 0; i < V1_WORDS; i++) {
		ret_words[i] = text;
		blank = strchr(text, ' ');
		if (!blank)
			return i == V1_WORDS - 1;
		*blank = '\0';
		text = blank + 1;
	}
	return false;
}

static int v1_read(char *text, struct sockaddr_storage *ret_source, bool *ret_has_source)
{
	struct in6_addr source = {0}, destination; /* room for both families */
	uint64_t source_port, destination_port;
	char *words[V1_WORDS];
	int family;

	if (!strncmp(text, "UNKNOWN", 7) && (text[7] == '\0' || text[7] == ' ')) {
		*ret_has_source = false; /* whatever follows is to be ignored */
		return 0;
	}
	if (!v1_split(text, words))
		return -EPROTO;
	if (!strcmp(words[0], "TCP4"))
		family = AF_INET;
	else if (!strcmp(words[0], "TCP6"))
		family = AF_INET6;
	else
		return -EPROTO;
	if (inet_pton(family, words[1], &source) != 1 ||
	    inet_pton(family, words[2], &destination) != 1 ||
	    !text_to_u64(words[3], 0, UINT16_MAX, &source_port) ||
	    !text_to_u64(words[4], 0, UINT16_MAX, &destination_port))
		return -EPROTO;
	source_set(family, &source, (uint16_t)source_port, ret_source);
	*ret_has_source = true;
	return 0;
}

/* The prefix was seen, as far as there are bytes. */
static int v1_parse(const char *bytes, size_t n, struct sockaddr_storage *ret_source,
		    bool *ret_has_source)
{
	char text[V1_MAX + 1] = {0};
	size_t end = V1_PREFIX_BYTES;
	int error;

	if (n < end)
		return 0;
	while (end < n && end < V1_MAX && bytes[end] >= ' ' && bytes[end] <= '~')
		end++;
	if (end == V1_MAX || (end < n && bytes[end] != '\r'))
		return -EPROTO;
	if (end + 1 >= n)
		return end + 1 == V1_MAX ? -EPROTO : 0;
	if (bytes[end + 1] != '\n' || end + 2 > V1_MAX)
		return -EPROTO;
	memcpy(text, bytes + V1_PREFIX_BYTES, end - V1_PREFIX_BYTES);
	text[end - V1_PREFIX_BYTES] = '\0';
	error = v1_read(text, ret_source, ret_has_source);
	return error ? error : (int)end + 2;
}

/* Bytes of source and destination with their ports, or -1 for a family that there is not. */
static int v2_address_bytes(unsigned int family)
{
	static const int bytes[] = {0, 12, 36, 216}; /* unspecified, IPv4, IPv6, Unix */

	return family < sizeof(bytes) / sizeof(bytes[0]) ? bytes[family] : -1;
}

/* The address block of a PROXY command. */
static int v2_read(const unsigned char *header, size_t length, struct sockaddr_storage *ret_source,
		   bool *ret_has_source)
{
	unsigned int family = header[13] >> 4, transport = header[13] & 15;
	const unsigned char *at = header + V2_FIXED_BYTES;
	int needed = v2_address_bytes(family);

	if (needed < 0 || transport > 2 || length < (size_t)needed)
		return -EPROTO;
	*ret_has_source = transport != 0 && (family == 1 || family == 2);
	if (*ret_has_source && family == 1)
		source_set(AF_INET, at, (uint16_t)(at[8] << 8 | at[9]), ret_source);
	else if (*ret_has_source)
		source_set(AF_INET6, at, (uint16_t)(at[32] << 8 | at[33]), ret_source);
	return 0;
}

/* The signature was seen, as far as there are bytes. */
static int v2_parse(const char *bytes, size_t n, struct sockaddr_storage *ret_source,
		    bool *ret_has_source)
{
	const unsigned char *header = (const unsigned char *)bytes;
	size_t length;
	int error;

	if (n > 12 && header[12] != 0x20 && header[12] != 0x21) /* version 2, LOCAL or PROXY */
		return -EPROTO;
	if (n < V2_FIXED_BYTES)
		return 0;
	length = (size_t)(header[14] << 8 | header[15]);
	if (V2_FIXED_BYTES + length > PROXY_HEADER_MAX)
		return -EPROTO;
	if (n < V2_FIXED_BYTES + length)
		return 0;
	if (header[12] == 0x20) {
		*ret_has_source = false; /* a health check of the proxy itself */
	} else {
		error = v2_read(header, length, ret_source, ret_has_source);
		if (error)
			return error;
	}
	return (int)(V2_FIXED_BYTES + length);
}

static bool begins_as(const char *bytes, size_t n, const char *prefix, size_t length)
{
	return memcmp(bytes, prefix, n < length ? n : length) == 0;
}

int proxy_protocol_parse(const char *bytes, size_t n, struct sockaddr_storage *ret_source,
			 bool *ret_has_source)
{
	if (n == 0)
		return 0;
	if (begins_as(bytes, n, v1_prefix, V1_PREFIX_BYTES))
		return v1_parse(bytes, n, ret_source, ret_has_source);
	if (begins_as(bytes, n, v2_signature, V2_SIGNATURE_BYTES))
		return v2_parse(bytes, n, ret_source, ret_has_source);
	return -EPROTO;
}
