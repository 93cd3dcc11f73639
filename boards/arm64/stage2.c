/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stage 2 translation (Arm ARM D8). Tables change while other CPUs walk them, so
 * a valid entry that becomes a different valid entry is first made invalid, and
 * the TLBs are cleaned ("break before make", D8.14.1). A guest that falls into
 * the gap traps; stage2_lookup(), which waits for the lock, then finds its
 * address, and the guest tries again.
 *
 * The hypervisor's CPUs have the same caches and shareability as the walks: a
 * table is written before the entry that leads to it with a barrier in between.
 */
#include <holdfast/errno.h>

#include "stage2.h"
#include "sysreg.h"

#define ENTRIES 512
#define ROOT_ENTRIES (2 * ENTRIES)
#define LAST_LEVEL 3

#define PTE_VALID BIT(0)
#define PTE_TABLE BIT(1) /* levels 1, 2; at level 3: a page */
#define PTE_MEMATTR_NORMAL_WB FIELD(0xf, 2)
#define PTE_S2AP_RW FIELD(3, 6)
#define PTE_SH_INNER FIELD(3, 8)
#define PTE_AF BIT(10)
#define PTE_ADDRESS UINT64_C(0x0000fffffffff000)
#define PTE_LEAF                                                          \
	(PTE_VALID | PTE_MEMATTR_NORMAL_WB | PTE_S2AP_RW | PTE_SH_INNER | \
	 PTE_AF)

static unsigned int shift_of(unsigned int level)
{
	return 12 + 9 * (LAST_LEVEL - level);
}

static bool is_table(uint64_t pte, unsigned int level)
{
	return level < LAST_LEVEL && (pte & PTE_VALID) && (pte & PTE_TABLE);
}

static uint64_t leaf(uint64_t pa, unsigned int level)
{
	return pa | PTE_LEAF | (level == LAST_LEVEL ? PTE_TABLE : 0);
}

static uint64_t *table_of(uint64_t pte)
{
	return (uint64_t *)(pte & PTE_ADDRESS);
}

/* The entry for @ipa; level 1 has more than one table's. */
static uint64_t *entry_of(uint64_t *table, uint64_t ipa, unsigned int level)
{
	uint64_t i = ipa >> shift_of(level);

	return &table[level == 1 ? i : i % ENTRIES];
}

/* --- TLBs ---------------------------------------------------------------------- */

static uint64_t vttbr(const struct stage2 *s2)
{
	return (uint64_t)s2->root | FIELD(s2->vmid, VTTBR_VMID_SHIFT);
}

/* All CPUs forget the VM; TLBI goes by the VMID that is loaded here. */
static void flush(const struct stage2 *s2)
{
	uint64_t mine = sysreg_read(vttbr_el2);

	dsb_ish();
	sysreg_write(vttbr_el2, vttbr(s2));
	isb();
	__asm__ volatile("tlbi vmalls12e1is" : : : "memory");
	dsb_ish();
	sysreg_write(vttbr_el2, mine);
	isb();
}

void stage2_load(const struct stage2 *s2)
{
	sysreg_write(vtcr_el2, VTCR_RES1 | VTCR_PS_40 | VTCR_SH0_INNER |
				       VTCR_ORGN0_WB | VTCR_IRGN0_WB |
				       VTCR_SL0_LEVEL1 | VTCR_T0SZ_40);
	sysreg_write(vttbr_el2, vttbr(s2));
	isb();
}

/* --- tables -------------------------------------------------------------------- */

static void free_below(uint64_t pte, unsigned int level)
{
	uint64_t *table = table_of(pte);
	unsigned int i;

	if (!is_table(pte, level))
		return;
	for (i = 0; i < ENTRIES; i++)
		free_below(table[i], level + 1);
	plat_free(table);
}

/* A valid entry becomes another one. */
static void replace(struct stage2 *s2, uint64_t *entry, uint64_t pte,
		    unsigned int level)
{
	uint64_t old = *entry;

	if (old == pte)
		return;
	if (old & PTE_VALID) {
		*(volatile uint64_t *)entry = 0;
		flush(s2);
		free_below(old, level);
	}
	dsb_ish();
	*(volatile uint64_t *)entry = pte;
	dsb_ish();
	isb();
}

