/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Atomic objects. Memory holds the newest value; the last few are remembered,
 * in modification order, which is the order of execution here. A load may
 * read any value that is not older than what its thread has seen: coherence
 * and happens-before, as C11 has them. A read-modify-write reads the newest.
 * Each older value read counts against the bound of older values.
 *
 * A value written with release carries the view of its thread, and hands on
 * the view of the value before it if it is a read-modify-write: a release
 * sequence.
 *
 * Not modelled: a store that goes into the past of the modification order, and
 * a load that reads what is written after it in the order of the program.
 */
#include <stdatomic.h>
#include <string.h>

#include "internal.h"

#define HISTORY 8

struct value {
	uint64_t value;
	const struct view *view; /* NULL: it was not released */
};

static struct atomic {
	unsigned int oldest, newest; /* positions in modification order */
	struct value value[HISTORY]; /* position modulo HISTORY */
} * atomics;                         /* VIEW_ATOMICS */

static struct map *map;

void atomics_init(void)
{
	atomics = memory_map(VIEW_ATOMICS * sizeof(*atomics));
	map = memory_map(sizeof(*map));
}

void atomics_reset(void)
{
	map_reset(map);
}

void atomics_parts(snapshot_copy *copy)
{
	map_parts(map, copy);
	copy(atomics, map->count * sizeof(*atomics));
}

static bool acquires(const struct explore_site *site)
{
	return site->order == memory_order_acquire ||
	       site->order == memory_order_acq_rel;
}

static bool releases(const struct explore_site *site)
{
	return site->order == memory_order_release ||
	       site->order == memory_order_acq_rel;
}

static uint64_t in_memory(const volatile void *p, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)p, size);
	return value;
}

static struct value *at(struct atomic *atomic, unsigned int position)
{
	return &atomic->value[position % HISTORY];
}

static void push(struct atomic *atomic, uint64_t value)
{
	struct value *new = at(atomic, ++atomic->newest);

	if (atomic->newest - atomic->oldest >= HISTORY)
		atomic->oldest = atomic->newest - HISTORY + 1;
	new->value = value;
	new->view = NULL;
}

/* The object at @p. What a plain store changed has no past. */
static struct atomic *find(const volatile void *p, unsigned int size,
			   unsigned int *index)
{
	uint64_t now = in_memory(p, size);
	struct atomic *atomic;
	bool added;

	*index = map_index(map, (const void *)p, &added);
	atomic = &atomics[*index];
	if (added)
		atomic->newest = 0;
	if (added || at(atomic, atomic->newest)->value != now) {
		push(atomic, now);
		atomic->oldest = atomic->newest;
	}
	return atomic;
}

/* The position of the value that is read; no older one that equals *@but. */
static unsigned int pick(struct atomic *atomic, unsigned int index,
			 const uint64_t *but)
{
	const struct view *view = &sched.current->view;
	unsigned int can[HISTORY], n = 0, position, taken, first;

	first = index < view->count ? view->seen[index] : 0;
	if (first < atomic->oldest)
		first = atomic->oldest;
	can[n++] = atomic->newest;
	for (position = atomic->newest; position-- > first;)
		if (!but || at(atomic, position)->value != *but)
			can[n++] = position;
	taken = sched_older_value(n);
	if (taken && trace_on)
		trace_note("%s reads an older value, %#llx; it is %#llx",
			   sched.current->name,
			   (unsigned long long)at(atomic, can[taken])->value,
			   (unsigned long long)at(atomic, can[0])->value);
	return can[taken];
}

static void see(struct atomic *atomic, unsigned int index,
		unsigned int position, const struct explore_site *site)
{
	view_see(&sched.current->view, index, position);
	if (acquires(site))
		view_acquire(at(atomic, position)->view);
}

void atomic_settle(struct view *view)
{
	unsigned int i;

	for (i = 0; i < map->count; i++)
		view_see(view, i, atomics[i].newest);
}

static void point(enum op op, const volatile void *p, unsigned int size)
{
	sched_point(op, (const void *)p);
	memory_atomic((const void *)p, size);
}

void explore_load(const volatile void *p, void *value, unsigned int size,
		  const struct explore_site *site)
{
	struct atomic *atomic;
	unsigned int index, position;

	point(OP_LOAD, p, size);
	if (!explore_on) {
		memcpy(value, (const void *)p, size);
		return;
	}
	atomic = find(p, size, &index);
	position = pick(atomic, index, NULL);
	see(atomic, index, position, site);
	memcpy(value, &at(atomic, position)->value, size);
}

/* @reads: a read-modify-write. */
static void write(volatile void *p, uint64_t value, unsigned int size,
		  const struct explore_site *site, bool reads)
{
	struct atomic *atomic;
	struct value *before, *new;
	unsigned int index;

	if (!explore_on) {
		memcpy((void *)p, &value, size);
		return;
	}
	atomic = find(p, size, &index);
	before = at(atomic, atomic->newest);
	if (reads)
		see(atomic, index, atomic->newest, site);
	memcpy((void *)p, &value, size);
	push(atomic, in_memory(p, size));
	view_see(&sched.current->view, index, atomic->newest);
	new = at(atomic, atomic->newest);
	if (reads)
		new->view = before->view;
	if (releases(site))
		view_release(&new->view);
}

void explore_store(volatile void *p, const void *value, unsigned int size,
		   const struct explore_site *site)
{
	point(OP_ATOMIC, p, size);
	write(p, in_memory(value, size), size, site, false);
}

uint64_t explore_add(volatile void *p, uint64_t value, unsigned int size,
		     const struct explore_site *site)
{
	uint64_t old;

	point(OP_ATOMIC, p, size);
	old = in_memory(p, size);
	write(p, old + value, size, site, true);
	return old;
}

uint64_t explore_or(volatile void *p, uint64_t value, unsigned int size,
		    const struct explore_site *site)
{
	uint64_t old;

	point(OP_ATOMIC, p, size);
	old = in_memory(p, size);
	write(p, old | value, size, site, true);
	return old;
}

uint64_t explore_and(volatile void *p, uint64_t value, unsigned int size,
		     const struct explore_site *site)
{
	uint64_t old;

	point(OP_ATOMIC, p, size);
	old = in_memory(p, size);
	write(p, old & value, size, site, true);
	return old;
}

bool explore_cas(volatile void *p, void *old, const void *new,
		 unsigned int size, const struct explore_site *site)
{
	static const struct explore_site failure; /* relaxed */
	uint64_t expected = in_memory(old, size);
	unsigned int index, position;
	struct atomic *atomic;

	point(OP_ATOMIC, p, size);
	if (!explore_on) {
		if (in_memory(p, size) == expected) {
			memcpy((void *)p, new, size);
			return true;
		}
		memcpy(old, (const void *)p, size);
		return false;
	}
	atomic = find(p, size, &index);
	position = pick(atomic, index, &expected);
	if (at(atomic, position)->value == expected) {
		write(p, in_memory(new, size), size, site, true);
		return true;
	}
	see(atomic, index, position, &failure);
	memcpy(old, &at(atomic, position)->value, size);
	return false;
}
