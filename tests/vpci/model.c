/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <holdfast/errno.h>

#include "model.h"

static bool bit(uint64_t word, unsigned int i)
{
	return i < 64 && (word >> i & 1);
}

/* Bit @i of what lies from byte @reg on. */
static bool bit_at(const uint8_t *bytes, uint16_t reg, unsigned int i)
{
	return bytes[reg + i / 8] >> (i % 8) & 1;
}

static void set_bit_at(uint8_t *bytes, uint16_t reg, unsigned int i, bool on)
{
	uint8_t mask = (uint8_t)(1 << i % 8);

	bytes[reg + i / 8] &= (uint8_t)~mask;
	if (on)
		bytes[reg + i / 8] |= mask;
}

static uint32_t bits_of(const uint8_t *bytes, uint16_t reg, uint8_t size)
{
	uint32_t val = 0;
	unsigned int i;

	for (i = 0; i < size * 8u; i++)
		val |= (uint32_t)bit_at(bytes, reg, i) << i;
	return val;
}

/* --- hardware ------------------------------------------------------------- */

uint32_t model_hw_read(const struct model_hw *hw, uint16_t reg, uint8_t size)
{
	return bits_of(hw->data, reg, size);
}

void model_hw_write(struct model_hw *hw, uint16_t reg, uint8_t size,
		    uint32_t val)
{
	unsigned int i;

	for (i = 0; i < size * 8u; i++) {
		if (bit_at(hw->rw, reg, i))
			set_bit_at(hw->data, reg, i, bit(val, i));
		else if (bit_at(hw->w1c, reg, i) && bit(val, i))
			set_bit_at(hw->data, reg, i, false);
	}
}

/* --- registers ------------------------------------------------------------ */

void model_begin(struct model *m, bool hardware, uint16_t size)
{
	m->hardware = hardware;
	m->size = size;
	m->sealed = false;
	m->nreg = 0;
	memset(m->owner, 0, sizeof(m->owner));
}

static bool access_is_good(uint16_t reg, uint8_t size)
{
	return (size == 1 || size == 2 || size == 4 || size == 8) &&
	       reg % size == 0 && reg < MODEL_SPACE;
}

static bool masks_are_good(const struct vpci_masks *masks, uint8_t size)
{
	unsigned int i;

	for (i = 0; i < 32; i++) {
		int kinds = bit(masks->rw, i) + bit(masks->w1c, i) +
			    bit(masks->rsvdp, i) + bit(masks->rsvdz, i);

		if (kinds > 1)
			return false;
		if (i >= size * 8u &&
		    (kinds || bit(masks->hw, i) || bit(masks->value, i)))
			return false;
	}
	return true;
}

int model_add(struct model *m, uint16_t reg, uint8_t size,
	      const struct vpci_masks *masks, enum model_read read,
	      enum model_write write)
{
	unsigned int i;

	if (size == 8 || !access_is_good(reg, size) ||
	    !masks_are_good(masks, size))
		return -EINVAL;
	if (m->sealed)
		return -EBUSY;
	for (i = 0; i < size; i++)
		if (m->owner[reg + i])
			return -EEXIST;
	m->reg[m->nreg++] = (struct model_register){
		.reg = reg, .size = size, .read = read, .write = write
	};
	for (i = 0; i < size; i++)
		m->owner[reg + i] = (uint16_t)m->nreg;
	for (i = 0; i < size * 8u; i++) {
		set_bit_at(m->in_hw, reg, i, bit(masks->hw, i));
		set_bit_at(m->rw, reg, i, bit(masks->rw, i));
		set_bit_at(m->w1c, reg, i, bit(masks->w1c, i));
		set_bit_at(m->rsvdp, reg, i, bit(masks->rsvdp, i));
		set_bit_at(m->rsvdz, reg, i, bit(masks->rsvdz, i));
		set_bit_at(m->value, reg, i, bit(masks->value, i));
	}
	return 0;
}

