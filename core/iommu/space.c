/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of one domain in the units of one host, and their end: with the
 * last reference, the domain's own or that of a device whose context the unit
 * has forgotten. A reference that is given up, because a unit does not answer,
 * keeps them to pci_fini().
 */
#include "iommu/internal.h"

hf_atomic(uint64_t) iommu_spaces;

static struct pci_lock spaces_lock; /* LOCK_LEAF */
static struct list_head all_spaces;

static void space_free(struct dma_space *space)
{
	pci_lock(&spaces_lock);
	list_del(&space->all);
	pci_unlock(&spaces_lock);
	space->host->iommu->space_destroy(space->host, space->space);
	hf_fetch_sub_release(&iommu_spaces, 1);
	plat_free(space);
}

void iommu_space_put(struct dma_space *space)
{
	if (!space || hf_fetch_sub_release(&space->refs, 1) != 1)
		return;
	(void)hf_load_acquire(&space->refs);
	space_free(space);
}

int iommu_space_new(struct pci_host *host, struct domain *d,
		    struct dma_space **out)
{
	struct dma_space *space = plat_zalloc(sizeof(*space));
	int err;

	if (!space)
		return -ENOMEM;
	hf_init(&space->refs, 1);
	space->host = host;
	err = host->iommu->space_create(host, d->id, &space->space);
	if (err) {
		plat_free(space);
		return err;
	}
	hf_fetch_add_relaxed(&iommu_spaces, 1);
	pci_lock(&spaces_lock);
	list_add_tail(&space->all, &all_spaces);
	pci_unlock(&spaces_lock);
	*out = space;
	return 0;
}

void iommu_spaces_init(void)
{
	list_init(&all_spaces);
	pci_lock_init(&spaces_lock, LOCK_LEAF, "IOMMU spaces", 0);
}

void iommu_spaces_free(void)
{
	while (!list_empty(&all_spaces))
		space_free(list_first(&all_spaces, struct dma_space, all));
	pci_lock_destroy(&spaces_lock);
}
