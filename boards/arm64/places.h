/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the BARs are of devices that are not the hardware domain's: it reaches
 * nothing there, wherever it puts those of its own.
 */
#ifndef BOARDS_ARM64_PLACES_H
#define BOARDS_ARM64_PLACES_H

#include <holdfast/domain.h>

#include "stage2.h"

/* Before the first device, after all other stages: the last one. */
int places_init(void) __must_check;

/*
 * domain_ops.map of the hardware domain, whose stage 2 @s2 is. -EBUSY: a BAR of
 * another's is there.
 */
int places_map(struct stage2 *s2, const struct pci_mapping *m) __must_check;

/*
 * Is a byte of it in another's BAR? In a section; whoever gets the device later
 * waits for its end.
 */
bool places_are_others(uint64_t start, uint64_t size);

/* hwdom.c's: of PCI's memory it reaches nothing there any more. */
void hwdom_withdraw(uint64_t start, uint64_t last);

#endif
