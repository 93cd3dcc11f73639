/* SPDX-License-Identifier: BSD-2-Clause */
#include <sched.h>

#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/platform.h>

#include "guest.h"

/* --- the embedder's part ---------------------------------------------------- */

static bool overlaps(const struct pci_mapping *m, uint64_t gpa, uint64_t size)
{
	return m->gpa < gpa + size && gpa < m->gpa + m->size;
}

static bool is_pages(const struct pci_mapping *m)
{
	return m->size && !((m->gpa | m->hpa | m->size) % PLAT_PAGE_SIZE);
}

static int on_map(struct domain *d, const struct pci_mapping *m)
{
	struct guest *g = domain_data(d);
	unsigned int i;

	g->faults += !is_pages(m);
	for (i = 0; i < g->nmappings; i++)
		g->faults += overlaps(&g->mapping[i], m->gpa, m->size);
	if (g->nmappings == GUEST_MAPPINGS)
		return -ENOSPC;
	g->mapping[g->nmappings++] = *m;
	return 0;
}

/* What is left of @m below or above a hole. */
static void keep(struct guest *g, struct pci_mapping m, uint64_t from,
		 uint64_t end)
{
	if (from >= end)
		return;
	m.hpa += from - m.gpa;
	m.gpa = from;
	m.size = end - from;
	if (g->nmappings == GUEST_MAPPINGS)
		g->faults++;
	else
		g->mapping[g->nmappings++] = m;
}

static void on_unmap(struct domain *d, const struct pci_mapping *hole)
{
	struct guest *g = domain_data(d);
	unsigned int i = 0;

	g->faults += !is_pages(hole);
	while (i < g->nmappings) {
		struct pci_mapping m = g->mapping[i];

		if (!overlaps(&m, hole->gpa, hole->size)) {
			i++;
			continue;
		}
		g->mapping[i] = g->mapping[--g->nmappings];
		keep(g, m, m.gpa, hole->gpa);
		keep(g, m, hole->gpa + hole->size, m.gpa + m.size);
	}
}

static struct guest_vector *vector_of(struct guest *g, pci_sbdf_t sbdf,
				      bool msix, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < g->nvectors; i++)
		if (g->vector[i].sbdf.sbdf == sbdf.sbdf &&
		    g->vector[i].last.msix == msix &&
		    g->vector[i].last.index == index)
			return &g->vector[i];
	return NULL;
}

static void on_vector(struct domain *d, pci_sbdf_t sbdf,
		      const struct pci_vector *v)
{
	struct guest *g = domain_data(d);
	struct guest_vector *mine = vector_of(g, sbdf, v->msix, v->index);

	if (!mine && g->nvectors < GUEST_VECTORS) {
		mine = &g->vector[g->nvectors++];
		*mine = (struct guest_vector){ .sbdf = sbdf };
	}
	if (!mine) {
		g->faults++;
		return;
	}
	mine->told++;
	mine->last = *v;
}

static const struct domain_ops mapping_ops = { .map = on_map,
					       .unmap = on_unmap,
					       .vector = on_vector };
static const struct domain_ops trapping_ops = { .vector = on_vector };

struct guest *guest_begin(const char *name, enum guest_way way,
			  struct fabric *machine, bool maps)
{
	struct guest *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->way = way;
	g->machine = machine;
	g->low = GUEST_LOW;
	g->high = GUEST_HIGH;
	assert_int_equal(domain_create(0, name,
				       maps ? &mapping_ops : &trapping_ops, g,
				       &g->domain),
			 0);
	assert_int_equal(vpci_window_add(g->domain, GUEST_LOW,
					 GUEST_ECAM - GUEST_LOW),
			 0);
	assert_int_equal(
		vpci_window_add(g->domain, GUEST_HIGH, GUEST_HIGH_SIZE), 0);
	assert_int_equal(vpci_ecam_add(g->domain, GUEST_ECAM, 0, 0, 255), 0);
	vpci_vcpu_init(&g->vcpu, g->domain);
	return g;
}

void guest_end(struct guest *g)
{
	assert_int_equal(domain_destroy(g->domain), 0);
	assert_int_equal(g->nmappings, 0);
	assert_int_equal(g->faults, 0);
	vpci_vcpu_fini(&g->vcpu);
	domain_put(g->domain);
	plat_rcu_barrier();
	free(g);
}

