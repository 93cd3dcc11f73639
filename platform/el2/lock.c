/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket locks. Nothing interrupts a CPU at EL2, so the one that holds a lock
 * goes on, and nobody waits longer than for those before it. Each CPU counts what
 * it holds, for those who wait for more than a lock.
 */
#include <holdfast/atomic.h>

#include "el2.h"

void plat_lock_init(plat_lock_t *lock)
{
	hf_init(&lock->next, 0);
	hf_init(&lock->serving, 0);
}

void plat_lock_destroy(plat_lock_t *lock)
{
	HF_ASSERT(hf_load_relaxed(&lock->next) ==
		  hf_load_relaxed(&lock->serving));
}

void plat_lock(plat_lock_t *lock)
{
	uint32_t ticket = hf_fetch_add_relaxed(&lock->next, 1);

	while (hf_load_acquire(&lock->serving) != ticket)
		plat_relax();
	plat_this_cpu()->locks++;
}

/* Only the holder writes .serving: so its own value needs no order. */
void plat_unlock(plat_lock_t *lock)
{
	plat_this_cpu()->locks--;
	hf_store_release(&lock->serving, hf_load_relaxed(&lock->serving) + 1);
}

#ifdef HOLDFAST_DEBUG
struct plat_held *plat_held(void)
{
	static struct plat_held held[PLAT_EL2_CPUS]; /* each CPU its own */
	struct plat_cpu *cpu = plat_this_cpu();

	held[cpu->id].sections = cpu->sections;
	return &held[cpu->id];
}
#endif

#ifdef HOLDFAST_REF_TRACKER
const char **plat_ref_site(void)
{
	return &plat_this_cpu()->ref_site;
}
#endif
