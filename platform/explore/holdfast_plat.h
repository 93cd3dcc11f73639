/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform "explore": the core under a scheduler of our own, which tries
 * every order of its threads' steps. See explore.h for what that is good for
 * and include/holdfast/platform.h for the contract.
 */
#ifndef HOLDFAST_PLAT_H
#define HOLDFAST_PLAT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint8_t owner; /* the thread's number + 1; 0: free */
} plat_lock_t;

typedef struct {
	bool set;
} plat_event_t;

typedef uint64_t plat_gp_t;

struct plat_rcu_head {
	struct plat_rcu_head *next;
	void (*fn)(struct plat_rcu_head *head);
	plat_gp_t gp;
};

/* Each execution makes and frees the registry; two segments are plenty. */
#define PLAT_PCI_SEGMENTS 4

/* False in a scenario's setup and finish: nobody else runs. */
extern bool explore_on;
void explore_atomic_point(const volatile void *addr);

#define plat_atomic_point plat_atomic_point
static inline void plat_atomic_point(const volatile void *addr)
{
	if (explore_on)
		explore_atomic_point(addr);
}

#endif
