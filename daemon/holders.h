/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds a device: itself, and through its children. Any thread. */
#ifndef DAEMON_HOLDERS_H
#define DAEMON_HOLDERS_H

#include <holdfast/removal.h>

/*
 * All holds of the device at @sbdf, oldest first, in memory that the caller
 * frees (NULL if there are none). How many; -ENODEV; -ENOMEM.
 */
int holders_get(pci_sbdf_t sbdf, struct pci_hold_info **out);

/*
 * Copy up to @max holds, those of kind CHILD excepted, of the device at @sbdf
 * and of everything below it. Returns how many were copied.
 */
unsigned int holders_below(pci_sbdf_t sbdf, struct pci_blocker *out,
			   unsigned int max);

#endif
