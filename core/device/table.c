/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus and slot tables: how a device is found by address, of a segment and of
 * a guest alike. Two dependent loads; a used bus costs 2 KiB.
 */
#include "device/internal.h"

static void use(struct pci_used *used, unsigned int i)
{
	hf_atomic(uint32_t) *word = &used->word[i / 32];

	hf_store_relaxed(word, hf_load_relaxed(word) | 1u << i % 32);
}

/* The first one from @i on; 256: none. */
static unsigned int next_used(struct pci_used *used, unsigned int i)
{
	for (; i < 256; i = (i | 31) + 1) {
		uint32_t word = hf_load_relaxed(&used->word[i / 32]) >> i % 32;

		if (!word)
			continue;
		for (; !(word & 1); word >>= 1)
			i++;
		break;
	}
	return i;
}

/* The last one before @end, plus 1; 0: none. */
static unsigned int prev_used(struct pci_used *used, unsigned int end)
{
	for (; end; end = (end - 1) & ~31u) {
		uint32_t word = hf_load_relaxed(&used->word[(end - 1) / 32])
				<< (31 - (end - 1) % 32);

		if (!word)
			continue;
		for (; !(word >> 31); word <<= 1)
			end--;
		break;
	}
	return end;
}

static struct pci_bus *find_bus(struct pci_table *table, unsigned int bus)
{
	return hf_load_acquire(&table->bus[bus]);
}

void pci_table_prepare(struct pci_table *table, uint8_t bus,
		       struct pci_bus **spare)
{
	if (find_bus(table, bus))
		return;
	hf_store_release(&table->bus[bus], *spare);
	use(&table->used, bus);
	*spare = NULL;
}

void pci_table_set(struct pci_table *table, pci_sbdf_t sbdf,
		   struct pci_dev *pdev)
{
	struct pci_bus *bus = find_bus(table, sbdf.bus);

	hf_store_release(&bus->slot[sbdf.devfn], pdev);
	if (pdev)
		use(&bus->used, sbdf.devfn);
}

struct pci_dev *pci_table_next(struct pci_table *table, uint32_t *bdf)
{
	for (;;) {
		unsigned int at = next_used(&table->used, *bdf >> 8);
		struct pci_bus *bus;
		struct pci_dev *pdev;

		if (at > *bdf >> 8)
			*bdf = at << 8;
		if (at > 0xff)
			return NULL;
		bus = find_bus(table, at);
		at = bus ? next_used(&bus->used, *bdf & 0xff) : 256;
		*bdf = (*bdf & ~0xffu) + at;
		if (at > 0xff)
			continue;
		pdev = hf_load_acquire(&bus->slot[at]);
		if (pdev)
			return pdev;
		++*bdf;
	}
}

struct pci_dev *pci_table_prev(struct pci_table *table, uint32_t *bdf)
{
	uint32_t end = *bdf + 1; /* of where to look */

	for (;;) {
		unsigned int at = prev_used(&table->used, (end + 0xff) >> 8);
		struct pci_bus *bus;
		struct pci_dev *pdev;
		uint32_t first;

		if (!at)
			return NULL;
		if (end > at << 8)
			end = at << 8;
		bus = find_bus(table, at - 1);
		first = (at - 1) << 8;
		at = bus ? prev_used(&bus->used, end - first) : 0;
		end = first;
		if (!at)
			continue;
		end += at - 1;
		pdev = hf_load_acquire(&bus->slot[at - 1]);
		if (pdev) {
			*bdf = end;
			return pdev;
		}
	}
}

void pci_table_free(struct pci_table *table)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table->bus); i++) {
		plat_free(find_bus(table, i));
		hf_store_relaxed(&table->bus[i], NULL);
	}
}
