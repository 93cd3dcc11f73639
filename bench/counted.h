/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core asks its platform for, counted between the two (by the
 * linker's --wrap): memory, and grace periods.
 */
#ifndef BENCH_COUNTED_H
#define BENCH_COUNTED_H

#include <stddef.h>
#include <stdint.h>

/* What is allocated now. */
struct counted_memory {
	uint64_t asked; /* bytes, as asked for */
	uint64_t taken; /* bytes that the C library uses up for them */
	uint64_t pieces;
};

/*
 * From now on: before pci_init(), and once in a process. Allocations become
 * slower, so what is timed is timed without.
 */
void counted_memory_start(void);
struct counted_memory counted_memory(void);

/*
 * How many grace periods the calling thread has waited for, or begun in order
 * to ask later whether they are over.
 */
uint64_t counted_grace_periods(void);

#endif
