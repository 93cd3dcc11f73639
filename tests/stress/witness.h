/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host for stress tests: each function of segment 0 has one register that
 * reads back what was written, and the host is the witness: it knows which
 * functions the core has promised not to touch, and counts who does.
 */
#ifndef TESTS_STRESS_WITNESS_H
#define TESTS_STRESS_WITNESS_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <holdfast/atomic.h>
#include <holdfast/domain.h>
#include <holdfast/errno.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

extern struct pci_host witness;

/* Accesses to functions that were promised to be left alone. */
uint32_t witness_violations(void);

/* The core will be told of @sbdf: accesses are fine again. */
void witness_expect(pci_sbdf_t sbdf);

/* Stop at once, saying where; for all threads. */
#define ENSURE(cond)                                                           \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, \
				__LINE__, #cond);                              \
			abort();                                               \
		}                                                              \
	} while (0)

/* A small random number generator, one state a thread; seeds are printed. */
static inline uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif
