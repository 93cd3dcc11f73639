/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation tables for devices, of stage 1 or stage 2, with 4 KiB pages (Arm
 * ARM DDI 0487 D8.3; IHI 0070 §3.4). The caller sees to it that one change is
 * made at a time, and that the unit forgets what was unmapped.
 */
#ifndef BOARDS_ARM64_DMA_TABLES_H
#define BOARDS_ARM64_DMA_TABLES_H

#include <holdfast/atomic.h>
#include <holdfast/iommu.h>

typedef hf_atomic(uint64_t) dma_desc_t;

struct dma_tables {
	dma_desc_t *root;   /* several tables of level 1 may stand in a row */
	unsigned int level; /* of the root: 0, 1 */
	unsigned int bits;  /* of an input address */
	unsigned int oas;   /* bits of an output address */
	bool stage2;
};

/* Besides IOMMU_READ and IOMMU_WRITE: */
enum {
	DMA_DEVICE = 1 << 8, /* Device-nGnRE; else Normal, Write-Back */
	DMA_BLOCKS = 1 << 9, /* never unmapped: blocks of 1 GiB and 2 MiB */
};

/* Attr0 and Attr1 of the MAIR that descriptors of stage 1 mean. */
#define DMA_MAIR UINT64_C(0x04ff)

/* Nothing mapped. @oas: as IDR5 says, 32 to 48. 0 or -ENOMEM. */
int dma_tables_init(struct dma_tables *t, bool stage2, unsigned int oas)
	__must_check;
/* Nobody walks them any more. */
void dma_tables_free(struct dma_tables *t);

/*
 * As the map and unmap of struct iommu_ops. -ENOMEM also for what is beyond the
 * input or output addresses. Stage 1 cannot forbid reading: IOMMU_WRITE allows
 * both there.
 */
int dma_tables_map(struct dma_tables *t, uint64_t dma, uint64_t hpa,
		   uint64_t size, unsigned int flags) __must_check;
void dma_tables_unmap(struct dma_tables *t, uint64_t dma, uint64_t size);
/* All addresses to one page, of tables with nothing mapped. 0 or -ENOMEM. */
int dma_tables_fold(struct dma_tables *t, uint64_t hpa) __must_check;

#endif
