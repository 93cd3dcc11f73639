/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines and units that no fabric is, on the host of counters of
 * tests/device, function by function. One thread, and a clock of our own.
 */
#ifndef TESTS_IOMMU_SHAPE_H
#define TESTS_IOMMU_SHAPE_H

#include "../device/support.h"
#include "../reset/clock.h"
#include "iommu/internal.h"

/* What the unit answers, and how often it was asked. Zero in each test. */
extern struct unit {
	int attach_error; /* to anything but BLOCKED */
	int flush_error, flush_done;
	unsigned int flushes, blocked;
	struct iommu_region region; /* reserved for all; size 0: none */
	pci_sbdf_t confused, with;  /* the first is not told from the second */
} unit;

/*
 * The unit's: neither ATS, nor regions, nor confusion, as little as a unit must
 * have. A test adds to them.
 */
extern struct iommu_ops ops;
int unit_reserved(struct pci_host *host, pci_sbdf_t sbdf, unsigned int i,
		  struct iommu_region *out);
bool unit_tells_apart(struct pci_host *host, pci_sbdf_t sbdf, pci_sbdf_t *with);

/* What each function with ACS says it has switched on, and whether it can be read. */
#define ISOLATES (PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)
extern uint32_t acs_control;
extern int acs_error;
/* What the host's functions answer. */
int answer(pci_sbdf_t sbdf, uint16_t reg, uint8_t size, uint32_t *val);

/* Called once, by a stage before the IOMMU's, of the next one that is added. */
extern void (*on_added)(struct pci_dev *pdev);

extern struct domain *one, *two;

int shape_setup(void **state);          /* with ATS */
int shape_setup_trusting(void **state); /* without confinement in quarantine */
int shape_setup_without(void **state);  /* without the IOMMU's stage */
int shape_teardown(void **state);

#define SHAPE(name) \
	cmocka_unit_test_setup_teardown(name, shape_setup, shape_teardown)

/* --- machines --- */

#define PORT PCI_TYPE_ROOT_PORT
#define EP PCI_TYPE_ENDPOINT

struct shape {
	const char *sbdf, *parent; /* NULL: itself */
	enum pci_dev_type type;
	uint8_t secondary, stride;
	bool acs, vf, ats;
	uint8_t header;
};

void shape(const struct shape *s); /* fails the test if it is refused */
void endpoint(const char *sbdf, const char *parent);
/* @n of them, from 1:0.0 up, below a port without ACS at 0:1.0. */
void many(unsigned int n);

/* An assignment, with its report in @told. */
int give(struct domain *d, const char *sbdf, unsigned int flags);
extern struct pci_assign_report told;

const char *owner(const char *sbdf);
const char *broken(const char *sbdf); /* "": it is not */
struct pci_iommu_info context(const char *sbdf);
/* Made quiet by a removal that then does not end: its DMA comes again. */
void quiesce_and_restore(const char *sbdf);

#endif
