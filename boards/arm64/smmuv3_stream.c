/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream table (IHI 0070 §3.3.1): one STE a requester ID; of two levels, a
 * table of 256 STEs a bus, where the unit can.
 *
 * A request goes where its STE led at one moment, not to a mixture (XSA-347).
 * The unit reads an STE in words of 64 bits, in any order, and may keep it
 * (§3.21.3). With stage 1 two STEs differ in their first word only: what the
 * word points to, the context descriptor, was complete before it was pointed to,
 * and is never changed. So one store is the whole change.
 *
 * With stage 2 the words behind the first differ, too. They are written while
 * the first says that the STE is not valid, when no request uses them, and the
 * unit is made to forget before and after (§3.21.3.1), so that no copy with a
 * part of them is left when the first becomes valid.
 *
 * Whoever is let through may use it when the call returns: the unit has
 * forgotten that it was blocked. Who is blocked is so from the store on; what
 * the unit remembers is for a flush to forget.
 */
#include <holdfast/errno.h>

#include "smmuv3_unit.h"

#define BUS_BITS 8

static void fill(smmu_word_t *ste, unsigned int n)
{
	unsigned int i;

	for (; n--; ste += STE_WORDS)
		for (i = 0; i < STE_CHANGES; i++)
			hf_store_relaxed(&ste[i], smmu.blocked.ste[i]);
}

static smmu_word_t *new_table(unsigned int bits)
{
	smmu_word_t *table = plat_zalloc(sizeof(*table) * STE_WORDS << bits);

	if (table)
		fill(table, 1u << bits);
	return table;
}

bool smmu_stream_of(pci_sbdf_t rid, uint32_t *sid)
{
	*sid = smmu.stream + rid.bdf;
	return rid.seg == smmu.segment && *sid >= rid.bdf &&
	       !((uint64_t)*sid >> smmu.sid_bits);
}

/* NULL: there is none. */
static smmu_word_t *find(uint32_t sid)
{
	uint64_t desc;

	if (!smmu.two_level)
		return &smmu.table[(size_t)sid * STE_WORDS];
	desc = hf_load_acquire(&smmu.table[sid >> BUS_BITS]);
	if (!desc)
		return NULL;
	return (smmu_word_t *)(uintptr_t)(desc - L1STD_SPAN(BUS_BITS)) +
	       (size_t)(sid & 0xff) * STE_WORDS;
}

/* All in it are blocked, so nobody has to wait until the unit knows of it. */
static smmu_word_t *make(uint32_t sid)
{
	smmu_word_t *table, *at = &smmu.table[sid >> BUS_BITS];

	if (find(sid))
		return find(sid);
	table = new_table(BUS_BITS);
	if (!table)
		return NULL;
	plat_lock(&smmu.lock);
	if (!hf_load_relaxed(at)) {
		hf_store_release(at, (uint64_t)(uintptr_t)table |
					     L1STD_SPAN(BUS_BITS));
		table = NULL;
	}
	plat_unlock(&smmu.lock);
	plat_free(table);
	return find(sid);
}

static int forget(uint32_t sid)
{
	const uint64_t cmd[1][2] = { { CMD_CFGI_STE | CMD_CFGI_STREAM(sid) } };

	return smmu_execute(cmd, 1);
}

/* Those behind the first, of stage 2. */
static int set_rest(uint32_t sid, smmu_word_t *ste, const uint64_t *to)
{
	unsigned int i;
	bool same = true;

	for (i = 1; i < STE_CHANGES; i++)
		same &= hf_load_relaxed(&ste[i]) == to[i];
	if (same)
		return 0;
	hf_store_release(&ste[0], smmu.blocked.ste[0]);
	if (forget(sid))
		return -EIO;
	for (i = 1; i < STE_CHANGES; i++)
		hf_store_relaxed(&ste[i], to[i]);
	return forget(sid);
}

int smmu_stream_set(pci_sbdf_t rid, const struct smmu_context *to)
{
	bool blocked = to == &smmu.blocked;
	smmu_word_t *ste;
	uint32_t sid;

	if (!smmu_stream_of(rid, &sid))
		return blocked ? 0 : -EIO; /* the unit refuses it */
	ste = blocked ? find(sid) : make(sid);
	if (!ste)
		return blocked ? 0 : -ENOMEM;
	if (!blocked && set_rest(sid, ste, to->ste))
		return -EIO;
	hf_store_release(&ste[0], to->ste[0]);
	if (blocked) {
		plat_device_barrier(); /* the unit sees it on the return */
		return 0;
	}
	if (!forget(sid))
		return 0;
	hf_store_release(&ste[0], smmu.blocked.ste[0]);
	return -EIO;
}

bool smmu_stream_is_blocked(pci_sbdf_t rid)
{
	smmu_word_t *ste;
	uint32_t sid;

	ste = smmu_stream_of(rid, &sid) ? find(sid) : NULL;
	return !ste || hf_load_relaxed(&ste[0]) == smmu.blocked.ste[0];
}

int smmu_id_get(void)
{
	unsigned int i;
	int id = -ENOMEM;

	plat_lock(&smmu.lock);
	for (i = 1; i < ARRAY_SIZE(smmu.id_taken) && id < 0; i++)
		if (!smmu.id_taken[i]) {
			smmu.id_taken[i] = true;
			id = (int)i;
		}
	plat_unlock(&smmu.lock);
	return id;
}

void smmu_id_put(unsigned int id)
{
	plat_lock(&smmu.lock);
	smmu.id_taken[id] = false;
	plat_unlock(&smmu.lock);
}

/* No more StreamIDs than the requesters have: above the last is nobody. */
static unsigned int needed_bits(uint32_t idr1)
{
	uint64_t last = (uint64_t)smmu.stream + UINT16_MAX;
	unsigned int bits = 0;

	while (bits < IDR1_SIDSIZE(idr1) && last >> bits)
		bits++;
	return bits;
}

int smmu_stream_init(uint32_t idr0, uint32_t idr1)
{
	uint64_t cfg;

	smmu.sid_bits = needed_bits(idr1);
	smmu.two_level = IDR0_ST_LEVEL(idr0) == IDR0_ST_LEVEL_2 &&
			 smmu.sid_bits > BUS_BITS;
	smmu.table = smmu.two_level ? plat_zalloc(sizeof(*smmu.table)
						  << (smmu.sid_bits - BUS_BITS))
				    : new_table(smmu.sid_bits);
	if (!smmu.table)
		return -ENOMEM;
	cfg = STRTAB_LOG2SIZE(smmu.sid_bits);
	if (smmu.two_level)
		cfg |= STRTAB_SPLIT(BUS_BITS) | STRTAB_FMT_2LEVEL;
	smmu_write64(SMMU_STRTAB_BASE,
		     (uint64_t)(uintptr_t)smmu.table | BASE_RA);
	smmu_write(SMMU_STRTAB_BASE_CFG, cfg);
	return 0;
}
