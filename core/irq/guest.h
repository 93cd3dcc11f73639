/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest wants of its device's vectors, as vPCI tells it. All in a
 * section, and but for irq_guest_pending() under pdev->lock; any number of
 * times: what is so already changes nothing (XSA-237). Nothing happens if the
 * guest has none to bind: no controller, no pci_irq_init(), cut off, dying.
 */
#ifndef CORE_IRQ_GUEST_H
#define CORE_IRQ_GUEST_H

#include "device/internal.h"

/* MSI is on with @count vectors (a power of two), masked as the bits say. */
void irq_guest_msi(struct pci_dev *pdev, bool on, unsigned int count,
		   uint32_t masked);
/* MSI-X as a whole; entries follow, those that are not told are off. */
void irq_guest_msix(struct pci_dev *pdev, bool on);
void irq_guest_entry(struct pci_dev *pdev, unsigned int i, bool masked);
/* Pending bits of vectors @first (a multiple of 64) and on. */
uint64_t irq_guest_pending(struct pci_dev *pdev, enum pci_vector_kind kind,
			   unsigned int first);
/*
 * What Table and PBA of MSI-X said when the device was added: by that entries
 * are written. False: nobody writes there, and so nobody has asked. Outside of
 * the lock, too.
 */
bool irq_guest_table(struct pci_dev *pdev, uint32_t *table, uint32_t *pba);
/* A reset: nothing of the kind is pending. */
void irq_guest_forget(struct pci_dev *pdev, enum pci_vector_kind kind);

#endif
