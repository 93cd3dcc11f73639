/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform of a toy hypervisor: one CPU, no interrupts, no C library.
 * What each of these must guarantee is said in holdfast/platform.h.
 */
#ifndef HOLDFAST_PLAT_H
#define HOLDFAST_PLAT_H

#include <stdbool.h>
#include <stdint.h>

#define PLAT_PCI_SEGMENTS 1

typedef struct {
	bool held;
} plat_lock_t;

typedef struct {
	bool set;
} plat_event_t;

struct plat_rcu_head {
	struct plat_rcu_head *next;
	void (*fn)(struct plat_rcu_head *head);
};

typedef uint64_t plat_gp_t;

#endif
