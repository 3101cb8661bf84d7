/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked list whose links lie in its items: no memory, no lookup, removal in
 * constant time. A list is a ring that begins and ends at its head; an item that is in no
 * list is a ring of itself. The idea is the kernel's (include/linux/list.h).
 */
#ifndef HATAGO_BASE_LIST_H
#define HATAGO_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

/* The item around a link. */
#define LIST_ITEM(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* For heads and for items alike, before anything else. */
static inline void list_init(struct list *link)
{
	link->prev = link->next = link;
}

/* Is the list empty; is the item in no list? */
static inline bool list_is_empty(const struct list *link)
{
	return link->next == link;
}

static inline struct list *list_first(const struct list *head)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses sight of an item's neighbours. */
	return list_is_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
	return list_is_empty(head) ? NULL : head->prev;
}

/* Takes the item out of its list, if it is in one. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Appends the item, which leaves the list that it was in. */
static inline void list_append(struct list *head, struct list *link)
{
	list_remove(link);
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* The same at the beginning. */
static inline void list_prepend(struct list *head, struct list *link)
{
	list_remove(link); /* it may be the first already */
	list_append(head->next, link);
}

/* Appends all items of `from`, which is empty then. */
static inline void list_append_all(struct list *head, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = head->prev;
	head->prev->next = from->next;
	from->prev->next = head;
	head->prev = from->prev;
	list_init(from);
}

#endif
