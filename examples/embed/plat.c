/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform functions of the toy hypervisor: locks, read-copy-update, time
 * and events of a single CPU that is never interrupted. A port with interrupts
 * disables them where a comment says so; one with more CPUs needs real locks
 * and a real grace period.
 */
#include <holdfast/platform.h>

#include "machine.h"

/* --- locks: on one CPU, one that is taken can only be our own mistake ------- */

void plat_lock_init(plat_lock_t *lock)
{
	lock->held = false;
}

void plat_lock_destroy(plat_lock_t *lock)
{
	HF_ASSERT(!lock->held);
}

void plat_lock(plat_lock_t *lock)
{
	HF_ASSERT(!lock->held);
	lock->held = true;
}

void plat_unlock(plat_lock_t *lock)
{
	HF_ASSERT(lock->held);
	lock->held = false;
}

/* --- read-copy-update --------------------------------------------------------
 * The CPU is quiescent whenever it is in no section. `quiet` counts how often
 * the outermost section was left: a grace period asked for inside one ends at
 * the next such moment, one asked for outside is over at once.
 */
static unsigned int sections;
static plat_gp_t quiet;
static struct plat_rcu_head *callbacks;

void plat_rcu_read_lock(void)
{
	sections++;
}

void plat_rcu_read_unlock(void)
{
	HF_ASSERT(sections);
	if (!--sections)
		quiet++;
}

plat_gp_t plat_gp_start(void)
{
	return sections ? quiet + 1 : quiet;
}

bool plat_gp_done(plat_gp_t gp)
{
	return quiet >= gp;
}

/* With interrupts: disabled around the two stores. */
void plat_rcu_call(struct plat_rcu_head *head,
		   void (*fn)(struct plat_rcu_head *head))
{
	head->fn = fn;
	head->next = callbacks;
	callbacks = head;
}

/* Outside of every section the grace period of all callbacks is over. */
void plat_rcu_barrier(void)
{
	HF_ASSERT(!sections);
	while (callbacks) {
		struct plat_rcu_head *head = callbacks;

		callbacks = head->next;
		head->fn(head);
	}
}

void plat_rcu_synchronize(void)
{
	HF_ASSERT(!sections);
	plat_rcu_barrier();
}

/* --- time and events ----------------------------------------------------------- */

uint64_t plat_now(void)
{
	return machine_nsec();
}

void plat_event_init(plat_event_t *event)
{
	event->set = false;
}

void plat_event_destroy(plat_event_t *event)
{
	(void)event;
}

void plat_event_set(plat_event_t *event)
{
	event->set = true;
}

void plat_event_clear(plat_event_t *event)
{
	event->set = false;
}

/* A hypervisor with guests runs one of them here instead of spinning. */
bool plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	while (!event->set && plat_now() < deadline)
		plat_rcu_barrier();
	return event->set;
}

#ifdef HOLDFAST_DEBUG
struct plat_held *plat_held(void)
{
	static struct plat_held held;

	held.sections = sections;
	return &held;
}
#endif

#ifdef HOLDFAST_REF_TRACKER
const char **plat_ref_site(void)
{
	static const char *site;

	return &site;
}
#endif
