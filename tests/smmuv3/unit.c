/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/types.h>

#include "unit.h"

/* Registers (IHI 0070 §6.3), written down here once more. */
enum {
	IDR0 = 0x0,
	IDR1 = 0x4,
	IDR5 = 0x14,
	CR0 = 0x20,
	CR0ACK = 0x24,
	CR2 = 0x2c,
	GBPA = 0x44,
	IRQ_CTRL = 0x50,
	IRQ_CTRLACK = 0x54,
	GERROR = 0x60,
	GERRORN = 0x64,
	STRTAB_BASE = 0x80,
	STRTAB_BASE_CFG = 0x88,
	CMDQ_BASE = 0x90,
	CMDQ_PROD = 0x98,
	CMDQ_CONS = 0x9c,
	EVENTQ_BASE = 0xa0,
	EVENTQ_PROD = 0x100a8,
	EVENTQ_CONS = 0x100ac,
};

enum { BAD_STREAMID = 2, BAD_STE = 4, FORBIDDEN = 7, BAD_CD = 0xa };
enum { TRANSLATION = 0x10, ADDR_SIZE, ACCESS, PERMISSION };
#define ABORTED 0xff /* and no record */

#define STE_WORDS 4 /* that are looked at */

static const unsigned int oas_bits[] = { 32, 36, 40, 42, 44, 48 };

struct unit unit;

static struct unit_setup setup;

static struct ste { /* by StreamID, as far as it has been asked for */
	bool used;
	uint32_t sid;
	uint64_t l1; /* 0: not cached */
	bool have[STE_WORDS], have_cd;
	uint64_t word[STE_WORDS], cd[4];
} stes[32];

static struct {
	bool used, global;
	unsigned int id;
	uint64_t page, size;
	struct unit_result result;
} tlb[64];
static unsigned int next_tlb;

static struct {
	bool on;
	uint32_t sid;
	uint64_t address, one, other;
} watched;

#define CHECK(cond)                                                        \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "the unit: %s:%d: %s\n", __FILE__, \
				__LINE__, #cond);                          \
			abort();                                           \
		}                                                          \
	} while (0)

static uint64_t bits(uint64_t word, unsigned int high, unsigned int low)
{
	return word >> low & (UINT64_MAX >> (63 - (high - low)));
}

static uint32_t get(uint32_t reg)
{
	return *(volatile uint32_t *)(unit.registers + reg);
}

static void put(uint32_t reg, uint32_t val)
{
	*(volatile uint32_t *)(unit.registers + reg) = val;
}

static uint64_t get64(uint32_t reg)
{
	return *(volatile uint64_t *)(unit.registers + reg);
}

static uint64_t load(uint64_t address)
{
	CHECK(address && !(address & 7));
	return __atomic_load_n((uint64_t *)(uintptr_t)address,
			       __ATOMIC_ACQUIRE);
}

/* Where a queue or table stands, which is aligned to its size. */
static uint64_t base_of(uint32_t reg, uint64_t size)
{
	uint64_t base = get64(reg) & UINT64_C(0x000fffffffffffe0);

	CHECK(base && !(base & (size - 1)));
	return base;
}

/* --- events ------------------------------------------------------------------ */

bool unit_overflow(void)
{
	return (get(EVENTQ_PROD) ^ get(EVENTQ_CONS)) >> 31;
}

void unit_record(const uint64_t event[4])
{
	unsigned int log2 = (unsigned int)bits(get64(EVENTQ_BASE), 4, 0);
	uint32_t ring = (2u << log2) - 1;
	uint32_t prod = get(EVENTQ_PROD), cons = get(EVENTQ_CONS);
	uint64_t base = base_of(EVENTQ_BASE, UINT64_C(32) << log2);

	CHECK(log2 <= bits(get(IDR1), 20, 16));
	if (!(get(CR0ACK) & 4))
		return;
	if (((prod - cons) & ring) == 1u << log2) { /* full */
		put(EVENTQ_PROD, (prod & ~(1u << 31)) | (~cons & 1u << 31));
		return;
	}
	memcpy((char *)(uintptr_t)base + 32 * (size_t)(prod & ring >> 1), event,
	       32);
	put(EVENTQ_PROD, (prod & 1u << 31) | ((prod + 1) & ring));
}