pci_sbdf_t guest_assign(struct guest *g, pci_sbdf_t sbdf, uint32_t vsbdf)
{
	pci_sbdf_t at = pci_sbdf_from(vsbdf);

	assert_int_equal(pci_assign_device(g->domain, sbdf, 0, &at, NULL), 0);
	return at;
}

/* --- accesses ----------------------------------------------------------------- */

void guest_settle(struct guest *g)
{
	uint64_t when = 0;

	while (vpci_process_pending(&g->vcpu, &when) == PCI_AGAIN) {
		if (g->waits)
			g->waits(g);
		sched_yield();
	}
}

static uint64_t ecam(pci_sbdf_t at, unsigned int reg)
{
	return GUEST_ECAM + ((uint64_t)at.bdf << 12 | reg);
}

/* PCI 3.0 §3.2.2.3.2 */
static void pio_select(struct guest *g, pci_sbdf_t at, unsigned int reg)
{
	uint32_t address = 1u << 31 | (uint32_t)at.bdf << 8 | (reg & 0xfc);

	assert_int_equal(vpci_pio_write(&g->vcpu, 0xcf8, 4, address), PCI_DONE);
}

static enum pci_verdict try_read(struct guest *g, pci_sbdf_t at,
				 unsigned int reg, uint8_t size, uint64_t *val)
{
	enum pci_verdict verdict;
	uint32_t word = 0;

	if (g->way == GUEST_BY_ECAM)
		return vpci_ecam_read(g->domain, ecam(at, reg), size, val);
	if (g->way == GUEST_TRAP)
		return vpci_read(g->domain, at, (uint16_t)reg, size, val);
	pio_select(g, at, reg);
	verdict = vpci_pio_read(&g->vcpu, (uint16_t)(0xcfc + (reg & 3)), size,
				&word);
	*val = word;
	return verdict;
}

uint32_t guest_read(struct guest *g, pci_sbdf_t at, unsigned int reg,
		    uint8_t size)
{
	uint64_t val = 0;

	while (try_read(g, at, reg, size, &val) == PCI_AGAIN)
		guest_settle(g);
	return (uint32_t)val;
}

static enum pci_verdict try_write(struct guest *g, pci_sbdf_t at,
				  unsigned int reg, uint8_t size, uint32_t val)
{
	if (g->way == GUEST_BY_ECAM)
		return vpci_ecam_write(&g->vcpu, ecam(at, reg), size, val);
	if (g->way == GUEST_TRAP)
		return vpci_write(&g->vcpu, at, (uint16_t)reg, size, val);
	pio_select(g, at, reg);
	return vpci_pio_write(&g->vcpu, (uint16_t)(0xcfc + (reg & 3)), size,
			      val);
}

void guest_write(struct guest *g, pci_sbdf_t at, unsigned int reg, uint8_t size,
		 uint32_t val)
{
	while (try_write(g, at, reg, size, val) == PCI_AGAIN)
		guest_settle(g);
	guest_settle(g);
}

static const struct pci_mapping *mapping_of(struct guest *g, uint64_t gpa)
{
	unsigned int i;

	for (i = 0; i < g->nmappings; i++)
		if (overlaps(&g->mapping[i], gpa, 1))
			return &g->mapping[i];
	return NULL;
}

bool guest_is_mapped(struct guest *g, uint64_t gpa)
{
	return mapping_of(g, gpa);
}

uint64_t guest_load(struct guest *g, uint64_t gpa, uint8_t size)
{
	const struct pci_mapping *m = mapping_of(g, gpa);
	uint64_t val = 0;

	if (m)
		fabric_mem_read(g->machine, m->hpa + (gpa - m->gpa), size,
				&val);
	else
		while (vpci_mmio_read(g->domain, gpa, size, &val) == PCI_AGAIN)
			guest_settle(g);
	return val;
}

void guest_store(struct guest *g, uint64_t gpa, uint8_t size, uint64_t val)
{
	const struct pci_mapping *m = mapping_of(g, gpa);

	if (m)
		fabric_mem_write(g->machine, m->hpa + (gpa - m->gpa), size,
				 val);
	else
		while (vpci_mmio_write(&g->vcpu, gpa, size, val) == PCI_AGAIN)
			guest_settle(g);
	guest_settle(g);
}

