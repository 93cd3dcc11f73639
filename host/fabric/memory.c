/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory space: who claims an address, and what is stored there. Pages appear
 * when they are written; MSI-X tables start masked and pending bits are
 * read-only, as their specification wants (PCIe 6.0 §7.7.2).
 */
#include "machine.h"

#define MAX_PAGES 4096 /* of one function */

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

static bool vf_claims(struct fab_fn *pf, uint64_t addr, struct fab_target *t)
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

static bool fn_claims(struct fab_fn *fn, uint64_t addr, struct fab_target *t)
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

bool fab_claims(struct fab_fn *fn, uint64_t addr, struct fab_target *t)
{
	struct fab_fn *below = fn->below ? fn->below->first : NULL;

	if (fn_claims(fn, addr, t))
		return true;
	if (!below || !passes(fn, addr) || !fab_link_up(fn))
		return false;
	while (below && !fab_claims(below, addr, t))
		below = below->next;
	return below;
}

static bool link_claims(struct fab_link *link, uint64_t addr,
			struct fab_target *t)
{
	for (struct fab_fn *fn = link->first; fn; fn = fn->next)
		if (fab_claims(fn, addr, t))
			return true;
	return false;
}

bool fab_segment_claims(struct fab_segment *seg, uint64_t addr,
			struct fab_target *t)
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

/* --- MSI-X ---------------------------------------------------------------- */

struct fab_msix fab_msix_entry(const struct fab_fn *fn, unsigned int vector)
{
	const struct fab_model *m = fn->model;
	uint64_t at = m->msix_table + vector * (uint64_t)PCI_MSIX_ENTRY_SIZE;
	struct fab_page *page = page_find(fn, m->msix_bar, at);
	struct fab_msix entry = { .masked = true };
	uint32_t dword[4];

	if (!page)
		return entry;
	/* An entry is 8-byte aligned, so it may end on the next page. */
	for (unsigned int i = 0; i < 4; i++) {
		page = page_find(fn, m->msix_bar, at + i * 4);
		if (!page)
			return entry;
		memcpy(&dword[i], &page->data[(at + i * 4) & 0xfff], 4);
	}
	entry.masked = dword[3] & PCI_MSIX_ENTRY_CTRL_MASKBIT;
	entry.address = (uint64_t)dword[1] << 32 | (dword[0] & ~3u);
	entry.data = dword[2];
	return entry;
}

bool fab_msix_pending(const struct fab_fn *fn, unsigned int vector)
{
	const struct fab_model *m = fn->model;
	uint64_t at = m->msix_pba + vector / 8;
	struct fab_page *page = page_find(fn, m->pba_bar, at);

	return page && (page->data[at & 0xfff] >> (vector & 7) & 1);
}

void fab_msix_pend(struct fab_fn *fn, unsigned int vector, bool pending)
{
	const struct fab_model *m = fn->model;
	uint64_t at = m->msix_pba + vector / 8;
	uint8_t bit = (uint8_t)(1u << (vector & 7));
	struct fab_page *page = page_get(fn, m->pba_bar, at);

	if (page && pending)
		page->data[at & 0xfff] |= bit;
	else if (page)
		page->data[at & 0xfff] &= (uint8_t)~bit;
}

/* --- access --------------------------------------------------------------- */

static int target_read(const struct fab_target *t, uint8_t size, uint64_t *val)
{
	bool masked = is_table(t->fn->model, t->bar, t->offset);
	struct fab_page *page;

	*val = 0;
	if (fab_tester_is_reg(t->fn, t->bar, t->offset)) {
		fab_tester_read(t->fn, t->offset, size, val);
		return 0;
	}
	page = masked ? page_get(t->fn, t->bar, t->offset)
		      : page_find(t->fn, t->bar, t->offset);
	if (!page)
		return masked ? -ENOMEM : 0;
	memcpy(val, &page->data[t->offset & 0xfff], size);
	return 0;
}

static int target_write(const struct fab_target *t, uint8_t size, uint64_t val)
{
	struct fab_page *page;

	if (fab_tester_is_reg(t->fn, t->bar, t->offset)) {
		fab_tester_write(t->fn, t->offset, size, val);
		return 0;
	}
	if (t->bar == PCI_BAR_FIRST_ROM ||
	    is_pba(t->fn->model, t->bar, t->offset))
		return 0; /* read-only: dropped */
	page = page_get(t->fn, t->bar, t->offset);
	if (!page)
		return -ENOMEM;
	memcpy(&page->data[t->offset & 0xfff], &val, size);
	return 0;
}

/* What follows of a write, without locks: in a section. */
static void written(const struct fab_target *t)
{
	if (fab_tester_is_reg(t->fn, t->bar, t->offset))
		fab_tester_turn(t->fn, true);
	else if (is_table(t->fn->model, t->bar, t->offset))
		fab_unmasked(t->fn);
}

/* Pieces of up to 8 bytes, naturally aligned. */
int fab_target_copy(const struct fab_target *t, void *buf, size_t len,
		    bool write)
{
	struct fab_target at = *t;
	uint8_t *p = buf, size;
	uint64_t val = 0;
	int rc = 0;

	for (; len && !rc; len -= size, p += size, at.offset += size) {
		for (size = 8; size > len || at.offset & (size - 1u);)
			size /= 2;
		if (write) {
			memcpy(&val, p, size);
			rc = target_write(&at, size, val);
		} else {
			rc = target_read(&at, size, &val);
			memcpy(p, &val, size);
		}
	}
	return rc;
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
	struct fab_target t;
	int rc = -ENODEV;

	*val = UINT64_MAX;
	if (!well_formed(addr, size))
		return -EINVAL;
	for (seg = f->segments; seg && rc == -ENODEV; seg = seg->next) {
		pthread_mutex_lock(&seg->lock);
		if (fab_segment_claims(seg, addr, &t)) {
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
	struct fab_target t;
	int rc = -ENODEV;

	if (!well_formed(addr, size))
		return -EINVAL;
	plat_rcu_read_lock();
	for (seg = f->segments; seg && rc == -ENODEV; seg = seg->next) {
		pthread_mutex_lock(&seg->lock);
		if (fab_segment_claims(seg, addr, &t)) {
			fab_witness_memory(t.fn, true);
			rc = target_write(&t, size, val);
		}
		pthread_mutex_unlock(&seg->lock);
	}
	if (!rc)
		written(&t);
	plat_rcu_read_unlock();
	return rc;
}
