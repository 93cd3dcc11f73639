/* SPDX-License-Identifier: BSD-2-Clause */
/* See deliveries.h. A guest has few devices: a list will do. */
#include "deliveries.h"

#include <stdlib.h>

struct device {
	struct list_head entry;
	pci_sbdf_t sbdf;
	uint64_t count;
};

void deliveries_init(struct deliveries *all)
{
	pthread_mutex_init(&all->lock, NULL);
	list_init(&all->devices);
	all->total = 0;
}

void deliveries_fini(struct deliveries *all)
{
	while (!list_empty(&all->devices)) {
		struct device *dev =
			list_first(&all->devices, struct device, entry);

		list_del(&dev->entry);
		free(dev);
	}
	pthread_mutex_destroy(&all->lock);
}

/* Under the lock. */
static struct device *find(struct deliveries *all, pci_sbdf_t sbdf)
{
	struct device *dev;

	list_for_each(dev, &all->devices, struct device, entry)
		if (dev->sbdf.sbdf == sbdf.sbdf)
			return dev;
	return NULL;
}

void deliveries_add(struct deliveries *all, pci_sbdf_t sbdf)
{
	struct device *dev;

	pthread_mutex_lock(&all->lock);
	all->total++;
	dev = find(all, sbdf);
	if (!dev && (dev = calloc(1, sizeof(*dev)))) {
		dev->sbdf = sbdf;
		list_add_tail(&dev->entry, &all->devices);
	}
	if (dev)
		dev->count++;
	pthread_mutex_unlock(&all->lock);
}

uint64_t deliveries_of(struct deliveries *all, pci_sbdf_t sbdf)
{
	struct device *dev;
	uint64_t count;

	pthread_mutex_lock(&all->lock);
	dev = find(all, sbdf);
	count = dev ? dev->count : 0;
	pthread_mutex_unlock(&all->lock);
	return count;
}

uint64_t deliveries_total(struct deliveries *all)
{
	uint64_t total;

	pthread_mutex_lock(&all->lock);
	total = all->total;
	pthread_mutex_unlock(&all->lock);
	return total;
}
