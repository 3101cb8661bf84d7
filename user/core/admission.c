// SPDX-License-Identifier: MIT
/*
 * See admission.h. Parties are the clients that run or wait for something here; they and
 * their orders come from free lists, so that a request at the usual pace allocates nothing.
 */
#include "core/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The key is spread by the table's secret already: nobody can choose colliding ones. */
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = (unsigned int)*(const uint64_t *)(keyptr))
#define uthash_malloc(size)		     malloc(size)
#define HASH_NONFATAL_OOM		     1
#define uthash_nonfatal_oom(added)	     ((added) = NULL)
#include <uthash.h>

#define SERVICE_SHARE 16		    /* a request's time counts 1/16 in the average */
#define NO_CLASS      ADMISSION_CLASSES_MAX /* of orders: of all classes without a limit */

/*
 * A limit that several requests share: of a client, or of a class. Orders are woken one for
 * each request that ends, so: for each place that is free while orders are blocked there is
 * an order of this cap in the ring. Whatever takes an order out of the ring takes the place
 * for it, or wakes another.
 */
struct cap {
	uint32_t max; /* 0: none */
	uint32_t running;
	struct list blocked; /* orders that wait for one of these to end */
};

struct order {
	struct list link;      /* in the ring, among the blocked of a cap, or in none */
	struct list of_party;  /* in its party's list */
	struct list of_length; /* among the orders of the same length */
	struct list waiting;   /* tickets */
	struct party *party;
	uint32_t count;	 /* of them */
	uint32_t credit; /* requests that it is served in this turn yet */
	uint32_t weight;
	uint16_t class_id; /* or NO_CLASS */
};

struct party {
	uint64_t client;
	struct cap cap;
	struct list orders;
	UT_hash_handle hh;
	struct list spare;
};

struct admission {
	struct admission_options options;
	uint32_t limit; /* of those that run: 1 to options.max_concurrent */
	uint32_t running, queued, streams;
	struct list ring;
	struct cap classes[ADMISSION_CLASSES_MAX];
	struct party *parties;
	struct list *by_length; /* [n]: orders of n tickets, or of lengths_max and more */
	uint32_t lengths_max;
	uint32_t longest;    /* an order of this length stands in by_length, or 0 */
	uint64_t service_ns; /* moving average of what a permit is held for */
	struct list spare_parties, spare_orders;
};

static void cap_init(struct cap *cap, uint32_t max)
{
	cap->max = max;
	cap->running = 0;
	list_init(&cap->blocked);
}

static bool cap_is_full(const struct cap *cap)
{
	return cap->max && cap->running >= cap->max;
}

/* --- lengths --- */

static int lengths_grow(struct admission *a, uint32_t queue_size)
{
	struct list *lists;

	if (a->by_length && queue_size <= a->lengths_max)
		return 0;
	lists = calloc((size_t)queue_size + 1, sizeof(*lists));
	if (!lists)
		return -ENOMEM;
	for (uint32_t i = 0; i <= queue_size; i++) {
		list_init(&lists[i]);
		while (a->by_length && i <= a->lengths_max && !list_is_empty(&a->by_length[i]))
			list_append(&lists[i], list_first(&a->by_length[i]));
	}
	free(a->by_length);
	a->by_length = lists;
	a->lengths_max = queue_size;
	return 0;
}

/* The order's count has changed by one. */
static void length_changed(struct admission *a, struct order *order)
{
	list_remove(&order->of_length);
	if (order->count)
		list_append(&a->by_length[order->count], &order->of_length);
	if (order->count > a->longest)
		a->longest = order->count;
	while (a->longest && list_is_empty(&a->by_length[a->longest]))
		a->longest--;
}

/* --- parties and orders --- */

static struct party *party_find(const struct admission *a, uint64_t client)
{
	struct party *party;

	HASH_FIND(hh, a->parties, &client, sizeof(client), party);
	return party;
}

static struct party *party_get(struct admission *a, uint64_t client)
{
	struct party *party = party_find(a, client), *added;

