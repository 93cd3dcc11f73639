/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers and how large what they decode is (PCI 3.0 §6.2.5.1,
 * PCIe 6.0 §7.5.1.2.1).
 *
 * A size is found by writing all-ones and reading which bits stick. For that
 * moment the BAR decodes some other address, so decoding is switched off
 * around it, and a function whose decoding cannot be switched off is not
 * sized. Every register is put back, also after an error, and read again: if
 * one does not take its value back, that is a defect, and the function is left
 * without decoding, so that it answers for no address of somebody else.
 *
 * Nothing is written if the host knows the size itself or is read-only, nor to
 * VF BARs while VFs exist (§9.3.3.14: only with VF Enable and VF MSE clear).
 */
#include "config/internal.h"

struct sizing {
	struct conf *c;
	struct pci_dev_desc *desc;
	enum { ASK_DECODE, MAY_WRITE, READ_ONLY } writes;
	uint16_t command; /* to put back; all-ones: as it is */
	bool displaced;   /* a BAR has not got its value back */
};

/* --- reading -------------------------------------------------------------- */

static bool is_mem64(uint32_t lo)
{
	return !(lo & PCI_BASE_ADDRESS_SPACE_IO) &&
	       (lo & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
		       PCI_BASE_ADDRESS_MEM_TYPE_64;
}

void bar_decode(struct pci_bar *bar, uint32_t lo, uint32_t hi)
{
	if (lo & PCI_BASE_ADDRESS_SPACE_IO) {
		bar->kind = PCI_BAR_IO;
		bar->addr = lo & PCI_BASE_ADDRESS_IO_MASK;
		return;
	}
	bar->kind = PCI_BAR_MEM32;
	bar->addr = lo & PCI_BASE_ADDRESS_MEM_MASK;
	bar->prefetch = lo & PCI_BASE_ADDRESS_MEM_PREFETCH;
	if (is_mem64(lo)) {
		bar->kind = PCI_BAR_MEM64;
		bar->addr |= (uint64_t)hi << 32;
	}
}

static uint32_t type_bits(uint32_t lo)
{
	return lo &
	       ~(lo & PCI_BASE_ADDRESS_SPACE_IO ? PCI_BASE_ADDRESS_IO_MASK
						: PCI_BASE_ADDRESS_MEM_MASK);
}

/* --- sizing --------------------------------------------------------------- */

/* Twice, if need be: an access may fail. False if it cannot be done. */
static bool put_back(struct conf *c, uint16_t reg, uint8_t size, uint32_t val)
{
	unsigned int tries;

	for (tries = 0; tries < 2; tries++) {
		conf_write(c, reg, size, val);
		if (conf_read(c, reg, size) == val)
			return true;
	}
	return false;
}

/* Which bits of @reg can be written; @ones: those to try. */
static uint32_t writable(struct sizing *s, uint16_t reg, uint32_t orig,
			 uint32_t ones)
{
	uint32_t mask;

	conf_write(s->c, reg, 4, ones);
	mask = conf_read(s->c, reg, 4);
	if (!put_back(s->c, reg, 4, orig)) {
		s->displaced = true;
		desc_defect(s->desc, "a BAR did not take its value back");
	}
	return mask;
}

/*
 * The size that a mask of writable address bits means, extended with ones to
 * 64 bits: they must be contiguous up to the highest.
 */
static void size_from_mask(struct sizing *s, struct pci_bar *bar, uint64_t mask)
{
	uint64_t size = mask & -mask;

	if (mask && mask + size == 0) {
		bar->size = size;
		return;
	}
	bar->size_unknown = true;
	desc_defect(s->desc, "a BAR's size is no power of two");
}

/* By writing. A BAR without writable bits is none. */
static void size_by_writing(struct sizing *s, struct pci_bar *bar, uint16_t reg,
			    uint32_t lo, uint32_t hi)
{
	uint32_t mask = writable(s, reg, lo, UINT32_MAX), upper = UINT32_MAX;

	if (!mask) {
		*bar = (struct pci_bar){ .kind = PCI_BAR_NONE };
		return;
	}
	if (type_bits(mask) != type_bits(lo)) {
		bar->size_unknown = true;
		desc_defect(s->desc, "a BAR changes its type");
		return;
	}
	mask &= ~type_bits(mask);
	if (bar->kind == PCI_BAR_MEM64)
		upper = writable(s, reg + 4, hi, UINT32_MAX);
	else if (!mask)
		upper = 0; /* type bits, and nothing to write an address to */
	else if (bar->kind == PCI_BAR_IO && !(mask >> 16))
		mask |= 0xffff0000; /* may decode 16 bits only */
	size_from_mask(s, bar, (uint64_t)upper << 32 | mask);
}

bool conf_decode_off(struct conf *c, uint16_t *command)
{
	*command = conf_read(c, PCI_COMMAND, 2);
	if (*command == conf_ones(2))
		return false;
	if (!(*command & PCI_COMMAND_DECODE))
		return true;
	conf_write(c, PCI_COMMAND, 2, *command & ~PCI_COMMAND_DECODE);
	return !(conf_read(c, PCI_COMMAND, 2) & PCI_COMMAND_DECODE) && !c->err;
}

/* Only when it is needed: it stops the function for a moment. */
static bool may_write(struct sizing *s)
{
	if (s->writes == ASK_DECODE)
		s->writes = conf_decode_off(s->c, &s->command) ? MAY_WRITE
							       : READ_ONLY;
	return s->writes == MAY_WRITE;
}

/* By asking: 0; -ENODATA it must not be tried; -EOPNOTSUPP it may. */
static int size_by_host(struct sizing *s, struct pci_bar *bar,
			unsigned int index)
{
	struct pci_host *host = s->c->host;
	uint64_t size = 0;
	int err = -EOPNOTSUPP;

	if (host->ops->bar_size)
		err = host->ops->bar_size(host, s->c->sbdf, index, &size);
	if (err)
		return err;
	if (!size)
		*bar = (struct pci_bar){ .kind = PCI_BAR_NONE };
	else
		size_from_mask(s, bar, -size);
	return 0;
}

/* --- one register after the other ----------------------------------------- */

/* BAR @index at @reg; returns how many registers it takes. */
static unsigned int one_bar(struct sizing *s, uint16_t reg, unsigned int index,
			    unsigned int left)
{
	struct pci_bar *bar = &s->desc->bar[index];
	uint32_t lo = conf_read(s->c, reg, 4), hi = 0;
	unsigned int regs = 1;
	int err;

	if (s->c->err)
		return 1;
	if (lo == UINT32_MAX) {
		desc_defect(s->desc, "a BAR reads all-ones");
		return 1;
	}
	if (is_mem64(lo)) {
		if (left < 2) {
			desc_defect(s->desc, "a 64-bit BAR has no upper half");
			return 1;
		}
		hi = conf_read(s->c, reg + 4, 4);
		if (s->c->err)
			return 2;
		if (hi == UINT32_MAX) { /* which is not to be put back */
			desc_defect(s->desc, "a BAR reads all-ones");
			return 2;
		}
		regs = 2;
	}
	bar_decode(bar, lo, hi);
	err = size_by_host(s, bar, index);
	if (err == -EOPNOTSUPP && may_write(s)) {
		size_by_writing(s, bar, reg, lo, hi);
	} else if (err) {
		bar->size_unknown = lo;
		if (!lo)
			bar->kind = PCI_BAR_NONE;
	}
	return regs;
}

static void bars(struct sizing *s, uint16_t reg, unsigned int index,
		 unsigned int count)
{
	unsigned int i = 0;

	while (i < count && !s->c->err)
		i += one_bar(s, (uint16_t)(reg + 4 * i), index + i, count - i);
}

static void rom(struct sizing *s, uint16_t reg)
{
	struct pci_bar *bar = &s->desc->bar[PCI_BAR_FIRST_ROM];
	uint32_t orig = conf_read(s->c, reg, 4), mask;
	int err;

	if (s->c->err)
		return;
	if (orig == UINT32_MAX) {
		desc_defect(s->desc, "a BAR reads all-ones");
		return;
	}
	bar->kind = PCI_BAR_ROM;
	bar->addr = orig & PCI_ROM_ADDRESS_MASK;
	err = size_by_host(s, bar, PCI_BAR_FIRST_ROM);
	if (err == -EOPNOTSUPP && may_write(s)) {
		/* With the enable bit clear. */
		mask = writable(s, reg, orig, PCI_ROM_ADDRESS_MASK) &
		       PCI_ROM_ADDRESS_MASK;
		if (mask)
			size_from_mask(s, bar,
				       (uint64_t)UINT32_MAX << 32 | mask);
		else
			bar->kind = PCI_BAR_NONE;
	} else if (err) {
		bar->size_unknown = orig;
		if (!orig)
			bar->kind = PCI_BAR_NONE;
	}
}

/* --- all of them --------------------------------------------------------- */

static void header_bars(struct sizing *s)
{
	if (s->desc->hdr_type == PCI_HEADER_TYPE_NORMAL) {
		bars(s, PCI_BASE_ADDRESS_0, 0, 6);
		rom(s, PCI_ROM_ADDRESS);
	} else if (s->desc->hdr_type == PCI_HEADER_TYPE_BRIDGE) {
		bars(s, PCI_BASE_ADDRESS_0, 0, 2);
		rom(s, PCI_ROM_ADDRESS1);
	}
}

static void vf_bars(struct sizing *s)
{
	uint16_t ctrl = conf_read(s->c, s->desc->sriov + PCI_SRIOV_CTRL, 2);

	if (ctrl & (PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE))
		s->writes = READ_ONLY;
	s->desc->vf_page = vf_page(s->c, s->desc->sriov);
	bars(s, s->desc->sriov + PCI_SRIOV_BAR, PCI_BAR_FIRST_VF,
	     PCI_SRIOV_NUM_BARS);
}

void conf_bars(struct conf *c, struct pci_dev_desc *desc)
{
	struct sizing s = {
		.c = c,
		.desc = desc,
		.writes = c->host->ops->read_only ? READ_ONLY : ASK_DECODE,
		.command = conf_ones(2),
	};

	if (desc->is_vf)
		return; /* from its PF, see vf.c */
	header_bars(&s);
	if (s.command != conf_ones(2) && !s.displaced &&
	    conf_read(c, PCI_COMMAND, 2) != s.command)
		put_back(c, PCI_COMMAND, 2, s.command);
	if (!desc->sriov || c->err)
		return;
	/* VFs that are not there do not decode. */
	s.writes = c->host->ops->read_only ? READ_ONLY : MAY_WRITE;
	vf_bars(&s);
}

/* --- later ---------------------------------------------------------------- */

uint16_t conf_bar_register(const struct pci_dev_facts *desc, unsigned int i)
{
	if (i < PCI_BAR_FIRST_ROM)
		return (uint16_t)(PCI_BASE_ADDRESS_0 + 4 * i);
	if (i >= PCI_BAR_FIRST_VF)
		return (uint16_t)(desc->sriov + PCI_SRIOV_BAR +
				  4 * (i - PCI_BAR_FIRST_VF));
	return desc->hdr_type == PCI_HEADER_TYPE_BRIDGE ? PCI_ROM_ADDRESS1
							: PCI_ROM_ADDRESS;
}

/* Of the capability at @pos; each is asked once. */
static unsigned int read_controls(struct conf *c, unsigned int pos,
				  uint16_t ctrl[PCI_BAR_FIRST_ROM])
{
	unsigned int reg = pos + PCI_REBAR_CTRL, i = 0, count = 1;

	for (;
	     i < count && i < PCI_BAR_FIRST_ROM && reg < PCI_CFG_SPACE_EXP_SIZE;
	     i++, reg += 8) {
		ctrl[i] = (uint16_t)conf_answer(c, (uint16_t)reg, 2);
		if (!i)
			count = (ctrl[0] & PCI_REBAR_CTRL_NBAR_MASK) >>
				PCI_REBAR_CTRL_NBAR_SHIFT;
	}
	return i < count ? i : count;
}

unsigned int conf_rebar(struct conf *c, const struct pci_dev_facts *desc,
			uint16_t id, uint16_t *at,
			uint16_t ctrl[PCI_BAR_FIRST_ROM])
{
	struct cap_iter it;
	struct pci_cap cap;

	if (desc->is_vf)
		return 0;
	cap_begin(&it, c, desc->cfg_size);
	while (cap_next(&it, &cap) == 1)
		if (cap.extended && cap.id == id) {
			*at = cap.pos + PCI_REBAR_CTRL;
			return read_controls(c, cap.pos, ctrl);
		}
	return 0;
}

void conf_resize(struct pci_bar *bar, const uint16_t *ctrl, unsigned int n)
{
	unsigned int i, index, order;

	for (i = 0; i < n; i++) {
		index = ctrl[i] & PCI_REBAR_CTRL_BAR_IDX;
		order = (ctrl[i] & PCI_REBAR_CTRL_BAR_SIZE) >>
			PCI_REBAR_CTRL_BAR_SHIFT;
		if (index < PCI_BAR_FIRST_ROM && order < 44)
			bar[index].size = 1ull << 20 << order;
	}
}

void conf_bar_addresses(struct conf *c, const struct pci_dev_desc *desc,
			struct pci_bar *bar)
{
	unsigned int i;

	memcpy(bar, desc->bar, sizeof(desc->bar));
	if (desc->is_vf)
		return;
	for (i = 0; i <= PCI_BAR_FIRST_ROM; i++) {
		uint16_t reg = conf_bar_register(&desc->facts, i);
		struct pci_bar now = { .kind = PCI_BAR_ROM };
		uint32_t lo, hi = 0;

		if (bar[i].kind == PCI_BAR_NONE)
			continue;
		lo = conf_answer(c, reg, 4);
		if (lo != UINT32_MAX && bar[i].kind != PCI_BAR_ROM &&
		    is_mem64(lo))
			hi = conf_answer(c, reg + 4, 4);
		if (lo == UINT32_MAX || hi == UINT32_MAX)
			continue;
		if (bar[i].kind == PCI_BAR_ROM)
			now.addr = lo & PCI_ROM_ADDRESS_MASK;
		else
			bar_decode(&now, lo, hi);
		bar[i].addr = now.kind == bar[i].kind ? now.addr : 0;
	}
}

void conf_bars_now(struct conf *c, const struct pci_dev_desc *desc,
		   struct pci_bar *bar)
{
	uint16_t at, ctrl[PCI_BAR_FIRST_ROM];

	conf_bar_addresses(c, desc, bar);
	conf_resize(bar, ctrl,
		    conf_rebar(c, &desc->facts, PCI_EXT_CAP_ID_REBAR, &at,
			       ctrl));
}