/* The table below @entry; a block there is split into what it was. */
static uint64_t *descend(struct stage2 *s2, uint64_t *entry, unsigned int level)
{
	uint64_t *table, old = *entry;
	unsigned int i;

	if (is_table(old, level))
		return table_of(old);
	table = plat_zalloc(STAGE2_PAGE);
	if (!table)
		return NULL;
	for (i = 0; i < ENTRIES && (old & PTE_VALID); i++)
		table[i] = leaf((old & PTE_ADDRESS) +
					((uint64_t)i << shift_of(level + 1)),
				level + 1);
	replace(s2, entry, (uint64_t)table | PTE_VALID | PTE_TABLE, level);
	return table;
}

struct range {
	uint64_t ipa, pa, size;
	bool valid; /* else it is unmapped */
};

static bool is_empty(const uint64_t *table)
{
	unsigned int i = 0;

	while (i < ENTRIES && !table[i])
		i++;
	return i == ENTRIES;
}

/* Tables that have become empty go: a guest could make them without end. */
static void prune(struct stage2 *s2, uint64_t *const *path, unsigned int level)
{
	while (--level && is_empty(table_of(*path[level])))
		replace(s2, path[level], 0, level);
}

/* One entry: the largest that @range begins with. 0, or -ENOMEM. */
static int set_one(struct stage2 *s2, struct range *range)
{
	uint64_t *entry, *table = s2->root, *path[LAST_LEVEL + 1], size;
	unsigned int level;

	for (level = 1;; level++) {
		size = BIT(shift_of(level));
		entry = path[level] = entry_of(table, range->ipa, level);
		if (range->size >= size &&
		    !((range->ipa | (range->valid ? range->pa : 0)) &
		      (size - 1)))
			break;
		if (!range->valid && !(*entry & PTE_VALID)) {
			/* Nothing here: on to the next entry, or the end. */
			size -= range->ipa & (size - 1);
			goto done;
		}
		table = descend(s2, entry, level);
		if (!table)
			return -ENOMEM;
	}
	replace(s2, entry, range->valid ? leaf(range->pa, level) : 0, level);
	if (!range->valid)
		prune(s2, path, level);
done:
	size = size < range->size ? size : range->size;
	range->ipa += size;
	range->pa += size;
	range->size -= size;
	return 0;
}

static int set(struct stage2 *s2, struct range range)
{
	uint64_t end = BIT(STAGE2_IPA_BITS);
	int ret = 0;

	if ((range.ipa | range.pa | range.size) & (STAGE2_PAGE - 1) ||
	    range.size > end || range.ipa > end - range.size ||
	    range.pa > end - range.size)
		return -EINVAL;
	plat_lock(&s2->lock);
	while (range.size && !ret)
		ret = set_one(s2, &range);
	plat_unlock(&s2->lock);
	return ret;
}

int stage2_map(struct stage2 *s2, uint64_t ipa, uint64_t pa, uint64_t size)
{
	return set(s2, (struct range){ ipa, pa, size, true });
}

int stage2_unmap(struct stage2 *s2, uint64_t ipa, uint64_t size)
{
	return set(s2, (struct range){ ipa, 0, size, false });
}

bool stage2_lookup(struct stage2 *s2, uint64_t ipa, uint64_t *pa)
{
	uint64_t *table = s2->root, pte = 0;
	unsigned int level = 0;

	if (ipa >> STAGE2_IPA_BITS)
		return false;
	plat_lock(&s2->lock);
	do {
		pte = *entry_of(table, ipa, ++level);
		table = table_of(pte);
	} while (is_table(pte, level));
	plat_unlock(&s2->lock);
	*pa = (pte & PTE_ADDRESS) | (ipa & (BIT(shift_of(level)) - 1));
	return pte & PTE_VALID;
}

int stage2_init(struct stage2 *s2, uint16_t vmid)
{
	plat_lock_init(&s2->lock);
	s2->vmid = vmid;
	s2->root = plat_zalloc(ROOT_ENTRIES * sizeof(*s2->root));
	return s2->root ? 0 : -ENOMEM;
}

void stage2_destroy(struct stage2 *s2)
{
	unsigned int i;

	flush(s2);
	for (i = 0; i < ROOT_ENTRIES; i++)
		free_below(s2->root[i], 1);
	plat_free(s2->root);
	s2->root = NULL;
}