	if (party)
		return party;
	if (!list_is_empty(&a->spare_parties)) {
		party = LIST_ITEM(list_first(&a->spare_parties), struct party, spare);
		list_remove(&party->spare);
	} else {
		party = malloc(sizeof(*party));
		if (!party)
			return NULL;
		list_init(&party->spare);
	}
	party->client = client;
	cap_init(&party->cap, a->options.max_concurrent_per_client);
	list_init(&party->orders);
	added = party;
	HASH_ADD(hh, a->parties, client, sizeof(client), added);
	if (!added) {
		list_append(&a->spare_parties, &party->spare);
		return NULL;
	}
	return party;
}

/* Forgets it where it has nothing here any more. */
static void party_put(struct admission *a, struct party *party)
{
	if (!party || party->cap.running || !list_is_empty(&party->orders))
		return;
	HASH_DELETE(hh, a->parties, party);
	list_append(&a->spare_parties, &party->spare);
}

/* Classes without a limit share one order of a client, or each would give it turns more. */
static struct order *order_find(const struct admission *a, const struct party *party,
				const struct ticket *ticket)
{
	uint16_t class_id = a->classes[ticket->class_id].max ? ticket->class_id : NO_CLASS;

	for (struct list *l = party->orders.next; l != &party->orders; l = l->next) {
		struct order *order = LIST_ITEM(l, struct order, of_party);

		if (order->class_id == class_id)
			return order;
	}
	return NULL;
}

static struct ticket *order_first(const struct order *order)
{
	return LIST_ITEM(order->waiting.next, struct ticket, link);
}

/* A new order for the ticket, which stands nowhere yet. */
static struct order *order_new(struct admission *a, const struct ticket *ticket)
{
	struct order *order;

	if (!list_is_empty(&a->spare_orders)) {
		order = LIST_ITEM(list_first(&a->spare_orders), struct order, link);
		list_remove(&order->link);
	} else {
		order = malloc(sizeof(*order));
		if (!order)
			return NULL;
		list_init(&order->link);
		list_init(&order->of_party);
		list_init(&order->of_length);
		list_init(&order->waiting);
	}
	order->party = ticket->party;
	order->count = 0;
	order->credit = order->weight = ticket->weight ? ticket->weight : 1;
	order->class_id = a->classes[ticket->class_id].max ? ticket->class_id : NO_CLASS;
	list_append(&order->party->orders, &order->of_party);
	return order;
}

/* A ticket leaves its order, wherever in it, and the order goes with its last. */
static void order_remove(struct admission *a, struct ticket *ticket)
{
	struct order *order = ticket->order;

	list_remove(&ticket->link);
	ticket->order = NULL;
	a->queued--;
	order->count--;
	length_changed(a, order);
	if (order->count)
		return;
	list_remove(&order->of_party);
	list_append(&a->spare_orders, &order->link);
}

/* --- permits --- */

static void permit_take(struct admission *a, struct ticket *ticket, uint64_t now_ns)
{
	ticket->state = TICKET_RUNNING;
	ticket->since_ns = now_ns;
	a->running++;
	a->classes[ticket->class_id].running++;
	if (ticket->party)
		ticket->party->cap.running++;
}

/* One of the orders that waited for this cap may try again. */
static void cap_wake(struct admission *a, struct cap *cap)
{
	struct list *first = list_first(&cap->blocked);

	if (first && !cap_is_full(cap))
		list_append(&a->ring, first);
}

static void permit_give(struct admission *a, struct ticket *ticket, uint64_t now_ns)
{
	/* Workers read the clock once a turn: who let it in may have been ahead of this one. */
	uint64_t held_ns = now_ns > ticket->since_ns ? now_ns - ticket->since_ns : 0;
	int64_t off = (int64_t)(held_ns - a->service_ns);

	a->service_ns += (uint64_t)(off / SERVICE_SHARE);
	a->running--;
	a->classes[ticket->class_id].running--;
	cap_wake(a, &a->classes[ticket->class_id]);
	if (ticket->party) {
		ticket->party->cap.running--;
		cap_wake(a, &ticket->party->cap);
	}
}

/* The cap for which the ticket can't run now, or NULL. */
static struct cap *cap_in_the_way(struct admission *a, const struct ticket *ticket)
{
	if (cap_is_full(&a->classes[ticket->class_id]))
		return &a->classes[ticket->class_id];
	return ticket->party && cap_is_full(&ticket->party->cap) ? &ticket->party->cap : NULL;
}

