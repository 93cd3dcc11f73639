/* SPDX-License-Identifier: BSD-2-Clause */
#include <limits.h>

#include "support.h"

struct fabric *f;
struct guest one, two;
unsigned int failures;

static void count_failure(struct pci_event_listener *self,
			  const struct pci_event *event)
{
	(void)self;
	failures += event->type == PCI_EVENT_IRQ;
}

static struct pci_event_listener listener = { .event = count_failure };

static void interrupt(struct domain *d, pci_sbdf_t sbdf, bool is_msix,
		      unsigned int index)
{
	struct guest *g = domain_data(d);

	assert_true(sbdf.sbdf == at(DEV).sbdf || sbdf.sbdf == at(OTHER).sbdf ||
		    sbdf.sbdf == at(PLAIN).sbdf);
	(is_msix ? g->msix : g->msi)[index]++;
	g->all++;
}

static const struct domain_ops ops = { .interrupt = interrupt };

static void guest_begin(struct guest *g, const char *name)
{
	memset(g, 0, sizeof(*g));
	assert_int_equal(domain_create(0, name, &ops, g, &g->d), 0);
	vpci_vcpu_init(&g->vcpu, g->d);
}

static void guest_end(struct guest *g)
{
	int err;

	vpci_vcpu_fini(&g->vcpu);
	err = domain_destroy(g->d);
	assert_true(!err || err == -EALREADY);
	domain_put(g->d);
}

