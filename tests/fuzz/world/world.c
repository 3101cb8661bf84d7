// SPDX-License-Identifier: MIT
/*
 * See world.h.
 */
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define SOCKET_BYTES   4096
#define READ_BYTES     4096
#define NS_PER_MS      1000000ULL
#define CLOCK_BEGIN_NS (3600000 * NS_PER_MS) /* 0 would be "not yet" */

/* --- the clock, in place of the system's --- */

static uint64_t clock_ns;

uint64_t clock_mono_ns(void)
{
	return clock_ns;
}

uint64_t clock_real_ns(void)
{
	return 1700000000000 * NS_PER_MS + clock_ns;
}

/* --- the configurations --- */

static char folder[64];
static int upstream_fd = -1;

#define BREAKER(more) "circuitBreaker: {healthCheckInterval: 0" more "}\n"
#define BREAKS	      ", failureThreshold: 2, recoveryTimeout: 1s, halfOpenProbes: 1"

/* Keys of gate, and the others. */
static const struct {
	const char *gate, *others;
} configs[WORLD_CONFIGS] = {
	{"", BREAKER(", enabled: false") "rateLimiting: {enabled: false}\nmaxConcurrent: "
					 "1\nqueueSize: 1\n"},
	{", routes: [{path: /dear, cost: 3, maxConcurrent: 1}], maxStreams: 1, "
	 "methods: [{method: tools/call, cost: 2}]",
	 BREAKER(BREAKS) "rateLimiting: {tokensPerSecond: 1, burstCapacity: 3}\nperClientLimits: "
			 "true\n"
			 "maxConcurrent: 2\nmaxConcurrentPerClient: 1\nqueueSize: 2\nrejectStyle: "
			 "inband\n"},
	{", maxRequestLine: 256, maxHeaders: 8, maxHeaderBytes: 1024, maxBodyBytes: 64, "
	 "maxBatch: 2",
	 BREAKER("") "rateLimiting: {enabled: false}\nmaxConcurrent: 100\nqueueSize: 0\n"
		     "compat: {nullId: true}\n"},
	{", maxDecisionBytes: 1024, minBodyRate: 100, maxConnections: 3, forwarded: true",
	 BREAKER(BREAKS ", onOpen: hold") "adaptive: {enabled: true}\n"
					  "rateLimiting: {tokensPerSecond: 5, burstCapacity: "
					  "10}\nmaxConcurrent: 3\n"
					  "timeout: 2s\nqueueTimeout: 500ms\n"},
	{", proxyProtocol: [192.0.2.0/31], maxConnectionsPerClient: 1",
	 BREAKER(BREAKS) "rateLimiting: {enabled: false}\nmaxConcurrent: 2\nqueueSize: 3\n"
			 "perClientLimits: true\n"},
	{", trustedProxies: [192.0.2.0/24], clientId: x-forwarded-for, maxStreams: 0",
	 BREAKER("") "rateLimiting: {enabled: false}\nmaxConcurrent: 4\nqueueSize: 4\n"},
};
/* Here the connection's number is not the client's. */
#define CONFIG_OF_PROXIES 4

static struct config *world_config(unsigned int number)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	char text[2048];

	snprintf(text, sizeof(text),
		 "gate: {listen: ['unix:%s/gate'], upstream: ['unix:%s/none', 'unix:%s/up'], "
		 "workers: "
		 "1%s}\n%smetrics: {listen: '127.0.0.1:1'}\n",
		 folder, folder, folder, configs[number].gate, configs[number].others);
	if (config_parse(text, strlen(text), "f", &config, &problems) < 0) {
		fprintf(stderr, "%s%s\n", text, problems.count ? problems.lines[0] : "");
		abort();
	}
	return config;
}

static void folder_remove(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/up", folder);
	unlink(path);
	rmdir(folder);
}

static int unix_socket(const char *name, struct sockaddr_un *ret)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	EXPECT(fd >= 0);
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s", folder, name);
	return fd;
}