static bool may_run(struct admission *a, const struct ticket *ticket)
{
	return a->running < a->limit && !cap_in_the_way(a, ticket);
}

/* --- the queue --- */

/* The longest order's last. */
static struct ticket *longest_last(const struct admission *a)
{
	struct order *order = LIST_ITEM(a->by_length[a->longest].next, struct order, of_length);

	return LIST_ITEM(order->waiting.prev, struct ticket, link);
}

/* For a newcomer; that order has others left. */
static struct ticket *displace(struct admission *a)
{
	struct ticket *ticket = longest_last(a);

	order_remove(a, ticket);
	ticket->state = TICKET_IDLE;
	ticket->party = NULL;
	return ticket;
}

/* In the ring, or at once aside, where it holds up nobody who comes after it. */
static void order_place(struct admission *a, struct order *order)
{
	struct cap *cap = cap_in_the_way(a, order_first(order));

	list_append(cap ? &cap->blocked : &a->ring, &order->link);
}

static void order_append(struct admission *a, struct order *order, struct ticket *ticket,
			 uint64_t now_ns)
{
	ticket->order = order;
	ticket->state = TICKET_WAITING;
	ticket->since_ns = now_ns;
	list_append(&order->waiting, &ticket->link);
	order->count++;
	a->queued++;
	length_changed(a, order);
	if (order->count == 1)
		order_place(a, order);
}

static enum admission_answer wait_in_queue(struct admission *a, struct ticket *ticket,
					   uint64_t now_ns, struct ticket **ret_displaced)
{
	bool is_full = a->queued >= a->options.queue_size;
	struct order *order;

	if (!ticket->party)
		ticket->party = party_get(a, ticket->client);
	if (!ticket->party || !a->options.queue_size)
		return ADMISSION_FULL;
	order = order_find(a, ticket->party, ticket);
	if (is_full && a->longest <= (order ? order->count : 0) + 1)
		return ADMISSION_FULL;
	if (!order)
		order = order_new(a, ticket);
	if (!order)
		return ADMISSION_FULL;
	if (is_full)
		*ret_displaced = displace(a);
	order_append(a, order, ticket, now_ns);
	return ADMISSION_WAIT;
}

enum admission_answer admission_enter(struct admission *a, struct ticket *ticket, uint64_t now_ns,
				      struct ticket **ret_displaced)
{
	enum admission_answer answer = ADMISSION_RUN;

	*ret_displaced = NULL;
	ticket->party = a->options.max_concurrent_per_client ? party_get(a, ticket->client) : NULL;
	if (a->options.max_concurrent_per_client && !ticket->party)
		return ADMISSION_FULL;
	if (list_is_empty(&a->ring) && may_run(a, ticket))
		permit_take(a, ticket, now_ns);
	else
		answer = wait_in_queue(a, ticket, now_ns, ret_displaced);
	if (answer == ADMISSION_FULL) {
		party_put(a, ticket->party);
		ticket->party = NULL;
	}
	return answer;
}

/* A waiting ticket leaves; what its order was woken for goes to the next in line. */
static void waiting_leave(struct admission *a, struct ticket *ticket)
{
	struct order *order = ticket->order;
	bool was_first = order_first(order) == ticket;

	order_remove(a, ticket);
	if (!was_first)
		return;
	/* Where that class has had no limit for long, the next may be of another one. */
	if (order->count && a->classes[ticket->class_id].max &&
	    order_first(order)->class_id != ticket->class_id)
		list_append(&a->ring, &order->link);
	cap_wake(a, &a->classes[ticket->class_id]);
	cap_wake(a, &ticket->party->cap);
}

void admission_leave(struct admission *a, struct ticket *ticket, uint64_t now_ns)
{
	if (ticket->state == TICKET_IDLE)
		return;
	if (ticket->state == TICKET_RUNNING)
		permit_give(a, ticket, now_ns);
	else
		waiting_leave(a, ticket);
	ticket->state = TICKET_IDLE;
	party_put(a, ticket->party);
	ticket->party = NULL;
}

/*
 * The order at hand can't be served, since this cap is full: it waits there, before the
 * others if its turn has begun. It may have been woken for its other cap: the next in line
 * there is woken in its place.
 */