static void record(unsigned int type, uint32_t sid, uint64_t address,
		   bool write)
{
	const uint64_t event[4] = { type | (uint64_t)sid << 32,
				    write ? 0 : UINT64_C(1) << 35, address };

	if (type != ABORTED && (type != BAD_STREAMID || get(CR2) & 2))
		unit_record(event);
}

/* --- configuration ------------------------------------------------------------ */

static struct ste *cache_of(uint32_t sid)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stes); i++) {
		if (!stes[i].used)
			stes[i] = (struct ste){ .used = true, .sid = sid };
		if (stes[i].sid == sid)
			return &stes[i];
	}
	CHECK(!"too many StreamIDs in this test");
	return NULL;
}

static uint64_t ste_address(struct ste *c)
{
	uint32_t cfg = get(STRTAB_BASE_CFG), sid = c->sid;
	unsigned int log2 = (unsigned int)bits(cfg, 5, 0);
	unsigned int split = (unsigned int)bits(cfg, 10, 6), span;

	if ((uint64_t)sid >> log2)
		return 0;
	if (!bits(cfg, 17, 16))
		return base_of(STRTAB_BASE, UINT64_C(64) << log2) +
		       64 * (uint64_t)sid;
	CHECK(split == 6 || split == 8 || split == 10);
	if (!c->l1)
		c->l1 = load(
			base_of(STRTAB_BASE, UINT64_C(8) << (log2 - split)) +
			8 * (uint64_t)(sid >> split));
	span = (unsigned int)bits(c->l1, 4, 0);
	sid &= (1u << split) - 1;
	if (!span || sid >= 1u << (span - 1))
		return 0;
	CHECK(span <= split + 1);
	CHECK(!(c->l1 & ((UINT64_C(64) << (span - 1)) - 1) & ~UINT64_C(0x1f)));
	return (c->l1 & ~UINT64_C(0x1f)) + 64 * (uint64_t)sid;
}

static bool fetch(struct ste *c)
{
	uint64_t at = ste_address(c);
	unsigned int i;

	for (i = 0; at && i < STE_WORDS; i++) {
		if (!c->have[i])
			c->word[i] = load(at + 8 * i);
		c->have[i] = true;
	}
	for (i = STE_WORDS; at && i < 8; i++)
		CHECK(!load(at + 8 * i));
	return at;
}

void unit_prefetch(uint32_t sid)
{
	if (get(CR0ACK) & 1)
		(void)fetch(cache_of(sid));
}

/* Whoever is cached is fetched again. */
static void forget(struct ste *c, bool leaf)
{
	bool again = c->have[0];

	*c = (struct ste){ .used = true,
			   .sid = c->sid,
			   .l1 = leaf ? c->l1 : 0 };
	if (again)
		unit_prefetch(c->sid);
}

/* --- translation ---------------------------------------------------------------- */

/* What a walk needs to know: of an STE, or of its context descriptor. */
struct regime {
	uint64_t root, mair;
	unsigned int level, bits, id, oas;
};

static unsigned int regime_s1(const struct ste *c, struct regime *r)
{
	uint64_t cd = c->cd[0];

	if (!bits(cd, 31, 31) || !bits(cd, 41, 41) || bits(cd, 5, 0) != 16 ||
	    bits(cd, 7, 6) || !bits(cd, 30, 30) || bits(cd, 44, 44) ||
	    bits(cd, 34, 32) > bits(get(IDR5), 2, 0))
		return BAD_CD;
	CHECK(bits(cd, 46, 45) == 3 && bits(cd, 13, 8) == 0x35);
	*r = (struct regime){ .root = c->cd[1],
			      .mair = c->cd[3],
			      .bits = 48,
			      .id = (unsigned int)bits(cd, 63, 48),
			      .oas = oas_bits[bits(cd, 34, 32)] };
	return 0;
}

