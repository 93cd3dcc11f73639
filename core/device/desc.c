/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device was described as, kept for its life: all but the BARs as it is,
 * and these packed. A BAR's size is a power of two, and most have none.
 */
#include "device/internal.h"

bool pci_bars_valid(const struct pci_bar *bar)
{
	unsigned int i;

	for (i = 0; i < PCI_BAR_COUNT; i++)
		if (bar[i].size & (bar[i].size - 1) ||
		    bar[i].kind > PCI_BAR_ROM)
			return false;
	return true;
}

void pci_bars_pack(struct pci_bars *bars, const struct pci_bar *bar)
{
	unsigned int i;

	for (i = 0; i < PCI_BAR_COUNT; i++) {
		uint64_t size;

		for (size = bar[i].size; size; size >>= 1)
			bars->size[i]++;
		bars->addr[i] = bar[i].addr;
		bars->kind[i] = bar[i].kind;
		if (bar[i].prefetch)
			bars->kind[i] |= PCI_BARS_PREFETCH;
		if (bar[i].size_unknown)
			bars->kind[i] |= PCI_BARS_SIZE_UNKNOWN;
	}
}

enum pci_bar_kind pcidev_bar_kind(const struct pci_dev *pdev, unsigned int i)
{
	return (enum pci_bar_kind)(
		pdev->bars.kind[i] &
		~(PCI_BARS_PREFETCH | PCI_BARS_SIZE_UNKNOWN));
}

void pcidev_describe(const struct pci_dev *pdev, struct pci_dev_desc *desc)
{
	const struct pci_bars *bars = &pdev->bars;
	unsigned int i;

	desc->facts = pdev->desc;
	for (i = 0; i < PCI_BAR_COUNT; i++)
		desc->bar[i] = (struct pci_bar){
			.addr = bars->addr[i],
			.size = bars->size[i] ? 1ull << (bars->size[i] - 1) : 0,
			.kind = (uint8_t)pcidev_bar_kind(pdev, i),
			.prefetch = bars->kind[i] & PCI_BARS_PREFETCH,
			.size_unknown = bars->kind[i] & PCI_BARS_SIZE_UNKNOWN,
		};
}

static bool ident_equal(const struct pci_ident *a, const struct pci_ident *b)
{
	return a->vendor == b->vendor && a->device == b->device &&
	       a->subvendor == b->subvendor && a->subdevice == b->subdevice &&
	       a->class_rev == b->class_rev && a->serial == b->serial;
}

int pcidev_compare(const struct pci_dev *pdev, const struct pci_dev_facts *now)
{
	const struct pci_dev_facts *was = &pdev->desc;

	if (!ident_equal(&was->ident, &now->ident))
		return 0;
	if (was->secondary == now->secondary &&
	    was->subordinate == now->subordinate &&
	    was->buses_unknown == now->buses_unknown)
		return 1;
	if (now->defect)
		return 1; /* what is not believed is no other answer */
	return pdev->nchildren ? -EBUSY : 0;
}