static void order_block(struct admission *a, struct order *order, struct cap *cap)
{
	if (order->credit < order->weight)
		list_prepend(&cap->blocked, &order->link);
	else
		list_append(&cap->blocked, &order->link);
	cap_wake(a, &a->classes[order_first(order)->class_id]);
	cap_wake(a, &order->party->cap);
}

struct ticket *admission_next(struct admission *a, uint64_t now_ns)
{
	while (a->running < a->limit && !list_is_empty(&a->ring)) {
		struct order *order = LIST_ITEM(list_first(&a->ring), struct order, link);
		struct ticket *ticket = order_first(order);
		struct cap *cap = cap_in_the_way(a, ticket);

		if (cap) {
			order_block(a, order, cap);
			continue;
		}
		if (--order->credit == 0) {
			order->credit = order->weight;
			list_append(&a->ring, &order->link);
		}
		order_remove(a, ticket);
		permit_take(a, ticket, now_ns);
		return ticket;
	}
	return NULL;
}

struct ticket *admission_shed(struct admission *a, uint64_t now_ns)
{
	struct ticket *ticket = a->queued ? longest_last(a) : NULL;

	if (ticket)
		admission_leave(a, ticket, now_ns);
	return ticket;
}

void admission_set_limit(struct admission *a, uint32_t limit)
{
	uint32_t most = a->options.max_concurrent;

	a->limit = limit < 1 ? 1 : limit > most ? most : limit;
}

uint32_t admission_limit(const struct admission *a)
{
	return a->limit;
}

bool admission_stream_begin(struct admission *a)
{
	if (a->streams >= a->options.max_streams)
		return false;
	a->streams++;
	return true;
}

void admission_stream_end(struct admission *a)
{
	a->streams--;
}

uint32_t admission_running(const struct admission *a)
{
	return a->running;
}

uint32_t admission_queued(const struct admission *a)
{
	return a->queued;
}

uint32_t admission_streams(const struct admission *a)
{
	return a->streams;
}

uint32_t admission_position(const struct admission *a)
{
	return a->queued + 1;
}

uint64_t admission_estimate_ns(const struct admission *a, uint32_t position)
{
	uint64_t all_ns;

	if (__builtin_mul_overflow(a->service_ns, position, &all_ns))
		return UINT64_MAX;
	return all_ns / a->limit;
}

/* --- begin, change, end --- */

int admission_set_options(struct admission *a, const struct admission_options *options)
{
	int r = lengths_grow(a, options->queue_size);

	if (r < 0)
		return r;
	if (a->limit == a->options.max_concurrent || a->limit > options->max_concurrent)
		a->limit = options->max_concurrent;
	a->options = *options;
	for (size_t i = 0; i < ADMISSION_CLASSES_MAX; i++) {
		a->classes[i].max = options->class_max[i];
		while (!cap_is_full(&a->classes[i]) && !list_is_empty(&a->classes[i].blocked))
			list_append(&a->ring, list_first(&a->classes[i].blocked));
	}
	for (struct party *party = a->parties; party; party = party->hh.next) {
		party->cap.max = options->max_concurrent_per_client;
		while (!cap_is_full(&party->cap) && !list_is_empty(&party->cap.blocked))
			list_append(&a->ring, list_first(&party->cap.blocked));
	}
	return 0;
}

int admission_new(const struct admission_options *options, struct admission **ret)
{
	struct admission *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	list_init(&a->ring);
	list_init(&a->spare_parties);
	list_init(&a->spare_orders);
	for (size_t i = 0; i < ADMISSION_CLASSES_MAX; i++)
		cap_init(&a->classes[i], 0);
	r = admission_set_options(a, options);
	if (r < 0) {
		admission_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void admission_free(struct admission *a)
{
	struct list *first;

	if (!a)
		return;
	while ((first = list_first(&a->spare_parties))) {
		list_remove(first);
		free(LIST_ITEM(first, struct party, spare));
	}
	while ((first = list_first(&a->spare_orders))) {
		list_remove(first);
		free(LIST_ITEM(first, struct order, link));
	}
	free(a->by_length);
	free(a);
}
