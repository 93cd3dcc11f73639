/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap of an execution. Memory is handed out in ascending order and never
 * twice, with a gap after each object; what was freed stays forbidden until
 * the execution's end.
 *
 * The core and the scenarios are compiled with -fsanitize=kernel-address in
 * its out-of-line form: before each load and store the compiler calls one of
 * the __asan_* functions below, which is all that is used of AddressSanitizer.
 * They look at our heap only.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

#define HEAP_SIZE MEMORY_SIZE
#define GRAIN 16u /* one entry of owner[] covers so many bytes */
/*
 * The setup does the same in each execution: it is watched in the first of so
 * many, and in the second, which may touch what the one before left behind.
 */
#define SETUPS 256

static char *heap;
/* The number of the object, negative once it is freed; 0: a gap. */
static int16_t *owner; /* of HEAP_SIZE / GRAIN */

static struct object {
	uint32_t start, size;
	const char *freed_by;
	uint64_t freed_at; /* step */
	unsigned int by;   /* the thread that allocated it, and */
	uint16_t clock;    /* when; 0: before all */
} * object;                /* MEMORY_OBJECTS */

static unsigned int objects, in_use; /* object 0 is none */
static uint32_t top, settled;
static bool watched;
static unsigned int executions;
static unsigned int fail_in; /* the allocation that fails, 1: the next */

void *memory_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("explore: memory");
		exit(2);
	}
	return p;
}

void memory_init(void)
{
	heap = memory_map(HEAP_SIZE);
	owner = memory_map(HEAP_SIZE / GRAIN * sizeof(*owner));
	object = memory_map(MEMORY_OBJECTS * sizeof(*object));
	race_init();
}

void memory_reset(void)
{
	race_reset();
	memset(owner, 0, top / GRAIN * sizeof(owner[0]));
	objects = in_use = 0;
	top = 0;
	fail_in = 0;
	watched = executions++ % SETUPS < 2;
}

void memory_parts(snapshot_copy *copy)
{
	uint32_t was = top;

	copy(&top, sizeof(top));
	copy(&objects, sizeof(objects));
	if (was > top)
		memset(owner + top / GRAIN, 0,
		       (was - top) / GRAIN * sizeof(*owner));
	copy(owner, top / GRAIN * sizeof(*owner));
	copy(object, (objects + 1) * sizeof(*object));
	copy(heap, top);
	race_parts(objects, copy);
}

void memory_settled(void)
{
	settled = top;
	watched = true;
}

unsigned int memory_word(const void *p)
{
	extern char __data_start, _end;
	uintptr_t offset = (uintptr_t)p - (uintptr_t)heap;
	uintptr_t from_data = (uintptr_t)p - (uintptr_t)&__data_start;

	if (offset < HEAP_SIZE)
		return offset < settled ? 1 + (unsigned int)offset / MEMORY_WORD
					: 0;
	if (from_data >= (uintptr_t)&_end - (uintptr_t)&__data_start)
		return 0;
	if (from_data >= (MEMORY_LAST - 1) * MEMORY_WORD - HEAP_SIZE)
		explore_fail("too much static data");
	return 1 + (HEAP_SIZE + (unsigned int)from_data) / MEMORY_WORD;
}

unsigned int explore_allocations(void)
{
	return in_use;
}

void explore_fail_allocation(unsigned int skip)
{
	fail_in = skip + 1;
}

static void set_owner(uint32_t start, uint32_t room, int16_t n)
{
	uint32_t i;

	for (i = start / GRAIN; i < (start + room) / GRAIN; i++)
		owner[i] = n;
}

static uint32_t room_for(size_t size)
{
	return (uint32_t)(size + GRAIN - 1) & ~(GRAIN - 1);
}

