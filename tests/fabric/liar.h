/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host between the core and the fabric "server" that can be made to lie, so
 * that the witness has something to catch that a sound core does not do.
 */
#ifndef TESTS_FABRIC_LIAR_H
#define TESTS_FABRIC_LIAR_H

#include <holdfast/atomic.h>

#include "support.h"

struct liar {
	struct pci_host host;
	struct fabric *f;
	hf_atomic(uint32_t) all_ones;    /* every read */
	hf_atomic(uint32_t) drop_writes; /* of Interrupt Line */
	/*
	 * Writes go to a shadow of this function, and reads come from there
	 * where something was written: the hardware is as it was, and the
	 * core believes it is not. Transactions Pending is hidden, too.
	 */
	bool shadowed;
	pci_sbdf_t sbdf;
	uint8_t shadow[4096];
	bool written[4096];
};

extern struct liar liar;

/* The core with segment 0 of "server", scanned; and all of that gone again. */
void liar_core_up(void);
void liar_core_down(void);

#endif
