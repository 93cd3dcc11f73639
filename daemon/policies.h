/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policies that are loaded: which device's next guest sees it by another
 * one than vpci_policy_guest. A policy goes with its device. Workers only, but
 * for init and free.
 */
#ifndef DAEMON_POLICIES_H
#define DAEMON_POLICIES_H

#include <holdfast/vpci.h>

struct policy_file;

void policies_init(void);
void policies_free(void); /* after pci_fini() */

/*
 * For the next guest of the device; NULL: back to vpci_policy_guest. Takes over
 * @file, whatever it returns: 0; -EAGAIN the device was exchanged just now;
 * -ENOMEM; errors of vpci_policy_set().
 */
int policies_set(pci_sbdf_t sbdf, struct policy_file *file);

/* By which the next guest of the device will see it. */
void policies_name(pci_sbdf_t sbdf, char name[PCI_WHO_LEN]);

/*
 * Calls @fn, and returns true, for the first in SBDF order that is at or after
 * @from. *@sbdf: whose. The policy is valid during the call, which must not
 * call back.
 */
typedef void (*policies_fn)(const struct vpci_policy *policy, void *data);
bool policies_next(pci_sbdf_t from, pci_sbdf_t *sbdf, policies_fn fn,
		   void *data);

#endif
