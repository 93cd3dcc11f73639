/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "above.h"

struct above above;

bool __wrap_pci_iommu_fault(struct pci_host *host,
			    const struct iommu_fault *fault);
void __wrap_pci_irq_deliver(struct pci_irq *irq, unsigned int index);

bool __wrap_pci_iommu_fault(struct pci_host *host,
			    const struct iommu_fault *fault)
{
	assert_non_null(host);
	if (!hf_fetch_add_relaxed(&above.faults, 1) || !above.wants_work)
		above.fault = *fault;
	return above.wants_work;
}

void __wrap_pci_irq_deliver(struct pci_irq *which, unsigned int index)
{
	hf_fetch_add_relaxed(&above.interrupts, 1);
	above.irq = which;
	above.index = index;
}

struct fabric *above_open(const char *spec)
{
	memset(&above, 0, sizeof(above));
	return open_spec(spec);
}

struct pci_irq *irq(unsigned int n)
{
	static char names[64];

	return (struct pci_irq *)&names[n];
}

/* --- the IOMMU ------------------------------------------------------------ */

static const struct iommu_ops *ops(struct fabric *f)
{
	return fabric_host(f)->iommu;
}

struct iommu_space *space(struct fabric *f, unsigned int domid)
{
	struct iommu_space *s = NULL;

	assert_int_equal(ops(f)->space_create(fabric_host(f), domid, &s), 0);
	return s;
}

void destroy(struct fabric *f, struct iommu_space *s)
{
	ops(f)->space_destroy(fabric_host(f), s);
}

void map(struct fabric *f, struct iommu_space *s, uint64_t dma_at, uint64_t hpa,
	 uint64_t size, unsigned int flags)
{
	assert_int_equal(
		ops(f)->map(fabric_host(f), s, dma_at, hpa, size, flags), 0);
}

void unmap(struct fabric *f, struct iommu_space *s, uint64_t dma_at,
	   uint64_t size)
{
	ops(f)->unmap(fabric_host(f), s, dma_at, size);
}

void attach(struct fabric *f, const char *rid, enum iommu_mode mode,
	    struct iommu_space *s)
{
	assert_int_equal(ops(f)->attach(fabric_host(f), at(rid), mode, s), 0);
}

static uint64_t flush(struct fabric *f, const struct iommu_flush *what)
{
	uint64_t ticket = 0;

	assert_int_equal(ops(f)->flush(fabric_host(f), what, &ticket), 0);
	return ticket;
}

uint64_t flush_context(struct fabric *f, const char *rid)
{
	return flush(f, &(struct iommu_flush){ .kind = IOMMU_FLUSH_CONTEXT,
					       .sbdf = at(rid) });
}

uint64_t flush_range(struct fabric *f, struct iommu_space *s, uint64_t start,
		     uint64_t size)
{
	return flush(f, &(struct iommu_flush){ .kind = IOMMU_FLUSH_RANGE,
					       .space = s,
					       .start = start,
					       .size = size });
}

uint64_t flush_ats(struct fabric *f, const char *rid)
{
	return flush(f, &(struct iommu_flush){ .kind = IOMMU_FLUSH_ATS,
					       .sbdf = at(rid) });
}

int done(struct fabric *f, uint64_t ticket)
{
	return ops(f)->flush_done(fabric_host(f), ticket);
}

/* --- memory and devices --------------------------------------------------- */

uint64_t ram(struct fabric *f, unsigned int domid, unsigned int pages)
{
	uint64_t hpa = 0;

	assert_int_equal(
		fabric_ram_alloc(f, domid, (uint64_t)pages * PAGE, &hpa), 0);
	return hpa;
}

uint32_t word(struct fabric *f, uint64_t hpa)
{
	uint32_t val = 0;

	assert_int_equal(fabric_ram_read(f, hpa, &val, sizeof(val)), 0);
	return val;
}

int dma(struct fabric *f, const char *device, uint64_t address, uint32_t val)
{
	return fabric_dma_write(f, at(device), address, &val, sizeof(val));
}

uint64_t bar0(struct fabric *f, const char *device)
{
	return rd(f, at(device), PCI_BASE_ADDRESS_0, 4) & ~15u;
}

void set(struct fabric *f, const char *device, unsigned int reg, uint64_t val)
{
	assert_int_equal(fabric_tester_set(f, at(device), reg, val), 0);
}

uint64_t get(struct fabric *f, const char *device, unsigned int reg)
{
	uint64_t val = 0;

	assert_int_equal(fabric_tester_get(f, at(device), reg, &val), 0);
	return val;
}

struct fabric_counts counts_of(struct fabric *f, const char *device)
{
	struct fabric_counts c = { 0 };
	pci_sbdf_t where = at(device);

	if (fabric_witness_next(f, &where, &c) || where.sbdf != at(device).sbdf)
		return (struct fabric_counts){ 0 };
	return c;
}

struct fabric_unit_info unit_of(struct fabric *f)
{
	struct fabric_unit_info info;

	fabric_unit(f, &info);
	return info;
}

void assert_violation(struct fabric *f, const char *text)
{
	struct fabric_witness w;

	fabric_witness(f, &w);
	assert_int_not_equal(w.listed, 0);
	if (!strstr(w.list[0].text, text))
		fail_msg("violation: %s", w.list[0].text);
}

void fault_on(struct fabric *f, const char *device, enum fabric_fault_kind kind,
	      uint64_t arg)
{
	struct fabric_fault fault = { .sbdf = at(device),
				      .kind = kind,
				      .arg = arg };

	assert_int_equal(fabric_fault_set(f, &fault), 0);
}
