/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform "el2": CPUs that run guests and enter the hypervisor by traps,
 * with interrupts off and no threads. See include/holdfast/platform.h for the
 * contract, el2.h for what a board calls and gives.
 */
#ifndef HOLDFAST_PLAT_H
#define HOLDFAST_PLAT_H

#include <stdbool.h>
#include <stdint.h>

#define PLAT_PCI_SEGMENTS 16
#define PLAT_EL2_CPUS 8

/* Tickets: first come, first served. The lock is free when both are equal. */
typedef struct {
	_Atomic(uint32_t) next, serving;
} plat_lock_t;

typedef struct {
	_Atomic(bool) set;
} plat_event_t;

struct plat_rcu_head {
	struct plat_rcu_head *next;
	void (*fn)(struct plat_rcu_head *head);
	uint64_t gp;
};

typedef uint64_t plat_gp_t;

/* What the platform keeps of a CPU; a board embeds it in its own structure. */
struct plat_cpu {
	unsigned int id;
	unsigned int sections;  /* nested read-side sections; this CPU's only */
	unsigned int locks;     /* that it holds */
	_Atomic(uint64_t) seen; /* rcu.c */
	const char *ref_site;   /* the reference tracker's word */
};

/* plat_this_cpu(), plat_relax(), plat_full_barrier(): of the architecture. */
#include "plat_cpu.h"

/* Nothing that the compiler could move crosses the edge of a section. */
#define plat_compiler_barrier() __asm__ volatile("" ::: "memory")

#define plat_rcu_read_lock plat_rcu_read_lock
static inline void plat_rcu_read_lock(void)
{
	plat_this_cpu()->sections++;
	plat_compiler_barrier();
}

static inline void plat_rcu_read_unlock(void)
{
	plat_compiler_barrier();
	plat_this_cpu()->sections--;
}

#endif
