/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers and bridge windows: where they lie, how large they
 * are, which bits of them can be written. Sizing by all-ones (PCI 3.0
 * §6.2.5.1) needs nothing more than those bits.
 */
#include "internal.h"

unsigned int fab_bar_reg(const struct fab_model *m, unsigned int i)
{
	if (i >= PCI_BAR_FIRST_VF)
		return m->sriov + PCI_SRIOV_BAR + (i - PCI_BAR_FIRST_VF) * 4;
	if (i == PCI_BAR_FIRST_ROM)
		return fab_is_bridge(m->kind) ? PCI_ROM_ADDRESS1
					      : PCI_ROM_ADDRESS;
	return PCI_BASE_ADDRESS_0 + i * 4;
}

/* The control register of a resizable BAR; 0: none such. */
static unsigned int rebar_ctrl(const struct fab_model *m, unsigned int i)
{
	unsigned int pair = 0;

	if (i >= ARRAY_SIZE(m->rebar_sizes) || !m->rebar_sizes[i])
		return 0;
	while (i--)
		pair += m->rebar_sizes[i] != 0;
	return m->rebar + PCI_REBAR_CTRL + pair * 8;
}

uint64_t fab_bar_size(const struct fab_fn *fn, unsigned int i)
{
	unsigned int ctrl = rebar_ctrl(fn->model, i);

	if (!ctrl)
		return fn->model->bar[i].size;
	return 1ull << 20
		    << ((fab_get(fn, ctrl) & PCI_REBAR_CTRL_BAR_SIZE) >>
			PCI_REBAR_CTRL_BAR_SHIFT);
}

static uint64_t addr_mask(const struct fab_bar *bar)
{
	if (bar->kind == PCI_BAR_IO)
		return PCI_BASE_ADDRESS_IO_MASK;
	if (bar->kind == PCI_BAR_ROM)
		return PCI_ROM_ADDRESS_MASK;
	return ~15ull;
}

uint64_t fab_bar_addr(const struct fab_fn *fn, unsigned int i)
{
	const struct fab_bar *bar = &fn->model->bar[i];
	unsigned int reg = fab_bar_reg(fn->model, i);
	uint64_t addr = fab_get(fn, reg);

	if (bar->kind == PCI_BAR_MEM64)
		addr |= (uint64_t)fab_get(fn, reg + 4) << 32;
	return addr & addr_mask(bar) & ~(fab_bar_size(fn, i) - 1);
}

void fab_bar_place(struct fab_fn *fn, unsigned int i, uint64_t addr)
{
	const struct fab_bar *bar = &fn->model->bar[i];
	unsigned int reg = fab_bar_reg(fn->model, i);
	uint32_t low = fab_get(fn, reg) & (uint32_t)~addr_mask(bar);

	fab_set(fn, reg, low | (uint32_t)addr);
	if (bar->kind == PCI_BAR_MEM64)
		fab_set(fn, reg + 4, (uint32_t)(addr >> 32));
}

/* Bits of a resized BAR differ from the model's. */
uint32_t fab_rw_mask(const struct fab_fn *fn, unsigned int dword)
{
	const struct fab_model *m = fn->model;
	unsigned int i = dword - PCI_BASE_ADDRESS_0 / 4;
	bool upper = false;

	if (!m->rebar || i > 5)
		return m->rw[dword];
	if (i && m->bar[i - 1].kind == PCI_BAR_MEM64) {
		upper = true;
		i--;
	}
	if (!m->rebar_sizes[i])
		return m->rw[dword];
	return (uint32_t)(~(fab_bar_size(fn, i) - 1) >> (upper ? 32 : 0));
}

/* --- windows (P2P 1.2 §3.2.5.6 to §3.2.5.10) ------------------------------ */

struct fab_window fab_window(const struct fab_fn *fn, enum fab_space space)
{
	struct fab_window w;
	uint32_t reg;

	switch (space) {
	case FAB_SPACE_IO:
		reg = fab_get16(fn, PCI_IO_BASE);
		w.base = (reg & PCI_IO_RANGE_MASK) << 8;
		w.limit = (reg & (uint32_t)PCI_IO_RANGE_MASK << 8) | 0xfff;
		break;
	case FAB_SPACE_MEM:
		reg = fab_get(fn, PCI_MEMORY_BASE);
		w.base = (uint64_t)(reg & PCI_MEMORY_RANGE_MASK) << 16;
		w.limit = (reg & (uint32_t)PCI_MEMORY_RANGE_MASK << 16) |
			  0xfffff;
		break;
	default:
		reg = fab_get(fn, PCI_PREF_MEMORY_BASE);
		w.base = (uint64_t)(reg & PCI_PREF_RANGE_MASK) << 16 |
			 (uint64_t)fab_get(fn, PCI_PREF_BASE_UPPER32) << 32;
		w.limit = (reg & (uint32_t)PCI_PREF_RANGE_MASK << 16) |
			  0xfffff |
			  (uint64_t)fab_get(fn, PCI_PREF_LIMIT_UPPER32) << 32;
	}
	return w;
}

void fab_window_set(struct fab_fn *fn, enum fab_space space,
		    struct fab_window w)
{
	uint16_t base, limit;

	if (w.base > w.limit) { /* closed */
		w.base = 0xfff00000;
		w.limit = 0;
		if (space == FAB_SPACE_IO)
			w.base = 0xf000;
	}
	if (space == FAB_SPACE_IO) {
		fab_update16(fn, PCI_IO_BASE, 0xf0f0,
			     (uint16_t)((w.base >> 8 & PCI_IO_RANGE_MASK) |
					(w.limit & 0xf000)));
		return;
	}
	base = (uint16_t)(w.base >> 16 & PCI_MEMORY_RANGE_MASK);
	limit = (uint16_t)(w.limit >> 16 & PCI_MEMORY_RANGE_MASK);
	if (space == FAB_SPACE_MEM) {
		fab_set(fn, PCI_MEMORY_BASE, (uint32_t)limit << 16 | base);
		return;
	}
	fab_update16(fn, PCI_PREF_MEMORY_BASE, PCI_PREF_RANGE_MASK, base);
	fab_update16(fn, PCI_PREF_MEMORY_LIMIT, PCI_PREF_RANGE_MASK, limit);
	fab_set(fn, PCI_PREF_BASE_UPPER32, (uint32_t)(w.base >> 32));
	fab_set(fn, PCI_PREF_LIMIT_UPPER32, (uint32_t)(w.limit >> 32));
}
