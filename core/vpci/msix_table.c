/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MSI-X table and the pending bits that a guest finds in its BAR (PCIe 6.0
 * §7.7.2.5 to §7.7.2.9). The pages that hold them are never mapped: mmio.c asks
 * here first and forwards to hardware what is neither.
 *
 * Accesses of 4 or 8 bytes, aligned; any other that touches table or PBA reads
 * all-ones, or is dropped. The regions start and end at multiples of 8, so an
 * aligned access is wholly in one of them or in none.
 *
 * Reads take no lock: each is one atomic load of what a writer, under
 * pdev->lock, stores at once. No pointer is reached through these words, so
 * relaxed order is enough.
 */
#include "irq/guest.h"
#include "vpci/msi.h"

/* --- entries ------------------------------------------------------------------------ */

void vpci_msix_entry_get(struct vpci_msix *msix, unsigned int i, uint16_t flags,
			 struct pci_vector *out)
{
	uint64_t address = hf_load_relaxed(&msix->entry[i].address);
	uint64_t data_ctrl = hf_load_relaxed(&msix->entry[i].data_ctrl);

	*out = (struct pci_vector){
		.msix = true,
		.enabled = flags & PCI_MSIX_FLAGS_ENABLE,
		.masked = flags & PCI_MSIX_FLAGS_MASKALL ||
			  data_ctrl & VPCI_MSIX_MASKED,
		.index = i,
		.address = address,
		.data = (uint32_t)data_ctrl,
	};
}

/* Its pending bit, which is clear afterwards. Under pdev->lock. */
static bool take_pending(struct vpci_msix *msix, unsigned int i)
{
	hf_atomic(uint64_t) *word = &msix->pending[i / 64];
	uint64_t bit = 1ull << i % 64;

	if (!(hf_load_relaxed(word) & bit))
		return false;
	hf_fetch_and_release(word, ~bit);
	return true;
}

static void tell_irq(struct vpci *view, const struct pci_vector *v)
{
	if (v->enabled)
		irq_guest_entry(view->pdev, v->index, v->masked);
}

void vpci_msix_entry_update(struct vpci *view, unsigned int i,
			    const struct pci_vector *was)
{
	struct pci_vector is;

	vpci_msix_entry_get(view->msix, i, vpci_msix_flags(view), &is);
	is.pending = vpci_deliverable(&is) && take_pending(view->msix, i);
	tell_irq(view, &is);
	vpci_vector_tell(view, was, &is);
}

void vpci_msix_entry_irq(struct vpci *view, unsigned int i)
{
	struct pci_vector v;

	vpci_msix_entry_get(view->msix, i, vpci_msix_flags(view), &v);
	tell_irq(view, &v);
}

void vpci_msix_table_clear(struct vpci_msix *msix)
{
	unsigned int i;

	for (i = 0; i < msix->entries; i++) {
		hf_store_relaxed(&msix->entry[i].address, 0);
		hf_store_relaxed(&msix->entry[i].data_ctrl, VPCI_MSIX_MASKED);
	}
	for (i = 0; i < ARRAY_SIZE(msix->pending); i++)
		hf_store_relaxed(&msix->pending[i], 0);
}

/* --- accesses ----------------------------------------------------------------------- */

static bool touches(const struct vpci_msix_region *r, unsigned int bar,
		    uint64_t offset, uint64_t size)
{
	return r->bar == bar && offset < r->end && r->start < offset + size;
}

static struct vpci_msix_region region(uint32_t where, uint64_t size)
{
	uint64_t start = where & PCI_MSIX_TABLE_OFFSET;

	return (struct vpci_msix_region){ .bar = where & PCI_MSIX_TABLE_BIR,
					  .start = start,
					  .end = start + size };
}

