/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Laying out a model's registers: between model.c and caps.c.
 */
#ifndef FABRIC_LAYOUT_H
#define FABRIC_LAYOUT_H

#include "describe.h"

struct fab_layout {
	struct fab_model *m;
	unsigned int next, ext_next; /* where the next capability goes */
	unsigned int link, ext_link; /* whose next pointer names it; 0: first */
};

/*
 * A register of 1, 2 or 4 bytes that cannot be written; one with writable
 * bits; one with bits that a written 1 clears; and, after one of those, bits
 * that survive a reset.
 */
void fab_ro(struct fab_layout *l, unsigned int reg, unsigned int size,
	    uint32_t init);
void fab_rw(struct fab_layout *l, unsigned int reg, unsigned int size,
	    uint32_t init, uint32_t rw);
void fab_w1c(struct fab_layout *l, unsigned int reg, unsigned int size,
	     uint32_t w1c);
void fab_sticky(struct fab_layout *l, unsigned int reg, uint32_t sticky);
/* Writes to this dword go through hook.c. */
void fab_hooked(struct fab_layout *l, unsigned int reg, enum fab_hook hook);

void fab_layout_bar(struct fab_layout *l, unsigned int i,
		    const struct fab_bar *bar);

/* All capabilities; 0, -ENOSPC they do not fit, -ENOMEM. */
int fab_layout_caps(struct fab_layout *l, const struct fab_desc *d);

#endif
