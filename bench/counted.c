/* SPDX-License-Identifier: BSD-2-Clause */
#include <malloc.h>
#include <stdlib.h>

#include <holdfast/atomic.h>
#include <holdfast/platform.h>

#include "counted.h"

/* --- memory ------------------------------------------------------------------ */

/* Before each piece: how large it is. Keeps the alignment of malloc(). */
union size {
	size_t asked;
	max_align_t align;
};

static bool counting;
static hf_atomic(uint64_t) asked, taken, pieces;

void *__wrap_plat_zalloc(size_t size);
void __wrap_plat_free(void *p);
void *__real_plat_zalloc(size_t size);
void __real_plat_free(void *p);

/* What malloc() takes for @size bytes, its own word before them included. */
static uint64_t price(size_t size)
{
	void *p = malloc(size);
	uint64_t bytes = malloc_usable_size(p) + sizeof(size_t);

	free(p);
	return bytes;
}

static void count(size_t size, uint64_t sign)
{
	hf_fetch_add_relaxed(&asked, sign * size);
	hf_fetch_add_relaxed(&taken, sign * price(size));
	hf_fetch_add_relaxed(&pieces, sign);
}

void *__wrap_plat_zalloc(size_t size)
{
	union size *p;

	if (!counting)
		return __real_plat_zalloc(size);
	p = __real_plat_zalloc(sizeof(*p) + size);
	if (!p)
		return NULL;
	p->asked = size;
	count(size, 1);
	return p + 1;
}

void __wrap_plat_free(void *p)
{
	union size *begin = p;

	if (!counting || !p) {
		__real_plat_free(p);
		return;
	}
	begin--;
	count(begin->asked, UINT64_MAX);
	__real_plat_free(begin);
}

void counted_memory_start(void)
{
	counting = true;
}

struct counted_memory counted_memory(void)
{
	return (struct counted_memory){
		.asked = hf_load_relaxed(&asked),
		.taken = hf_load_relaxed(&taken),
		.pieces = hf_load_relaxed(&pieces),
	};
}

/* --- grace periods --------------------------------------------------------------- */

static __thread uint64_t grace_periods;

void __wrap_plat_rcu_synchronize(void);
plat_gp_t __wrap_plat_gp_start(void);
void __real_plat_rcu_synchronize(void);
plat_gp_t __real_plat_gp_start(void);

void __wrap_plat_rcu_synchronize(void)
{
	grace_periods++;
	__real_plat_rcu_synchronize();
}

plat_gp_t __wrap_plat_gp_start(void)
{
	grace_periods++;
	return __real_plat_gp_start();
}

uint64_t counted_grace_periods(void)
{
	return grace_periods;
}
