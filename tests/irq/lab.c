/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab.h"

struct lab lab;

/* --- what comes --------------------------------------------------------------- */

static void interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
		      unsigned int index)
{
	struct guest *g = domain_data(d);

	if (index < ENTRIES && msix == g->msix && sbdf.sbdf == g->from.sbdf)
		hf_fetch_add_relaxed(&g->came[index], 1);
	else
		hf_fetch_add_relaxed(&g->others, 1);
}

static void ask(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline)
{
	struct guest *g = domain_data(d);

	(void)sbdf;
	(void)deadline;
	hf_fetch_add_relaxed(&g->asked, 1);
}

static const struct domain_ops ops = { .interrupt = interrupt, .ask = ask };

void assert_silence(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < ENTRIES; i++)
		assert_int_equal(hf_load_relaxed(&g->came[i]), 0);
	assert_int_equal(hf_load_relaxed(&g->others), 0);
}

void assert_came(struct guest *g, unsigned int i, unsigned int n)
{
	assert_int_equal(hf_load_relaxed(&g->came[i]), n);
	hf_store_relaxed(&g->came[i], 0);
	assert_silence(g);
}

static void event(struct pci_event_listener *self, const struct pci_event *e)
{
	(void)self;
	if (e->type == PCI_EVENT_IRQ)
		hf_fetch_add_relaxed(&lab.irq_events, 1);
}

static struct pci_event_listener listener = { .event = event };

static void domain_dying(struct domain *d)
{
	(void)d;
	if (lab.on_dying)
		lab.on_dying();
}

static const struct pci_stage stage = { .name = "test",
					.rank = PCI_STAGE_RESET - 1,
					.domain_dying = domain_dying };

/* --- setting up ------------------------------------------------------------------ */

static void guest_start(struct guest *g, const char *name)
{
	assert_int_equal(domain_create(0, name, &ops, g, &g->d), 0);
	vpci_vcpu_init(&g->vcpu, g->d);
	g->slot = pci_sbdf_from(UINT32_MAX);
}

int lab_setup_options(const struct pci_irq_options *irq, bool controller)
{
	char err[200];
	int seg;

	memset(&lab, 0, sizeof(lab));
	lab.f = fabric_open("lab", err, sizeof(err));
	if (!lab.f || pci_init() || pci_config_init() || pci_vpci_init(NULL) ||
	    pci_irq_init(irq) || pci_iommu_init(NULL) || pci_reset_init() ||
	    pci_stage_register(&stage))
		return -1;
	if (!controller)
		fabric_host(lab.f)->msi = NULL;
	for (seg = 0;
	     (seg = fabric_segment_next(lab.f, (unsigned int)seg)) >= 0;
	     seg++) {
		struct pci_scan scan;

		if (pci_segment_add((uint16_t)seg, fabric_host(lab.f)) ||
		    pci_scan_segment((uint16_t)seg, &scan))
			return -1;
	}
	pci_event_listen(&listener);
	guest_start(&lab.one, "one");
	guest_start(&lab.two, "two");
	return 0;
}

int lab_setup(void **state)
{
	(void)state;
	return lab_setup_options(NULL, true);
}

void kill_guest(struct guest *g)
{
	if (!g->d)
		return;
	if (!domain_is_dying(g->d))
		assert_int_equal(domain_destroy(g->d), 0);
	vpci_vcpu_fini(&g->vcpu);
	domain_put(g->d);
	g->d = NULL;
}

int lab_teardown(void **state)
{
	struct fabric_witness w;
	struct fabric_unit_info unit;

	(void)state;
	kill_guest(&lab.one);
	kill_guest(&lab.two);
	assert_int_equal(pci_check_invariants(), 0);
	pci_event_unlisten(&listener);
	pci_fini();
	assert_int_equal(pci_irq_vectors(), 0);
	fabric_unit(lab.f, &unit);
	assert_int_equal(unit.vectors, 0);
	fabric_witness(lab.f, &w);
	if (w.listed)
		print_error("%s\n", w.list[0].text);
	assert_int_equal(w.violations, 0);
	fabric_close(lab.f);
	return 0;
}

