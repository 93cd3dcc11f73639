/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks with a rank. They are taken in ascending rank only; two of the same
 * rank only where the rank allows it, the lower key first; nothing waits
 * while one is held. Debug builds check all three and stop with both names.
 *
 *   rank           guards
 *   LOCK_SEGMENT   writers of a segment's tables and bus-to-bridge map
 *   LOCK_DOMAIN    a domain's device list, guest-address table, dying (two
 *                  may be held: the lower domain id first)
 *   LOCK_DEVICE    pdev->lock: owner, holds, state changes, operation
 *   LOCK_LEAF      events, log, statistics; nothing is taken under it
 */
#ifndef HOLDFAST_LOCK_H
#define HOLDFAST_LOCK_H

#include <holdfast/platform.h>

enum lock_rank { LOCK_SEGMENT = 1, LOCK_DOMAIN, LOCK_DEVICE, LOCK_LEAF };

struct pci_lock {
	plat_lock_t plat;
#ifdef HOLDFAST_DEBUG
	enum lock_rank rank;
	const char *name;
	uint64_t key; /* the order within LOCK_DOMAIN */
#endif
};

void pci_lock_init(struct pci_lock *lock, enum lock_rank rank, const char *name,
		   uint64_t key);
void pci_lock_destroy(struct pci_lock *lock);
void pci_lock(struct pci_lock *lock);
void pci_unlock(struct pci_lock *lock);

#ifdef HOLDFAST_DEBUG
void pci_assert_held(const struct pci_lock *lock);
void pci_assert_may_wait(const char *what); /* no lock, no section */
#else
static inline void pci_assert_held(const struct pci_lock *lock)
{
	(void)lock;
}
static inline void pci_assert_may_wait(const char *what)
{
	(void)what;
}
#endif

#endif
