/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data races: two accesses of the heap by different threads, one of them a
 * plain write, and nothing that puts one before the other. Of each byte the
 * last write and the last read of each thread are kept, as that thread's clock;
 * an access is ordered after them if the view of its thread has come so far.
 *
 * Every fourth byte of an access stands for it: a field is always accessed
 * from its own first byte on. Freeing writes all that was ever touched.
 */
#include <string.h>

#include "internal.h"

#define STEP 4 /* bytes */
#define CELLS UINT16_MAX

typedef uint16_t clocks __attribute__((vector_size(2 * VIEW_THREADS)));

/* The bytes that are touched, in the order of their first time. */
static struct cell {
	uint32_t offset, next; /* of its object's */
	clocks write, read;
} * cells; /* CELLS */

static unsigned int count; /* the first is no byte's */
static uint16_t *number;   /* of MEMORY_SIZE: the byte's cell; 0: none yet */
static uint16_t *first;    /* of MEMORY_OBJECTS: the object's */

void race_init(void)
{
	cells = memory_map(CELLS * sizeof(*cells));
	number = memory_map(MEMORY_SIZE * sizeof(*number));
	first = memory_map(MEMORY_OBJECTS * sizeof(*first));
}

static void shrink(unsigned int from)
{
	for (; from > count; from--)
		number[cells[from].offset] = 0;
}

void race_reset(void)
{
	unsigned int was = count;

	count = 0;
	shrink(was);
}

void race_begin(unsigned int object)
{
	first[object] = 0;
}

void race_parts(unsigned int objects, snapshot_copy *copy)
{
	unsigned int was = count;

	copy(&count, sizeof(count));
	shrink(was);
	copy(cells + 1, count * sizeof(*cells));
	copy(first, (objects + 1) * sizeof(*first));
}

static struct cell *cell_at(uint32_t offset, unsigned int object)
{
	struct cell *cell;

	if (number[offset])
		return &cells[number[offset]];
	if (++count == CELLS)
		explore_fail("more than %u bytes are touched", CELLS);
	cell = &cells[count];
	memset(cell, 0, sizeof(*cell));
	cell->offset = offset;
	cell->next = first[object];
	number[offset] = first[object] = (uint16_t)count;
	return cell;
}

static void report(clocks clock, const char *did, const char *does,
		   uint32_t offset)
{
	const struct thread *self = sched.current;
	char name[24];
	unsigned int i;

	for (i = 0; clock[i] <= self->view.clock[i]; i++)
		;
	memory_name(memory_at(offset), name, sizeof(name));
	explore_fail("data race: %s %s %s, which %s %s; nothing orders the two",
		     self->name, does, name, sched_name(i), did);
}

/* Is all of @clock in the view? */
static inline bool seen(clocks clock)
{
	clocks view, later;
	uint64_t half[2];

	memcpy(&view, sched.current->view.clock, sizeof(view));
	later = (clocks)(clock > view);
	memcpy(half, &later, sizeof(half));
	return !(half[0] | half[1]);
}

static inline void access(uint32_t offset, unsigned int object, bool writes,
			  const char *does)
{
	struct cell *cell = cell_at(offset, object);
	unsigned int self = sched.current->number;
	uint16_t now = sched.current->view.clock[self];

	/*
	 * If it did the same since it last released, nobody can have come
	 * between without a race of its own.
	 */
	if ((writes ? cell->write : cell->read)[self] == now)
		return;
	if (!seen(cell->write))
		report(cell->write, "wrote", does, offset);
	if (!writes) {
		cell->read[self] = now;
		return;
	}
	if (!seen(cell->read))
		report(cell->read, "used", does, offset);
	cell->write[self] = now;
}

void race_access(uint32_t offset, size_t size, unsigned int object,
		 enum race kind)
{
	static const char *const does[] = {
		[RACE_READ] = "reads", [RACE_WRITE] = "writes", [RACE_ATOMIC] = "uses"
	};
	size_t i;

	if (!explore_on)
		return;
	for (i = 0; i < size; i += STEP)
		access(offset + (uint32_t)i, object, kind == RACE_WRITE,
		       does[kind]);
}

void race_free(unsigned int object)
{
	unsigned int i;

	for (i = first[object]; i && explore_on; i = cells[i].next)
		access(cells[i].offset, object, true, "frees");
}
