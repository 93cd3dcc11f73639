/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory space: who claims an address, and what is stored there. Pages appear
 * when they are written; MSI-X tables start masked and pending bits are
 * read-only, as their specification wants (PCIe 6.0 §7.7.2).
 */
#include "internal.h"

#define MAX_PAGES 4096 /* of one function */

struct target {
	struct fab_fn *fn;
	unsigned int bar;
	uint64_t offset;
};

bool fab_powered(const struct fab_fn *fn)
{
	unsigned int pm = fn->model->pm;

	return !pm ||
	       !(fab_get16(fn, pm + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK);
}

static bool decodes(const struct fab_fn *fn)
{
	return fab_powered(fn) &&
	       (fab_get16(fn, PCI_COMMAND) & PCI_COMMAND_MEMORY);
}

/* --- who claims it -------------------------------------------------------- */

static bool in_bar(struct fab_fn *fn, unsigned int i, uint64_t addr,
		   uint64_t *offset)
{
	const struct fab_bar *bar = &fn->model->bar[i];
	uint64_t base = fab_bar_addr(fn, i);

	if (!bar->size || bar->kind == PCI_BAR_IO || !base)
		return false;
	if (bar->kind == PCI_BAR_ROM &&
	    !(fab_get(fn, fab_bar_reg(fn->model, i)) & PCI_ROM_ADDRESS_ENABLE))
		return false;
	*offset = addr - base;
	return addr >= base && *offset < fab_bar_size(fn, i);
}

static bool vf_claims(struct fab_fn *pf, uint64_t addr, struct target *t)
{
	uint16_t want = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	unsigned int ctrl = pf->model->sriov + PCI_SRIOV_CTRL;

	if (!pf->nvf || (fab_get16(pf, ctrl) & want) != want)
		return false;
	for (unsigned int i = PCI_BAR_FIRST_VF; i < PCI_BAR_COUNT; i++) {
		uint64_t size = pf->model->bar[i].size;
		uint64_t base = fab_bar_addr(pf, i);

		if (!size || !base || addr < base ||
		    (addr - base) / size >= pf->nvf)
			continue;
		t->fn = pf->vf[(addr - base) / size];
		t->bar = i - PCI_BAR_FIRST_VF;
		t->offset = (addr - base) % size;
		return true;
	}
	return false;
}

static bool fn_claims(struct fab_fn *fn, uint64_t addr, struct target *t)
{
	if (decodes(fn)) {
		for (t->bar = 0; t->bar <= PCI_BAR_FIRST_ROM; t->bar++) {
			t->fn = fn;
			if (in_bar(fn, t->bar, addr, &t->offset))
				return true;
		}
	}
	return vf_claims(fn, addr, t);
}

static bool passes(const struct fab_fn *bridge, uint64_t addr)
{
	struct fab_window mem = fab_window(bridge, FAB_SPACE_MEM);
	struct fab_window pref = fab_window(bridge, FAB_SPACE_PREF);

	return decodes(bridge) && ((addr >= mem.base && addr <= mem.limit) ||
				   (addr >= pref.base && addr <= pref.limit));
}

static bool link_claims(struct fab_link *link, uint64_t addr, struct target *t)
{
	for (struct fab_fn *fn = link->first; fn; fn = fn->next) {
		if (fn_claims(fn, addr, t))
			return true;
		if (fn->below && passes(fn, addr) &&
		    link_claims(fn->below, addr, t))
			return true;
	}
	return false;
}

static bool segment_claims(struct fab_segment *seg, uint64_t addr,
			   struct target *t)
{
	for (struct fab_link *root = seg->roots; root; root = root->next)
		if (link_claims(root, addr, t))
			return true;
	return false;
}

/* --- pages ---------------------------------------------------------------- */

void fab_pages_free(struct fab_fn *fn)
{
	struct fab_page *page;

	while ((page = fn->pages)) {
		fn->pages = page->next;
		plat_free(page);
	}
}

static bool is_table(const struct fab_model *m, unsigned int bar,
		     uint64_t offset)
{
	return m->msix && bar == m->msix_bar && offset >= m->msix_table &&
	       offset - m->msix_table <
		       m->msix_entries * (uint64_t)PCI_MSIX_ENTRY_SIZE;
}

static bool is_pba(const struct fab_model *m, unsigned int bar, uint64_t offset)
{
	return m->msix && bar == m->pba_bar && offset >= m->msix_pba &&
	       offset - m->msix_pba < (m->msix_entries + 63u) / 64u * 8;
}

static void page_init(const struct fab_model *m, struct fab_page *page)
{
	for (unsigned int i = PCI_MSIX_ENTRY_VECTOR_CTRL;
	     i < sizeof(page->data); i += PCI_MSIX_ENTRY_SIZE)
		if (is_table(m, page->bar, page->number << 12 | i))
			page->data[i] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

static struct fab_page *page_find(const struct fab_fn *fn, unsigned int bar,
				  uint64_t offset)
{
	struct fab_page *page = fn->pages;

	while (page && (page->bar != bar || page->number != offset >> 12))
		page = page->next;
	return page;
}

static struct fab_page *page_get(struct fab_fn *fn, unsigned int bar,
				 uint64_t offset)
{
	struct fab_page *page = page_find(fn, bar, offset);
	unsigned int n = 0;

	if (page)
		return page;
	for (page = fn->pages; page; page = page->next)
		n++;
	page = n < MAX_PAGES ? plat_zalloc(sizeof(*page)) : NULL;
	if (!page)
		return NULL;
	page->bar = (uint8_t)bar;
	page->number = offset >> 12;
	page_init(fn->model, page);
	page->next = fn->pages;
	fn->pages = page;
	return page;
}

bool fab_msix_masked(struct fab_fn *fn, unsigned int vector)
{
	const struct fab_model *m = fn->model;
	uint64_t at = m->msix_table + vector * (uint64_t)PCI_MSIX_ENTRY_SIZE +
		      PCI_MSIX_ENTRY_VECTOR_CTRL;
	struct fab_page *page = page_find(fn, m->msix_bar, at);

	return !page || (page->data[at & 0xfff] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

/* --- access --------------------------------------------------------------- */

static int target_read(const struct target *t, uint8_t size, uint64_t *val)
{
	bool masked = is_table(t->fn->model, t->bar, t->offset);
	struct fab_page *page = masked ? page_get(t->fn, t->bar, t->offset)
				       : page_find(t->fn, t->bar, t->offset);

	*val = 0;
	if (!page)
		return masked ? -ENOMEM : 0;
	memcpy(val, &page->data[t->offset & 0xfff], size);
	return 0;
}

static int target_write(const struct target *t, uint8_t size, uint64_t val)
{
	struct fab_page *page;

	if (t->bar == PCI_BAR_FIRST_ROM ||
	    is_pba(t->fn->model, t->bar, t->offset))
		return 0; /* read-only: dropped */
	page = page_get(t->fn, t->bar, t->offset);
	if (!page)
		return -ENOMEM;
	memcpy(&page->data[t->offset & 0xfff], &val, size);
	return 0;
}

static bool well_formed(uint64_t addr, uint8_t size)
{
	return (size == 1 || size == 2 || size == 4 || size == 8) &&
	       !(addr & (size - 1u));
}

int fabric_mem_read(struct fabric *f, uint64_t addr, uint8_t size,
		    uint64_t *val)
{
	struct fab_segment *seg;
	struct target t;
	int rc = -ENODEV;

	*val = UINT64_MAX;
	if (!well_formed(addr, size))
		return -EINVAL;
	for (seg = f->segments; seg && rc == -ENODEV; seg = seg->next) {
		pthread_mutex_lock(&seg->lock);
		if (segment_claims(seg, addr, &t)) {
			fab_witness_memory(t.fn, false);
			rc = target_read(&t, size, val);
		}
		pthread_mutex_unlock(&seg->lock);
	}
	return rc;
}

int fabric_mem_write(struct fabric *f, uint64_t addr, uint8_t size,
		     uint64_t val)
{
	struct fab_segment *seg;
	struct target t;
	int rc = -ENODEV;

	if (!well_formed(addr, size))
		return -EINVAL;
	for (seg = f->segments; seg && rc == -ENODEV; seg = seg->next) {
		pthread_mutex_lock(&seg->lock);
		if (segment_claims(seg, addr, &t)) {
			fab_witness_memory(t.fn, true);
			rc = target_write(&t, size, val);
		}
		pthread_mutex_unlock(&seg->lock);
	}
	return rc;
}
