/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space as a domain's own vCPU accesses it: through its view,
 * and with the patience that a vCPU has. Workers only: all of it sleeps.
 */
#ifndef DAEMON_TRAP_H
#define DAEMON_TRAP_H

#include <holdfast/vpci.h>

/* How long an access is retried, and what a write sets going is waited for. */
#define TRAP_PATIENCE_MS 5000

/*
 * Sizes 1, 2, 4, aligned. @at as in vpci_read(). 0, also where nobody answers
 * (all-ones, dropped); -EBUSY to be retried still after TRAP_PATIENCE_MS, and
 * nothing was done.
 */
int trap_read(struct domain *d, pci_sbdf_t at, uint16_t reg, uint8_t size,
	      uint32_t *val);
/* The same; -EINPROGRESS written, but what that has set going is not over. */
int trap_write(struct domain *d, pci_sbdf_t at, uint16_t reg, uint8_t size,
	       uint32_t val);

/* A domain's view as a host, for those who read hosts: read-only. */
struct trap_host {
	struct pci_host host;
	struct domain *d; /* outlives it */
};

void trap_host_init(struct trap_host *th, struct domain *d);

#endif
