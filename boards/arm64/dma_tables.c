/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest has mapped stands in pages only: a part of it can be unmapped
 * without memory, and without the break-before-make that taking a block apart
 * needs (IHI 0070 §3.21.1.1), during which the rest of it would fault. What is
 * never unmapped stands in blocks.
 *
 * A table is zero before its descriptor is written (a release), and stays until
 * the end. A map makes all tables first: then nothing can fail, and nothing has
 * to be taken back.
 */
#include <holdfast/errno.h>
#include <holdfast/platform.h>

#include "dma_tables.h"

#define LEVELS 4
#define PAGE_SHIFT 12
#define LEVEL_BITS 9
#define ENTRIES (1u << LEVEL_BITS)

/* VMSAv8-64 descriptors (Arm ARM D8.3.1). */
#define DESC_VALID (UINT64_C(1) << 0)
#define DESC_TABLE (UINT64_C(1) << 1) /* at level 3: a page */
#define DESC_ADDRESS UINT64_C(0x0000fffffffff000)
#define DESC_ATTR_SHIFT 2 /* stage 1: AttrIndx; stage 2: MemAttr */
#define DESC_SH_INNER (UINT64_C(3) << 8)
#define DESC_AF (UINT64_C(1) << 10)
#define S1_AP_UNPRIVILEGED (UINT64_C(1) << 6)
#define S1_AP_READ_ONLY (UINT64_C(1) << 7)
#define S1_NG (UINT64_C(1) << 11) /* its ASID counts */
#define S1_PXN (UINT64_C(1) << 53)
#define S1_UXN (UINT64_C(1) << 54)
#define S1_ATTR_NORMAL UINT64_C(0) /* DMA_MAIR */
#define S1_ATTR_DEVICE UINT64_C(1)
#define S2_AP_READ (UINT64_C(1) << 6)
#define S2_AP_WRITE (UINT64_C(1) << 7)
#define S2_XN (UINT64_C(1) << 54)
#define S2_ATTR_NORMAL UINT64_C(0xf)
#define S2_ATTR_DEVICE UINT64_C(0x1)

/* What an entry of a level covers: 1 << this. */
static unsigned int shift_of(unsigned int level)
{
	return PAGE_SHIFT + LEVEL_BITS * (LEVELS - 1 - level);
}

static unsigned int root_entries(const struct dma_tables *t)
{
	return 1u << (t->bits - shift_of(t->level));
}

static dma_desc_t *next_table(uint64_t desc)
{
	return (dma_desc_t *)(uintptr_t)(desc & DESC_ADDRESS);
}

static bool is_table(uint64_t desc, unsigned int level)
{
	return level < LEVELS - 1 && desc & DESC_VALID && desc & DESC_TABLE;
}

static bool link_table(dma_desc_t *entry)
{
	void *table = plat_zalloc(ENTRIES * sizeof(dma_desc_t));

	if (table)
		hf_store_release(entry, (uint64_t)(uintptr_t)table |
						DESC_VALID | DESC_TABLE);
	return table;
}

/* The entry of @dma in a table of @level; NULL: no table there, or no memory. */
static dma_desc_t *find(struct dma_tables *t, uint64_t dma, unsigned int level,
			bool make)
{
	dma_desc_t *table = t->root, *entry;
	unsigned int at = t->level;
	uint64_t index = dma >> shift_of(at);

	for (;;) {
		entry = &table[index];
		if (at == level)
			return entry;
		if (!is_table(hf_load_relaxed(entry), at) &&
		    !(make && link_table(entry)))
			return NULL;
		table = next_table(hf_load_relaxed(entry));
		at++;
		index = dma >> shift_of(at) & (ENTRIES - 1);
	}
}

