/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stage 2: which physical addresses a VM reaches, and at which addresses of its
 * own (IPA). 40 bits of both, in pages of 4 KiB and blocks where they fit.
 */
#ifndef BOARDS_ARM64_STAGE2_H
#define BOARDS_ARM64_STAGE2_H

#include <holdfast/platform.h>

#define STAGE2_IPA_BITS 40
#define STAGE2_PAGE UINT64_C(4096)

struct stage2 {
	plat_lock_t lock; /* guards the tables */
	uint64_t *root;   /* two tables of level 1, one after the other */
	uint16_t vmid;
};

/* @vmid: of this VM alone, not 0. 0 or -ENOMEM. */
int stage2_init(struct stage2 *s2, uint16_t vmid) __must_check;
/* No CPU has it loaded, and none will. */
void stage2_destroy(struct stage2 *s2);

/*
 * @size bytes at @ipa become those at @pa, all accesses allowed; what was there
 * before is replaced. Stage 1 has the last word on caching. In pages: else
 * -EINVAL, as for addresses above 40 bits; -ENOMEM no page for a table (a part
 * may have been mapped).
 */
int stage2_map(struct stage2 *s2, uint64_t ipa, uint64_t pa, uint64_t size)
	__must_check;
/*
 * Nothing is there any more, and no CPU reaches it. Where a block has to be
 * split, -ENOMEM; else 0, or -EINVAL.
 */
int stage2_unmap(struct stage2 *s2, uint64_t ipa, uint64_t size) __must_check;

/* True, and @pa: what the VM reaches at @ipa. */
bool stage2_lookup(struct stage2 *s2, uint64_t ipa, uint64_t *pa);

/* This CPU's guest is this VM's from now on. */
void stage2_load(const struct stage2 *s2);

#endif
