/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See safety.h. A host without an IOMMU that takes writes (a dump) changes
 * nothing but its own memory: its devices are handed out without confinement
 * and without a reset. A real one is only looked at: there the stage tells the
 * isolation groups.
 */
#include "safety.h"

#include <stdlib.h>
#include <string.h>

#include <holdfast/errno.h>
#include <holdfast/irq.h>
#include <holdfast/reset.h>

#include "hosts.h"

#define FAULT_LIMIT_MAX 1000000

int safety_quarantine(const char *text, struct pci_iommu_options *options)
{
	static const char *const name[] = {
		[PCI_QUARANTINE_BASIC] = "basic",
		[PCI_QUARANTINE_SCRATCH] = "scratch",
		[PCI_QUARANTINE_NONE] = "none",
	};

	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		if (!strcmp(text, name[i])) {
			options->quarantine = (enum pci_quarantine)i;
			return 0;
		}
	}
	return -EINVAL;
}

int safety_fault_limit(const char *text, struct pci_iommu_options *options)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !n || n > FAULT_LIMIT_MAX)
		return -EINVAL;
	options->fault_limit = (unsigned int)n;
	return 0;
}

int safety_init(const struct pci_iommu_options *options)
{
	int err = 0;

	if (host_confines() || host_read_only())
		err = pci_iommu_init(options);
	if (!err && host_confines())
		err = pci_irq_init(NULL);
	if (!err && host_confines())
		err = pci_reset_init();
	return err;
}
