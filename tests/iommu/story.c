/* SPDX-License-Identifier: BSD-2-Clause */
#include <holdfast/atomic.h>

#include "story.h"

struct fabric *f;
struct pci_assign_report report;
void (*lab_on_wait)(void);

/* --- time ------------------------------------------------------------------------ */

uint64_t __real_plat_now(void);
uint64_t __wrap_plat_now(void);
bool __real_plat_event_wait(plat_event_t *event, uint64_t deadline);
bool __wrap_plat_event_wait(plat_event_t *event, uint64_t deadline);

static hf_atomic(uint64_t) skipped;

void lab_pass(uint64_t nanoseconds)
{
	hf_fetch_add_relaxed(&skipped, nanoseconds);
}

uint64_t __wrap_plat_now(void)
{
	return __real_plat_now() + hf_load_relaxed(&skipped);
}

/* One thread at most waits to a deadline. */
bool __wrap_plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	uint64_t now = __wrap_plat_now();
	void (*on_wait)(void) = lab_on_wait;

	if (deadline == PLAT_FOREVER)
		return __real_plat_event_wait(event, deadline);
	if (__real_plat_event_wait(event, 0))
		return true;
	if (deadline > now)
		lab_pass(deadline - now);
	lab_on_wait = NULL;
	if (on_wait)
		on_wait();
	return false;
}

/* --- the machine ------------------------------------------------------------------ */

static bool work_to_do;

static void on_work(void *data)
{
	(void)data;
	work_to_do = true;
}

void lab_work(void)
{
	if (work_to_do)
		pci_iommu_work();
	work_to_do = false;
}

void lab_open(const struct pci_iommu_options *options)
{
	static const struct pci_iommu_options usual = { .ats = true,
							.fault_limit = 1u
								       << 30 };
	char err[200];

	f = fabric_open("lab", err, sizeof(err));
	assert_non_null(f);
	fabric_on_work(f, on_work, NULL);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_irq_init(NULL), 0);
	assert_int_equal(pci_iommu_init(options ? options : &usual), 0);
	assert_int_equal(pci_reset_init(), 0);
}

void lab_add_segments(void)
{
	int seg;

	for (seg = 0; (seg = fabric_segment_next(f, (unsigned int)seg)) >= 0;
	     seg++)
		assert_int_equal(pci_segment_add((uint16_t)seg, fabric_host(f)),
				 0);
}

int lab_scan(void)
{
	int seg, failed = 0;

	for (seg = 0; (seg = fabric_segment_next(f, (unsigned int)seg)) >= 0;
	     seg++) {
		struct pci_scan found;
		int err = pci_scan_segment((uint16_t)seg, &found);

		if (err)
			return err;
		failed += (int)found.failed;
	}
	return failed;
}

uint64_t violations(void)
{
	struct fabric_witness w;

	fabric_witness(f, &w);
	if (w.violations)
		print_error("%s\n", w.list[0].text);
	return w.violations;
}

void lab_close(void)
{
	pci_fini();
	assert_int_equal(violations(), 0);
	fabric_close(f);
}

pci_sbdf_t at(const char *text)
{
	pci_sbdf_t sbdf;

	assert_int_equal(pci_sbdf_parse(text, &sbdf), 0);
	return sbdf;
}

uint32_t config(const char *device, unsigned int reg, uint8_t size)
{
	struct pci_host *host = fabric_host(f);
	uint32_t val;

	assert_int_equal(host->ops->read(host, at(device), (uint16_t)reg, size,
					 &val),
			 0);
	return val;
}

void poke(const char *device, unsigned int reg, uint8_t size, uint32_t val)
{
	struct pci_host *host = fabric_host(f);

	assert_int_equal(host->ops->write(host, at(device), (uint16_t)reg, size,
					  val),
			 0);
}

/* --- memory and DMA ------------------------------------------------------------------ */

uint64_t pages_of(unsigned int domid, unsigned int n)
{
	uint64_t hpa;

	assert_int_equal(
		fabric_ram_alloc(f, domid, (uint64_t)n * FABRIC_PAGE, &hpa), 0);
	return hpa;
}

uint32_t in_ram(uint64_t hpa)
{
	uint32_t val;

	assert_int_equal(fabric_ram_read(f, hpa, &val, sizeof(val)), 0);
	return val;
}

int dma(const char *device, uint64_t address, uint32_t val)
{
	return fabric_dma_write(f, at(device), address, &val, sizeof(val));
}

