// SPDX-License-Identifier: MIT
/*
 * A flood for the tests and the demo: TCP SYNs or datagrams from many invented sources
 * through an AF_PACKET socket, or real TCP connections. Refuses every device but lo and
 * veth pairs, and is bounded in rate, number and time: it is made to try the edge on
 * this machine, and no weapon. The invented sources are 127.0.0.0/8 on lo and 240.0.0.0/8
 * (reserved) or 2001:db8::/32 (documentation) elsewhere, so that no answer goes astray.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/listen.h"

#include "flood.h"

enum {
	SOURCES_MAX = 1 << 24,
	RATE_MAX = 10000000, /* a second */
	RATE_DEFAULT = 10000,
	SECONDS_MAX = 600,
	SECONDS_DEFAULT = 10,
};
#define COUNT_MAX 1000000000ULL

static const char *const kinds[FLOOD_KINDS] = {"tcp-syn", "udp", "tcp-connect"};

static const char usage[] =
	"usage: hatago-flood --device DEV --to ADDRESS:PORT [OPTION...]\n"
	"Sends a bounded flood over lo or a veth pair; refuses any other device.\n"
	"  --kind KIND      tcp-syn (default), udp, tcp-connect (real connections)\n"
	"  --sources N      invented sources, 1 (default) to 16777216\n"
	"  --from ADDRESS   the first of them; of IPv6, counted in the bits before the 64th\n"
	"  --rate N         a second, to 10000000; 0: as fast as it goes; default 10000\n"
	"  --seconds N      1 to 600; default 10\n"
	"  --count N        at most so many, to 1000000000\n"
	"  --size BYTES     of a frame, 60 to 9014\n"
	"  --in-kernel      made by a BPF program, some millions a second; IPv4 tcp-syn only\n"
	"  --mac MAC        of the receiver; default: who answers for the address\n"
	"Prints what was sent.\n";

static int refuse(const char *what, const char *value)
{
	fprintf(stderr, "hatago-flood: %s: %s\n", what, value);
	return 2;
}

static bool parse_mac(const char *text, uint8_t mac[ETH_ALEN])
{
	unsigned int byte[ETH_ALEN];
	char rest;

	/* NOLINTNEXTLINE(cert-err34-c): %2x can't overflow */
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5], &rest) != ETH_ALEN)
		return false;
	for (int i = 0; i < ETH_ALEN; i++)
		mac[i] = (uint8_t)byte[i];
	return true;
}

static bool parse_kind(const char *text, enum flood_kind *ret)
{
	for (int k = 0; k < FLOOD_KINDS; k++)
		if (strcmp(text, kinds[k]) == 0) {
			*ret = (enum flood_kind)k;
			return true;
		}
	return false;
}

static bool parse_to(const char *text, struct flood *f)
{
	struct err err;

	if (listen_address_parse(text, &f->to, &err) < 0)
		return false;
	f->plan.is_ipv6 = f->to.ss_family == AF_INET6;
	if (f->plan.is_ipv6) {
		const struct sockaddr_in6 *in6 = (const void *)&f->to;

		f->to_length = sizeof(*in6);
		f->plan.port = ntohs(in6->sin6_port);
		memcpy(f->plan.to, &in6->sin6_addr, 16);
	} else {
		const struct sockaddr_in *in = (const void *)&f->to;

		f->to_length = sizeof(*in);
		f->plan.port = ntohs(in->sin_port);
		memcpy(f->plan.to, &in->sin_addr, 4);
	}
	return true;
}

static bool parse_option(struct flood *f, int option, const char *value, const char **first)
{
	uint64_t n = 0;
	bool good;

	switch (option) {
	case 'd':
		f->device = value;
		return true;
	case 't':
		return parse_to(value, f);
	case 'k':
		return parse_kind(value, &f->kind);
	case 'f':
		*first = value;
		return true;
	case 'i':
		return f->in_kernel = true;
	case 'm':
		return f->has_mac = parse_mac(value, f->plan.mac_to);
	case 'r':
		return text_to_u64(value, 0, RATE_MAX, &f->rate);
	case 's':
		return text_to_u64(value, 1, SECONDS_MAX, &f->seconds);
	case 'c':
		return text_to_u64(value, 1, COUNT_MAX, &f->count);
	case 'n':
		good = text_to_u64(value, 1, SOURCES_MAX, &n);
		f->plan.sources = (uint32_t)n;
		return good;
	default: /* size */
		good = text_to_u64(value, FRAME_BYTES_MIN, FRAME_BYTES_MAX, &n);
		f->plan.length = (uint16_t)n;
		return good;
	}
}

