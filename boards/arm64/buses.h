/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus numbers. Without firmware bridges come without any (PCIe 6.0 §7.5.1.3),
 * so the hypervisor gives them, before it looks what is there. They are part of
 * every requester ID, and so of what keeps guests apart: the hardware domain
 * reads back what it writes, and hardware keeps what it was given.
 */
#ifndef BOARDS_ARM64_BUSES_H
#define BOARDS_ARM64_BUSES_H

#include <holdfast/vpci.h>

/*
 * Number all buses of segment @seg below root bus @first, depth first in the
 * order of addresses, as Linux does; none above @last. A port with a hot-plug slot
 * has @reserve of them at least, 1 or more. After pci_segment_add(), before any
 * device is known. Returns the highest one.
 */
uint8_t buses_number(uint16_t seg, uint8_t first, uint8_t last,
		     uint8_t reserve);

/*
 * pci_host_ops.adding, after that: a bridge that comes later, with all below it,
 * has what is free of the numbers above it; none is left: 0, and nothing below
 * is reached. One that still has such numbers keeps them.
 */
void buses_adding(pci_sbdf_t sbdf);

/* A part of vpci_options.extend: a bridge's registers. */
int buses_extend(struct vpci *view, struct pci_dev *pdev);

#endif
