/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A spinlock that its owner may take again, as hypervisors' global PCI lock is:
 * test and test-and-set, so that who waits reads a line of his own cache. Its
 * uncontended cost is one atomic operation and one store. After a while it
 * yields, for a benchmark's thread can be preempted, which a hypervisor's CPU
 * cannot.
 */
#ifndef BENCH_SPIN_H
#define BENCH_SPIN_H

#include <sched.h>

#include <holdfast/atomic.h>

struct spin {
	_Alignas(64) hf_atomic(const void *) owner;
	unsigned int depth;
};

/* Whose address names this thread. */
static __thread char spin_self;

static inline void spin_wait(struct spin *lock)
{
	unsigned int i = 0;

	while (hf_load_relaxed(&lock->owner)) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
		if (++i % 4096 == 0)
			sched_yield();
	}
}

static inline void spin_lock(struct spin *lock)
{
	const void *nobody = NULL;

	if (hf_load_relaxed(&lock->owner) == &spin_self) {
		lock->depth++;
		return;
	}
	while (!hf_cas_acquire(&lock->owner, &nobody, &spin_self)) {
		spin_wait(lock);
		nobody = NULL;
	}
}

static inline void spin_unlock(struct spin *lock)
{
	if (lock->depth)
		lock->depth--;
	else
		hf_store_release(&lock->owner, NULL);
}

#endif
