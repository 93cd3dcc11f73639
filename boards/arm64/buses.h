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
 * order of addresses, as Linux does; none above @last. After pci_segment_add(),
 * before any device is known. Returns the highest one.
 */
uint8_t buses_number(uint16_t seg, uint8_t first, uint8_t last);

/* A part of vpci_options.extend: the registers of a bridge that was numbered. */
int buses_extend(struct vpci *view, struct pci_dev *pdev);

#endif
