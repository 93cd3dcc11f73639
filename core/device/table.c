/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus and slot tables: how a device is found by address, of a segment and of
 * a guest alike. Two dependent loads; a used bus costs 2 KiB.
 */
#include "device/internal.h"

struct pci_bus *pci_table_bus(struct pci_table *table, uint8_t bus)
{
	return hf_load_acquire(&table->bus[bus]);
}

void pci_table_prepare(struct pci_table *table, uint8_t bus,
		       struct pci_bus **spare)
{
	if (pci_table_bus(table, bus))
		return;
	hf_store_release(&table->bus[bus], *spare);
	*spare = NULL;
}

struct pci_dev *pci_table_next(struct pci_table *table, uint32_t *bdf)
{
	while (*bdf <= 0xffff) {
		struct pci_bus *bus = pci_table_bus(table, *bdf >> 8);
		struct pci_dev *pdev;

		if (!bus) {
			*bdf = (*bdf | 0xff) + 1;
			continue;
		}
		pdev = hf_load_acquire(&bus->slot[*bdf & 0xff]);
		if (pdev)
			return pdev;
		++*bdf;
	}
	return NULL;
}

struct pci_dev *pci_table_prev(struct pci_table *table, uint32_t *bdf)
{
	uint32_t at = *bdf + 1;

	while (at > 0) {
		struct pci_bus *bus = pci_table_bus(table, (at - 1) >> 8);
		struct pci_dev *pdev;

		if (!bus) {
			at = (at - 1) & ~0xffu;
			continue;
		}
		at--;
		pdev = hf_load_acquire(&bus->slot[at & 0xff]);
		if (pdev) {
			*bdf = at;
			return pdev;
		}
	}
	return NULL;
}

void pci_table_free(struct pci_table *table)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table->bus); i++) {
		plat_free(pci_table_bus(table, (uint8_t)i));
		hf_store_relaxed(&table->bus[i], NULL);
	}
}