int vpci_msix_find_regions(struct vpci *view)
{
	uint16_t pos = view->pdev->desc.msix;
	uint64_t entries = view->pdev->desc.msix_entries;
	uint32_t table, pba;

	if (!pos || view->hardware)
		return 0;
	if (!irq_guest_table(view->pdev, &table, &pba)) {
		plat_rcu_read_lock();
		table = vpci_hw_read(view, pos + PCI_MSIX_TABLE, 4);
		pba = vpci_hw_read(view, pos + PCI_MSIX_PBA, 4);
		plat_rcu_read_unlock();
	}
	if (table == UINT32_MAX || pba == UINT32_MAX)
		return -EIO;
	view->msix_table = region(table, entries * PCI_MSIX_ENTRY_SIZE);
	/* A bit an entry, in whole quadwords (§7.7.2.9). */
	view->msix_pba = region(pba, (entries + 63) / 64 * 8);
	return 0;
}

static bool has(struct vpci *view, unsigned int bar, uint64_t offset,
		uint64_t size)
{
	return touches(&view->msix_table, bar, offset, size) ||
	       touches(&view->msix_pba, bar, offset, size);
}

bool vpci_msix_has_page(struct vpci *view, unsigned int bar, uint64_t offset)
{
	return has(view, bar, offset, PLAT_PAGE_SIZE);
}

static bool access_ok(uint64_t offset, uint8_t size)
{
	return (size == 4 || size == 8) && !(offset & (size - 1u));
}

typedef hf_atomic(uint64_t) quadword;

/* The one of the table that has @offset, which is in it. */
static quadword *table_at(struct vpci *view, uint64_t offset)
{
	uint64_t at = offset - view->msix_table.start;
	struct vpci_msix_entry *entry =
		&view->msix->entry[at / PCI_MSIX_ENTRY_SIZE];

	return at % PCI_MSIX_ENTRY_SIZE < PCI_MSIX_ENTRY_DATA
		       ? &entry->address
		       : &entry->data_ctrl;
}

/* Of the PBA: what the receiver remembers, or core/irq. */
static uint64_t pba_read(struct vpci *view, uint64_t offset)
{
	uint64_t i = (offset - view->msix_pba.start) / 8;

	return hf_load_relaxed(&view->msix->pending[i]) |
	       irq_guest_pending(view->pdev, PCI_VECTOR_MSIX,
				 (unsigned int)i * 64);
}

bool vpci_msix_mem_read(struct vpci *view, unsigned int bar, uint64_t offset,
			uint8_t size, uint64_t *val)
{
	bool table = touches(&view->msix_table, bar, offset, size);

	if (!table && !touches(&view->msix_pba, bar, offset, size))
		return false;
	*val = vpci_ones(size);
	if (view->msix && access_ok(offset, size))
		*val &= (table ? hf_load_relaxed(table_at(view, offset))
			       : pba_read(view, offset)) >>
			8 * (offset & 4);
	return true;
}

/*
 * Reserved bits stay 0: the two low ones of the address, and all of Vector
 * Control but the mask (§7.7.2.5, §7.7.2.8).
 */
static void entry_write(struct vpci *view, uint64_t offset, uint8_t size,
			uint64_t val)
{
	quadword *word = table_at(view, offset);
	uint64_t bits = vpci_ones(size) << 8 * (offset & 4);

	val = (hf_load_relaxed(word) & ~bits) |
	      (val << 8 * (offset & 4) & bits);
	if ((offset - view->msix_table.start) % PCI_MSIX_ENTRY_SIZE <
	    PCI_MSIX_ENTRY_DATA)
		val &= ~3ull;
	else
		val &= VPCI_MSIX_MASKED | UINT32_MAX;
	hf_store_relaxed(word, val);
}

bool vpci_msix_mem_write(struct vpci *view, unsigned int bar, uint64_t offset,
			 uint8_t size, uint64_t val)
{
	struct vpci_msix *msix = view->msix;
	struct pci_vector was;
	unsigned int i;

	if (!has(view, bar, offset, size))
		return false;
	if (!msix || !access_ok(offset, size) ||
	    !touches(&view->msix_table, bar, offset, size))
		return true;
	pci_assert_held(&view->pdev->lock);
	i = (unsigned int)((offset - view->msix_table.start) /
			   PCI_MSIX_ENTRY_SIZE);
	vpci_msix_entry_get(msix, i, vpci_msix_flags(view), &was);
	entry_write(view, offset, size, val);
	vpci_msix_entry_update(view, i, &was);
	return true;
}
