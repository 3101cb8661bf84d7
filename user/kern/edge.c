/* SPDX-License-Identifier: MIT */
/*
 * See edge.h: the edge as a whole. A start either makes the shared pins or adopts them, and
 * leaves things as they were if it fails; the parts are listed in edge_parts.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "core/pressed.h"
#include "kern/edge_parts.h"
#include "kern/features.h"
#include "kern/pins.h"

const char *edge_mode_name(enum hatago_attach_mode mode)
{
	static const char *const names[EDGE_MODE_COUNT] = {
		[HATAGO_MODE_NATIVE] = "native",
		[HATAGO_MODE_GENERIC] = "generic",
		[HATAGO_MODE_TC] = "tc",
	};

	return (unsigned int)mode < EDGE_MODE_COUNT ? names[mode] : "unknown";
}

void edge_notice_add(struct edge *edge, const char *format, ...)
{
	va_list args;

	if (edge->notice_first == edge->notice_count)
		edge->notice_first = edge->notice_count = 0;
	if (edge->notice_count == EDGE_NOTICES_MAX)
		return;
	va_start(args, format);
	vsnprintf(edge->notices[edge->notice_count++], ERR_TEXT_MAX, format, args);
	va_end(args);
}

const char *edge_notice(struct edge *edge)
{
	if (edge->notice_first == edge->notice_count)
		return NULL;
	return edge->notices[edge->notice_first++];
}

struct view *edge_view(struct edge *edge)
{
	return edge->view;
}

struct program_maps edge_maps(const struct edge *edge)
{
	const struct view *v = edge->view;

	return (struct program_maps){
		.config = v->config_fd,
		.clients = v->clients_fd,
		.sides = v->sides_fd,
		.allow = v->allow_fd,
		.deny = v->deny_fd,
		.notes = v->notes_fd,
		.syns = edge->syns_fd,
	};
}

struct edge_device *edge_find(struct edge *edge, const char *name)
{
	for (size_t i = 0; i < edge->device_count; i++)
		if (strcmp(edge->devices[i].name, name) == 0)
			return &edge->devices[i];
	return NULL;
}

/* The first table and the lists, pinned; `config` last, since it is what makes them an edge. */
static int edge_make_pins(const char *pins, const struct config *config, struct err *err)
{
	_cleanup_(table_done) struct table table = {.maps = PROGRAM_NO_MAPS};
	struct hatago_rules rules = {};
	char path[PINS_PATH_MAX];
	int r;

	config_rules(config, &rules);
	r = table_make(config->edge.max_clients, NULL, true, &rules, &table, err);
	if (r < 0)
		return r;

	const struct {
		const char *name;
		int fd;
	} maps[] = {
		{"allow", table.maps.allow},	 {"deny", table.maps.deny},
		{"notes", table.maps.notes},	 {"sides", table.maps.sides},
		{"clients", table.maps.clients}, {"config", table.maps.config},
	};

	for (size_t i = 0; r == 0 && i < sizeof(maps) / sizeof(maps[0]); i++) {
		r = pins_path(path, pins, maps[i].name, err);
		r = r < 0 ? r : pins_replace(maps[i].fd, path, err);
	}
	return r;
}

static bool edge_has_pins(const char *pins)
{
	char path[PINS_PATH_MAX];

	return pins_path(path, pins, "config", NULL) == 0 && access(path, F_OK) == 0;
}

/* Makes what is not there; opens and fills it. */
static int edge_start(struct edge *edge, const struct config *config, bool adopt, struct err *err)
{
	int r = adopt ? 0 : edge_make_pins(edge->pins, config, err);

	if (r == 0)
		r = view_open(edge->pins, &edge->view, err);
	if (r == 0 && !edge->view->writable)
		r = pins_not_permitted(err, -EPERM, edge->pins);
	if (r == 0 && adopt)
		r = adopt_devices(edge, err);
	if (r == 0)
		r = apply_config(edge, config, true, err);
	return r;
}

static struct edge *edge_new(const char *pins)
{
	struct edge *edge = calloc(1, sizeof(*edge));

	if (!edge)
		return NULL;
	edge->syns_fd = -1;
	edge->pins = strdup(pins);
	if (!edge->pins) {
		free(edge);
		return NULL;
	}
	return edge;
}

int edge_open(const struct config *config, struct edge **ret, bool *ret_adopted, struct err *err)
{
	const char *pins = config->edge.pins;
	bool made = false, mounted = false, adopt;
	struct edge *edge;
	int r = features_check(err);

	r = r < 0 ? r : pins_prepare(pins, &made, &mounted, err);
	r = r < 0 ? r : pins_check_content(pins, err);
	if (r < 0) {
		if (made)
			rmdir(pins);
		return r;
	}
	edge = edge_new(pins);
	if (!edge)
		return err_set(err, -ENOMEM, "out of memory");
	adopt = edge_has_pins(pins);
	r = edge_start(edge, config, adopt, err);
	if (r < 0) {
		edge_free(edge);
		if (!adopt)
			pins_remove(pins, NULL);
		return r;
	}
	if (mounted)
		edge_notice_add(edge, "a BPF file system was mounted on /sys/fs/bpf");
	adopt_clean(edge, &config->edge);
	view_refresh(edge->view, NULL);
	*ret = edge;
	*ret_adopted = adopt;
	return 0;
}

void edge_set_pressure(struct edge *edge, const struct edge_pressure *pressure, uint64_t now_ns)
{
	struct hatago_pressure *to = &edge->view->config->pressure;
	double per_mille = pressure->pressure * 1000 + 0.5;

	if (!(per_mille > 0))
		per_mille = 0;
	edge->has_pressure = true;
	BUCKET_WRITE(to->per_mille, (uint32_t)(per_mille < 1000 ? per_mille : 1000));
	BUCKET_WRITE(to->trusted_inv, pressed_inv(pressure->trusted_scale));
	BUCKET_WRITE(to->scale_inv, pressed_inv(pressure->scale));
	BUCKET_WRITE(to->strangers_inv,
		     pressure->strangers_asked ? pressed_inv(pressure->strangers_scale) : 0);
	BUCKET_WRITE(to->heartbeat_ns, now_ns);
}

int edge_remove(struct edge *edge, struct err *err)
{
	int first = 0;

	for (size_t i = edge->device_count; i > 0; i--) {
		int r = device_remove(edge, &edge->devices[i - 1], first ? NULL : err);

		if (r < 0 && first == 0)
			first = r;
	}
	if (first < 0) /* what is still attached is to be found by its pins */
		return first;
	return pins_remove(edge->pins, err);
}

void edge_free(struct edge *edge)
{
	if (!edge)
		return;
	if (edge->has_pressure)
		BUCKET_WRITE(edge->view->config->pressure.heartbeat_ns, 0);
	for (size_t i = 0; i < edge->device_count; i++)
		device_done(&edge->devices[i]);
	memory_close_at(&edge->syns_fd);
	view_free(edge->view);
	free(edge->pins);
	free(edge);
}
