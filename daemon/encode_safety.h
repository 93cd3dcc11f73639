/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device reaches, and what reaches whom: its DMA, its interrupts, its
 * resets, as in docs/protocol.md §4. Any thread, as out.h.
 */
#ifndef DAEMON_ENCODE_SAFETY_H
#define DAEMON_ENCODE_SAFETY_H

#include <json-c/json.h>

#include <holdfast/iommu.h>

json_object *encode_faults(const struct pci_fault_info *fault);

/*
 * Adds "dma", "interrupts", "reset_methods" and "group_size"; null what the
 * host does not have. Reads config space: sleeps.
 */
void encode_safety(json_object *to, const struct pci_dev_info *info);

/* Adds "vectors", "iommu" and, of a simulated host, "fabric". */
void encode_safety_stats(json_object *to);

#endif
