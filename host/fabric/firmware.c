/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What firmware does before an operating system runs: place BARs and bridge
 * windows, switch decoding and bus mastering on, and the VFs that the
 * description wants enabled. It writes registers, not initial values, so a
 * reset takes it all away, as it does on hardware.
 */
#include "internal.h"

#define MIB (1ull << 20)

static const struct {
	uint64_t align;   /* of a bridge's window */
	uint64_t reserve; /* at least this much behind a hot-plug slot */
} rule[FAB_SPACES] = {
	[FAB_SPACE_IO] = { 4096, 0 },
	[FAB_SPACE_MEM] = { MIB, 4 * MIB },
	[FAB_SPACE_PREF] = { MIB, 512 * MIB },
};

void fab_arena_init(struct fab_arena *arena)
{
	arena->space[FAB_SPACE_IO] = (struct fab_window){ 0x1000, 0xffff };
	arena->space[FAB_SPACE_MEM] =
		(struct fab_window){ 0x80000000, 0xfebfffff };
	arena->space[FAB_SPACE_PREF] =
		(struct fab_window){ 1ull << 36, (1ull << 42) - 1 };
}

static uint64_t align_up(uint64_t val, uint64_t align)
{
	return (val + align - 1) & ~(align - 1);
}

/* 0: there is no room. */
static uint64_t take(struct fab_window *w, uint64_t size, uint64_t align)
{
	uint64_t base = align_up(w->base, align);

	if (base > w->limit || size - 1 > w->limit - base)
		return 0;
	w->base = base + size;
	return base;
}

static enum fab_space space_of(const struct fab_bar *bar)
{
	if (bar->kind == PCI_BAR_IO)
		return FAB_SPACE_IO;
	return bar->kind == PCI_BAR_MEM64 && bar->prefetch ? FAB_SPACE_PREF
							   : FAB_SPACE_MEM;
}

static bool place_bar(struct fab_fn *fn, unsigned int i,
		      struct fab_arena *arena)
{
	const struct fab_bar *bar = &fn->model->bar[i];
	uint64_t align = fab_bar_size(fn, i), size = align, addr;

	if (!size)
		return true;
	if (i >= PCI_BAR_FIRST_VF)
		size *= fab_get16(fn, fn->model->sriov + PCI_SRIOV_TOTAL_VF);
	addr = take(&arena->space[space_of(bar)], size, align);
	fab_bar_place(fn, i, addr);
	return addr;
}

static void place_function(struct fab_fn *fn, struct fab_arena *arena)
{
	uint16_t on = fn->model->rw[PCI_COMMAND >> 2] & PCI_COMMAND_MASTER;
	bool placed = true;

	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		placed &= place_bar(fn, i, arena);
	if (placed)
		on |= fn->model->rw[PCI_COMMAND >> 2] &
		      (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	fab_update16(fn, PCI_COMMAND, 0, on);
	fab_update16(fn, PCI_INTERRUPT_LINE, 0xff,
		     fab_get8(fn, PCI_INTERRUPT_PIN) ? 0x0b : 0xff);
}

static void place_bridge(struct fab_fn *fn, struct fab_arena *arena)
{
	struct fab_arena below = *arena;
	struct fab_window w;

	for (unsigned int s = 0; s < FAB_SPACES; s++)
		below.space[s].base =
			align_up(arena->space[s].base, rule[s].align);
	fab_firmware(fn->below, &below);
	for (unsigned int s = 0; s < FAB_SPACES; s++) {
		w.base = align_up(arena->space[s].base, rule[s].align);
		w.limit = align_up(below.space[s].base, rule[s].align);
		if (fn->model->hotplug && w.limit - w.base < rule[s].reserve)
			w.limit = w.base + rule[s].reserve;
		if (w.limit > arena->space[s].limit)
			w.limit = w.base; /* no room: closed */
		if (w.limit > w.base)
			arena->space[s].base = w.limit;
		w.limit--;
		fab_window_set(fn, s, w);
	}
}

void fab_firmware(struct fab_link *link, struct fab_arena *arena)
{
	struct fab_fn *fn;

	for (fn = link->first; fn; fn = fn->next)
		place_function(fn, arena);
	for (fn = link->first; fn; fn = fn->next) {
		if (!fn->below)
			continue;
		place_bridge(fn, arena);
		if (fab_is_port(fn->model->kind))
			fab_slot_update(fn, false);
	}
}

/* VFs above function 7 are reached by ARI Forwarding only. */
static int enable_vfs(struct fab_fn *fn)
{
	unsigned int sriov = fn->model->sriov;
	struct fab_fn *port = fn->link->bridge;
	uint16_t ctrl = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;

	if (port && fab_is_port(port->model->kind)) {
		fab_update16(port, port->model->pcie + PCI_EXP_DEVCTL2, 0,
			     PCI_EXP_DEVCTL2_ARI);
		ctrl |= PCI_SRIOV_CTRL_ARI;
	}
	if (!fn->model->vf_enabled)
		return 0;
	fab_fn_write_locked(fn, (uint16_t)(sriov + PCI_SRIOV_NUM_VF), 2,
			    fn->model->vf_enabled);
	fab_fn_write_locked(fn, (uint16_t)(sriov + PCI_SRIOV_CTRL), 2, ctrl);
	return fn->nvf == fn->model->vf_enabled ? 0 : -ENOMEM;
}

int fab_firmware_vfs(struct fab_link *link)
{
	int rc = 0;

	for (struct fab_fn *fn = link->first; fn && !rc; fn = fn->next) {
		if (fn->model->sriov)
			rc = enable_vfs(fn);
		if (!rc && fn->below)
			rc = fab_firmware_vfs(fn->below);
	}
	return rc;
}
