/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second guest: a Linux on a CPU that the hardware domain has switched off,
 * with memory that it never had, and one PCI device by assignment.
 */
#ifndef BOARDS_ARM64_GUEST_H
#define BOARDS_ARM64_GUEST_H

#include "vuart.h"
#include <holdfast/sbdf.h>

enum guest_state {
	GUEST_OFF,
	GUEST_STARTING,
	GUEST_RUNNING,
	GUEST_STOPPING,
	GUEST_STATES
};

struct guest_info {
	enum guest_state state;
	unsigned int starts;   /* how often it was started */
	unsigned int cpu;      /* while it is not off */
	pci_sbdf_t device;     /* … and what it was started with */
	char line[VUART_LINE]; /* the last that it said, "" if nothing yet */
};

/* At boot, after the hardware domain's stage 2. */
void guest_init(void);

/*
 * Start it, with @sbdf. 0; -ENODEV the board has no image of it, or as
 * pci_assign_device(), and its other errors; -EALREADY it is not off; -EBUSY the
 * hardware domain has no CPU switched off; -ENOMEM. No lock, no section; waits.
 */
int guest_start(pci_sbdf_t sbdf) __must_check;
/*
 * End it, wherever it is; its device is the hardware domain's again. 0; -ENOENT
 * it does not run; -ETIMEDOUT it has not ended in time, but will. Waits.
 */
int guest_stop(void) __must_check;
void guest_query(struct guest_info *info);

#endif
