/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Executions have their first choices in common with the one before. So now and
 * then the state of an execution is kept, and the next one goes on from the last
 * state that they share: the search is the same, and does less.
 *
 * State is all static data, which holds what modules do not say themselves; the
 * modules' parts; and of each coroutine the stack and where it goes on, but for
 * main's, which only makes the first choice: there it begins anew. What is
 * the search's own, as the path and what was learned of words, is in memory that
 * no snapshot has (memory_map()).
 */
#include <string.h>

#include "internal.h"

#define ROOM ((size_t)1 << 30)
#define SNAPSHOTS 4096
#define APART 6 /* choices */

extern char __data_start, _end;

static struct {
	unsigned int count;
	struct {
		unsigned int at;
		size_t from;
	} snapshot[SNAPSHOTS];
	size_t cursor, used;
} * kept;
static char *room;
static bool anew;

void snapshot_init(bool always_anew)
{
	anew = always_anew;
	kept = memory_map(sizeof(*kept));
	room = memory_map(ROOM);
}

void snapshot_forget(void)
{
	kept->count = 0;
	kept->used = 0;
}

static void away(void *part, size_t size)
{
	if (kept->cursor + size <= ROOM)
		memcpy(room + kept->cursor, part, size);
	kept->cursor += size;
}

static void back(void *part, size_t size)
{
	memcpy(part, room + kept->cursor, size);
	kept->cursor += size;
}

/* Static data is the last: parts look at what they still have in it. */
static void all_parts(snapshot_copy *copy)
{
	memory_parts(copy);
	view_parts(copy);
	atomics_parts(copy);
	sched_parts(copy);
	copy(&__data_start, (uintptr_t)&_end - (uintptr_t)&__data_start);
}

static void keep(void *arg)
{
	const unsigned int *at = arg;

	kept->cursor = kept->used;
	all_parts(away);
	if (kept->cursor > ROOM)
		return; /* no room: it begins earlier then */
	kept->snapshot[kept->count].at = *at;
	kept->snapshot[kept->count++].from = kept->used;
	kept->used = kept->cursor;
}

void snapshot_take(unsigned int at)
{
	if (anew || sched.current->number == MAIN || kept->count == SNAPSHOTS ||
	    (kept->count && at < kept->snapshot[kept->count - 1].at + APART))
		return;
	fiber_mark(sched.current->fiber, keep, &at);
}

bool snapshot_restore(unsigned int at)
{
	while (kept->count && kept->snapshot[kept->count - 1].at > at)
		kept->used = kept->snapshot[--kept->count].from;
	if (!kept->count)
		return false;
	kept->cursor = kept->snapshot[kept->count - 1].from;
	all_parts(back);
	return true;
}