int set_up(void **state)
{
	struct pci_scan scan;
	char err[200];

	(void)state;
	failures = 0;
	f = fabric_open("lab", err, sizeof(err));
	assert_non_null(f);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_irq_init(NULL), 0);
	assert_int_equal(pci_iommu_init(NULL), 0);
	assert_int_equal(pci_segment_add(0, fabric_host(f)), 0);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(scan.failed, 0);
	hw_put(DEV, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	hw_put(OTHER, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	hw_put(PLAIN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	guest_begin(&one, "one");
	guest_begin(&two, "two");
	pci_event_listen(&listener);
	return 0;
}

int tear_down(void **state)
{
	struct fabric_witness w;

	(void)state;
	guest_end(&one);
	guest_end(&two);
	assert_int_equal(vectors(), 0);
	assert_int_equal(pci_check_invariants(), 0);
	pci_event_unlisten(&listener);
	pci_fini();
	fabric_witness(f, &w);
	assert_int_equal(w.violations, 0);
	fabric_close(f);
	return 0;
}

/* --- devices ------------------------------------------------------------------- */

pci_sbdf_t at(const char *text)
{
	pci_sbdf_t sbdf;

	assert_int_equal(pci_sbdf_parse(text, &sbdf), 0);
	return sbdf;
}

struct pci_dev *get(const char *device)
{
	struct pci_dev *pdev;

	assert_int_equal(pci_lookup(NULL, at(device), &pdev), 0);
	return pdev;
}

uint32_t hw(const char *device, uint16_t reg, uint8_t size)
{
	return pci_conf_read(at(device), reg, size);
}

void hw_put(const char *device, uint16_t reg, uint8_t size, uint32_t val)
{
	assert_int_equal(pci_conf_write(at(device), reg, size, val), 0);
}

uint16_t cap(const char *device, uint8_t id)
{
	uint8_t pos = (uint8_t)hw(device, PCI_CAPABILITY_LIST, 1);

	while (pos && hw(device, pos, 1) != id)
		pos = (uint8_t)hw(device, pos + PCI_CAP_LIST_NEXT, 1);
	assert_int_not_equal(pos, 0);
	return pos;
}

struct pci_irq_info info(const char *device)
{
	struct pci_irq_info is;

	assert_int_equal(pci_irq_query(at(device), &is), 0);
	return is;
}

uint32_t hw_entry(const char *device, unsigned int i, unsigned int reg)
{
	uint64_t bar = hw(device, PCI_BASE_ADDRESS_0, 4) & ~0xfull, val;
	uint32_t table =
		hw(device, cap(device, PCI_CAP_ID_MSIX) + PCI_MSIX_TABLE, 4);

	bar |= (uint64_t)hw(device, PCI_BASE_ADDRESS_1, 4) << 32;
	assert_int_equal(fabric_mem_read(f,
					 bar + (table & PCI_MSIX_TABLE_OFFSET) +
						 i * PCI_MSIX_ENTRY_SIZE + reg,
					 4, &val),
			 0);
	return (uint32_t)val;
}

uint64_t vectors(void)
{
	struct fabric_unit_info unit;

	fabric_unit(f, &unit);
	assert_int_equal(unit.vectors, pci_irq_vectors());
	return unit.vectors;
}

/* --- guests ---------------------------------------------------------------------- */

int give(struct guest *g, const char *device)
{
	int err;

	g->vsbdf.sbdf = UINT32_MAX;
	err = pci_assign_device(g->d, at(device), PCI_ASSIGN_GROUP, &g->vsbdf,
				NULL);
	if (err)
		return err;
	wr(g, PCI_BASE_ADDRESS_0, 4, GUEST_BAR);
	wr(g, PCI_BASE_ADDRESS_1, 4, 0);
	wr(g, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return 0;
}

void take(struct guest *g, const char *device)
{
	assert_int_equal(pci_deassign_device(g->d, at(device), 0, NULL), 0);
}

void work(struct guest *g)
{
	plat_event_t never;

	plat_event_init(&never);
	while (vpci_process_pending(&g->vcpu, NULL) == PCI_AGAIN)
		plat_event_wait(&never, plat_now() + PLAT_NSEC_PER_MSEC);
	plat_event_destroy(&never);
}

uint32_t rd(struct guest *g, uint16_t reg, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_read(g->d, g->vsbdf, reg, size, &val), PCI_DONE);
	return (uint32_t)val;
}

void wr(struct guest *g, uint16_t reg, uint8_t size, uint32_t val)
{
	assert_int_equal(vpci_write(&g->vcpu, g->vsbdf, reg, size, val),
			 PCI_DONE);
	work(g);
}

/* The lab's testers have table and PBA there. */
#define TABLE (GUEST_BAR + 0x2000u)
#define PBA (GUEST_BAR + 0x3000u)

void entry(struct guest *g, unsigned int i, bool masked)
{
	uint64_t where = TABLE + i * PCI_MSIX_ENTRY_SIZE;

	assert_int_equal(vpci_mmio_write(&g->vcpu, where, 8, 0xfee01000),
			 PCI_DONE);
	assert_int_equal(vpci_mmio_write(&g->vcpu, where + 8, 4, 0x40 + i),
			 PCI_DONE);
	assert_int_equal(vpci_mmio_write(&g->vcpu, where + 12, 4, masked),
			 PCI_DONE);
}

uint64_t pba(struct guest *g)
{
	uint64_t val;

	assert_int_equal(vpci_mmio_read(g->d, PBA, 8, &val), PCI_DONE);
	return val;
}

static uint16_t guest_cap(struct guest *g, uint8_t id)
{
	uint8_t pos = (uint8_t)rd(g, PCI_CAPABILITY_LIST, 1);

	while (pos && rd(g, pos, 1) != id)
		pos = (uint8_t)rd(g, pos + PCI_CAP_LIST_NEXT, 1);
	assert_int_not_equal(pos, 0);
	return pos;
}

void msix(struct guest *g, uint16_t flags)
{
	wr(g, guest_cap(g, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2, flags);
}

void msi(struct guest *g, unsigned int log2)
{
	uint16_t pos = guest_cap(g, PCI_CAP_ID_MSI);

	wr(g, pos + PCI_MSI_ADDRESS_LO, 4, 0xfee01000);
	wr(g, pos + PCI_MSI_DATA_64, 2, 0x40);
	wr(g, pos + PCI_MSI_FLAGS, 2,
	   log2 == UINT_MAX
		   ? 0
		   : PCI_MSI_FLAGS_ENABLE | log2 << PCI_MSI_FLAGS_QSIZE_SHIFT);
}

void msi_mask(struct guest *g, uint32_t mask)
{
	wr(g, guest_cap(g, PCI_CAP_ID_MSI) + PCI_MSI_MASK_64, 4, mask);
}