/* Does a register lie across this edge? */
static bool is_inside(const struct model *m, unsigned int edge)
{
	return edge && edge < MODEL_SPACE && m->owner[edge] &&
	       m->owner[edge] == m->owner[edge - 1];
}

int model_remove(struct model *m, uint16_t reg, uint16_t size)
{
	unsigned int end = reg + size;

	if (m->sealed)
		return -EBUSY;
	if (is_inside(m, reg) || is_inside(m, end))
		return -ERANGE;
	if (end > MODEL_SPACE)
		end = MODEL_SPACE;
	if (reg < end)
		memset(m->owner + reg, 0, (end - reg) * sizeof(m->owner[0]));
	return 0;
}

/* The register of a byte, or NULL. */
static const struct model_register *register_at(const struct model *m,
						unsigned int byte)
{
	return m->owner[byte] ? &m->reg[m->owner[byte] - 1] : NULL;
}

/* Nobody answers such an access. */
static bool is_void(const struct model *m, uint16_t reg, uint8_t size)
{
	return !access_is_good(reg, size) || (!m->hardware && reg >= m->size);
}

/* --- reading -------------------------------------------------------------- */

/* Bit @i from byte @reg on, as it is: reserved ones, too. */
static bool raw_bit(const struct model *m, uint16_t reg, unsigned int i)
{
	return bit_at(m->in_hw, reg, i) ? bit_at(m->hw.data, reg, i)
					: bit_at(m->value, reg, i);
}

static uint32_t masked(const struct model *m, const struct model_register *r)
{
	uint32_t val = 0;
	unsigned int i;

	for (i = 0; i < r->size * 8u; i++)
		if (raw_bit(m, r->reg, i) && !bit_at(m->rsvdp, r->reg, i) &&
		    !bit_at(m->rsvdz, r->reg, i))
			val |= 1u << i;
	return val;
}

static uint32_t register_read(const struct model *m,
			      const struct model_register *r)
{
	switch (r->read) {
	case MODEL_READ_INVERT:
		return ~masked(m, r);
	case MODEL_READ_VIEW:
		return bits_of(m->value, r->reg, r->size);
	case MODEL_READ_HW:
		return model_hw_read(&m->hw, r->reg, r->size);
	default:
		return masked(m, r);
	}
}

static uint8_t byte_read(const struct model *m, unsigned int reg)
{
	const struct model_register *r = register_at(m, reg);

	if (!r)
		return m->hardware ? m->hw.data[reg] : 0;
	return (uint8_t)(register_read(m, r) >> 8 * (reg - r->reg));
}

uint64_t model_read(struct model *m, uint16_t reg, uint8_t size)
{
	uint64_t val = 0;
	unsigned int i;

	for (i = 0; i < size && i < 8; i++)
		val |= (is_void(m, reg, size) ? 0xffull : byte_read(m, reg + i))
		       << 8 * i;
	return val;
}

/* --- writing -------------------------------------------------------------- */

/*
 * What register @r becomes by the write of @val, bits from @first to @last of
 * it covered; w1c bits are 1 where it clears.
 */
static uint32_t merged(const struct model *m, const struct model_register *r,
		       uint32_t val, uint32_t covered)
{
	uint32_t result = 0;
	unsigned int i;

	for (i = 0; i < r->size * 8u; i++) {
		bool on = bit(register_read(m, r), i);

		if (bit_at(m->rsvdp, r->reg, i))
			on = raw_bit(m, r->reg, i);
		if (bit_at(m->rw, r->reg, i) && bit(covered, i))
			on = bit(val, i);
		if (bit_at(m->w1c, r->reg, i))
			on = bit(covered, i) && bit(val, i);
		if (bit_at(m->rsvdz, r->reg, i))
			on = false;
		result |= (uint32_t)on << i;
	}
	return result;
}

