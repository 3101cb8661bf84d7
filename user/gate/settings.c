// SPDX-License-Identifier: MIT
/*
 * The configuration as the workers use it: a copy of its own, since a reload frees the
 * other; counted, since each worker lets go of the old one when it comes to it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gate/parts.h"

#define NS_PER_MS 1000000ULL

static bool copy_text(const char *from, char **to)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool copy_prefixes(const struct config_prefixes *from, struct hatago_prefix **to,
			  size_t *ret_count)
{
	*to = from->count ? calloc(from->count, sizeof(**to)) : NULL;
	if (from->count && !*to)
		return false;
	if (from->count)
		memcpy(*to, from->items, from->count * sizeof(**to));
	*ret_count = from->count;
	return true;
}

/* first: the number of the first one in the admission. */
static bool copy_classes(struct settings *settings, const struct config_classes *from,
			 uint16_t first, struct setting_class **to, size_t *ret_count)
{
	struct setting_class *classes = calloc(from->count ? from->count : 1, sizeof(*classes));

	*to = classes;
	if (!classes)
		return false;
	for (size_t i = 0; i < from->count; i++) {
		const struct config_class *item = &from->items[i];
		struct setting_class *class = &classes[i];

		if (!item->name || !copy_text(item->name, &class->name))
			return false;
		class->length = strlen(class->name);
		class->is_beginning = class->length && class->name[class->length - 1] == '*';
		class->length -= class->is_beginning;
		class->exclude = item->exclude;
		class->cost = item->cost;
		class->id = (uint16_t)(first + i);
		class->has_limit = item->has_limit;
		class->limit = item->limit;
		settings->admission.class_max[class->id] = item->max_concurrent;
		*ret_count = i + 1;
	}
	return true;
}

const struct setting_class *settings_class(const struct setting_class *classes, size_t count,
					   const char *name, size_t length)
{
	const struct setting_class *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct setting_class *class = &classes[i];

		if (class->is_beginning ? class->length > length : class->length != length)
			continue;
		if (memcmp(class->name, name, class->length) != 0)
			continue;
		if (!class->is_beginning) /* the very name */
			return class;
		if (!best || class->length > best->length)
			best = class;
	}
	return best;
}

static void settings_free(struct settings *settings)
{
	for (size_t i = 0; i < settings->route_count; i++)
		free(settings->routes[i].name);
	for (size_t i = 0; i < settings->method_count; i++)
		free(settings->methods[i].name);
	for (size_t i = 0; i < REFUSAL_KINDS; i++)
		free(settings->templates[i]);
	free(settings->routes);
	free(settings->methods);
	free(settings->weights);
	free(settings->proxy_protocol);
	free(settings->trusted);
	free(settings->client_id_header);
	free(settings->endpoint);
	free(settings->health_path);
	free(settings->rules);
	free(settings);
}

struct settings *settings_use(struct settings *settings)
{
	__atomic_fetch_add(&settings->uses, 1, __ATOMIC_RELAXED);
	return settings;
}

void settings_drop(struct settings *settings)
{
	if (settings && __atomic_sub_fetch(&settings->uses, 1, __ATOMIC_ACQ_REL) == 0)
		settings_free(settings);
}

static void set_bounds(struct settings *settings, const struct config *config)
{
	const struct config_gate *gate = &config->gate;

	settings->bounds = (struct http_message_bounds){
		.line_bytes = gate->max_request_line,
		.head_bytes = gate->max_header_bytes,
		.fields = gate->max_headers,
	};
	settings->max_body_bytes = gate->max_body_bytes;
	settings->max_decision_bytes = gate->max_decision_bytes;
	settings->min_body_rate = gate->min_body_rate;
	settings->max_connections = gate->max_connections;
	settings->max_connections_per_client = gate->max_connections_per_client;
	settings->max_batch = gate->max_batch;
	settings->timer_ms[TIMER_HEAD] = gate->header_timeout_ms;
	settings->timer_ms[TIMER_IDLE] = gate->idle_timeout_ms;
	settings->timer_ms[TIMER_BODY] = GATE_RATE_MS;
	settings->timer_ms[TIMER_QUEUE] = config->concurrency.queue_timeout_ms;
	settings->timer_ms[TIMER_SEND] = GATE_SEND_MS;
	settings->timer_ms[TIMER_LINGER] = GATE_LINGER_MS;
	settings->timer_ms[TIMER_CONNECT] = gate->connect_timeout_ms;
	settings->timer_ms[TIMER_REQUEST] = config->concurrency.request_timeout_ms;
	settings->timer_ms[TIMER_UP_IDLE] = gate->upstream_idle_ms;
}

