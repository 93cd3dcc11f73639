/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include <holdfast/platform.h>

#include "access.h"

/*
 * So many that the clock between them is nothing. The engine has locks, which
 * two threads must not keep for long.
 */
enum { BATCH = 512, ENGINE_BATCH = 64 };

static unsigned int cfg_read(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	uint64_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		if (vpci_read(a->guest->domain, a->sbdf, a->reg, a->size, &val))
			abort();
		sum += val;
	}
	*seed += (uint32_t)sum;
	return BATCH;
}

static unsigned int cfg_write(void *data, uint32_t *seed)
{
	struct accessor *a = data;
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		if (vpci_write(&a->vcpu, a->sbdf, a->reg, a->size,
			       ++*seed * 0x9e3779b9u & a->mask))
			abort();
	return BATCH;
}

static unsigned int table_read(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	uint64_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		if (vpci_mmio_read(a->guest->domain, a->gpa, a->size, &val))
			abort();
		sum += val;
	}
	*seed += (uint32_t)sum;
	return BATCH;
}

static unsigned int table_write(void *data, uint32_t *seed)
{
	struct accessor *a = data;
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		if (vpci_mmio_write(&a->vcpu, a->gpa, a->size,
				    ++*seed * 0x9e3779b9u & a->mask))
			abort();
	return BATCH;
}

static unsigned int engine_cfg_read(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	uint32_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < ENGINE_BATCH; i++) {
		if (!engine_read(&a->guest->engine, a->sbdf.sbdf, a->reg,
				 a->size, &val))
			abort();
		sum += val;
	}
	*seed += sum;
	return ENGINE_BATCH;
}

static unsigned int engine_cfg_write(void *data, uint32_t *seed)
{
	struct accessor *a = data;
	unsigned int i;

	for (i = 0; i < ENGINE_BATCH; i++)
		if (!engine_write(&a->guest->engine, a->sbdf.sbdf, a->reg,
				  a->size, ++*seed * 0x9e3779b9u & a->mask))
			abort();
	return ENGINE_BATCH;
}

static unsigned int engine_table_read(void *data, uint32_t *seed)
{
	const struct accessor *a = data;
	uint32_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < ENGINE_BATCH; i++) {
		if (!engine_mmio_read(&a->guest->engine, a->gpa, &val))
			abort();
		sum += val;
	}
	*seed += sum;
	return ENGINE_BATCH;
}

static unsigned int engine_table_write(void *data, uint32_t *seed)
{
	struct accessor *a = data;
	unsigned int i;

	for (i = 0; i < ENGINE_BATCH; i++)
		if (!engine_mmio_write(&a->guest->engine, a->gpa,
				       ++*seed * 0x9e3779b9u & a->mask))
			abort();
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
	unsigned int i;

	(void)data;
	for (i = 0; i < BATCH; i++) {
		plat_rcu_read_lock();
		*seed += indirect();
		plat_rcu_read_unlock();
	}
	return BATCH;
}

bench_work *const access_work[ENGINES][2][2] = {
	{ { cfg_read, cfg_write }, { table_read, table_write } },
	{ { engine_cfg_read, engine_cfg_write },
	  { engine_table_read, engine_table_write } },
};
