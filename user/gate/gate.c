// SPDX-License-Identifier: MIT
/*
 * The gate as a whole: listeners, workers, what they share, and the messages between them
 * and the main loop. See gate.h.
 */
#include "gate/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "core/rate.h"
#include "gate/parts.h"
#include "gate/peers.h"
#include "net/listen.h"

#define LISTEN_BACKLOG 1024
#define WORKERS_MAX    256
#define NS_PER_MS      1000000ULL

/* --- addresses --- */

static int unix_address(const char *path, struct sockaddr_storage *ret, struct err *err)
{
	struct sockaddr_un *address = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (strlen(path) >= sizeof(address->sun_path))
		return err_set(err, -ENAMETOOLONG,
			       "%s: the path of a Unix socket has up to %zu bytes", path,
			       sizeof(address->sun_path) - 1);
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

static int gate_address(const char *text, struct sockaddr_storage *ret, struct err *err)
{
	if (strncmp(text, GATE_UNIX_PREFIX, strlen(GATE_UNIX_PREFIX)) == 0)
		return unix_address(text + strlen(GATE_UNIX_PREFIX), ret, err);
	if (strncmp(text, GATE_HTTP_PREFIX, strlen(GATE_HTTP_PREFIX)) == 0)
		text += strlen(GATE_HTTP_PREFIX);
	return listen_address_parse(text, ret, err);
}

/* A socket that nobody listens on any more, left by one that was killed. */
static void remove_stale(const struct sockaddr_storage *address)
{
	const char *path = ((const struct sockaddr_un *)(const void *)address)->sun_path;
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(struct sockaddr_un)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(path);
	close(fd);
}

static int listen_one(struct gate *gate, const char *text, struct err *err)
{
	struct sockaddr_storage address;
	const int on = 1;
	int r = gate_address(text, &address, err), fd;

	if (r < 0)
		return r;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "gate.listen: %s: %s", text, strerror(errno));
	if (address.ss_family == AF_UNIX)
		remove_stale(&address);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address, flow_address_size(&address)) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0) {
		r = -errno;
		close(fd);
		return err_set(err, r, "gate.listen: can't listen on %s: %s", text, strerror(-r));
	}
	gate->listen_fds[gate->listen_count] = fd;
	gate->listen_is_unix[gate->listen_count] = address.ss_family == AF_UNIX;
	if (address.ss_family == AF_UNIX)
		gate->listen_paths[gate->listen_count] = strdup(text + strlen(GATE_UNIX_PREFIX));
	gate->listen_count++;
	return 0;
}

static int open_addresses(struct gate *gate, const struct config_gate *config, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->upstream_count; i++) {
		struct upstream *upstream = &gate->upstreams[gate->upstream_count];

		r = gate_address(config->upstream[i], &upstream->address, err);
		snprintf(upstream->name, sizeof(upstream->name), "%s", config->upstream[i]);
		gate->upstream_count += r == 0;
	}
	for (size_t i = 0; r == 0 && i < config->listen_count; i++)
		r = listen_one(gate, config->listen[i], err);
	return r;
}

/* --- messages to the main loop --- */

static int post(struct gate *gate, struct gate_message *message)
{
	bool has_room;

	uv_mutex_lock(&gate->messages_lock);
	has_room = gate->message_count < GATE_EVENTS_MAX;
	if (has_room) {
		list_append(&gate->messages, &message->link);
		gate->message_count++;
	}
	uv_mutex_unlock(&gate->messages_lock);
	if (!has_room)
		return -ENOSPC; /* the caller keeps the message */
	uv_async_send(&gate->async);
	return 0;
}

void gate_tell(struct gate *gate, enum gate_event event, char *json)
{
	struct gate_message *message = json ? calloc(1, sizeof(*message)) : NULL;

	if (message) {
		list_init(&message->link);
		message->kind = MESSAGE_EVENT;
		message->event = event;
		message->text = json;
		if (post(gate, message) == 0)
			return;
	}
	free(message);
	free(json);
	__atomic_fetch_add(&gate->events_dropped, 1, __ATOMIC_RELAXED);
}

int gate_ask_metrics(struct gate *gate, struct worker *worker, uint64_t question)
{
	struct gate_message *message = calloc(1, sizeof(*message));
	int r;

	if (!message)
		return -ENOMEM;
	list_init(&message->link);
	message->kind = MESSAGE_METRICS;
	message->worker = worker;
	message->question = question;
	r = post(gate, message);
	if (r < 0)
		free(message);
	return r;
}