static void set_limits(struct settings *settings, const struct config *config)
{
	settings->admission.max_concurrent = config->concurrency.max_concurrent;
	settings->admission.queue_size = config->concurrency.queue_size;
	settings->admission.max_concurrent_per_client =
		config->concurrency.per_client_limits
			? config->concurrency.max_concurrent_per_client
			: 0;
	settings->admission.max_streams = config->gate.max_streams;
	settings->per_client = config->concurrency.per_client_limits;
	settings->rate_is_limited = config->rate_limiting.enabled;
	settings->rate = config->rate_limiting.limit;
	settings->handshake = config->gate.handshake;
	settings->escalate = (struct escalate_options){
		.after = config->escalate.after,
		.window_ns = config->escalate.window_ms * NS_PER_MS,
	};
}

static bool set_breaker(struct settings *settings, const struct config_circuit_breaker *from)
{
	settings->breaker = (struct breaker_options){
		.enabled = from->enabled,
		.failure_threshold = from->failure_threshold,
		.failure_rate = from->failure_rate_threshold,
		.minimum_calls = from->minimum_calls,
		.window_ns = from->window.ms * NS_PER_MS,
		.window_calls = from->window.calls,
		.half_open_probes = from->half_open_probes,
		.slow_call_ns = from->slow_call_threshold_ms * NS_PER_MS,
		.slow_call_rate = from->slow_call_rate_threshold,
		.recovery_ns = from->recovery_timeout_ms * NS_PER_MS,
		.max_recovery_ns = from->max_recovery_timeout_ms * NS_PER_MS,
		.unhealthy_checks = from->unhealthy_checks,
	};
	settings->hold_on_open = from->hold_when_open;
	settings->fail_on = from->fail_on;
	settings->health_status = from->health_check_status;
	settings->health_interval_ms = from->enabled ? from->health_check_interval_ms : 0;
	settings->timer_ms[TIMER_CHECK] = from->health_check_timeout_ms;
	return copy_text(from->health_check_path, &settings->health_path);
}

static void set_adaptation(struct settings *settings, const struct config *config)
{
	settings->trust_ns = config->edge.trust_ms * NS_PER_MS;
	settings->is_adaptive = config->adaptive.enabled;
	settings->gradient = (struct gradient_options){
		.min = config->adaptive.min_concurrent,
		.max = config->concurrency.max_concurrent,
		.may_rest = config->concurrency.queue_size > 0,
	};
}

static bool set_style(struct settings *settings, const struct config *config)
{
	const struct config_gate *gate = &config->gate;

	settings->client_id = gate->client_id;
	settings->x_forwarded_for = gate->x_forwarded_for;
	settings->forwarded = gate->forwarded;
	settings->via = gate->via;
	settings->inband = gate->inband;
	settings->style.code = gate->error_code;
	settings->style.null_id = gate->null_id;
	for (size_t i = 0; i < REFUSAL_KINDS; i++) {
		if (!copy_text(gate->templates[i], &settings->templates[i]))
			return false;
		settings->style.templates[i] = settings->templates[i];
	}
	if (!copy_text(gate->client_id_header, &settings->client_id_header))
		return false;
	for (char *c = settings->client_id_header; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy_text(config->metrics.enabled ? config->metrics.endpoint : NULL,
			 &settings->endpoint);
}

static bool set_weights(struct settings *settings, const struct config_gate *gate)
{
	settings->weight_count = gate->weight_count;
	settings->weights = calloc(gate->weight_count + 1, sizeof(*settings->weights));
	if (!settings->weights)
		return false;
	memcpy(settings->weights, gate->weights, gate->weight_count * sizeof(*gate->weights));
	return true;
}

int settings_new(const struct config *config, struct settings **ret)
{
	struct settings *settings = calloc(1, sizeof(*settings));
	bool is_whole;

	if (!settings)
		return -ENOMEM;
	settings->uses = 1;
	settings->rules = calloc(1, sizeof(*settings->rules));
	is_whole = settings->rules && set_style(settings, config) &&
		   set_breaker(settings, &config->circuit_breaker) &&
		   set_weights(settings, &config->gate) &&
		   copy_classes(settings, &config->gate.routes, 1, &settings->routes,
				&settings->route_count) &&
		   copy_classes(settings, &config->gate.methods, 1 + CONFIG_CLASSES_MAX,
				&settings->methods, &settings->method_count) &&
		   copy_prefixes(&config->gate.proxy_protocol, &settings->proxy_protocol,
				 &settings->proxy_protocol_count) &&
		   copy_prefixes(&config->gate.trusted_proxies, &settings->trusted,
				 &settings->trusted_count);
	if (!is_whole) {
		settings_free(settings);
		return -ENOMEM;
	}
	config_rules(config, settings->rules);
	for (size_t i = 0; i < settings->method_count; i++)
		if (settings->methods[i].cost > settings->dearest)
			settings->dearest = settings->methods[i].cost;
	set_bounds(settings, config);
	set_limits(settings, config);
	set_adaptation(settings, config);
	*ret = settings;
	return 0;
}
