/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the core's place for who tests what is above the devices: calls of the
 * fabric that go to pci_iommu_fault() and pci_irq_deliver() end here (the
 * linker's --wrap), so that they can be looked at one by one.
 */
#ifndef TESTS_FABRIC_ABOVE_H
#define TESTS_FABRIC_ABOVE_H

#include <holdfast/atomic.h>

#include "support.h"
#include "unit.h"

#define PAGE FABRIC_PAGE

struct above {
	hf_atomic(uint32_t) faults, interrupts;
	struct iommu_fault fault; /* the last one */
	struct pci_irq *irq;
	unsigned int index;
	bool wants_work; /* what pci_iommu_fault() says */
};

extern struct above above;

/* Opens @spec, and forgets what was. */
struct fabric *above_open(const char *spec);

struct pci_irq *irq(unsigned int n); /* names: never looked into */

/* The IOMMU as the core uses it; all must succeed. */
struct iommu_space *space(struct fabric *f, unsigned int domid);
void destroy(struct fabric *f, struct iommu_space *s);
void map(struct fabric *f, struct iommu_space *s, uint64_t dma, uint64_t hpa,
	 uint64_t size, unsigned int flags);
void unmap(struct fabric *f, struct iommu_space *s, uint64_t dma,
	   uint64_t size);
void attach(struct fabric *f, const char *rid, enum iommu_mode mode,
	    struct iommu_space *s);
/* Returns the ticket. */
uint64_t flush_context(struct fabric *f, const char *rid);
uint64_t flush_range(struct fabric *f, struct iommu_space *s, uint64_t start,
		     uint64_t size);
uint64_t flush_ats(struct fabric *f, const char *rid);
int done(struct fabric *f, uint64_t ticket);

/* Pages of @domid. */
uint64_t ram(struct fabric *f, unsigned int domid, unsigned int pages);
uint32_t word(struct fabric *f, uint64_t hpa);

/* One dword by @device; returns as fabric_dma_write(). */
int dma(struct fabric *f, const char *device, uint64_t address, uint32_t val);

/* Where BAR 0 of a tester is. */
uint64_t bar0(struct fabric *f, const char *device);

/* Its registers, from the inside. */
void set(struct fabric *f, const char *device, unsigned int reg, uint64_t val);
uint64_t get(struct fabric *f, const char *device, unsigned int reg);

struct fabric_counts counts_of(struct fabric *f, const char *device);
struct fabric_unit_info unit_of(struct fabric *f);
/* The first violation says so. */
void assert_violation(struct fabric *f, const char *text);

void fault_on(struct fabric *f, const char *device, enum fabric_fault_kind kind,
	      uint64_t arg);

#endif
