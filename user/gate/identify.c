// SPDX-License-Identifier: MIT
/*
 * Who the client is: the TCP peer, or whom a listed proxy names by PROXY protocol; by a
 * header only where the peer is a listed, trusted proxy. What a header says never reaches
 * the edge: whoever could forge it could have a stranger blocked.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "gate/parts.h"

static void address_text(const struct sockaddr_storage *address, char *to, size_t size)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	to[0] = '\0';
	if (address->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, to, (socklen_t)size);
	else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], to, (socklen_t)size);
	else if (address->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, to, (socklen_t)size);
}

/* As the lists hold it. false: it is no address. */
static bool address_prefix(const struct sockaddr_storage *address, struct hatago_prefix *ret)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	*ret = (struct hatago_prefix){.length = 128};
	if (address->ss_family == AF_INET6) {
		memcpy(ret->address, &v6->sin6_addr, 16);
		return true;
	}
	memcpy(ret->address, mapped, sizeof(mapped));
	memcpy(ret->address + sizeof(mapped), &v4->sin_addr, 4);
	return address->ss_family == AF_INET;
}

bool settings_covers(const struct hatago_prefix *prefixes, size_t count,
		     const struct sockaddr_storage *address)
{
	struct hatago_prefix one;

	if (!count || !address_prefix(address, &one))
		return false;
	for (size_t i = 0; i < count; i++)
		if (prefix_covers(&prefixes[i], one.address))
			return true;
	return false;
}

uint32_t settings_weight(const struct settings *settings, const struct sockaddr_storage *address)
{
	struct hatago_prefix one;
	const struct config_weight *best = NULL;

	if (!settings->weight_count || !address_prefix(address, &one))
		return 1;
	for (size_t i = 0; i < settings->weight_count; i++) {
		const struct config_weight *weight = &settings->weights[i];

		if (prefix_covers(&weight->prefix, one.address) &&
		    (!best || weight->prefix.length > best->prefix.length))
			best = weight;
	}
	return best ? best->weight : 1;
}

void identify_conn(struct conn *conn)
{
	const struct settings *settings = conn->worker->settings;
	struct hatago_prefix one;

	conn->has_address = address_prefix(&conn->peer, &one);
	address_text(&conn->peer, conn->peer_text, sizeof(conn->peer_text));
	conn->is_trusted = settings_covers(settings->trusted, settings->trusted_count, &conn->peer);
	conn->id = conn->has_address ? prefix_client(&one, settings->rules)
				     : clients_named_id("unix", 4, conn->worker->gate->secret);
}

/* The last address of the list that is no trusted proxy's: nobody before it is believed. */
static struct http_text forwarded_client(const struct settings *settings,
					 const struct http_message *message,
					 struct hatago_client_id *ret_client)
{
	struct http_text found = {0};

	for (uint32_t i = message->field_count; i-- > 0;) {
		struct http_text list = message->field[i].value;

		if (message->field[i].id != HTTP_FIELD_X_FORWARDED_FOR)
			continue;
		while (list.length) {
			const char *comma = memrchr(list.at, ',', list.length);
			size_t skip = comma ? (size_t)(comma - list.at) + 1 : 0;
			struct http_text item = {list.at + skip, (uint32_t)(list.length - skip)};
			char text[PREFIX_TEXT_MAX];
			struct hatago_prefix prefix;
			bool is_trusted = false;

			while (item.length && (item.at[0] == ' ' || item.at[0] == '\t'))
				item.at++, item.length--;
			while (item.length && (item.at[item.length - 1] == ' ' ||
					       item.at[item.length - 1] == '\t'))
				item.length--;
			list.length = comma ? (uint32_t)(comma - list.at) : 0;
			if (!item.length || item.length >= sizeof(text))
				return found;
			memcpy(text, item.at, item.length);
			text[item.length] = '\0';
			if (strchr(text, '/') || prefix_parse(text, &prefix) < 0)
				return found;
			found = item;
			*ret_client = prefix_client(&prefix, settings->rules);
			for (size_t t = 0; t < settings->trusted_count && !is_trusted; t++)
				is_trusted = prefix_covers(&settings->trusted[t], prefix.address);
			if (!is_trusted)
				return found;
		}
	}
	return found;
}

static struct http_text named_client(const struct settings *settings,
				     const struct http_message *message)
{
	for (uint32_t i = 0; i < message->field_count; i++)
		if (http_text_is(message->field[i].name, settings->client_id_header))
			return message->field[i].value;
	return (struct http_text){0};
}

void identify_request(struct exchange *x, const struct http_message *message)
{
	const struct settings *settings = x->worker->settings;
	const uint64_t *secret = x->worker->gate->secret;
	struct hatago_client_id client;
	struct http_text name = {0};

	x->id = x->conn->id;
	x->id_is_address = x->conn->has_address;
	if (x->conn->is_trusted && settings->client_id == CONFIG_ID_FORWARDED_FOR)
		name = forwarded_client(settings, message, &client);
	else if (x->conn->is_trusted && settings->client_id == CONFIG_ID_HEADER)
		name = named_client(settings, message);
	if (name.length) {
		x->id = settings->client_id == CONFIG_ID_HEADER
				? clients_named_id(name.at, name.length, secret)
				: clients_named_id((const char *)&client, sizeof(client), secret);
		x->id_is_address = false;
		x->name_length =
			(uint8_t)(name.length < sizeof(x->name) ? name.length : sizeof(x->name));
		memcpy(x->name, name.at, x->name_length);
	}
	x->ticket.weight = settings_weight(settings, &x->conn->peer);
}