static unsigned int regime_s2(const uint64_t *ste, struct regime *r)
{
	unsigned int sl0 = (unsigned int)bits(ste[2], 39, 38);

	if (!bits(ste[2], 51, 51) || bits(ste[2], 47, 46) || sl0 > 2 ||
	    bits(ste[2], 50, 48) > bits(get(IDR5), 2, 0))
		return BAD_STE;
	CHECK(bits(ste[2], 58, 57) == 2 && bits(ste[2], 45, 40) == 0x35);
	*r = (struct regime){ .root = ste[3],
			      .level = 2 - sl0,
			      .bits = 64 - (unsigned int)bits(ste[2], 37, 32),
			      .id = (unsigned int)bits(ste[2], 15, 0),
			      .oas = oas_bits[bits(ste[2], 50, 48)] };
	/* Level 0 is for 44 bits of output and more (Arm ARM D8.2.2). */
	if (!r->id || r->bits > r->oas || (!r->level && r->oas < 44) ||
	    (r->level == 1 && r->bits > 43))
		return BAD_STE;
	return 0;
}

static unsigned int regime_of(struct ste *c, const uint64_t *ste,
			      struct regime *r)
{
	uint64_t at = ste[0] & UINT64_C(0x0000ffffffffffc0);
	unsigned int i, config = (unsigned int)bits(ste[0], 3, 1);

	if (!(ste[0] & 1))
		return BAD_STE;
	if (config == 0)
		return ABORTED;
	if (config != (setup.stage2 ? 6 : 5))
		return BAD_STE;
	if (config == 6)
		return regime_s2(ste, r);
	for (i = 0; i < 4 && !c->have_cd; i++)
		c->cd[i] = load(at + 8 * i);
	c->have_cd = true;
	return regime_s1(c, r);
}

static unsigned int leaf(const struct regime *r, uint64_t desc, bool write,
			 struct unit_result *out)
{
	if (!bits(desc, 10, 10))
		return ACCESS;
	if (out->address >> r->oas)
		return ADDR_SIZE;
	CHECK(bits(desc, 9, 8) == 3 && bits(desc, 54, 54)); /* XN, too */
	if (setup.stage2) {
		out->may_write = bits(desc, 7, 7);
		out->attr = (unsigned int)bits(desc, 5, 2);
		return bits(desc, write ? 7 : 6, write ? 7 : 6) ? 0
								: PERMISSION;
	}
	out->may_write = !bits(desc, 7, 7);
	out->attr = r->mair >> 8 * bits(desc, 4, 2) & 0xff;
	return !bits(desc, 6, 6) || (write && bits(desc, 7, 7)) ? PERMISSION
								: 0;
}

static unsigned int walk(const struct regime *r, uint64_t address, bool write,
			 struct unit_result *out, uint64_t *size,
			 uint64_t *desc)
{
	uint64_t table = r->root & UINT64_C(0x0000fffffffffff0), index;
	unsigned int level = r->level, shift;

	CHECK(!(table & ((UINT64_C(8) << (r->bits - (39 - 9 * level))) - 1)));
	if (address >> r->bits)
		return TRANSLATION;
	index = address >> (39 - 9 * level);
	for (;; level++) {
		shift = 39 - 9 * level;
		*desc = load(table + 8 * index);
		if (!(*desc & 1) || (level == 3 && !(*desc & 2)) ||
		    (level == 0 && !(*desc & 2)))
			return TRANSLATION;
		if (level == 3 || !(*desc & 2))
			break;
		table = *desc & UINT64_C(0x0000fffffffff000);
		index = address >> (shift - 9) & 511;
	}
	*size = UINT64_C(1) << shift;
	out->address = *desc & UINT64_C(0x0000fffffffff000);
	CHECK(!(out->address & (*size - 1)));
	out->address |= address & (*size - 1);
	return leaf(r, *desc, write, out);
}

