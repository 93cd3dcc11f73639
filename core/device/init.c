/* SPDX-License-Identifier: BSD-2-Clause */
/* The device layer's beginning and end. */
#include "device/internal.h"

int pci_init(void)
{
	pci_events_init();
	return pci_domains_init();
}

/* Parents have lower addresses: the first device left is nobody's child. */
static void lose_all(unsigned int seg)
{
	struct pci_dev_info info;
	pci_sbdf_t first = { .seg = (uint16_t)seg };

	while (!pci_query_next(first, &info))
		pci_device_lost(info.desc.sbdf);
}

void pci_fini(void)
{
	int seg;

	for (seg = 0; (seg = pci_segment_next((unsigned int)seg)) >= 0; seg++)
		lose_all((unsigned int)seg);
	pci_domains_free();
	/* A device freed in the first round may free its domain in a second. */
	plat_rcu_barrier();
	plat_rcu_barrier();
	pci_segments_free();
	pci_stages_free();
	pci_events_free();
}
