/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform header of libholdfast-core.a, the core built for nobody in
 * particular. Its types are room for an embedder's own: a lock has space for a
 * spinlock with saved interrupt flags as for a pthread_mutex_t, an event for
 * such a lock, a flag and a wait queue, an RCU head for the kernel's or
 * liburcu's. The core hands them out by pointer and never looks inside; what
 * does not fit is allocated by the embedder and pointed at.
 *
 * An embedder who wants his own types, inline sections, or more segments
 * compiles the core's sources with a header of his own in this one's place.
 */
#ifndef HOLDFAST_PLAT_H
#define HOLDFAST_PLAT_H

#include <stdint.h>

#define PLAT_PCI_SEGMENTS 256

typedef struct {
	uintptr_t word[6];
} plat_lock_t;

typedef struct {
	uintptr_t word[14];
} plat_event_t;

struct plat_rcu_head {
	uintptr_t word[4];
};

typedef uint64_t plat_gp_t;

#endif
