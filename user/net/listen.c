// SPDX-License-Identifier: MIT
/* "HOST:PORT" -> a socket address; see listen.h. Pure but for uv's own number parsers. */
#include "net/listen.h"

#include <errno.h>
#include <string.h>
#include <uv.h>

#include "base/text.h"

static int address_refuse(const char *text, const char *why, struct err *err)
{
	return err_set(err, -EINVAL,
		       "\"%s\" is no address to listen on: %s; write 127.0.0.1:9464 or [::1]:9464",
		       text, why);
}

/* Fills *ret from a host without brackets; is_v6 tells whether it had them. */
static int host_parse(const char *host, bool is_v6, int port, struct sockaddr_storage *ret)
{
	struct sockaddr_storage address;
	int error;

	memset(&address, 0, sizeof(address));
	if (!strcmp(host, "localhost") && !is_v6)
		host = "127.0.0.1";
	if (is_v6)
		error = uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address);
	else
		error = uv_ip4_addr(host, port, (struct sockaddr_in *)&address);
	if (!error)
		*ret = address;
	return error;
}

int listen_address_parse(const char *text, struct sockaddr_storage *ret, struct err *err)
{
	char host[LISTEN_TEXT_MAX];
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool is_v6 = text[0] == '[';
	uint64_t port;

	if (!colon)
		return address_refuse(text, "the port is missing", err);
	if (length >= sizeof(host))
		return address_refuse(text, "it is too long", err);
	if (!text_to_u64(colon + 1, 0, 65535, &port))
		return address_refuse(text, "the port must be 0 to 65535", err);
	if (is_v6 && (length < 2 || text[length - 1] != ']'))
		return address_refuse(text, "the bracket is not closed", err);
	if (!is_v6 && memchr(text, ':', length))
		return address_refuse(text, "an IPv6 address needs brackets", err);
	length -= is_v6 ? 2 : 0;
	memcpy(host, text + is_v6, length);
	host[length] = '\0';
	if (host_parse(host, is_v6, (int)port, ret))
		return address_refuse(text, "the host must be a numeric address", err);
	return 0;
}