static bool cached(const struct regime *r, uint64_t address,
		   struct unit_result *out)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tlb); i++) {
		if (!tlb[i].used || (!tlb[i].global && tlb[i].id != r->id) ||
		    address - tlb[i].page >= tlb[i].size)
			continue;
		*out = tlb[i].result;
		out->address += address - tlb[i].page;
		return true;
	}
	return false;
}

static void keep(const struct regime *r, uint64_t address, uint64_t size,
		 uint64_t desc, struct unit_result result)
{
	unsigned int i = next_tlb++ % ARRAY_SIZE(tlb);

	result.address &= ~(size - 1);
	tlb[i].used = true;
	tlb[i].global = !setup.stage2 && !bits(desc, 11, 11);
	tlb[i].id = r->id;
	tlb[i].page = address & ~(size - 1);
	tlb[i].size = size;
	tlb[i].result = result;
}

static struct unit_result translate(struct ste *c, uint64_t address, bool write)
{
	struct unit_result out = { 0 };
	struct regime r;
	uint64_t size, desc;

	if (!(get(CR0ACK) & 1))
		out.event = bits(get(GBPA), 20, 20) ? ABORTED : 0;
	else if (!fetch(c))
		out.event = BAD_STREAMID;
	else
		out.event = regime_of(c, c->word, &r);
	out.address = address;
	if (out.event || !(get(CR0ACK) & 1))
		return out;
	if (cached(&r, address, &out)) {
		if (write && !out.may_write)
			out.event = PERMISSION;
		return out;
	}
	out.event = walk(&r, address, write, &out, &size, &desc);
	if (!out.event)
		keep(&r, address, size, desc, out);
	return out;
}

struct unit_result unit_request(uint32_t sid, uint64_t address, bool write)
{
	struct unit_result out = translate(cache_of(sid), address, write);

	if (out.event)
		record(out.event, sid, out.event >= TRANSLATION ? address : 0,
		       write);
	return out;
}

struct unit_result unit_translated(uint32_t sid, uint64_t address)
{
	struct unit_result out = { .address = address };

	if (!setup.ats || get(CR0ACK) & 16) {
		out.event = FORBIDDEN;
		record(FORBIDDEN, sid, address, true);
	}
	return out;
}

/* --- half of a change ---------------------------------------------------------- */

void unit_watch(uint32_t sid, uint64_t address, uint64_t one, uint64_t other)
{
	watched.on = true;
	watched.sid = sid;
	watched.address = address;
	watched.one = one;
	watched.other = other;
}

static void look_for_mixtures(void)
{
	struct ste *c = cache_of(watched.sid), fresh = *c, mixed;
	struct unit_result out = { 0 };
	uint64_t size, desc;
	struct regime r;
	unsigned int i, m;

	memset(fresh.have, 0, sizeof(fresh.have));
	if (!fetch(c) || !fetch(&fresh))
		return;
	for (m = 0; m < 1u << STE_WORDS; m++) {
		mixed = fresh;
		mixed.have_cd = false;
		for (i = 0; i < STE_WORDS; i++)
			if (m >> i & 1)
				mixed.word[i] = c->word[i];
		if (regime_of(&mixed, mixed.word, &r) ||
		    walk(&r, watched.address, false, &out, &size, &desc))
			continue;
		/* What the TLB would know it by counts as well. */
		if ((out.address != watched.one &&
		     out.address != watched.other) ||
		    (setup.stage2 &&
		     (mixed.word[2] != fresh.word[2] ||
		      mixed.word[3] != fresh.word[3]) &&
		     (mixed.word[2] != c->word[2] ||
		      mixed.word[3] != c->word[3])))
			unit.mixtures++;
	}
}

/* --- commands --------------------------------------------------------------------- */

static void forget_id(unsigned int id, bool all)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tlb); i++)
		if (all || (tlb[i].id == id && !tlb[i].global))
			tlb[i].used = false;
}

