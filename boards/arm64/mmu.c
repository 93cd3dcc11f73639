/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's own translation: everything at its own address, in blocks of
 * 1 GiB. Atomics and caches need it (Arm ARM B2.2.1: exclusives are for Normal
 * memory), nothing else. Read by all CPUs; only written at boot, from invalid to
 * valid, for which no TLB needs to know.
 */
#include "arch.h"
#include "board.h"
#include "sysreg.h"

#define BLOCK_SHIFT 30
#define TABLE_ENTRIES 512

#define PTE_BLOCK FIELD(1, 0)
#define PTE_TABLE FIELD(3, 0)
#define PTE_AP_RES1 BIT(6) /* EL2 has one privilege */
#define PTE_SH_INNER FIELD(3, 8)
#define PTE_AF BIT(10)
#define PTE_XN BIT(54)

#define PTE_RAM                                                  \
	(PTE_BLOCK | FIELD(MAIR_INDEX_NORMAL, 2) | PTE_AP_RES1 | \
	 PTE_SH_INNER | PTE_AF)
#define PTE_DEVICE                                                        \
	(PTE_BLOCK | FIELD(MAIR_INDEX_DEVICE, 2) | PTE_AP_RES1 | PTE_AF | \
	 PTE_XN)

#define BLOCK(address, attributes)   \
	[(address) >> BLOCK_SHIFT] = \
		((address) & ~(BIT(BLOCK_SHIFT) - 1)) + (attributes)

#define page_aligned __attribute__((aligned(4096)))

/* What head.S turns on: the hypervisor itself and its console. */
static uint64_t level1[2][TABLE_ENTRIES] page_aligned = {
	{ BLOCK(BOARD_RAM, PTE_RAM), BLOCK(BOARD_UART, PTE_DEVICE) },
};

extern uint64_t mmu_root[];
uint64_t mmu_root[TABLE_ENTRIES] page_aligned = {
	(uint64_t)level1[0] + PTE_TABLE,
	(uint64_t)level1[1] + PTE_TABLE,
};

static void map(uint64_t start, uint64_t size, uint64_t attributes)
{
	uint64_t i, end = (start + size - 1) >> BLOCK_SHIFT;

	HF_ASSERT(size && end < 2 * TABLE_ENTRIES);
	for (i = start >> BLOCK_SHIFT; i <= end; i++) {
		uint64_t *pte = &level1[i / TABLE_ENTRIES][i % TABLE_ENTRIES];

		if (!*pte)
			*pte = (i << BLOCK_SHIFT) | attributes;
	}
	dsb_ish();
	isb();
}

void mmu_map_device(uint64_t start, uint64_t size)
{
	map(start, size, PTE_DEVICE);
}

void mmu_map_ram(uint64_t start, uint64_t size)
{
	map(start, size, PTE_RAM);
}

void cache_clean(const void *start, size_t size)
{
	/* CTR_EL0.DminLine: log2 of the words of the shortest line. */
	size_t line = 4ul << id_field(sysreg_read(ctr_el0), 16);
	const char *at = (const char *)((uintptr_t)start & ~(line - 1));

	for (; at < (const char *)start + size; at += line)
		__asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
	dsb_sy();
	__asm__ volatile("ic ialluis\n\tdsb ish" : : : "memory");
	isb();
}