static void give_metrics(struct gate *gate, struct gate_message *message)
{
	struct worker *w = message->worker;

	message->text = gate->owner.metrics(gate->owner.ctx, &message->length);
	uv_mutex_lock(&w->inbox_lock);
	list_append(&w->inbox_answers, &message->link);
	uv_mutex_unlock(&w->inbox_lock);
	worker_poke(w);
}

static void on_breaker_timer(uv_timer_t *timer);

/* What the breakers have to do by the clock, and when there is more of it. */
static void breakers_turn(struct gate *gate)
{
	uint64_t next_ns = dispatch_turn(gate), now_ns = clock_mono_ns();

	if (next_ns == UINT64_MAX)
		uv_timer_stop(&gate->breaker_timer);
	else if (next_ns <= now_ns)
		uv_async_send(&gate->async);
	else
		uv_timer_start(&gate->breaker_timer, on_breaker_timer,
			       (next_ns - now_ns) / NS_PER_MS + 1, 0);
}

static void on_breaker_timer(uv_timer_t *timer)
{
	breakers_turn(timer->data);
}

static void on_async(uv_async_t *async)
{
	struct gate *gate = async->data;
	struct list messages, *first;

	list_init(&messages);
	uv_mutex_lock(&gate->messages_lock);
	while ((first = list_first(&gate->messages)))
		list_append(&messages, first);
	gate->message_count = 0;
	uv_mutex_unlock(&gate->messages_lock);
	while ((first = list_first(&messages))) {
		struct gate_message *message = LIST_ITEM(first, struct gate_message, link);

		list_remove(first);
		if (message->kind == MESSAGE_METRICS) {
			give_metrics(gate, message);
			continue;
		}
		gate->owner.event(gate->owner.ctx, message->event, message->text);
		free(message->text);
		free(message);
	}
	breakers_turn(gate);
}

/* --- what the main thread asks --- */

void gate_set_clients(struct gate *gate, const struct clients *edge)
{
	uv_mutex_lock(&gate->lock);
	gate->edge = edge ? *edge : (struct clients){0};
	peers_forget_told(gate);
	uv_mutex_unlock(&gate->lock);
}

static void breakers_set(struct gate *gate, uint64_t now_ns)
{
	for (size_t i = 0; i < gate->upstream_count; i++) {
		breaker_set_options(&gate->upstreams[i].breaker, &gate->settings->breaker, now_ns);
		dispatch_follow(gate, &gate->upstreams[i], now_ns);
	}
}

int gate_hold_breaker(struct gate *gate, const char *upstream, enum breaker_hold hold)
{
	static void (*const by_hand[])(struct breaker *, uint64_t) = {
		[BREAKER_AUTOMATIC] = breaker_reset,
		[BREAKER_HELD_OPEN] = breaker_open,
		[BREAKER_HELD_CLOSED] = breaker_close,
	};
	uint64_t now_ns = clock_mono_ns();
	int r = -ENOENT;

	uv_mutex_lock(&gate->lock);
	for (size_t i = 0; i < gate->upstream_count; i++) {
		if (upstream && strcmp(gate->upstreams[i].name, upstream) != 0)
			continue;
		by_hand[hold](&gate->upstreams[i].breaker, now_ns);
		dispatch_follow(gate, &gate->upstreams[i], now_ns);
		r = 0;
	}
	uv_mutex_unlock(&gate->lock);
	uv_async_send(&gate->async);
	return r;
}

bool gate_circuit_is_open(struct gate *gate)
{
	bool is_open;

	uv_mutex_lock(&gate->lock);
	is_open = gate->breaker_state == BREAKER_OPEN;
	uv_mutex_unlock(&gate->lock);
	return is_open;
}

