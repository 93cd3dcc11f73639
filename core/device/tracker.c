/* SPDX-License-Identifier: BSD-2-Clause */
/* The reference tracker; what it promises stands in tracker.h. */
#include "device/internal.h"

#ifdef HOLDFAST_REF_TRACKER

void pci_ref_site(const char *function)
{
	*plat_ref_site() = function;
}

void tracker_init(struct pci_tracker *tracker)
{
	pci_lock_init(&tracker->lock, LOCK_LEAF, "reference tracker", 0);
}

void tracker_destroy(struct pci_tracker *tracker)
{
	pci_lock_destroy(&tracker->lock);
}

void tracker_get(struct pci_tracker *tracker)
{
	const char **site = plat_ref_site();

	pci_lock(&tracker->lock);
	if (tracker->count < PCI_TRACKED) {
		tracker->ref[tracker->count].site = *site;
		tracker->ref[tracker->count].thread = site;
		tracker->ref[tracker->count].when = plat_now();
		tracker->count++;
	} else {
		tracker->untracked++;
	}
	pci_unlock(&tracker->lock);
	*site = NULL;
}

void tracker_put(struct pci_tracker *tracker)
{
	const void *thread = plat_ref_site();
	unsigned int i, hit = 0;

	pci_lock(&tracker->lock);
	for (i = tracker->count; i-- > 0;) {
		if (tracker->ref[i].thread == thread) {
			hit = i;
			break;
		}
	}
	if (tracker->untracked && i == UINT_MAX) {
		tracker->untracked--;
	} else if (tracker->count) {
		for (i = hit + 1; i < tracker->count; i++)
			tracker->ref[i - 1] = tracker->ref[i];
		tracker->count--;
	}
	pci_unlock(&tracker->lock);
}

void tracker_report(struct pci_tracker *tracker, pci_sbdf_t sbdf)
{
	uint64_t now = plat_now();
	char name[PCI_SBDF_LEN];
	unsigned int i;

	pci_sbdf_print(name, sbdf);
	pci_lock(&tracker->lock);
	for (i = 0; i < tracker->count; i++) {
		const char *site = tracker->ref[i].site;

		plat_log(PLAT_WARN, "%s: reference of %s, %llu ms old", name,
			 site ? site : "the core itself",
			 (unsigned long long)((now - tracker->ref[i].when) /
					      PLAT_NSEC_PER_MSEC));
	}
	if (tracker->untracked)
		plat_log(PLAT_WARN, "%s: and %u more references", name,
			 tracker->untracked);
	pci_unlock(&tracker->lock);
}

#endif
