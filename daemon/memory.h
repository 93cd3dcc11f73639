/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of the daemon's guests, on a host that has some: pages of the
 * simulated machine, which the guest's devices find from address 0 up.
 */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

#include <holdfast/domain.h>

#define MEMORY_DEFAULT (64u << 10)
#define MEMORY_MAX (16u << 20) /* of one guest */

struct guest_memory {
	uint64_t hpa, size; /* size 0: none */
};

/*
 * Let the devices of @d reach @size bytes, whole pages. 0; -ENOMEM; -EINVAL @d
 * is dying; -EOPNOTSUPP a host without memory. Any thread; may sleep.
 */
int memory_give(struct domain *d, struct guest_memory *m, uint64_t size);
/* After domain_destroy(): no device of it reaches anything any more. */
void memory_take(struct guest_memory *m);
/* A copy. */
struct guest_memory memory_of(const struct guest_memory *m);

#endif