void *plat_zalloc(size_t size)
{
	uint32_t room = room_for(size);
	uint32_t start = top;

	if (sched.current->locks)
		explore_fail("plat_zalloc() under a lock");
	if (fail_in) {
		sched_touch(MEMORY_FAIL_IN, MEMORY_FAIL_IN + 1, true);
		if (!--fail_in)
			return NULL;
	}
	if (size > HEAP_SIZE || room + GRAIN > HEAP_SIZE - top ||
	    objects + 1 == MEMORY_OBJECTS)
		explore_fail("the heap of an execution is full");
	objects++;
	race_begin(objects);
	object[objects].start = start;
	object[objects].size = (uint32_t)size;
	object[objects].by = sched.current->number;
	object[objects].clock =
		explore_on ? sched.current->view.clock[sched.current->number]
			   : 0;
	set_owner(start, room, (int16_t)objects);
	top += room + GRAIN;
	in_use++;
	return memset(heap + start, 0, room);
}

const void *memory_at(uint32_t offset)
{
	return heap + offset;
}

/* The number of the object at @offset, freed or not; 0: none. */
static unsigned int number_at(uintptr_t offset)
{
	return offset < top ? (unsigned int)abs(owner[offset / GRAIN]) : 0;
}

/* Its allocation, and the zeros in it, happened before what comes now. */
static inline void check_born(unsigned int n)
{
	const struct thread *self = sched.current;

	if (__builtin_expect(object[n].clock > self->view.clock[object[n].by],
			     0) &&
	    explore_on && object[n].by != self->number)
		explore_fail("data race: %s touches #%u, which %s allocated; "
			     "nothing orders the two",
			     self->name, n, sched_name(object[n].by));
}

void plat_free(void *p)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)heap;
	unsigned int n = number_at(offset);

	if (!p)
		return;
	if (!n || object[n].start != offset)
		explore_fail("plat_free(%p): not from plat_zalloc()", p);
	if (owner[offset / GRAIN] < 0)
		explore_fail("#%u is freed twice: by %s in step %llu, and now",
			     n, object[n].freed_by,
			     (unsigned long long)object[n].freed_at);
	sched_check_waiters(p, object[n].size);
	check_born(n);
	race_free(n);
	/* Of the setup's: whoever operated on a part of it did not do so alone. */
	if (memory_word(p))
		sched_freed(memory_word(p), object[n].size);
	set_owner(object[n].start, room_for(object[n].size), -(int16_t)n);
	object[n].freed_by = sched.current->name;
	object[n].freed_at = sched.steps;
	in_use--;
	if (trace_on)
		trace_note("%s frees #%u (%u bytes)", sched.current->name, n,
			   object[n].size);
}

void memory_name(const void *p, char *name, size_t size)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)heap;
	unsigned int n = number_at(offset);

	if (n)
		snprintf(name, size, "#%u+%u", n,
			 (unsigned int)(offset - object[n].start));
	else
		snprintf(name, size, "static");
}

static void bad_touch(uint32_t offset, size_t size)
{
	unsigned int n = number_at(offset);

	if (!n || owner[offset / GRAIN] > 0)
		explore_fail("%s touches %zu bytes outside of any object",
			     sched.current->name, size);
	explore_fail("touch of freed memory by %s: %zu bytes at #%u+%u, freed "
		     "by %s in step %llu",
		     sched.current->name, size, n, offset - object[n].start,
		     object[n].freed_by,
		     (unsigned long long)object[n].freed_at);
}

static inline void check(uint32_t offset, size_t size)
{
	int16_t n = owner[offset / GRAIN];

	if (__builtin_expect(n <= 0, 0) ||
	    __builtin_expect(owner[(offset + size - 1) / GRAIN] != n, 0))
		bad_touch(offset, size);
	check_born((unsigned int)n);
}

void memory_check(const void *p, size_t size)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)heap;

	if (offset < HEAP_SIZE)
		check((uint32_t)offset, size);
}

void memory_atomic(const void *p, size_t size)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)heap;

	if (offset >= HEAP_SIZE)
		return;
	check((uint32_t)offset, size);
	race_access((uint32_t)offset, size, (unsigned int)owner[offset / GRAIN],
		    RACE_ATOMIC);
}

static void touch_static(const volatile void *p, size_t size, bool writes)
{
	unsigned int word = memory_word((const void *)p);

	if (word)
		sched_touch(word, memory_word((const char *)p + size - 1) + 1,
			    writes);
}

