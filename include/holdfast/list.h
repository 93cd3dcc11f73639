/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A doubly linked intrusive list with a head. No allocation; every change
 * needs the lock that the owner of the head names. Not for RCU readers: the
 * core's readers use tables, never a neighbour's links.
 */
#ifndef HOLDFAST_LIST_H
#define HOLDFAST_LIST_H

#include <holdfast/types.h>

struct list_head {
	struct list_head *next, *prev;
};

static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_add_tail(struct list_head *entry,
				 struct list_head *head)
{
	entry->next = head;
	entry->prev = head->prev;
	head->prev->next = entry;
	head->prev = entry;
}

/* Leaves @entry empty, so that a second removal is harmless. */
static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	list_init(entry);
}

#define list_for_each(pos, head, type, member)               \
	for (pos = container_of((head)->next, type, member); \
	     &pos->member != (head);                         \
	     pos = container_of(pos->member.next, type, member))

#define list_first(head, type, member) container_of((head)->next, type, member)

#endif