static int parse_arguments(int argc, char **argv, struct flood *f, const char **first)
{
	static const struct option options[] = {
		{"device", 1, NULL, 'd'},
		{"to", 1, NULL, 't'},
		{"kind", 1, NULL, 'k'},
		{"from", 1, NULL, 'f'},
		{"mac", 1, NULL, 'm'},
		{"rate", 1, NULL, 'r'},
		{"count", 1, NULL, 'c'},
		{"seconds", 1, NULL, 's'},
		{"sources", 1, NULL, 'n'},
		{"size", 1, NULL, 'b'},
		{"in-kernel", 0, NULL, 'i'},
		{"help", 0, NULL, 'h'},
		{0},
	};
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "h", options, &index)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (option == '?' || !parse_option(f, option, optarg, first)) {
			if (option != '?')
				refuse(options[index].name, optarg);
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind == argc && f->device && f->to_length)
		return 0;
	fputs(usage, stderr);
	return 2;
}

static const char *first_default(const struct flood *f)
{
	if (f->plan.is_ipv6)
		return "2001:db8::";
	return f->is_loopback ? "127.0.0.0" : "240.0.0.0";
}

/* Fills in what follows from the device and the receiver. 0 or an exit code. */
static int flood_prepare(struct flood *f, const char *first)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;
	struct frame_plan *plan = &f->plan;

	if (fd < 0 || !flood_device_is_harmless(fd, f->device, &f->is_loopback)) {
		r = refuse("neither lo nor one end of a veth pair, and no other device is flooded",
			   f->device);
	} else if (f->kind != FLOOD_TCP_CONNECT) {
		if (!first)
			first = first_default(f);
		if (inet_pton(f->to.ss_family, first, plan->first) != 1)
			r = refuse("no address of the receiver's family", first);
		else if (flood_device_mac(fd, f->device, plan->mac_from) < 0)
			r = refuse("has no MAC address", f->device);
		else if (!f->has_mac && !f->is_loopback &&
			 flood_device_neighbor(f->device, &f->to, f->to_length, plan->mac_to) < 0)
			r = refuse("nobody on this device answers for the receiver's address; give "
				   "--mac",
				   f->device);
	}
	if (fd >= 0)
		close(fd);
	if (r == 0 && f->in_kernel && (plan->is_ipv6 || f->kind != FLOOD_TCP_SYN))
		r = refuse("--in-kernel makes IPv4 tcp-syn only", kinds[f->kind]);
	plan->is_udp = f->kind == FLOOD_UDP;
	if (plan->length < frame_bytes_least(plan))
		plan->length = frame_bytes_least(plan);
	return r;
}

static void flood_report(const struct flood *f)
{
	double seconds = (double)(clock_mono_ns() - f->begun_ns) / 1e9;

	if (f->kind == FLOOD_TCP_CONNECT) {
		printf("sent %" PRIu64 " connections in %.2f s: %" PRIu64 " connected, %" PRIu64
		       " refused, %" PRIu64 " timed out\n",
		       f->sent, seconds, f->connected, f->refused, f->timed_out);
		return;
	}
	printf("sent %" PRIu64 " frames, %" PRIu64
	       " bytes in %.2f s (%.0f a second): %s from %u sources over %s\n",
	       f->sent, f->sent * f->plan.length, seconds, (double)f->sent / seconds,
	       kinds[f->kind], f->plan.sources, f->device);
}

int main(int argc, char **argv)
{
	struct flood flood = {
		.rate = RATE_DEFAULT,
		.seconds = SECONDS_DEFAULT,
		.count = COUNT_MAX,
		.plan = {.sources = 1},
	};
	const char *first = NULL;
	int r = parse_arguments(argc, argv, &flood, &first);

	if (r == 0)
		r = flood_prepare(&flood, first);
	if (r)
		return r;
	flood.begun_ns = clock_mono_ns();
	if (flood.kind == FLOOD_TCP_CONNECT)
		r = flood_connections(&flood);
	else
		r = flood.in_kernel ? flood_in_kernel(&flood) : flood_frames(&flood);
	flood_report(&flood);
	return r;
}