void dma_without_end(const char *device, uint64_t address, uint32_t phantom)
{
	const struct {
		unsigned int reg;
		uint64_t val;
	} program[] = {
		{ FABRIC_TESTER_DESTINATION, address },
		{ FABRIC_TESTER_LENGTH, 64 },
		{ FABRIC_TESTER_DATA, 0x5a5a5a5a },
		{ FABRIC_TESTER_PHANTOM, phantom },
		{ FABRIC_TESTER_COMMAND,
		  FABRIC_TESTER_WRITE | FABRIC_TESTER_RUN },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(program); i++)
		assert_int_equal(fabric_tester_set(f, at(device),
						   program[i].reg,
						   program[i].val),
				 0);
}

/* --- devices of guests ------------------------------------------------------------------ */

int give(struct domain *d, const char *device, unsigned int flags)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, at(device), flags, &vsbdf, &report);
}

static struct pci_dev_info query(const char *device)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(at(device), &info), 0);
	assert_int_equal(info.op, PCI_OP_NONE);
	return info;
}

pci_sbdf_t seen_at(const char *device)
{
	struct pci_dev_info info = query(device);

	assert_true(info.has_vsbdf);
	return info.vsbdf;
}

unsigned int owner(const char *device)
{
	return query(device).owner;
}

bool in_quarantine(const char *device)
{
	struct pci_dev_info info = query(device);

	if (info.owner == DOMID_IO)
		assert_non_null(info.broken);
	return info.owner == DOMID_IO;
}

void wr(struct vpci_vcpu *vcpu, const char *device, uint16_t reg, uint8_t size,
	uint64_t val)
{
	assert_int_equal(vpci_write(vcpu, seen_at(device), reg, size, val),
			 PCI_DONE);
	while (vpci_process_pending(vcpu, NULL) == PCI_AGAIN)
		;
}

void enable_msix(struct vpci_vcpu *vcpu, const char *device, uint64_t bar,
		 unsigned int n)
{
	uint16_t ctl = query(device).desc.msix + PCI_MSIX_FLAGS;
	unsigned int i;

	wr(vcpu, device, ctl, 2, 0);
	wr(vcpu, device, PCI_BASE_ADDRESS_0, 4, bar);
	wr(vcpu, device, PCI_COMMAND, 2,
	   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (i = 0; i < n; i++) {
		uint64_t entry = bar + 0x2000 + 16 * i;

		assert_int_equal(vpci_mmio_write(vcpu, entry, 8, 0xfee00000),
				 PCI_DONE);
		assert_int_equal(vpci_mmio_write(vcpu, entry + 8, 4, 0x40 + i),
				 PCI_DONE);
		assert_int_equal(vpci_mmio_write(vcpu, entry + 12, 4, 0),
				 PCI_DONE);
	}
	wr(vcpu, device, ctl, 2, PCI_MSIX_FLAGS_ENABLE);
}

void enable_msi(struct vpci_vcpu *vcpu, const char *device, unsigned int n)
{
	uint16_t msi = query(device).desc.msi, flags = 0;

	while (1u << flags < n)
		flags++;
	wr(vcpu, device, msi + PCI_MSI_FLAGS, 2, 0);
	wr(vcpu, device, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(vcpu, device, msi + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	wr(vcpu, device, msi + PCI_MSI_FLAGS, 2,
	   PCI_MSI_FLAGS_ENABLE | flags << 4);
}

struct pci_irq_info irqs(const char *device)
{
	struct pci_irq_info info;

	assert_int_equal(pci_irq_query(at(device), &info), 0);
	return info;
}

/* --- what is left --------------------------------------------------------------------------- */

struct left left(void)
{
	struct fabric_unit_info unit;
	struct pci_iommu_stats stats;

	fabric_unit(f, &unit);
	pci_iommu_get_stats(&stats);
	return (struct left){
		.spaces = unit.spaces,
		.contexts = unit.contexts,
		.pages = unit.pages,
		.vectors = unit.vectors,
		.ats = unit.ats,
		.flushes = unit.flushes,
		.core_spaces = stats.spaces,
		.mappings = stats.mappings,
		.core_contexts = stats.contexts,
		.core_vectors = pci_irq_vectors(),
	};
}

void assert_left(const struct left *before)
{
	struct left now;

	plat_rcu_barrier();
	now = left();
	assert_int_equal(now.spaces, before->spaces);
	assert_int_equal(now.contexts, before->contexts);
	assert_int_equal(now.pages, before->pages);
	assert_int_equal(now.vectors, before->vectors);
	assert_true(now.ats <= before->ats); /* it may have failed */
	assert_int_equal(now.flushes, before->flushes);
	assert_int_equal(now.core_spaces, before->core_spaces);
	assert_int_equal(now.mappings, before->mappings);
	assert_int_equal(now.core_contexts, before->core_contexts);
	assert_int_equal(now.core_vectors, before->core_vectors);
}