static uint64_t attributes(const struct dma_tables *t, unsigned int flags)
{
	uint64_t desc = DESC_VALID | DESC_SH_INNER | DESC_AF;
	bool device = flags & DMA_DEVICE;

	if (t->stage2)
		return desc | S2_XN |
		       (device ? S2_ATTR_DEVICE : S2_ATTR_NORMAL)
			       << DESC_ATTR_SHIFT |
		       (flags & IOMMU_READ ? S2_AP_READ : 0) |
		       (flags & IOMMU_WRITE ? S2_AP_WRITE : 0);
	return desc | S1_NG | S1_PXN | S1_UXN | S1_AP_UNPRIVILEGED |
	       (device ? S1_ATTR_DEVICE : S1_ATTR_NORMAL) << DESC_ATTR_SHIFT |
	       (flags & IOMMU_WRITE ? 0 : S1_AP_READ_ONLY);
}

/* The level whose entry maps the most from there on. */
static unsigned int largest(uint64_t dma, uint64_t hpa, uint64_t size,
			    unsigned int flags)
{
	unsigned int level = flags & DMA_BLOCKS ? 1 : LEVELS - 1;

	while (level < LEVELS - 1 &&
	       ((dma | hpa) & ((UINT64_C(1) << shift_of(level)) - 1) ||
		size >> shift_of(level) == 0))
		level++;
	return level;
}

int dma_tables_map(struct dma_tables *t, uint64_t dma, uint64_t hpa,
		   uint64_t size, unsigned int flags)
{
	uint64_t at, step, attr = attributes(t, flags);
	unsigned int level;

	if ((dma + (size - 1)) >> t->bits || (hpa + (size - 1)) >> t->oas)
		return -ENOMEM;
	for (at = 0; at < size; at += step) {
		level = largest(dma + at, hpa + at, size - at, flags);
		step = UINT64_C(1) << shift_of(level);
		if (!find(t, dma + at, level, true))
			return -ENOMEM;
	}
	for (at = 0; at < size; at += step) {
		level = largest(dma + at, hpa + at, size - at, flags);
		step = UINT64_C(1) << shift_of(level);
		hf_store_relaxed(find(t, dma + at, level, false),
				 (hpa + at) | attr |
					 (level == LEVELS - 1 ? DESC_TABLE
							      : 0));
	}
	plat_device_barrier(); /* who maps may let the device begin */
	return 0;
}

void dma_tables_unmap(struct dma_tables *t, uint64_t dma, uint64_t size)
{
	uint64_t at;

	for (at = 0; at < size; at += UINT64_C(1) << PAGE_SHIFT)
		hf_store_relaxed(find(t, dma + at, LEVELS - 1, false), 0);
}

int dma_tables_fold(struct dma_tables *t, uint64_t hpa)
{
	uint64_t next = hpa | attributes(t, IOMMU_READ | IOMMU_WRITE) |
			DESC_TABLE;
	unsigned int level, i;

	for (level = LEVELS; level-- > t->level;) {
		bool root = level == t->level;
		dma_desc_t *table =
			root ? t->root : plat_zalloc(ENTRIES * sizeof(*table));

		if (!table)
			return -ENOMEM;
		for (i = 0; i < (root ? root_entries(t) : ENTRIES); i++)
			hf_store_release(&table[i], next);
		next = (uint64_t)(uintptr_t)table | DESC_VALID | DESC_TABLE;
	}
	return 0;
}

/*
 * Stage 1: 48 bits from level 0. Stage 2: as many as there are of output, and
 * below 44 from level 1, whose tables stand in a row (Arm ARM D8.2.2: level 0
 * is not for those).
 */
int dma_tables_init(struct dma_tables *t, bool stage2, unsigned int oas)
{
	*t = (struct dma_tables){
		.level = stage2 && oas < 44 ? 1 : 0,
		.bits = stage2 ? oas : 48,
		.oas = oas,
		.stage2 = stage2,
	};
	t->root = plat_zalloc(root_entries(t) * sizeof(*t->root));
	return t->root ? 0 : -ENOMEM;
}

static void free_below(dma_desc_t *table, unsigned int entries,
		       unsigned int level)
{
	unsigned int i;

	for (i = 0; i < entries; i++) {
		uint64_t desc = hf_load_relaxed(&table[i]);

		if (is_table(desc, level))
			free_below(next_table(desc), ENTRIES, level + 1);
	}
	plat_free(table);
}

void dma_tables_free(struct dma_tables *t)
{
	free_below(t->root, root_entries(t), t->level);
}
