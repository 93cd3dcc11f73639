/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens before what. A view says, of each thread, how much of what it
 * did has happened before, and of each atomic object, the oldest value that may
 * still be read. Threads have one; whoever releases hands a copy on, whoever
 * acquires joins it to the own.
 *
 * Nothing of an execution's setup is in a view: it happened before everything.
 *
 * Threads change their views. What is handed on is a new one each time, in
 * memory that an execution only ever takes more of, and is never changed.
 */
#include <string.h>

#include "internal.h"

#define SYNCHRONIZERS 1024
#define POOL_SIZE (64u << 20)

static struct map *synchronizers;
static const struct view *synchronizer[SYNCHRONIZERS];
static char *pool; /* of views that are handed on */
static size_t pool_used;

unsigned int map_index(struct map *map, const void *addr, bool *added)
{
	size_t at =
		((uintptr_t)addr >> 2) * 2654435761u % ARRAY_SIZE(map->slot);

	while (map->slot[at] && map->entry[map->slot[at] - 1].addr != addr)
		at = (at + 1) % ARRAY_SIZE(map->slot);
	*added = !map->slot[at];
	if (*added) {
		if (map->count == ARRAY_SIZE(map->entry))
			explore_fail("too many objects that synchronize");
		map->entry[map->count].addr = addr;
		map->entry[map->count].slot = (uint16_t)at;
		map->slot[at] = (uint16_t)++map->count;
	}
	return map->slot[at] - 1u;
}

/* The last ones first, or the search for another could end at the gap. */
static void shrink(struct map *map, unsigned int from)
{
	while (from-- > map->count)
		map->slot[map->entry[from].slot] = 0;
}

void map_reset(struct map *map)
{
	unsigned int count = map->count;

	map->count = 0;
	shrink(map, count);
}

void map_parts(struct map *map, snapshot_copy *copy)
{
	unsigned int count = map->count;

	copy(&map->count, sizeof(map->count));
	shrink(map, count);
}

void view_init(void)
{
	synchronizers = memory_map(sizeof(*synchronizers));
	pool = memory_map(POOL_SIZE);
}

void view_reset(void)
{
	map_reset(synchronizers);
	pool_used = 0;
}

void view_parts(snapshot_copy *copy)
{
	map_parts(synchronizers, copy);
}

void view_clear(struct view *view)
{
	memset(view->clock, 0, sizeof(view->clock));
	view->count = 0;
}

void view_join(struct view *to, const struct view *from)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(to->clock); i++)
		if (to->clock[i] < from->clock[i])
			to->clock[i] = from->clock[i];
	if (to->count < from->count) {
		memset(to->seen + to->count, 0,
		       (from->count - to->count) * sizeof(to->seen[0]));
		to->count = from->count;
	}
	for (i = 0; i < from->count; i++)
		to->seen[i] = to->seen[i] > from->seen[i] ? to->seen[i]
							  : from->seen[i];
}

void view_see(struct view *view, unsigned int atomic, unsigned int value)
{
	if (view->count <= atomic) {
		memset(view->seen + view->count, 0,
		       (atomic + 1 - view->count) * sizeof(view->seen[0]));
		view->count = (uint16_t)(atomic + 1);
	}
	view->seen[atomic] = (uint16_t)value;
}

static size_t size_of(unsigned int count)
{
	return (offsetof(struct view, seen) + count * sizeof(uint16_t) + 7) &
	       ~7u;
}

/* Another of what is in @a, and in @b if that is not NULL. */
static const struct view *joined(const struct view *a, const struct view *b)
{
	unsigned int count = b && b->count > a->count ? b->count : a->count;
	struct view *new = (struct view *)(pool + pool_used);

	if (size_of(count) > POOL_SIZE - pool_used)
		explore_fail("too many views are handed on");
	pool_used += size_of(count);
	memcpy(new, a, size_of(a->count));
	if (b)
		view_join(new, b);
	return new;
}

void view_release(const struct view **to)
{
	struct thread *self = sched.current;

	if (!explore_on)
		return;
	*to = joined(&self->view, *to);
	self->view.clock[self->number]++;
}

void view_acquire(const struct view *from)
{
	if (explore_on && from)
		view_join(&sched.current->view, from);
}

const struct view **view_at(const void *addr)
{
	bool added;
	unsigned int i = map_index(synchronizers, addr, &added);

	if (added)
		synchronizer[i] = NULL;
	return &synchronizer[i];
}
