/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of core/iommu share.
 *
 *   assign.c   assigning and taking back, alone or as a group
 *   group.c    isolation groups
 *   stage.c    the stage "iommu": ACS
 *
 * struct pci_iommu is made before a device is published and freed with it.
 */
#ifndef CORE_IOMMU_INTERNAL_H
#define CORE_IOMMU_INTERNAL_H

#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>

#include "config/internal.h"
#include "device/internal.h"

extern bool iommu_on; /* fixed: pci_iommu_init() was called */

struct pci_iommu {
	uint16_t acs; /* fixed: of ACS Control, what is on */
};

struct group_entry {
	struct pci_dev *pdev; /* owns a reference */
	struct pci_group_member info;
};

struct group {
	unsigned int n;
	struct group_entry *entry; /* owned; PCI_GROUP_MAX; the first: asked */
	pci_sbdf_t busy;           /* -EBUSY: which one */
};

/*
 * The group of @pdev, on which the caller has a reference; group_put() in the
 * end, also after an error. 0; -E2BIG; -ENOMEM; -EBUSY a member is being
 * drained.
 */
int group_find(struct group *g, struct pci_dev *pdev) __must_check;
void group_put(struct group *g);

#endif
