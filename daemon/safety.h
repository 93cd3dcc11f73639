/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands between a device and everybody else: IOMMU, interrupts, resets. */
#ifndef DAEMON_SAFETY_H
#define DAEMON_SAFETY_H

#include <holdfast/iommu.h>

/* The value of an option into @options: 0; -EINVAL it is none. */
int safety_quarantine(const char *text, struct pci_iommu_options *options);
int safety_fault_limit(const char *text, struct pci_iommu_options *options);

/*
 * After pci_init(): the stages of the core that this host can have. 0 or
 * -errno.
 */
int safety_init(const struct pci_iommu_options *options);

#endif
