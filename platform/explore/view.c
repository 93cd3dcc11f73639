/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens before what. A view says, of each thread, how much of what it
 * did has happened before, and of each atomic object, the oldest value that may
 * still be read. Threads have one; whoever releases hands a copy on, whoever
 * acquires joins it to the own.
 *
 * Nothing of an execution's setup is in a view: it happened before everything.
 */
#include <string.h>

#include "internal.h"

#define SYNCHRONIZERS 1024

static struct map synchronizers;
static struct view synchronizer[SYNCHRONIZERS];
static unsigned int run; /* the execution's number */

unsigned int map_index(struct map *map, const void *addr, bool *added)
{
	size_t at =
		((uintptr_t)addr >> 2) * 2654435761u % ARRAY_SIZE(map->slot);

	if (map->run != run) {
		map->run = run;
		map->count = 0;
	}
	while (map->slot[at].run == run && map->slot[at].addr != addr)
		at = (at + 1) % ARRAY_SIZE(map->slot);
	*added = map->slot[at].run != run;
	if (*added) {
		map->slot[at].run = run;
		map->slot[at].addr = addr;
		map->slot[at].index = map->count++;
	}
	return map->slot[at].index;
}

void view_reset(void)
{
	run++;
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

void view_release(struct view *to)
{
	struct thread *self = sched.current;

	if (!explore_on)
		return;
	view_join(to, &self->view);
	self->view.clock[self->number]++;
}

void view_acquire(const struct view *from)
{
	if (explore_on)
		view_join(&sched.current->view, from);
}

struct view *view_at(const void *addr)
{
	bool added;
	unsigned int i = map_index(&synchronizers, addr, &added);

	if (i == SYNCHRONIZERS)
		explore_fail("too many objects that synchronize");
	if (added)
		view_clear(&synchronizer[i]);
	return &synchronizer[i];
}
