/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See memory.h. One lock guards every struct guest_memory, since a guest may be
 * destroyed while its creation is not over. Whoever comes first: a dying domain
 * maps nothing, so that no memory is given after memory_take().
 */
#include "memory.h"

#include <pthread.h>

#include <holdfast/errno.h>
#include <holdfast/iommu.h>

#include "hosts.h"
#include "unit.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Under lock. */
static int give(struct domain *d, struct guest_memory *m, uint64_t size)
{
	struct fabric *f = host_fabric();
	uint64_t hpa;
	int err = fabric_ram_alloc(f, domain_id(d), size, &hpa);

	if (err)
		return err;
	err = domain_dma_map(d, 0, hpa, size, IOMMU_READ | IOMMU_WRITE);
	if (err)
		(void)fabric_ram_free(f, hpa, size);
	else
		*m = (struct guest_memory){ hpa, size };
	return err;
}

int memory_give(struct domain *d, struct guest_memory *m, uint64_t size)
{
	int err;

	if (!host_fabric())
		return -EOPNOTSUPP;
	pthread_mutex_lock(&lock);
	err = give(d, m, size);
	pthread_mutex_unlock(&lock);
	return err;
}

void memory_take(struct guest_memory *m)
{
	pthread_mutex_lock(&lock);
	if (m->size)
		(void)fabric_ram_free(host_fabric(), m->hpa, m->size);
	*m = (struct guest_memory){ 0 };
	pthread_mutex_unlock(&lock);
}

struct guest_memory memory_of(const struct guest_memory *m)
{
	struct guest_memory copy;

	pthread_mutex_lock(&lock);
	copy = *m;
	pthread_mutex_unlock(&lock);
	return copy;
}
