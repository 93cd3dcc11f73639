/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vPCI is compared with: an engine as hypervisors have today. A domain's
 * devices are a list under a reader-writer lock; a device's registers are a
 * list sorted by offset under a spinlock, each with a function to read and one
 * to write; MSI-X tables are found by walking those of the domain. No device
 * is counted, and none can be removed: that would cost it more.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <pthread.h>
#include <stdint.h>

#include "spin.h"

struct engine_reg;

typedef uint32_t engine_read_fn(const struct engine_reg *reg);
typedef void engine_write_fn(struct engine_reg *reg, uint32_t val);

struct engine_reg {
	struct engine_reg *next;
	uint16_t offset;
	uint8_t size;
	engine_read_fn *read;
	engine_write_fn *write;
	uint32_t val;
	void *hw; /* the device's own register */
};

struct engine_entry {
	uint64_t address;
	uint32_t data, control;
};

struct engine_dev {
	struct engine_dev *next;
	uint32_t sbdf;
	uint64_t table; /* guest address of its MSI-X table; 0: none */
	unsigned int entries;
	struct spin lock;
	struct engine_reg *regs;
	struct engine_entry *entry;
};

struct engine {
	pthread_rwlock_t lock;
	struct engine_dev *devs, **last;
};

void engine_init(struct engine *e);
/* The last of the list; no register yet. */
struct engine_dev *engine_add(struct engine *e, uint32_t sbdf, uint64_t table,
			      unsigned int entries);
void engine_add_register(struct engine_dev *dev, const struct engine_reg *reg);

/* Plain values, and the device's own registers. */
engine_read_fn engine_read_value, engine_read_hw;
engine_write_fn engine_write_value, engine_write_hw;

/* Aligned, 1, 2 or 4 bytes. False: no such device. */
bool engine_read(struct engine *e, uint32_t sbdf, uint16_t reg, uint8_t size,
		 uint32_t *val);
bool engine_write(struct engine *e, uint32_t sbdf, uint16_t reg, uint8_t size,
		  uint32_t val);
/* 4 bytes of a table. False: no table there. */
bool engine_mmio_read(struct engine *e, uint64_t gpa, uint32_t *val);
bool engine_mmio_write(struct engine *e, uint64_t gpa, uint32_t val);

#endif