static void folder_make(void)
{
	struct sockaddr_un address;
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%.40s/fuzz-gate-XXXXXX", tmp ? tmp : "/tmp");
	EXPECT(mkdtemp(folder));
	atexit(folder_remove);
	upstream_fd = unix_socket("up", &address);
	EXPECT(bind(upstream_fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	EXPECT(listen(upstream_fd, 64) == 0);
}

/* --- begin --- */

static void on_event(void *ctx, enum gate_event event, const char *json)
{
	(void)ctx;
	(void)event;
	EXPECT(json[0] == '{');
}

static char *on_metrics(void *ctx, size_t *ret_length)
{
	(void)ctx;
	*ret_length = 2;
	return strdup("{}");
}

void world_begin(struct world *world, unsigned int number, uint64_t nonce)
{
	static const struct gate_owner owner = {.event = on_event, .metrics = on_metrics};
	struct err err = {0};
	struct config *config;
	int fd;

	if (upstream_fd < 0)
		folder_make();
	memset(world, 0, sizeof(*world));
	for (size_t i = 0; i < WORLD_CLIENTS; i++)
		world->clients[i].fd = -1;
	world->config = number % WORLD_CONFIGS;
	clock_ns = CLOCK_BEGIN_NS;
	snprintf(world->canary, sizeof(world->canary), "x-for-%016" PRIx64, nonce);
	while ((fd = accept4(upstream_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd); /* of an earlier world */
	config = world_config(world->config);
	EXPECT(uv_loop_init(&world->main_loop) == 0);
	if (gate_new(config, &world->main_loop, &owner, &world->gate, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	config_free(config);
	world->worker = &world->gate->workers[0];
	uv_timer_stop(&world->worker->flows.tick); /* world_pass() stands in for it */
}

/* --- our ends --- */

static void set_small(int fd, int option)
{
	const int size = SOCKET_BYTES;

	setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
}

void world_open(struct world *world, struct end *client)
{
	struct sockaddr_storage peer = {.ss_family = AF_INET};
	struct sockaddr_un address;
	size_t number = (size_t)(client - world->clients);
	int pair[2];

	if (client->was_opened)
		return;
	client->was_opened = true;
	if (number == WORLD_CLIENTS - 1) {
		client->fd = unix_socket("gate", &address);
		EXPECT(connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
		return;
	}
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	set_small(pair[1], SO_SNDBUF);
	client->fd = pair[0];
	((struct sockaddr_in *)(void *)&peer)->sin_addr.s_addr =
		htonl(0xc0000201 + (uint32_t)number);
	conn_accept(world->worker, pair[1], &peer);
}

static void bytes_add(struct bytes *to, const char *bytes, size_t n)
{
	if (!n)
		return;
	if (to->length + n > to->capacity) {
		to->capacity = (to->length + n) * 2;
		to->at = realloc(to->at, to->capacity);
		EXPECT(to->at);
	}
	memcpy(to->at + to->length, bytes, n);
	to->length += n;
}

void world_send(struct world *world, struct end *end, const char *bytes, size_t n)
{
	bool is_client = end >= world->clients && end < world->clients + WORLD_CLIENTS;

	if (end->fd < 0 || end->must_shut || n > WORLD_SENT_MAX - world->sent)
		return;
	world->sent += n;
	bytes_add(&end->out, bytes, n);
	if (!is_client)
		end->sent_raw = true;
	/* Also across two sends: from three bytes before. */
	for (size_t i = end->out.length - n < 3 ? 0 : end->out.length - n - 3;
	     is_client && i + 4 <= end->out.length; i++)
		end->heads += memcmp(end->out.at + i, "HEAD", 4) == 0;
}

void world_answer(struct world *world, struct end *server)
{
	struct wire_requests requests;
	bool was_raw = server->sent_raw;
	char text[200];
	int n;

	wire_read_requests(server->got.at, server->got.length, &requests);
	if (requests.is_opaque || !requests.is_at_end || server->answered >= requests.heads)
		return;
	server->answered = requests.heads;
	n = snprintf(text, sizeof(text),
		     "HTTP/1.1 200 OK\r\n%s: %u\r\nContent-Type: application/json\r\n"
		     "Content-Length: 2\r\n\r\n{}",
		     world->canary,
		     was_raw || world->config == CONFIG_OF_PROXIES ? WIRE_CLIENT_NONE
								   : requests.client);
	world_send(world, server, text, (size_t)n);
	server->sent_raw = was_raw;
}

void world_close(struct end *end)
{
	if (end->fd < 0)
		return;
	close(end->fd);
	end->fd = -1;
	end->left_early = !end->saw_end;
}

/* --- turns --- */

static size_t end_give(struct end *end)
{
	ssize_t n = 0;

	if (end->fd < 0)
		return 0;
	if (end->out_sent < end->out.length)
		n = send(end->fd, end->out.at + end->out_sent, end->out.length - end->out_sent,
			 MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) /* nobody is there */
		n = (ssize_t)(end->out.length - end->out_sent);
	end->out_sent += n > 0 ? (size_t)n : 0;
	if (end->must_shut && !end->has_shut && end->out_sent == end->out.length) {
		shutdown(end->fd, SHUT_WR);
		end->has_shut = true;
		return 1;
	}
	return n > 0 ? (size_t)n : 0;
}

static size_t end_take(struct end *end)
{
	char buffer[READ_BYTES];
	ssize_t n;

	if (end->fd < 0 || end->is_paused || end->saw_end)
		return 0;
	n = recv(end->fd, buffer, sizeof(buffer), 0);
	if (n > 0)
		bytes_add(&end->got, buffer, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		end->saw_end = true;
	return n > 0 || end->saw_end;
}

static size_t accept_servers(struct world *world)
{
	size_t count = 0;
	int fd;

	while ((fd = accept4(upstream_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		count++;
		if (world->server_count == WORLD_SERVERS) {
			world->has_lost = true;
			close(fd);
			continue;
		}
		world->servers[world->server_count++] = (struct end){.fd = fd, .was_opened = true};
	}
	return count;
}

/* How much has moved. */
static size_t world_step(struct world *world)
{
	size_t moved = 0;

	for (size_t i = 0; i < WORLD_CLIENTS; i++)
		moved += end_give(&world->clients[i]);
	for (size_t i = 0; i < world->server_count; i++)
		moved += end_give(&world->servers[i]);
	uv_run(&world->worker->loop, UV_RUN_NOWAIT);
	uv_run(&world->main_loop, UV_RUN_NOWAIT);
	for (struct list *l = world->worker->conns.next; l != &world->worker->conns; l = l->next) {
		struct exchange *x = LIST_ITEM(l, struct conn, link)->exchange;

		if (x && x->up)
			set_small(x->up->flow.fd, SO_SNDBUF);
	}
	moved += accept_servers(world);
	for (size_t i = 0; i < WORLD_CLIENTS; i++)
		moved += end_take(&world->clients[i]);
	for (size_t i = 0; i < world->server_count; i++)
		moved += end_take(&world->servers[i]);
	return moved;
}

void world_turn(struct world *world)
{
	world_step(world);
}

void world_quiet(struct world *world)
{
	unsigned int turns = 0;

	for (unsigned int quiet = 0; quiet < 3; turns++) {
		quiet = world_step(world) ? 0 : quiet + 1;
		EXPECT(turns < WORLD_TURNS_MAX);
	}
}

void world_pass(struct world *world, uint64_t ms)
{
	uv_timer_t *tick = &world->worker->flows.tick;

	clock_ns += ms * NS_PER_MS;
	tick->timer_cb(tick);
	uv_async_send(&world->gate->async); /* what the breakers do by the clock */
	world_step(world);
}

void world_reload(struct world *world)
{
	struct config *config = world_config((world->config + 1) % WORLD_CONFIGS);
	struct err err = {0};

	/* Whose proxies are believed is told apart by the first configuration alone. */
	if (world->config != CONFIG_OF_PROXIES && (world->config + 1) != CONFIG_OF_PROXIES)
		EXPECT(gate_reload(world->gate, config, &err) == 0);
	config_free(config);
}