/* --- names ---------------------------------------------------------------------------- */

struct pci_dev *get(const char *sbdf)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(sbdf));

	assert_non_null(pdev);
	return pdev;
}

static struct pci_dev_desc desc_of(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(sbdf, &info), 0);
	return info.desc;
}

uint16_t msi_at(const char *sbdf)
{
	return desc_of(at(sbdf)).msi;
}

uint16_t msix_at(const char *sbdf)
{
	return desc_of(at(sbdf)).msix;
}

struct pci_irq_info info_of(const char *sbdf)
{
	struct pci_irq_info info;

	assert_int_equal(pci_irq_query(at(sbdf), &info), 0);
	return info;
}

struct fabric_counts counts_of(const char *sbdf)
{
	pci_sbdf_t where = at(sbdf);
	struct fabric_counts counts;

	if (fabric_witness_next(lab.f, &where, &counts) ||
	    where.sbdf != at(sbdf).sbdf)
		return (struct fabric_counts){ 0 };
	return counts;
}

uint64_t vectors(void)
{
	struct fabric_unit_info unit;

	fabric_unit(lab.f, &unit);
	assert_int_equal(unit.vectors, pci_irq_vectors());
	return unit.vectors;
}

/* --- changing hands ------------------------------------------------------------------- */

int try_give(struct guest *g, const char *sbdf)
{
	pci_sbdf_t slot = pci_sbdf_from(UINT32_MAX);
	int err = pci_assign_device(g->d, at(sbdf), PCI_ASSIGN_GROUP, &slot,
				    NULL);

	if (err)
		return err;
	g->slot = slot;
	g->from = at(sbdf);
	return 0;
}

void settle(struct guest *g)
{
	while (vpci_process_pending(&g->vcpu, NULL) == PCI_AGAIN)
		;
}

void give(struct guest *g, const char *sbdf)
{
	assert_int_equal(try_give(g, sbdf), 0);
	wr(g, PCI_BASE_ADDRESS_0, 4, BAR0_AT);
	wr(g, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	settle(g);
}

void take(struct guest *g, const char *sbdf)
{
	assert_int_equal(
		pci_deassign_device(g->d, at(sbdf), PCI_ASSIGN_GROUP, NULL), 0);
}

int remove_dev(const char *sbdf, unsigned int flags, uint64_t timeout)
{
	return pci_remove_device(at(sbdf), flags, timeout, &lab.removal);
}

/* --- the guest's accesses ----------------------------------------------------------------- */

uint32_t rd(struct guest *g, uint16_t reg, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_read(g->d, g->slot, reg, size, &val), PCI_DONE);
	return (uint32_t)val;
}

void wr(struct guest *g, uint16_t reg, uint8_t size, uint32_t val)
{
	assert_int_equal(vpci_write(&g->vcpu, g->slot, reg, size, val),
			 PCI_DONE);
}

uint64_t mmio_rd(struct guest *g, uint32_t offset, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_mmio_read(g->d, BAR0_AT + offset, size, &val),
			 PCI_DONE);
	return val;
}

void mmio_wr(struct guest *g, uint32_t offset, uint8_t size, uint64_t val)
{
	assert_int_equal(vpci_mmio_write(&g->vcpu, BAR0_AT + offset, size, val),
			 PCI_DONE);
}

void master(struct guest *g, bool on)
{
	uint32_t command = rd(g, PCI_COMMAND, 2) & ~PCI_COMMAND_MASTER;

	wr(g, PCI_COMMAND, 2, command | (on ? PCI_COMMAND_MASTER : 0));
	settle(g);
}