int gate_reload(struct gate *gate, const struct config *config, struct err *err)
{
	uint64_t now_ns = clock_mono_ns();
	struct settings *settings, *old;
	int r = settings_new(config, &settings);

	if (r < 0)
		return err_set(err, r, "out of memory");
	uv_mutex_lock(&gate->lock);
	r = admission_set_options(gate->admission, &settings->admission);
	old = settings;
	if (r == 0) {
		old = gate->settings;
		gate->settings = settings;
		clients_own_set_rules(gate->own, settings->rules);
		breakers_set(gate, now_ns);
		adapt_follow(gate);
		admit_others(gate, NULL, now_ns);
	}
	uv_mutex_unlock(&gate->lock);
	settings_drop(old);
	if (r < 0)
		return err_set(err, r, "out of memory");
	for (size_t i = 0; i < gate->worker_count; i++) {
		struct worker *w = &gate->workers[i];

		uv_mutex_lock(&w->inbox_lock);
		settings_drop(w->inbox_settings);
		w->inbox_settings = settings_use(settings);
		uv_mutex_unlock(&w->inbox_lock);
		worker_poke(w);
	}
	uv_async_send(&gate->async); /* the breakers may have something to do sooner now */
	return 0;
}

void gate_drain(struct gate *gate)
{
	for (size_t i = 0; i < gate->worker_count; i++) {
		struct worker *w = &gate->workers[i];

		uv_mutex_lock(&w->inbox_lock);
		w->inbox_drain = true;
		uv_mutex_unlock(&w->inbox_lock);
		worker_poke(w);
	}
}

uint32_t gate_in_flight(struct gate *gate)
{
	uint32_t count = 0;

	for (size_t i = 0; i < gate->worker_count; i++)
		count += __atomic_load_n(&gate->workers[i].in_flight, __ATOMIC_RELAXED);
	return count;
}

static void tell_end(struct gate *gate, const struct escalation *escalation)
{
	struct json out;
	char *text;

	json_init(&out);
	json_object_begin(&out, NULL);
	json_str(&out, "clientId", escalation->client);
	json_str(&out, "reason", "its debt is over");
	json_object_end(&out);
	text = json_take(&out);
	if (text)
		gate->owner.event(gate->owner.ctx, GATE_ESCALATION_ENDED, text);
	free(text);
}

void gate_tick(struct gate *gate)
{
	struct escalation ended[GATE_ESCALATED_MAX / 16];
	uint64_t now_ns = clock_mono_ns();
	size_t kept = 0, count = 0;

	uv_mutex_lock(&gate->lock);
	for (size_t i = 0; i < gate->escalation_count; i++) {
		const struct escalation *e = &gate->escalations[i];

		if (e->until_ns > now_ns || count == sizeof(ended) / sizeof(ended[0]))
			gate->escalations[kept++] = *e;
		else
			ended[count++] = *e;
	}
	gate->escalation_count = kept;
	uv_mutex_unlock(&gate->lock);
	peers_refresh(gate, now_ns);
	for (size_t i = 0; i < count; i++)
		tell_end(gate, &ended[i]);
}

uint64_t gate_key(const struct gate *gate, struct hatago_client_id id)
{
	return table_key(id, gate->key_secret);
}

uint64_t gate_tokens(const struct gate *gate)
{
	const struct settings *settings = gate->settings;

	return settings->per_client
		       ? gate->last_tokens
		       : rate_tokens(&gate->rate_word, &settings->rate, clock_mono_ns());
}

static void tally_upstreams(const struct gate *gate, struct tally_gate *ret)
{
	uint64_t now_ns = clock_mono_ns();

	ret->breaker = gate->breaker_state;
	ret->upstream_count = gate->upstream_count;
	for (size_t i = 0; i < gate->upstream_count; i++) {
		const struct upstream *from = &gate->upstreams[i];
		struct tally_upstream *to = &ret->upstreams[i];

		memcpy(to->name, from->name, sizeof(to->name));
		to->outstanding = from->outstanding;
		breaker_look(&from->breaker, now_ns, &to->breaker);
	}
}

void gate_tally(struct gate *gate, struct tally_gate *ret)
{
	const struct settings *settings;

	*ret = (struct tally_gate){0};
	uv_mutex_lock(&gate->lock);
	settings = gate->settings;
	ret->current = admission_running(gate->admission);
	ret->max_concurrent = settings->admission.max_concurrent;
	ret->limit = admission_limit(gate->admission);
	ret->queued = admission_queued(gate->admission);
	ret->queue_size = settings->admission.queue_size;
	ret->streams_max = settings->admission.max_streams;
	ret->capacity = (double)settings->rate.burst;
	ret->refill_rate = (double)settings->rate.rate_milli / 1000;
	ret->tokens = (double)gate_tokens(gate);
	tally_upstreams(gate, ret);
	uv_mutex_unlock(&gate->lock);
	for (size_t i = 0; i < gate->worker_count; i++)
		tally_add(&ret->sum, &gate->workers[i].tally);
}

