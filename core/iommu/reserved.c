/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reserved regions: what firmware or the unit keeps of the addresses of a
 * device. A domain cannot have the two at one address.
 */
#include "iommu/internal.h"

/* The @i-th of a device. False: there are no more. */
bool iommu_region_of(struct pci_dev *pdev, unsigned int i,
		     struct iommu_region *region)
{
	struct pci_host *host = pdev->pseg->host;

	return host->iommu->reserved &&
	       !host->iommu->reserved(host, pdev->desc.sbdf, i, region);
}

bool iommu_has_region(struct pci_dev *pdev, uint64_t at, uint64_t size)
{
	struct iommu_region region;
	unsigned int i;

	for (i = 0; iommu_region_of(pdev, i, &region); i++)
		if (dma_overlaps(at, size, region.start, region.size))
			return true;
	return false;
}

int iommu_check_regions(struct pci_dev *pdev, struct domain *d, bool relaxed,
			struct iommu_region *region)
{
	struct pci_dma *dma = hf_load_acquire(&d->dma);
	unsigned int i;
	bool ok;

	for (i = 0; iommu_region_of(pdev, i, region); i++) {
		if (region->kind == IOMMU_REGION_DIRECT && !relaxed)
			return -EPERM;
		if (!dma)
			continue;
		pci_lock(&dma->lock);
		ok = dma_is_free(dma, region->start, region->size);
		pci_unlock(&dma->lock);
		if (!ok)
			return -EPERM;
	}
	return 0;
}
