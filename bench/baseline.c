/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <stdlib.h>

#include "baseline.h"

struct baseline_dev {
	_Alignas(64) struct baseline_dev *next;
	uint32_t name, refs; /* refs: guarded by the lock */
};

struct baseline {
	pthread_mutex_t lock;
	struct baseline_dev *first, *dev;
};

struct baseline *baseline_create(uint32_t count)
{
	struct baseline *base = calloc(1, sizeof(*base));
	uint32_t i;

	if (!base)
		abort();
	base->dev = aligned_alloc(64, count * sizeof(*base->dev));
	if (!base->dev)
		abort();
	pthread_mutex_init(&base->lock, NULL);
	for (i = count; i-- > 0;) {
		base->dev[i].name = i;
		base->dev[i].refs = 1;
		base->dev[i].next = base->first;
		base->first = &base->dev[i];
	}
	return base;
}

void baseline_destroy(struct baseline *base)
{
	pthread_mutex_destroy(&base->lock);
	free(base->dev);
	free(base);
}

struct baseline_dev *baseline_get(struct baseline *base, uint32_t name)
{
	struct baseline_dev *dev;

	pthread_mutex_lock(&base->lock);
	for (dev = base->first; dev && dev->name != name; dev = dev->next)
		;
	if (dev)
		dev->refs++;
	pthread_mutex_unlock(&base->lock);
	return dev;
}

void baseline_put(struct baseline *base, struct baseline_dev *dev)
{
	pthread_mutex_lock(&base->lock);
	dev->refs--;
	pthread_mutex_unlock(&base->lock);
}