static inline void touch(const volatile void *p, size_t size, enum race kind)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)heap;

	if (!watched || !size)
		return;
	if (offset < HEAP_SIZE) {
		check((uint32_t)offset, size);
		if (explore_on)
			race_access((uint32_t)offset, size,
				    (unsigned int)owner[offset / GRAIN], kind);
	} else if (explore_on) {
		touch_static(p, size, kind == RACE_WRITE);
	}
}

/* --- called by what is compiled with -fsanitize=kernel-address ------------ */

#define TOUCHES(size)                                     \
	void __asan_load##size##_noabort(const void *p);  \
	void __asan_load##size##_noabort(const void *p)   \
	{                                                 \
		touch(p, size, RACE_READ);                \
	}                                                 \
	void __asan_store##size##_noabort(const void *p); \
	void __asan_store##size##_noabort(const void *p)  \
	{                                                 \
		touch(p, size, RACE_WRITE);               \
	}

TOUCHES(1)
TOUCHES(2)
TOUCHES(4)
TOUCHES(8)
TOUCHES(16)

void __asan_loadN_noabort(const void *p, size_t size);
void __asan_loadN_noabort(const void *p, size_t size)
{
	touch(p, size, RACE_READ);
}

void __asan_storeN_noabort(const void *p, size_t size);
void __asan_storeN_noabort(const void *p, size_t size)
{
	touch(p, size, RACE_WRITE);
}

void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}

/* --- called by what is compiled with -fsanitize=thread --------------------- */

#define THREAD_TOUCHES(size)                              \
	void __tsan_read##size(const void *p);            \
	void __tsan_read##size(const void *p)             \
	{                                                 \
		touch(p, size, RACE_READ);                \
	}                                                 \
	void __tsan_write##size(const void *p);           \
	void __tsan_write##size(const void *p)            \
	{                                                 \
		touch(p, size, RACE_WRITE);               \
	}                                                 \
	void __tsan_unaligned_read##size(const void *p);  \
	void __tsan_unaligned_read##size(const void *p)   \
	{                                                 \
		touch(p, size, RACE_READ);                \
	}                                                 \
	void __tsan_unaligned_write##size(const void *p); \
	void __tsan_unaligned_write##size(const void *p)  \
	{                                                 \
		touch(p, size, RACE_WRITE);               \
	}

THREAD_TOUCHES(1)
THREAD_TOUCHES(2)
THREAD_TOUCHES(4)
THREAD_TOUCHES(8)
THREAD_TOUCHES(16)

void __tsan_read_range(const void *p, size_t size);
void __tsan_read_range(const void *p, size_t size)
{
	touch(p, size, RACE_READ);
}

void __tsan_write_range(const void *p, size_t size);
void __tsan_write_range(const void *p, size_t size)
{
	touch(p, size, RACE_WRITE);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *p);
void __tsan_func_entry(void *p)
{
	(void)p;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

/* hf_init(), before anybody else knows of it. */
#define INITIALIZES(bits)                                                     \
	void __tsan_atomic##bits##_store(uint##bits##_t *p, uint##bits##_t v, \
					 int order);                          \
	void __tsan_atomic##bits##_store(uint##bits##_t *p, uint##bits##_t v, \
					 int order)                           \
	{                                                                     \
		(void)order;                                                  \
		touch(p, sizeof(*p), RACE_WRITE);                             \
		*p = v;                                                       \
	}

INITIALIZES(8)
INITIALIZES(16)
INITIALIZES(32)
INITIALIZES(64)

/* What the core's memcpy() and friends are called when it is compiled here. */
void *explore_memcpy(void *restrict dst, const void *restrict src, size_t n);
void *explore_memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	touch(src, n, RACE_READ);
	touch(dst, n, RACE_WRITE);
	return memcpy(dst, src, n);
}

void *explore_memset(void *dst, int c, size_t n);
void *explore_memset(void *dst, int c, size_t n)
{
	touch(dst, n, RACE_WRITE);
	return memset(dst, c, n);
}

int explore_memcmp(const void *a, const void *b, size_t n);
int explore_memcmp(const void *a, const void *b, size_t n)
{
	touch(a, n, RACE_READ);
	touch(b, n, RACE_READ);
	return memcmp(a, b, n);
}
