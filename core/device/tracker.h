/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference tracker (-Dref_tracker=true): remembers which function took
 * each reference, and when, so that a drain that times out can name it.
 *
 * A put does not say which get it undoes. It is matched with the youngest
 * reference of the same thread, else with the oldest of all: right for code
 * that takes and gives in one thread, and never wrong about how many are left.
 */
#ifndef CORE_DEVICE_TRACKER_H
#define CORE_DEVICE_TRACKER_H

#include <holdfast/device.h>
#include <holdfast/lock.h>

#ifdef HOLDFAST_REF_TRACKER

#define PCI_TRACKED 32

struct pci_tracker {
	struct pci_lock lock; /* LOCK_LEAF */
	unsigned int count, untracked;
	struct {
		const char *site;
		const void *thread;
		uint64_t when;
	} ref[PCI_TRACKED];
};

void tracker_init(struct pci_tracker *tracker);
void tracker_destroy(struct pci_tracker *tracker);
void tracker_get(struct pci_tracker *tracker);
void tracker_put(struct pci_tracker *tracker);
/* Log who has a reference on @sbdf still. */
void tracker_report(struct pci_tracker *tracker, pci_sbdf_t sbdf);

#else

struct pci_tracker {
	char unused[1];
};

static inline void tracker_init(struct pci_tracker *tracker)
{
	(void)tracker;
}
static inline void tracker_destroy(struct pci_tracker *tracker)
{
	(void)tracker;
}
static inline void tracker_get(struct pci_tracker *tracker)
{
	(void)tracker;
}
static inline void tracker_put(struct pci_tracker *tracker)
{
	(void)tracker;
}
static inline void tracker_report(struct pci_tracker *tracker, pci_sbdf_t sbdf)
{
	(void)tracker;
	(void)sbdf;
}

#endif
#endif