/* Is there a bit in this byte that the guest may change in hardware? */
static bool byte_reaches_hw(const struct model *m, unsigned int reg)
{
	return m->in_hw[reg] & (m->rw[reg] | m->w1c[reg]);
}

static void byte_to_hw(struct model *m, unsigned int reg, uint8_t val)
{
	m->may_write[reg] = 1;
	model_hw_write(&m->hw, (uint16_t)reg, 1, val);
}

/* Without a hook: each bit for itself, then hardware by whole bytes. */
static void plain_write(struct model *m, const struct model_register *r,
			uint32_t val, uint32_t covered)
{
	unsigned int i;

	memcpy(m->sent + r->reg, m->hw.data + r->reg, r->size);
	for (i = 0; i < r->size * 8u; i++) {
		bool in_hw = bit_at(m->in_hw, r->reg, i);
		bool rw = bit_at(m->rw, r->reg, i);
		bool w1c = bit_at(m->w1c, r->reg, i);
		bool rsvdz = bit_at(m->rsvdz, r->reg, i);

		if (!bit(covered, i))
			continue;
		if (in_hw && (rw || w1c))
			set_bit_at(m->sent, r->reg, i, bit(val, i));
		else if (in_hw && rsvdz)
			set_bit_at(m->sent, r->reg, i, false);
		else if (rw)
			set_bit_at(m->value, r->reg, i, bit(val, i));
		else if (w1c && bit(val, i))
			set_bit_at(m->value, r->reg, i, false);
	}
	for (i = r->reg; i < r->reg + r->size; i++)
		if (bit(covered, (i - r->reg) * 8) && byte_reaches_hw(m, i))
			byte_to_hw(m, i, m->sent[i]);
}

static void register_write(struct model *m, const struct model_register *r,
			   uint32_t val, uint32_t covered)
{
	uint32_t result = merged(m, r, val, covered);

	if (r->write == MODEL_WRITE_PLAIN) {
		plain_write(m, r, val, covered);
		return;
	}
	m->call[m->ncalls++] = (struct model_call){ .reg = r->reg,
						    .val = result,
						    .mask = covered };
	if (r->write == MODEL_WRITE_VIEW)
		for (unsigned int i = 0; i < r->size * 8u; i++)
			set_bit_at(m->value, r->reg, i, bit(result, i));
	if (r->write == MODEL_WRITE_HW) {
		memset(m->may_write + r->reg, 1, r->size);
		model_hw_write(&m->hw, r->reg, r->size, result);
	}
}

/* The part of a write that falls on register @r. */
static void part_write(struct model *m, const struct model_register *r,
		       uint16_t reg, uint8_t size, uint64_t val)
{
	uint32_t part = 0, covered = 0;
	unsigned int i;

	for (i = 0; i < size * 8u; i++) {
		unsigned int k = (reg - r->reg) * 8u + i;

		if (reg * 8u + i < r->reg * 8u || k >= r->size * 8u)
			continue;
		covered |= 1u << k;
		part |= (uint32_t)bit(val, i) << k;
	}
	register_write(m, r, part, covered);
}

void model_write(struct model *m, uint16_t reg, uint8_t size, uint64_t val)
{
	const struct model_register *r, *last = NULL;
	unsigned int i;

	m->ncalls = 0;
	memset(m->may_write, 0, sizeof(m->may_write));
	if (is_void(m, reg, size))
		return;
	for (i = 0; i < size; i++) {
		r = register_at(m, reg + i);
		if (r && r != last)
			part_write(m, r, reg, size, val);
		else if (!r && m->hardware)
			byte_to_hw(m, reg + i, (uint8_t)(val >> 8 * i));
		last = r;
	}
}

uint32_t model_get(const struct model *m, uint16_t reg, uint8_t size,
		   uint32_t *mask)
{
	*mask = ~bits_of(m->in_hw, reg, size);
	return bits_of(m->value, reg, size);
}