static void forget_all_stes(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stes) && stes[i].used; i++)
		forget(&stes[i], false);
}

/* False: it is illegal. */
static bool execute(uint64_t first, uint64_t second)
{
	switch (first & 0xff) {
	case 0x03:
		CHECK(!(first & 0xfffffb00) && !(second & ~UINT64_C(1)));
		forget(cache_of((uint32_t)(first >> 32)), second & 1);
		return true;
	case 0x04:
		CHECK(second == 31);
		forget_all_stes();
		return true;
	case 0x11:
		CHECK(!(first & UINT64_C(0x0000ffffffffff00)) && !second);
		forget_id((unsigned int)(first >> 48), false);
		return !setup.stage2;
	case 0x28:
		CHECK(!(first & UINT64_C(0xffff0000ffffff00)) && !second);
		forget_id((unsigned int)(first >> 32 & 0xffff), false);
		return setup.stage2;
	case 0x20:
		return bits(get(IDR0), 9, 9);
	case 0x30:
		forget_id(0, true);
		return true;
	case 0x46:
		unit.commands--;
		return !(first & ~UINT64_C(0xff)) && !second;
	default:
		return false;
	}
}

static void one_command(uint32_t ring)
{
	uint64_t base = base_of(CMDQ_BASE, UINT64_C(16) * ((ring + 1) / 2));
	uint32_t cons = get(CMDQ_CONS);
	uint64_t at = base + UINT64_C(16) * (cons & ring >> 1);

	unit.commands++;
	if (unit.refuses || !execute(load(at), load(at + 8))) {
		put(CMDQ_CONS, (cons & 0x80ffffff) | 1u << 24);
		put(GERROR, get(GERROR) ^ 1);
		return;
	}
	put(CMDQ_CONS, (cons + 1) & ring);
}

static bool may_go_on(void)
{
	return get(CR0ACK) & 8 && !((get(GERROR) ^ get(GERRORN)) & 1) &&
	       !unit.stuck && unit.left;
}

void unit_step(void)
{
	unsigned int log2 = (unsigned int)bits(get64(CMDQ_BASE), 4, 0);
	uint32_t ring = (2u << log2) - 1;

	put(GBPA, get(GBPA) & ~(1u << 31));
	put(CR0ACK, get(CR0));
	put(IRQ_CTRLACK, get(IRQ_CTRL));
	if (watched.on && get(CR0ACK) & 1)
		look_for_mixtures();
	if (!(get(CR0ACK) & 8))
		return;
	CHECK(bits(get(GBPA), 20, 20)); /* nobody passed until it was on */
	CHECK(log2 <= bits(get(IDR1), 25, 21));
	CHECK(((get(CMDQ_PROD) - get(CMDQ_CONS)) & ring) <= 1u << log2);
	while (may_go_on() && ((get(CMDQ_PROD) ^ get(CMDQ_CONS)) & ring)) {
		unit.left--;
		one_command(ring);
	}
}

/* --- reset --------------------------------------------------------------------------- */

void unit_reset(const struct unit_setup *how)
{
	uint32_t idr0 = 1u << 3 | 1u << 4 | 1u << 9;

	setup = *how;
	memset(&unit, 0, sizeof(unit));
	memset(stes, 0, sizeof(stes));
	memset(tlb, 0, sizeof(tlb));
	watched.on = false;
	unit.left = UINT32_MAX;
	idr0 |= setup.stage2 ? 1u << 0 : 1u << 1;
	idr0 |= setup.ats ? 1u << 10 : 0;
	idr0 |= setup.linear ? 0 : 1u << 27;
	put(IDR0, idr0 & ~setup.missing0);
	/* 16 events and 16 commands, so that they wrap. */
	put(IDR1, setup.sid_bits | 4u << 16 | 4u << 21);
	put(IDR5, setup.oas | 1u << 4);
	put(GERROR, 0x5); /* errors of before: it consumes no command */
}
