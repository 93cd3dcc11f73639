/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/mman.h>

#include "lab.h"

#define PAGE 4096

/* Low, so that it is where a unit of 32 bits reaches it. */
#define POOL ((void *)0x20000000)
#define POOL_SIZE ((size_t)64 << 20)

static struct plat_cpu cpu;

struct iommu_fault fault;
unsigned int faults, works;
bool fault_gives_work;

static struct block {
	struct block *next;
} * taken;

bool pci_iommu_fault(struct pci_host *host, const struct iommu_fault *f)
{
	(void)host;
	fault = *f;
	faults++;
	return fault_gives_work;
}

void pci_iommu_work(void)
{
	works++;
}

void lab_pool(void)
{
	this_cpu = &cpu;
	plat_cpu_init(&cpu, 0);
	assert_ptr_equal(mmap(POOL, POOL_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			      -1, 0),
			 POOL);
	plat_pool_init(POOL, POOL_SIZE);
}

size_t lab_used(void)
{
	struct plat_pool_stats stats;

	plat_pool_stats(&stats);
	return stats.used;
}

static void put(struct block *block)
{
	block->next = taken;
	taken = block;
}

static void take(unsigned int n, size_t size)
{
	while (n--) {
		void *p = plat_zalloc(size);

		assert_non_null(p);
		put(p);
	}
}

void lab_take(unsigned int pages, unsigned int small)
{
	struct block *kept, *block;
	size_t size;

	take(pages, PAGE);
	take(small, LAB_SMALL);
	kept = taken; /* and given back when all else is gone */
	taken = NULL;
	for (size = POOL_SIZE / 2; size >= 64; size /= 2)
		while ((block = plat_zalloc(size)))
			put(block);
	while ((block = kept)) {
		kept = block->next;
		plat_free(block);
	}
}

void lab_give(void)
{
	while (taken) {
		struct block *next = taken->next;

		plat_free(taken);
		taken = next;
	}
}
