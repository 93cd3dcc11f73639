/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A binding of pci_irq_bind() by its data alone, for who has a name for each
 * one and gives every name once: a device and a vector of it stay, while the
 * binding is lost and made anew for somebody else (XSA-237). The device is
 * looked up in a section, so neither does a drain keep these waiting, nor they
 * it: past the drain a set has stopped, and its hardware is not touched.
 */
#ifndef CORE_IRQ_OWN_H
#define CORE_IRQ_OWN_H

#include <holdfast/sbdf.h>

/*
 * After its return the handler neither runs nor will be called for @data. 0;
 * -ENOENT it was not bound any more. May sleep (a grace period).
 */
int irq_own_unbind(pci_sbdf_t sbdf, const void *data);
/* As pci_irq_mask(); of one that is stopped, for when it goes on. */
int irq_own_mask(pci_sbdf_t sbdf, unsigned int index, bool masked,
		 const void *data);
bool irq_own_bound(pci_sbdf_t sbdf, const void *data);

#endif