void flr(struct guest *g)
{
	uint16_t control = desc_of(g->from).pcie + PCI_EXP_DEVCTL;

	wr(g, control, 2, PCI_EXP_DEVCTL_BCR_FLR);
	settle(g);
}

void msi_on(struct guest *g, unsigned int vectors_on)
{
	uint16_t msi = desc_of(g->from).msi;
	bool wide = rd(g, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_64BIT;
	unsigned int log2 = 0;

	while (1u << log2 < vectors_on)
		log2++;
	g->msix = false;
	wr(g, msi + PCI_MSI_ADDRESS_LO, 4, (uint32_t)GUEST_ADDRESS);
	wr(g, msi + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2, GUEST_DATA);
	wr(g, msi + PCI_MSI_FLAGS, 2,
	   PCI_MSI_FLAGS_ENABLE | log2 << PCI_MSI_FLAGS_QSIZE_SHIFT);
}

void msi_off(struct guest *g)
{
	wr(g, desc_of(g->from).msi + PCI_MSI_FLAGS, 2, 0);
}

static uint16_t mask_register(uint16_t msi, uint32_t flags)
{
	assert_true(flags & PCI_MSI_FLAGS_MASKBIT);
	return msi + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64
						  : PCI_MSI_MASK_32);
}

static uint16_t guest_mask_register(struct guest *g)
{
	uint16_t msi = desc_of(g->from).msi;

	return mask_register(msi, rd(g, msi + PCI_MSI_FLAGS, 2));
}

void msi_mask(struct guest *g, uint32_t mask)
{
	wr(g, guest_mask_register(g), 4, mask);
}

uint32_t msi_pending(struct guest *g)
{
	return rd(g, guest_mask_register(g) + 4, 4);
}

void msix_flags(struct guest *g, uint16_t flags)
{
	g->msix = true;
	wr(g, desc_of(g->from).msix + PCI_MSIX_FLAGS, 2, flags);
}

static uint32_t entry_at(unsigned int i)
{
	return TABLE + i * PCI_MSIX_ENTRY_SIZE;
}

void msix_entry(struct guest *g, unsigned int i)
{
	mmio_wr(g, entry_at(i), 8, GUEST_ADDRESS);
	mmio_wr(g, entry_at(i) + PCI_MSIX_ENTRY_DATA, 4, GUEST_DATA + i);
	msix_mask(g, i, false);
}

void msix_mask(struct guest *g, unsigned int i, bool masked)
{
	mmio_wr(g, entry_at(i) + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, masked);
}

bool msix_pending(struct guest *g, unsigned int i)
{
	return mmio_rd(g, PBA, 8) >> i & 1;
}

/* --- the device's ------------------------------------------------------------------------- */

uint32_t hw(const char *sbdf, unsigned int reg, uint8_t size)
{
	struct pci_host *host = fabric_host(lab.f);
	uint32_t val;

	assert_int_equal(
		host->ops->read(host, at(sbdf), (uint16_t)reg, size, &val), 0);
	return val;
}

void hw_put(const char *sbdf, unsigned int reg, uint8_t size, uint32_t val)
{
	struct pci_host *host = fabric_host(lab.f);

	assert_int_equal(
		host->ops->write(host, at(sbdf), (uint16_t)reg, size, val), 0);
}

/* A VF's is its PF's, and numbered. */
uint64_t hw_bar0(const char *sbdf)
{
	return desc_of(at(sbdf)).bar[0].addr;
}