/* --- begin and end --- */

static int share_init(struct gate *gate, const struct config *config, struct err *err)
{
	int r = settings_new(config, &gate->settings);

	r = r < 0 ? r : admission_new(&gate->settings->admission, &gate->admission);
	if (r == 0 && getrandom(gate->secret, sizeof(gate->secret), 0) != sizeof(gate->secret))
		return err_set(err, -EIO, "the kernel gives no random numbers");
	gate->secret[1] |= 1; /* invertible */
	gate->key_secret[0] = gate->secret[0];
	gate->key_secret[1] = gate->secret[1];
	r = r < 0 ? r : clients_own_new(GATE_OWN_CLIENTS, gate->secret, &gate->own);
	if (r < 0)
		return err_set(err, r, "out of memory");
	clients_own_set_rules(gate->own, gate->settings->rules);
	gate->last_tokens = gate->settings->rate.burst;
	for (size_t i = 0; i < gate->upstream_count; i++)
		breaker_init(&gate->upstreams[i].breaker, &gate->settings->breaker,
			     gate->secret[0] + i);
	adapt_begin(gate, clock_mono_ns());
	r = escalate_new(gate->secret[0], &gate->escalate);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static size_t workers_wanted(const struct config_gate *config)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->workers)
		return config->workers;
	return cpus < 1 ? 1 : cpus > WORKERS_MAX ? WORKERS_MAX : (size_t)cpus;
}

static int workers_init(struct gate *gate, const struct config_gate *config, struct err *err)
{
	size_t count = workers_wanted(config);
	int r = 0;

	gate->workers = calloc(count, sizeof(*gate->workers));
	if (!gate->workers)
		return err_set(err, -ENOMEM, "out of memory");
	for (; r == 0 && gate->worker_count < count; gate->worker_count++)
		r = worker_init(&gate->workers[gate->worker_count], gate, err);
	return r;
}

int gate_new(const struct config *config, uv_loop_t *main_loop, const struct gate_owner *owner,
	     struct gate **ret, struct err *err)
{
	struct gate *gate = calloc(1, sizeof(*gate));
	int r;

	if (!gate)
		return err_set(err, -ENOMEM, "out of memory");
	gate->owner = *owner;
	list_init(&gate->messages);
	list_init(&gate->peers_told);
	gate->async.data = gate->breaker_timer.data = gate;
	gate->next_check_ns = UINT64_MAX;
	gate->scale = 1;
	uv_timer_init(main_loop, &gate->breaker_timer);
	uv_mutex_init(&gate->lock);
	uv_mutex_init(&gate->messages_lock);
	r = uv_async_init(main_loop, &gate->async, on_async);
	r = r < 0 ? r : open_addresses(gate, &config->gate, err);
	r = r < 0 ? r : share_init(gate, config, err);
	r = r < 0 ? r : workers_init(gate, &config->gate, err);
	if (r < 0) {
		gate_free(gate);
		return r;
	}
	*ret = gate;
	return 0;
}

int gate_start(struct gate *gate, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < gate->worker_count; i++)
		r = worker_start(&gate->workers[i], err);
	return r;
}

static void on_gate_closed(uv_handle_t *handle)
{
	struct gate *gate = handle->data;
	struct list *first;

	if (--gate->open_handles > 0)
		return;
	while ((first = list_first(&gate->messages))) {
		struct gate_message *message = LIST_ITEM(first, struct gate_message, link);

		list_remove(first);
		free(message->text);
		free(message);
	}
	uv_mutex_destroy(&gate->messages_lock);
	uv_mutex_destroy(&gate->lock);
	free(gate);
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	for (size_t i = 0; i < gate->worker_count; i++)
		worker_done(&gate->workers[i]);
	for (size_t i = 0; i < gate->listen_count; i++) {
		close(gate->listen_fds[i]);
		if (gate->listen_paths[i])
			unlink(gate->listen_paths[i]);
		free(gate->listen_paths[i]);
	}
	free(gate->workers);
	peers_done(gate);
	escalate_free(gate->escalate);
	clients_own_free(gate->own);
	admission_free(gate->admission);
	settings_drop(gate->settings);
	/* At once, so that neither comes back to what has just been freed. */
	gate->open_handles = 2;
	uv_close((uv_handle_t *)&gate->breaker_timer, on_gate_closed);
	uv_close((uv_handle_t *)&gate->async, on_gate_closed);
}
