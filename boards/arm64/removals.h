/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removals that are under way: the hypervisor has no thread that could wait
 * for one, so traps of any CPU step them (board_poll()).
 */
#ifndef BOARD_REMOVALS_H
#define BOARD_REMOVALS_H

#include <holdfast/removal.h>

void removals_init(void);

/*
 * Begin. 0; -EAGAIN as many run as we can remember; else as
 * pci_removal_start(). May wait.
 */
int removals_start(pci_sbdf_t sbdf, unsigned int flags, uint64_t timeout,
		   const char *who) __must_check;

/* One step of each, by every CPU on its way back to a guest. No lock. */
void removals_poll(void);

/* Is one under way? It may be over when you know. */
bool removals_run(void);
/* How many have begun; with the other: did any run since? */
uint64_t removals_begun(void);

/*
 * What is known of the last removal of @sbdf that began: NULL: none that we
 * remember. Until removals_unlock(); no call into the core in between.
 */
const struct pci_removal_info *removals_lock(pci_sbdf_t sbdf);
void removals_unlock(void);

/* As pci_removal_cancel(); -ENOENT none runs. */
int removals_cancel(pci_sbdf_t sbdf);

/*
 * Step those of @sbdf, of what is above and of what is below it to their end:
 * for who has just marked it lost, and so made that end near. May wait.
 */
void removals_end_lost(pci_sbdf_t sbdf);

#endif