bool hw_msi_on(const char *sbdf)
{
	return hw(sbdf, msi_at(sbdf) + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE;
}

uint32_t hw_msi_mask(const char *sbdf)
{
	uint16_t msi = msi_at(sbdf);

	return hw(sbdf, mask_register(msi, hw(sbdf, msi + PCI_MSI_FLAGS, 2)),
		  4);
}

struct msi_message hw_msi(const char *sbdf)
{
	uint16_t msi = msi_at(sbdf);
	bool wide = hw(sbdf, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_64BIT;
	struct msi_message m = {
		.address = hw(sbdf, msi + PCI_MSI_ADDRESS_LO, 4),
		.data = hw(sbdf,
			   msi + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2),
	};

	if (wide)
		m.address |= (uint64_t)hw(sbdf, msi + PCI_MSI_ADDRESS_HI, 4)
			     << 32;
	return m;
}

bool hw_msix_on(const char *sbdf)
{
	return (hw(sbdf, msix_at(sbdf) + PCI_MSIX_FLAGS, 2) &
		(MSIX_ON | MSIX_ALL)) == MSIX_ON;
}

static uint64_t hw_entry(const char *sbdf, unsigned int i, unsigned int reg,
			 uint8_t size)
{
	uint64_t val;

	assert_int_equal(fabric_mem_read(lab.f,
					 hw_bar0(sbdf) + entry_at(i) + reg,
					 size, &val),
			 0);
	return val;
}

bool hw_msix_masked(const char *sbdf, unsigned int i)
{
	return hw_entry(sbdf, i, PCI_MSIX_ENTRY_VECTOR_CTRL, 4) &
	       PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

struct msi_message hw_msix(const char *sbdf, unsigned int i)
{
	return (struct msi_message){
		.address = hw_entry(sbdf, i, 0, 8),
		.data = (uint32_t)hw_entry(sbdf, i, PCI_MSIX_ENTRY_DATA, 4),
	};
}

void assert_hosts(struct msi_message m)
{
	assert_int_equal(m.address, FABRIC_MSI_BASE);
	assert_true(m.data < 64); /* few are allocated, from 0 up */
}

int raise_irq(const char *sbdf, unsigned int i)
{
	return fabric_interrupt(lab.f, at(sbdf), i);
}

int forge(const char *sbdf, struct msi_message m, unsigned int i)
{
	uint32_t data = m.data + i;

	return fabric_dma_write(lab.f, at(sbdf), m.address, &data,
				sizeof(data));
}

/* --- the hypervisor's own ----------------------------------------------------------------- */

static void handler(void *data, unsigned int index)
{
	if (data == &lab.handled && index < ENTRIES)
		lab.handled[index]++;
	else
		lab.mishandled++;
}

void assert_handled(unsigned int i, unsigned int n)
{
	assert_int_equal(lab.handled[i], n);
	lab.handled[i] = 0;
	for (i = 0; i < ENTRIES; i++)
		assert_int_equal(lab.handled[i], 0);
	assert_int_equal(lab.mishandled, 0);
}

int bind(const char *sbdf, enum pci_vector_kind kind, unsigned int first,
	 unsigned int count)
{
	struct pci_dev *pdev = get(sbdf);
	int err = pci_irq_bind(pdev, kind, first, count, handler, &lab.handled);

	pcidev_put(pdev);
	return err;
}

int unbind(const char *sbdf, enum pci_vector_kind kind, unsigned int first,
	   unsigned int count)
{
	struct pci_dev *pdev = get(sbdf);
	int err = pci_irq_unbind(pdev, kind, first, count);

	pcidev_put(pdev);
	return err;
}

int mask(const char *sbdf, enum pci_vector_kind kind, unsigned int i,
	 bool masked)
{
	struct pci_dev *pdev = get(sbdf);
	int err = pci_irq_mask(pdev, kind, i, masked);

	pcidev_put(pdev);
	return err;
}

void bind_unmasked(const char *sbdf, enum pci_vector_kind kind,
		   unsigned int first, unsigned int count)
{
	unsigned int i;

	assert_int_equal(bind(sbdf, kind, first, count), 0);
	for (i = first; i < first + count; i++)
		assert_int_equal(mask(sbdf, kind, i, false), 0);
}

void works(const char *sbdf, unsigned int i)
{
	assert_int_equal(raise_irq(sbdf, i), 0);
	assert_handled(i, 1);
}

void switch_on(const char *sbdf)
{
	hw_put(sbdf, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
}
