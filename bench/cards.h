/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host in memory with as many functions as are wanted, all alike and each on
 * a root bus, with an IOMMU that does at once what it is told. It behaves as
 * far as the core looks, costs next to nothing, and allocates nothing through
 * the platform: what is measured is the core.
 */
#ifndef BENCH_CARDS_H
#define BENCH_CARDS_H

#include <holdfast/host.h>
#include <holdfast/iommu.h>

struct cards {
	unsigned int count;
	/* Between two of them: 8, each a device of its own; 1: eight functions
	 * of a device, which has no ACS: one isolation group. */
	unsigned int step;
	unsigned int msix; /* entries; 0: no MSI-X */
	bool flr;
	bool iommu;
};

enum {
	CARDS_VENDOR = 0x1af4,
	CARDS_MSIX_BAR_SIZE = 0x10000,
};

/* Which modules are started. */
enum cards_modules { CARDS_DEVICE, CARDS_ALL, CARDS_ALL_AND_RESET };

/*
 * Once in a process: pci_init(), the modules, and segments for @cards, from 0
 * on. No device is added. What does not work is an abort().
 */
void cards_start(const struct cards *cards, enum cards_modules modules);

/* Run @run in a process of its own, so that it may; abort() if it does not end. */
void cards_process(void (*run)(const struct cards *cards),
		   const struct cards *cards);

/* Where the nth function is. */
pci_sbdf_t cards_at(unsigned int n);

/* Add them by a scan of all segments (not with CARDS_DEVICE). */
void cards_scan(void);
/* Add those from @first on by their description, as a platform may. */
void cards_register(unsigned int first, unsigned int n);

/* The nth one, for @d; returns where that sees it: each in a slot of its own. */
pci_sbdf_t cards_assign(struct domain *d, unsigned int n);

#endif