/* --- capabilities --------------------------------------------------------------- */

/* PCI 3.0 §6.7: while the list goes on, and no longer than it can be. */
static void walk_caps(struct guest *g, struct guest_fn *fn)
{
	unsigned int pos;

	if (!(guest_read(g, fn->sbdf, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return;
	pos = guest_read(g, fn->sbdf, PCI_CAPABILITY_LIST, 1);
	while ((pos &= PCI_CAP_NEXT_MASK)) {
		uint32_t head = guest_read(g, fn->sbdf, pos, 2);

		if (pos < PCI_STD_HEADER_SIZEOF || (head & 0xff) == 0xff)
			fn->fault = "a list leads to where none is";
		else if (fn->ncaps == GUEST_CAPS)
			fn->fault = "a list has no end";
		if (fn->fault)
			return;
		fn->cap[fn->ncaps].id = head & 0xff;
		fn->cap[fn->ncaps++].pos = (uint16_t)pos;
		pos = head >> 8;
	}
}

/* PCIe 6.0 §7.6.3; an empty list is a header of zeros. */
static void walk_ext_caps(struct guest *g, struct guest_fn *fn)
{
	unsigned int pos = PCI_CFG_SPACE_SIZE;

	if (g->way == GUEST_BY_PIO)
		return;
	while (pos) {
		uint32_t head = guest_read(g, fn->sbdf, pos, 4);

		if (pos == PCI_CFG_SPACE_SIZE && (!head || !~head))
			return;
		if (pos < PCI_CFG_SPACE_SIZE || !~head)
			fn->fault = "a list leads to where none is";
		else if (fn->next == GUEST_EXT_CAPS)
			fn->fault = "a list has no end";
		if (fn->fault)
			return;
		fn->ext[fn->next].id = head & 0xffff;
		fn->ext[fn->next++].pos = (uint16_t)pos;
		pos = head >> 20 & 0xffc;
	}
}

uint16_t guest_cap(const struct guest_fn *fn, uint16_t id)
{
	unsigned int i;

	for (i = 0; i < fn->ncaps; i++)
		if (fn->cap[i].id == id)
			return fn->cap[i].pos;
	return 0;
}

uint16_t guest_ext_cap(const struct guest_fn *fn, uint16_t id)
{
	unsigned int i;

	for (i = 0; i < fn->next; i++)
		if (fn->ext[i].id == id)
			return fn->ext[i].pos;
	return 0;
}

/* --- BARs (PCI 3.0 §6.2.5.1) ------------------------------------------------------ */

/* The bits that stick, and the register as it was again. */
static uint32_t size_dword(struct guest *g, pci_sbdf_t at, unsigned int reg,
			   uint32_t ones, uint32_t *was)
{
	uint32_t got;

	*was = guest_read(g, at, reg, 4);
	guest_write(g, at, reg, 4, ones);
	got = guest_read(g, at, reg, 4);
	guest_write(g, at, reg, 4, *was);
	return got;
}

static void size_memory(struct guest *g, struct guest_fn *fn, unsigned int reg,
			uint32_t got, uint32_t was, struct guest_bar *bar)
{
	uint64_t mask = got & PCI_BASE_ADDRESS_MEM_MASK;
	uint32_t high;

	bar->kind = PCI_BAR_MEM32;
	bar->prefetch = was & PCI_BASE_ADDRESS_MEM_PREFETCH;
	if ((was & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
	    PCI_BASE_ADDRESS_MEM_TYPE_64) {
		bar->kind = PCI_BAR_MEM64;
		mask |= (uint64_t)size_dword(g, fn->sbdf, reg + 4, UINT32_MAX,
					     &high)
			<< 32;
	} else {
		mask |= (uint64_t)UINT32_MAX << 32;
	}
	bar->size = ~mask + 1;
}

static void size_bar(struct guest *g, struct guest_fn *fn, unsigned int reg,
		     struct guest_bar *bar)
{
	uint32_t was, got = size_dword(g, fn->sbdf, reg, UINT32_MAX, &was);

	if (!got || !~got)
		return;
	if (was & PCI_BASE_ADDRESS_SPACE_IO) {
		bar->kind = PCI_BAR_IO;
		/* the upper half may be fixed to 0 */
		bar->size = ~(got & PCI_BASE_ADDRESS_IO_MASK) + 1u;
		bar->size &= 0xffff;
		return;
	}
	size_memory(g, fn, reg, got, was, bar);
}

/* Sized with the enable bit off. */
static void size_rom(struct guest *g, struct guest_fn *fn, unsigned int reg,
		     struct guest_bar *bar)
{
	uint32_t was, got;

	got = size_dword(g, fn->sbdf, reg, PCI_ROM_ADDRESS_MASK, &was);
	got &= PCI_ROM_ADDRESS_MASK;
	if (!got)
		return;
	bar->kind = PCI_BAR_ROM;
	bar->size = ~got + 1u;
}

static bool is_bridge(const struct guest_fn *fn)
{
	return (fn->header & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_BRIDGE;
}

static void size_bars(struct guest *g, struct guest_fn *fn)
{
	unsigned int i, count = is_bridge(fn) ? 2 : 6;
	uint32_t command = guest_read(g, fn->sbdf, PCI_COMMAND, 2);

	guest_write(g, fn->sbdf, PCI_COMMAND, 2,
		    command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (i = 0; i < count; i++) {
		struct guest_bar *bar = &fn->bar[i];

		size_bar(g, fn, PCI_BASE_ADDRESS_0 + 4 * i, bar);
		i += bar->kind == PCI_BAR_MEM64;
	}
	size_rom(g, fn, is_bridge(fn) ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS,
		 &fn->bar[PCI_BAR_FIRST_ROM]);
	guest_write(g, fn->sbdf, PCI_COMMAND, 2, command);
}

/* --- finding (PCI 3.0 §3.2.2.3.4) --------------------------------------------------- */

/* Some host bridges answer an empty slot with less than all-ones. */
static bool is_empty(uint32_t id)
{
	return id == UINT32_MAX || !id || id == 0xffff || id == 0xffff0000;
}

static struct guest_fn *probe(struct guest *g, pci_sbdf_t at)
{
	uint32_t id = guest_read(g, at, PCI_VENDOR_ID, 4);
	struct guest_fn *fn = &g->fn[g->nfn];

	if (is_empty(id))
		return NULL;
	assert_true(g->nfn++ < GUEST_FUNCTIONS);
	*fn = (struct guest_fn){ .sbdf = at,
				 .vendor = (uint16_t)id,
				 .device = (uint16_t)(id >> 16) };
	fn->header = (uint8_t)guest_read(g, at, PCI_HEADER_TYPE, 1);
	fn->class_rev = guest_read(g, at, PCI_CLASS_REVISION, 4);
	walk_caps(g, fn);
	walk_ext_caps(g, fn);
	size_bars(g, fn);
	return fn;
}

/* Functions 1 to 7 are asked only where function 0 says so. */
static void probe_slot(struct guest *g, pci_sbdf_t at)
{
	const struct guest_fn *first = probe(g, at);
	unsigned int i;

	if (!first || !(first->header & PCI_HEADER_TYPE_MFD))
		return;
	for (i = 1; i < 8; i++) {
		at.devfn++;
		probe(g, at);
	}
}

void guest_enumerate(struct guest *g, uint8_t first, uint8_t last)
{
	unsigned int bus, dev;

	g->nfn = 0;
	for (bus = first; bus <= last; bus++)
		for (dev = 0; dev < 32; dev++)
			probe_slot(g,
				   pci_sbdf(0, (uint8_t)bus, (uint8_t)dev, 0));
}

struct guest_fn *guest_find(struct guest *g, pci_sbdf_t at)
{
	unsigned int i;

	for (i = 0; i < g->nfn; i++)
		if (g->fn[i].sbdf.sbdf == at.sbdf)
			return &g->fn[i];
	return NULL;
}

/* --- using ---------------------------------------------------------------------------- */

static void place(struct guest *g, struct guest_bar *bar)
{
	uint64_t *next = bar->kind == PCI_BAR_MEM64 ? &g->high : &g->low;

	bar->addr = (*next + bar->size - 1) & ~(bar->size - 1);
	*next = bar->addr + bar->size;
	assert_true(bar->kind == PCI_BAR_MEM64 || g->low <= GUEST_ECAM);
}

void guest_start(struct guest *g, struct guest_fn *fn)
{
	unsigned int i;

	for (i = 0; i < PCI_BAR_FIRST_ROM; i++) {
		struct guest_bar *bar = &fn->bar[i];
		unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * i;

		if (bar->kind != PCI_BAR_MEM32 && bar->kind != PCI_BAR_MEM64)
			continue;
		place(g, bar);
		guest_write(g, fn->sbdf, reg, 4, (uint32_t)bar->addr);
		if (bar->kind == PCI_BAR_MEM64)
			guest_write(g, fn->sbdf, reg + 4, 4,
				    (uint32_t)(bar->addr >> 32));
	}
	guest_write(g, fn->sbdf, PCI_COMMAND, 2,
		    guest_read(g, fn->sbdf, PCI_COMMAND, 2) |
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void guest_stop(struct guest *g, struct guest_fn *fn)
{
	guest_write(g, fn->sbdf, PCI_COMMAND, 2,
		    guest_read(g, fn->sbdf, PCI_COMMAND, 2) &
			    ~(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
}

/* PCIe 6.0 §7.7.2: on but masked, the table, then unmasked. */
static void set_up_msix(struct guest *g, struct guest_fn *fn, unsigned int pos,
			uint32_t base)
{
	uint16_t flags =
		(uint16_t)guest_read(g, fn->sbdf, pos + PCI_MSIX_FLAGS, 2);
	uint32_t table = guest_read(g, fn->sbdf, pos + PCI_MSIX_TABLE, 4);
	uint64_t entry = fn->bar[table & PCI_MSIX_TABLE_BIR].addr +
			 (table & PCI_MSIX_TABLE_OFFSET);
	unsigned int i;

	fn->msix = true;
	fn->vectors = (flags & PCI_MSIX_FLAGS_QSIZE) + 1u;
	flags |= PCI_MSIX_FLAGS_ENABLE;
	guest_write(g, fn->sbdf, pos + PCI_MSIX_FLAGS, 2,
		    flags | PCI_MSIX_FLAGS_MASKALL);
	for (i = 0; i < fn->vectors; i++, entry += PCI_MSIX_ENTRY_SIZE) {
		guest_store(g, entry + PCI_MSIX_ENTRY_LOWER_ADDR, 4,
			    GUEST_DOORBELL);
		guest_store(g, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 4, 0);
		guest_store(g, entry + PCI_MSIX_ENTRY_DATA, 4, base + i);
		guest_store(g, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
	}
	guest_write(g, fn->sbdf, pos + PCI_MSIX_FLAGS, 2, flags);
}

/* PCIe 6.0 §7.7.1: as many as it can send; they differ in the low bits. */
static void set_up_msi(struct guest *g, struct guest_fn *fn, unsigned int pos,
		       uint32_t base)
{
	uint16_t flags =
		(uint16_t)guest_read(g, fn->sbdf, pos + PCI_MSI_FLAGS, 2);
	unsigned int log2 = (flags & PCI_MSI_FLAGS_QMASK) >>
			    PCI_MSI_FLAGS_QMASK_SHIFT;
	bool wide = flags & PCI_MSI_FLAGS_64BIT;

	fn->vectors = 1u << log2;
	guest_write(g, fn->sbdf, pos + PCI_MSI_ADDRESS_LO, 4, GUEST_DOORBELL);
	if (wide)
		guest_write(g, fn->sbdf, pos + PCI_MSI_ADDRESS_HI, 4, 0);
	guest_write(g, fn->sbdf,
		    pos + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2, base);
	flags &= (uint16_t)~PCI_MSI_FLAGS_QSIZE;
	flags |= (uint16_t)(log2 << PCI_MSI_FLAGS_QSIZE_SHIFT);
	guest_write(g, fn->sbdf, pos + PCI_MSI_FLAGS, 2,
		    flags | PCI_MSI_FLAGS_ENABLE);
}

void guest_interrupts(struct guest *g, struct guest_fn *fn, uint32_t base)
{
	if (guest_cap(fn, PCI_CAP_ID_MSIX))
		set_up_msix(g, fn, guest_cap(fn, PCI_CAP_ID_MSIX), base);
	else if (guest_cap(fn, PCI_CAP_ID_MSI))
		set_up_msi(g, fn, guest_cap(fn, PCI_CAP_ID_MSI), base);
}

const struct guest_vector *guest_vector(struct guest *g, pci_sbdf_t host,
					bool msix, unsigned int index)
{
	return vector_of(g, host, msix, index);
}
