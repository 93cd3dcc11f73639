/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include <holdfast/platform.h>

#include "access.h"

/*
 * So many that the clock between them is nothing. The engine has locks, which
 * two threads must not keep for long.
 */
enum { BATCH = 512, ENGINE_BATCH = 64 };

/*
 * All of these know what they access before the first, as the floor does: to
 * look it up for each would take a tenth of it, or not, for where it lies.
 */
static unsigned int cfg_read(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	struct domain *d = a->guest->domain;
	const pci_sbdf_t sbdf = a->sbdf;
	const uint16_t reg = a->reg;
	const uint8_t size = a->size;
	uint64_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		if (vpci_read(d, sbdf, reg, size, &val))
			abort();
		sum += val;
	}
	*seed += (uint32_t)sum;
	return BATCH;
}

static unsigned int cfg_write(void *data, uint32_t *seed)
{
	struct accessor *a = data;
	const pci_sbdf_t sbdf = a->sbdf;
	const uint16_t reg = a->reg;
	const uint8_t size = a->size;
	const uint32_t mask = a->mask;
	uint32_t val = *seed;
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		if (vpci_write(&a->vcpu, sbdf, reg, size,
			       ++val * 0x9e3779b9u & mask))
			abort();
	*seed = val;
	return BATCH;
}

static unsigned int table_read(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	struct domain *d = a->guest->domain;
	const uint64_t gpa = a->gpa;
	const uint8_t size = a->size;
	uint64_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		if (vpci_mmio_read(d, gpa, size, &val))
			abort();
		sum += val;
	}
	*seed += (uint32_t)sum;
	return BATCH;
}

static unsigned int table_write(void *data, uint32_t *seed)
{
	struct accessor *a = data;
	const uint64_t gpa = a->gpa;
	const uint8_t size = a->size;
	const uint32_t mask = a->mask;
	uint32_t val = *seed;
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		if (vpci_mmio_write(&a->vcpu, gpa, size,
				    ++val * 0x9e3779b9u & mask))
			abort();
	*seed = val;
	return BATCH;
}

static unsigned int engine_cfg_read(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	struct engine *engine = &a->guest->engine;
	const uint32_t sbdf = a->sbdf.sbdf;
	const uint16_t reg = a->reg;
	const uint8_t size = a->size;
	uint32_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < ENGINE_BATCH; i++) {
		if (!engine_read(engine, sbdf, reg, size, &val))
			abort();
		sum += val;
	}
	*seed += sum;
	return ENGINE_BATCH;
}

static unsigned int engine_cfg_write(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	struct engine *engine = &a->guest->engine;
	const uint32_t sbdf = a->sbdf.sbdf, mask = a->mask;
	const uint16_t reg = a->reg;
	const uint8_t size = a->size;
	uint32_t val = *seed;
	unsigned int i;

	for (i = 0; i < ENGINE_BATCH; i++)
		if (!engine_write(engine, sbdf, reg, size,
				  ++val * 0x9e3779b9u & mask))
			abort();
	*seed = val;
	return ENGINE_BATCH;
}

static unsigned int engine_table_read(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	struct engine *engine = &a->guest->engine;
	const uint64_t gpa = a->gpa;
	uint32_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < ENGINE_BATCH; i++) {
		if (!engine_mmio_read(engine, gpa, &val))
			abort();
		sum += val;
	}
	*seed += sum;
	return ENGINE_BATCH;
}

static unsigned int engine_table_write(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	struct engine *engine = &a->guest->engine;
	const uint64_t gpa = a->gpa;
	const uint32_t mask = a->mask;
	uint32_t val = *seed;
	unsigned int i;

	for (i = 0; i < ENGINE_BATCH; i++)
		if (!engine_mmio_write(engine, gpa, ++val * 0x9e3779b9u & mask))
			abort();
	*seed = val;
	return ENGINE_BATCH;
}

static hf_atomic(uint32_t) loaded;

static uint32_t load(void)
{
	return hf_load_acquire(&loaded);
}

static uint32_t (*volatile indirect)(void) = load;

unsigned int access_floor(void *data, uint32_t *seed)
{
	uint32_t sum = 0;
	unsigned int i;

	(void)data;
	for (i = 0; i < BATCH; i++) {
		plat_rcu_read_lock();
		sum += indirect();
		plat_rcu_read_unlock();
	}
	*seed += sum;
	return BATCH;
}

bench_work *const access_work[ENGINES][2][2] = {
	{ { cfg_read, cfg_write }, { table_read, table_write } },
	{ { engine_cfg_read, engine_cfg_write },
	  { engine_table_read, engine_table_write } },
};
