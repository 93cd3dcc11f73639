/* SPDX-License-Identifier: BSD-2-Clause */
/* Time and waiting. Time is the system counter's, the same on all CPUs. */
#include <holdfast/atomic.h>

#include "el2.h"

uint64_t plat_now(void)
{
	uint64_t hz = plat_counter_frequency(), count = plat_counter();

	return count / hz * PLAT_NSEC_PER_SEC +
	       count % hz * PLAT_NSEC_PER_SEC / hz;
}

void plat_event_init(plat_event_t *event)
{
	hf_init(&event->set, false);
}

void plat_event_destroy(plat_event_t *event)
{
	(void)event;
}

void plat_event_set(plat_event_t *event)
{
	hf_store_release(&event->set, true);
}

/* A set that is taken back here must have shown what came before it. */
void plat_event_clear(plat_event_t *event)
{
	bool set = true;

	hf_cas_acquire(&event->set, &set, false);
}

/*
 * There is nothing else to run, so the CPU spins. But it holds up no grace
 * period, and does what nobody else may be there to do: what it waits for may be
 * the end of an operation that is stepped by whoever comes along. Under a lock
 * that would be wrong, for the step may want it.
 */
bool plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	HF_ASSERT(!plat_this_cpu()->locks);
	while (!hf_load_acquire(&event->set)) {
		if (plat_now() >= deadline)
			return false;
		plat_rcu_quiescent();
		board_poll();
		plat_relax();
	}
	return true;
}
