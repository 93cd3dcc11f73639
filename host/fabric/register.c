/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing registers: which bits take what software writes.
 *
 * A dword without further effect is changed by compare and swap, so that two
 * writers of neighbouring bytes do not lose each other's; one with an effect
 * goes to hook.c under the segment's lock.
 */
#include "machine.h"

static uint32_t byte_mask(uint16_t reg, uint8_t size)
{
	uint32_t mask = size == 4 ? UINT32_MAX : (1u << size * 8) - 1;

	return mask << (reg & 3) * 8;
}

static void write_plain(struct fab_fn *fn, unsigned int dword, uint32_t mask,
			uint32_t val)
{
	uint32_t rw = fab_rw_mask(fn, dword) & mask;
	uint32_t w1c = fn->model->w1c[dword] & mask & val;
	uint32_t old = hf_load_relaxed(&fn->reg[dword]), new;

	do {
		new = ((old & ~rw) | (val & rw)) & ~w1c;
	} while (!hf_cas_acq_rel(&fn->reg[dword], &old, new));
}

void fab_fn_write_locked(struct fab_fn *fn, uint16_t reg, uint8_t size,
			 uint32_t val)
{
	unsigned int dword = reg >> 2;
	uint32_t mask = byte_mask(reg, size);

	val <<= (reg & 3) * 8;
	if (fn->model->hook[dword] == FAB_HOOK_NONE)
		write_plain(fn, dword, mask, val);
	else if (!fn->gone)
		fab_hook(fn, dword, mask, val);
}

void fab_fn_write(struct fab_fn *fn, uint16_t reg, uint8_t size, uint32_t val)
{
	bool hooked = fn->model->hook[reg >> 2] != FAB_HOOK_NONE;

	if (hooked)
		pthread_mutex_lock(&fn->seg->lock);
	fab_fn_write_locked(fn, reg, size, val);
	if (hooked)
		pthread_mutex_unlock(&fn->seg->lock);
	if (fn->model->hook[reg >> 2] == FAB_HOOK_MESSAGES)
		fab_unmasked(fn);
}

void fab_update16(struct fab_fn *fn, unsigned int reg, uint16_t clear,
		  uint16_t set)
{
	unsigned int shift = (reg & 2) * 8;
	uint32_t old = hf_load_relaxed(&fn->reg[reg >> 2]), new;

	do {
		new = (old & ~((uint32_t)clear << shift)) | (uint32_t)set
								    << shift;
	} while (!hf_cas_acq_rel(&fn->reg[reg >> 2], &old, new));
}
