/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest with two devices of each kind, in the core and in the engine that it
 * is compared with. Each has a header, MSI-X with its table in BAR 0, and 30
 * registers of its kind with four bytes of nothing after each. The host is an
 * array.
 */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <holdfast/vpci.h>

#include "bench.h"
#include "engine.h"

enum {
	GUEST_REGISTERS = 30,
	GUEST_FIRST = 0x400, /* where the first of them is */
	GUEST_STEP = 8,
};

enum guest_kind {
	GUEST_EMULATED, /* its registers live in the view */
	GUEST_HOOKED,   /* … and have functions to read and write them */
	GUEST_HARDWARE, /* … are the device's */
	GUEST_CLOSED,   /* emulated; memory decode is off */
	GUEST_KINDS     /* of the others it is on, and BAR 0 has its place */
};

struct guest {
	struct domain *domain;
	struct engine engine;
	pci_sbdf_t at[GUEST_KINDS][BENCH_THREADS];
	uint64_t table[GUEST_KINDS][BENCH_THREADS]; /* guest addresses */
};

/* Once in a process, which has not called pci_init() yet. */
void guest_create(struct guest *g);

#endif
