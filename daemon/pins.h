/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Administrators' pins: holds of kind PIN, one a device, that the daemon owns.
 * Any thread, unless it says otherwise.
 */
#ifndef DAEMON_PINS_H
#define DAEMON_PINS_H

#include <holdfast/hold.h>

void pins_init(void);
/* Release all. No other call may follow. */
void pins_free(void);

/*
 * @who: "user: reason". 0; -EEXIST there is one;
 * errors of pci_lookup() and pci_hold_take(). May sleep.
 */
int pin_add(pci_sbdf_t sbdf, const char *who);
int pin_remove(pci_sbdf_t sbdf); /* 0; -ENOENT not pinned */

/* In no particular order; @fn must not call back. */
void pins_each(void (*fn)(pci_sbdf_t sbdf, const struct pci_ident *ident,
			  const char *who, void *data),
	       void *data);

#endif
