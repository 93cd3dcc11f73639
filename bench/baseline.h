/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lookup is compared with: registries of devices that are numbers. They
 * do the least that a lookup needs. A device is one cache line, and what a walk
 * of the list reads is apart from it and takes half a line, so that the walk of
 * a long list waits for little but its own steps: kinder to them than real
 * device objects are.
 *
 * In all of them a device is found and its count raised under the lock, and
 * the count is lowered without it.
 *
 *   spin list     a recursive global spinlock and a list, as hypervisors have
 *   rwlock list   a reader-writer lock and a list
 *   rwlock table  a reader-writer lock and the core's kind of table
 *   RCU table     a read-side section, the table, and no reference at all: the
 *                 floor of any lookup; nothing is ever removed from it
 */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include <pthread.h>
#include <stdint.h>

#include <holdfast/atomic.h>
#include <holdfast/list.h>
#include <holdfast/platform.h>

#include "cold.h"
#include "spin.h"

struct baseline_dev {
	_Alignas(64) uint32_t name;
	hf_atomic(uint32_t) refs;
};

/* In the list. */
struct baseline_entry {
	_Alignas(32) struct list_head entry;
	struct baseline_dev *dev;
	uint32_t name;
};

struct baseline_bus {
	hf_atomic(struct baseline_dev *) slot[256];
};

struct baseline_segment {
	hf_atomic(struct baseline_bus *) bus[256];
};

#define BASELINE_SEGMENTS 5

struct baseline {
	struct spin spin;
	_Alignas(64) pthread_rwlock_t rwlock;
	_Alignas(64) struct list_head list;
	hf_atomic(struct baseline_segment *) segment[BASELINE_SEGMENTS];
	struct baseline_dev *dev;
	struct baseline_entry *entry;
};

/* Devices named 0 … @count - 1. */
struct baseline *baseline_create(uint32_t count);

/* In the list and in the table; the caller has the lock. */
void baseline_insert(struct baseline *base, struct baseline_dev *dev);
void baseline_erase(struct baseline *base, struct baseline_dev *dev);

static inline struct baseline_dev *baseline_walk(struct baseline *base,
						 uint32_t name)
{
	struct baseline_entry *e;

	list_for_each(e, &base->list, struct baseline_entry, entry)
		if (e->name == name)
			return e->dev;
	return NULL;
}

static inline struct baseline_dev *baseline_index(struct baseline *base,
						  uint32_t name)
{
	struct baseline_segment *seg =
		hf_load_acquire(&base->segment[name >> 16]);
	struct baseline_bus *bus =
		seg ? hf_load_acquire(&seg->bus[name >> 8 & 0xff]) : NULL;

	return bus ? hf_load_acquire(&bus->slot[name & 0xff]) : NULL;
}

/* No cache has it, after a cold_wait(). */
static inline void baseline_cold_slot(struct baseline *base, uint32_t name)
{
	struct baseline_segment *seg =
		hf_load_acquire(&base->segment[name >> 16]);
	struct baseline_bus *bus = hf_load_acquire(&seg->bus[name >> 8 & 0xff]);

	cold_bytes(&bus->slot[name & 0xff], sizeof(bus->slot[0]));
}

static inline struct baseline_dev *baseline_ref(struct baseline_dev *dev)
{
	if (dev)
		hf_fetch_add_relaxed(&dev->refs, 1);
	return dev;
}

static inline void baseline_put(struct baseline_dev *dev)
{
	hf_fetch_sub_release(&dev->refs, 1);
}

static inline struct baseline_dev *baseline_spin_list(struct baseline *base,
						      uint32_t name)
{
	struct baseline_dev *dev;

	spin_lock(&base->spin);
	dev = baseline_ref(baseline_walk(base, name));
	spin_unlock(&base->spin);
	return dev;
}

static inline struct baseline_dev *baseline_rwlock_list(struct baseline *base,
							uint32_t name)
{
	struct baseline_dev *dev;

	pthread_rwlock_rdlock(&base->rwlock);
	dev = baseline_ref(baseline_walk(base, name));
	pthread_rwlock_unlock(&base->rwlock);
	return dev;
}

static inline struct baseline_dev *baseline_rwlock_table(struct baseline *base,
							 uint32_t name)
{
	struct baseline_dev *dev;

	pthread_rwlock_rdlock(&base->rwlock);
	dev = baseline_ref(baseline_index(base, name));
	pthread_rwlock_unlock(&base->rwlock);
	return dev;
}

/* Whether there is one; looks at it, too. */
static inline bool baseline_rcu_table(struct baseline *base, uint32_t name)
{
	struct baseline_dev *dev;
	bool found;

	plat_rcu_read_lock();
	dev = baseline_index(base, name);
	found = dev && hf_load_relaxed(&dev->refs);
	plat_rcu_read_unlock();
	return found;
}

#endif
