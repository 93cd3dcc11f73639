/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "baseline.h"

static void *zeroed(size_t size)
{
	size_t whole = (size + 63) / 64 * 64;
	void *p = aligned_alloc(64, whole);

	if (!p)
		abort();
	return memset(p, 0, whole);
}

/* The bus of @name, made if it is the first one there. */
static struct baseline_bus *bus_of(struct baseline *base, uint32_t name)
{
	hf_atomic(struct baseline_segment *) *seg = &base->segment[name >> 16];
	hf_atomic(struct baseline_bus *) * bus;

	if (!hf_load_relaxed(seg))
		hf_store_release(seg, zeroed(sizeof(struct baseline_segment)));
	bus = &hf_load_relaxed(seg)->bus[name >> 8 & 0xff];
	if (!hf_load_relaxed(bus))
		hf_store_release(bus, zeroed(sizeof(struct baseline_bus)));
	return hf_load_relaxed(bus);
}

void baseline_insert(struct baseline *base, struct baseline_dev *dev)
{
	list_add_tail(&base->entry[dev - base->dev].entry, &base->list);
	hf_store_release(&bus_of(base, dev->name)->slot[dev->name & 0xff], dev);
}

void baseline_erase(struct baseline *base, struct baseline_dev *dev)
{
	list_del(&base->entry[dev - base->dev].entry);
	hf_store_release(&bus_of(base, dev->name)->slot[dev->name & 0xff],
			 NULL);
}

struct baseline *baseline_create(uint32_t count)
{
	struct baseline *base = zeroed(sizeof(*base));
	uint32_t i;

	base->dev = zeroed(count * sizeof(*base->dev));
	base->entry = zeroed(count * sizeof(*base->entry));
	pthread_rwlock_init(&base->rwlock, NULL);
	list_init(&base->list);
	for (i = 0; i < count; i++) {
		base->dev[i].name = i;
		base->entry[i].dev = &base->dev[i];
		base->entry[i].name = i;
		hf_init(&base->dev[i].refs, 1);
		baseline_insert(base, &base->dev[i]);
	}
	return base;
}
