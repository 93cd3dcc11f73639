/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caches that do not have what a lookup reads: told to the CPU line by line, for
 * all caches of all CPUs. To read much else instead leaves what a cache shared
 * with other guests of the host wants to keep.
 */
#ifndef BENCH_COLD_H
#define BENCH_COLD_H

#include <stddef.h>

#include <holdfast/device.h>

/* No cache has these bytes, once cold_wait() returns. On x86-64 and arm64. */
void cold_bytes(const volatile void *p, size_t size);
/* Likewise all of a registered device; and its slot in the table. To find a
 * device brings its slot back, so slots come last. */
void cold_device(pci_sbdf_t sbdf);
void cold_slot(pci_sbdf_t sbdf);

/* What was begun before is over, and nothing after it has begun. */
void cold_wait(void);

#endif
