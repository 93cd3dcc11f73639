/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events for embedders who have nothing to run while somebody waits: a flag
 * that is polled. A part of libholdfast-core.a; whoever brings the five
 * functions himself, to sleep on a wait queue say, does not get this one.
 */
#include <holdfast/atomic.h>
#include <holdfast/platform.h>

static hf_atomic(uintptr_t) * flag(plat_event_t *event)
{
	return (hf_atomic(uintptr_t) *)event->word;
}

void plat_event_init(plat_event_t *event)
{
	hf_init(flag(event), 0);
}

void plat_event_destroy(plat_event_t *event)
{
	(void)event;
}

void plat_event_set(plat_event_t *event)
{
	hf_store_release(flag(event), 1);
}

/*
 * A waiter clears, then tests what it waits for. So a set that is taken back
 * here must have shown what came before it: read and write in one.
 */
void plat_event_clear(plat_event_t *event)
{
	uintptr_t set = 1;

	hf_cas_acquire(flag(event), &set, 0);
}

bool plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	while (!hf_load_acquire(flag(event)))
		if (plat_now() >= deadline)
			return false;
	return true;
}
