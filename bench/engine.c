/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

/* --- building -------------------------------------------------------------- */

void engine_init(struct engine *e)
{
	pthread_rwlock_init(&e->lock, NULL);
	e->devs = NULL;
	e->last = &e->devs;
}

struct engine_dev *engine_add(struct engine *e, uint32_t sbdf, uint64_t table,
			      unsigned int entries)
{
	struct engine_dev *dev = aligned_alloc(64, sizeof(*dev));

	if (!dev)
		abort();
	*dev = (struct engine_dev){ .sbdf = sbdf,
				    .table = table,
				    .entries = entries };
	dev->entry = calloc(entries, sizeof(*dev->entry));
	if (!dev->entry)
		abort();
	*e->last = dev;
	e->last = &dev->next;
	return dev;
}

void engine_add_register(struct engine_dev *dev, const struct engine_reg *reg)
{
	struct engine_reg **at = &dev->regs, *own = malloc(sizeof(*own));

	if (!own)
		abort();
	while (*at && (*at)->offset < reg->offset)
		at = &(*at)->next;
	*own = *reg;
	own->next = *at;
	*at = own;
}

uint32_t engine_read_value(const struct engine_reg *reg)
{
	return reg->val;
}

void engine_write_value(struct engine_reg *reg, uint32_t val)
{
	reg->val = val;
}

uint32_t engine_read_hw(const struct engine_reg *reg)
{
	uint32_t val = 0;

	memcpy(&val, reg->hw, reg->size);
	return val;
}

void engine_write_hw(struct engine_reg *reg, uint32_t val)
{
	memcpy(reg->hw, &val, reg->size);
}

/* --- accesses --------------------------------------------------------------- */

static uint32_t ones(unsigned int size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

static struct engine_dev *find(struct engine *e, uint32_t sbdf)
{
	struct engine_dev *dev = e->devs;

	while (dev && dev->sbdf != sbdf)
		dev = dev->next;
	return dev;
}

static struct engine_dev *find_table(struct engine *e, uint64_t gpa)
{
	struct engine_dev *dev;

	for (dev = e->devs; dev; dev = dev->next)
		if (dev->table &&
		    gpa - dev->table < dev->entries * sizeof(*dev->entry))
			return dev;
	return NULL;
}

/* The first register that ends above @reg. */
static struct engine_reg *first(struct engine_dev *dev, uint16_t reg)
{
	struct engine_reg *r = dev->regs;

	while (r && r->offset + r->size <= reg)
		r = r->next;
	return r;
}

/* How far left of the access (below 0: right) a register's bytes belong. */
static int shift_of(const struct engine_reg *r, uint16_t reg)
{
	return 8 * (r->offset - reg);
}

static uint32_t read_all(struct engine_dev *dev, uint16_t reg, uint8_t size)
{
	struct engine_reg *r = first(dev, reg);
	uint32_t val = 0;
	int shift;

	for (; r && r->offset < reg + size; r = r->next) {
		shift = shift_of(r, reg);
		val |= shift < 0 ? r->read(r) >> -shift : r->read(r) << shift;
	}
	return val & ones(size);
}

static void write_one(struct engine_reg *r, uint16_t reg, uint8_t size,
		      uint32_t val)
{
	int shift = shift_of(r, reg);
	uint32_t mask;

	if (!shift && r->size == size) {
		r->write(r, val);
		return;
	}
	mask = shift < 0 ? ones(size) << -shift : ones(size) >> shift;
	val = shift < 0 ? val << -shift : val >> shift;
	mask &= ones(r->size);
	r->write(r, (r->read(r) & ~mask) | (val & mask));
}

static void write_all(struct engine_dev *dev, uint16_t reg, uint8_t size,
		      uint32_t val)
{
	struct engine_reg *r = first(dev, reg);

	for (; r && r->offset < reg + size; r = r->next)
		write_one(r, reg, size, val);
}

bool engine_read(struct engine *e, uint32_t sbdf, uint16_t reg, uint8_t size,
		 uint32_t *val)
{
	struct engine_dev *dev;

	pthread_rwlock_rdlock(&e->lock);
	dev = find(e, sbdf);
	if (dev) {
		spin_lock(&dev->lock);
		*val = read_all(dev, reg, size);
		spin_unlock(&dev->lock);
	}
	pthread_rwlock_unlock(&e->lock);
	return dev;
}

bool engine_write(struct engine *e, uint32_t sbdf, uint16_t reg, uint8_t size,
		  uint32_t val)
{
	struct engine_dev *dev;

	pthread_rwlock_rdlock(&e->lock);
	dev = find(e, sbdf);
	if (dev) {
		spin_lock(&dev->lock);
		write_all(dev, reg, size, val);
		spin_unlock(&dev->lock);
	}
	pthread_rwlock_unlock(&e->lock);
	return dev;
}

static uint32_t *field(struct engine_dev *dev, uint64_t gpa)
{
	return (uint32_t *)dev->entry + (gpa - dev->table) / 4;
}

bool engine_mmio_read(struct engine *e, uint64_t gpa, uint32_t *val)
{
	struct engine_dev *dev;

	pthread_rwlock_rdlock(&e->lock);
	dev = find_table(e, gpa);
	if (dev) {
		spin_lock(&dev->lock);
		*val = *field(dev, gpa);
		spin_unlock(&dev->lock);
	}
	pthread_rwlock_unlock(&e->lock);
	return dev;
}

bool engine_mmio_write(struct engine *e, uint64_t gpa, uint32_t val)
{
	struct engine_dev *dev;

	pthread_rwlock_rdlock(&e->lock);
	dev = find_table(e, gpa);
	if (dev) {
		spin_lock(&dev->lock);
		*field(dev, gpa) = val;
		spin_unlock(&dev->lock);
	}
	pthread_rwlock_unlock(&e->lock);
	return dev;
}
