/* SPDX-License-Identifier: MIT */
/*
 * See view.h: opens and maps the shared pins. A table may be replaced by one of another
 * size while a view is open (three pins, renamed one after the other, config last);
 * view_refresh() takes over the new one once both fit together.
 */
#include "kern/view.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "kern/debug.h"
#include "kern/pins.h"
#include "kern/view_parts.h"

/* The maps that change together. */
struct view_table {
	struct pins_map config_map, clients_map, sides_map;
	struct hatago_config *config;
	struct hatago_set *sets;
	struct hatago_side *sides;
};

static const struct view_table view_no_table = {
	.config_map.fd = -1, .clients_map.fd = -1, .sides_map.fd = -1};

static void view_table_done(struct view_table *table)
{
	if (table->config)
		munmap(table->config, sizeof(*table->config));
	if (table->sets)
		munmap(table->sets, table->clients_map.entries * sizeof(*table->sets));
	if (table->sides)
		munmap(table->sides, table->sides_map.entries * sizeof(*table->sides));
	memory_close_at(&table->config_map.fd);
	memory_close_at(&table->clients_map.fd);
	memory_close_at(&table->sides_map.fd);
}

static int view_table_check_size(const char *pins, const struct view_table *table, struct err *err)
{
	const struct hatago_config *config = table->config;

	if (config->set_count != table->clients_map.entries ||
	    config->set_count != table->sides_map.entries || config->front_count == 0 ||
	    config->front_count > config->set_count)
		return err_set(err, -EAGAIN,
			       "the client table of %s is changing its size: try again, or start "
			       "hatagod if it died on the way",
			       pins);
	return 0;
}

static int view_open_pin(const char *pins, const char *name, struct pins_map *ret, struct err *err)
{
	char path[PINS_PATH_MAX];
	int r = pins_path(path, pins, name, err);

	return r < 0 ? r : pins_open_map(path, name, ret, err);
}

static int view_not_mapped(const char *pins, struct err *err)
{
	return err_set(err, -errno, "can't map the tables of %s: %s", pins, strerror(errno));
}

/* The version first: the other maps' shape follows from it. */
static int view_table_open_config(const char *pins, struct view_table *t, struct err *err)
{
	int r = view_open_pin(pins, "config", &t->config_map, err);

	if (r == -ENOENT)
		err_set(err, r, "no edge is pinned in %s: start hatagod, or name its folder", pins);
	if (r < 0)
		return r;
	t->config = pins_map_values(&t->config_map, sizeof(*t->config));
	if (!t->config)
		return view_not_mapped(pins, err);
	return pins_check_version(pins, &t->config_map, t->config, err);
}

static int view_table_map(const char *pins, struct view_table *t, struct err *err)
{
	t->sets = pins_map_values(&t->clients_map, t->clients_map.entries * sizeof(*t->sets));
	t->sides = pins_map_values(&t->sides_map, t->sides_map.entries * sizeof(*t->sides));
	if (!t->sets || !t->sides)
		return view_not_mapped(pins, err);
	return view_table_check_size(pins, t, err);
}

static int view_table_open(const char *pins, struct view_table *ret, struct err *err)
{
	struct view_table table = view_no_table;
	int r = view_table_open_config(pins, &table, err);

	if (r == 0)
		r = view_open_pin(pins, "clients", &table.clients_map, err);
	if (r == 0)
		r = view_open_pin(pins, "sides", &table.sides_map, err);
	if (r == 0)
		r = view_table_map(pins, &table, err);
	if (r < 0)
		view_table_done(&table);
	else
		*ret = table;
	return r;
}

static void view_table_put(struct view *view, const struct view_table *table)
{
	struct view_table old = {
		.config_map.fd = view->config_fd,
		.clients_map = {.fd = view->clients_fd, .entries = view->set_count},
		.sides_map = {.fd = view->sides_fd, .entries = view->set_count},
		.config = view->config,
		.sets = view->sets,
		.sides = view->sides,
	};

	view->config_fd = table->config_map.fd;
	view->clients_fd = table->clients_map.fd;
	view->sides_fd = table->sides_map.fd;
	view->config = table->config;
	view->sets = table->sets;
	view->sides = table->sides;
	view->set_count = table->clients_map.entries;
	view->clients_id = table->clients_map.id;
	view->writable = table->config_map.writable && table->clients_map.writable &&
			 table->sides_map.writable;
	view_table_done(&old);
}

static int view_open_list(const char *pins, const char *name, int *ret_fd, struct err *err)
{
	struct pins_map map;
	int r = view_open_pin(pins, name, &map, err);

	if (r == 0)
		*ret_fd = map.fd;
	return r;
}

static int view_open_all(struct view *view, struct err *err)
{
	struct view_table table;
	int r = view_table_open(view->pins, &table, err);

	if (r < 0)
		return r;
	view_table_put(view, &table);
	r = view_open_list(view->pins, "allow", &view->allow_fd, err);
	if (r == 0)
		r = view_open_list(view->pins, "deny", &view->deny_fd, err);
	if (r == 0)
		r = view_open_list(view->pins, "notes", &view->notes_fd, err);
	if (r < 0)
		return r;
	view->lock_fd = open(view->pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (view->lock_fd < 0)
		return err_set(err, -errno, "can't open the pins' folder %s: %s", view->pins,
			       strerror(errno));
	return view_devices_refresh(view, err);
}

int view_open(const char *pins, struct view **ret, struct err *err)
{
	struct view *view = calloc(1, sizeof(*view));
	int r;

	if (!view)
		return err_set(err, -ENOMEM, "out of memory");
	debug_begin();
	view->config_fd = view->clients_fd = view->sides_fd = -1;
	view->allow_fd = view->deny_fd = view->notes_fd = view->lock_fd = -1;
	view->cpu_count = (uint32_t)libbpf_num_possible_cpus();
	view->pins = strdup(pins);
	r = view->pins ? view_open_all(view, err) : err_set(err, -ENOMEM, "out of memory");
	if (r < 0) {
		view_free(view);
		return r;
	}
	*ret = view;
	return 0;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	for (size_t i = 0; i < view->device_count; i++)
		view_device_close(view, &view->devices[i]);
	view_table_put(view, &view_no_table);
	memory_close_at(&view->allow_fd);
	memory_close_at(&view->deny_fd);
	memory_close_at(&view->notes_fd);
	memory_close_at(&view->lock_fd);
	free(view->draft);
	free(view->pins);
	free(view);
}

/* Is another table pinned now? */
static bool view_table_is_old(const struct view *view)
{
	struct pins_map map;
	bool is_old = false;

	if (view_open_pin(view->pins, "clients", &map, NULL) == 0) {
		is_old = map.id != view->clients_id;
		memory_close_at(&map.fd);
	}
	return is_old;
}

int view_table_refresh(struct view *view, struct err *err)
{
	struct view_table table;
	int r;

	if (!view_table_is_old(view))
		return 0;
	r = view_table_open(view->pins, &table, err);
	if (r == 0)
		view_table_put(view, &table);
	return r;
}

int view_refresh(struct view *view, struct err *err)
{
	int r = view_table_refresh(view, err);

	return r < 0 ? r : view_devices_refresh(view, err);
}
