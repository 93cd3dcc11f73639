/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laboratory (fabric:lab) with all stages, two guests, memory for each, and
 * a clock that stands still (clock.h). What tests leave behind is found out at
 * the end: contexts, tables, mappings, flushes.
 */
#ifndef TESTS_IOMMU_LAB_H
#define TESTS_IOMMU_LAB_H

#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "../reset/clock.h"
#include "fabric.h"
#include "unit.h"

#define NIC "0000:03:00.0" /* testers alone in their groups, with ATS */
#define DISK "0000:04:00.0"
#define THIRD "0000:05:00.0"
#define OTHER_HOST "0001:01:00.0" /* in another segment */
#define TWIN_0 "0000:0d:00.0"     /* below a switch without ACS */
#define TWIN_1 "0000:0e:00.0"
#define FUNCTION_0 "0000:0f:00.0" /* of one device, without ACS */
#define FUNCTION_1 "0000:0f:00.1"
#define PHANTOM "0000:10:00.0" /* is also */
#define GHOST "0000:10:00.4"
#define OLD_0 "0000:12:00.0" /* conventional PCI, seen as the first of them */
#define OLD_1 "0000:12:01.0"
#define OLDEST "0001:02:01.0" /* behind a bridge without PCIe, seen as that */
#define OLDEST_BRIDGE "0001:00:1e.0"
#define FIRMWARE "0000:13:00.0" /* with reserved regions */
#define SLOT "0000:00:08.0"     /* empty; what is plugged answers at */
#define PLUGGED "0000:15:00.0"
#define SEEN "0000:00:0a.0" /* the IOMMU takes the second for the first */
#define UNSEEN "0000:00:0b.0"

#define DMA 0x10000ull /* where guests map things */
#define PAGE FABRIC_PAGE
#define PAGES 16u /* of each domain's memory */
#define RW (IOMMU_READ | IOMMU_WRITE)
#define MSEC PLAT_NSEC_PER_MSEC

extern struct lab {
	struct fabric *f, *second; /* second: of a test; closed at the end */
	struct domain *one, *two;
	uint64_t host, mine, yours; /* memory of dom0, "one", "two" */
	struct pci_assign_report report;
	struct pci_iommu_stats before;
	unsigned int work; /* how often a fault wanted pci_iommu_work() */
	unsigned int kept; /* spaces that a unit does not let go of */
	/* The allocation that fails, 1: the next; 0: none. Then 0 again. */
	unsigned int fail_in;
	/* Or something happens there. */
	void (*meanwhile)(void);
} lab;

/* With options all 0; with ATS. */
int lab_setup(void **state);
int lab_setup_ats(void **state);
int lab_open(const struct pci_iommu_options *options);
int lab_teardown(void **state);

struct pci_dev_info info_of(const char *device);
struct pci_iommu_info query(const char *device);
const char *owner(const char *device);
const char *broken(const char *device); /* "" if it is not */
struct fabric_unit_info unit_now(void);
struct pci_iommu_stats stats_now(void); /* since the setup */

/* With the rest of its group; it keeps sending, whatever Bus Master says. */
void give(struct domain *d, const char *device);
int try_give(struct domain *d, const char *device, unsigned int flags);
int take(struct domain *d, const char *device);
int force_off(const char *device);
void spoil(const char *device, enum fabric_fault_kind kind);
/* By the owner's write of Command: its Bus Master, as hardware has it then. */
bool set_master(struct domain *d, const char *device, bool on);
bool has_master(const char *device);

int map(struct domain *d, uint64_t dma, uint64_t hpa, unsigned int pages);
int unmap(struct domain *d, uint64_t dma, unsigned int pages);

/* A write of a number used only once; the answer of fabric_dma_write(). */
int dma(const char *device, uint64_t dma);
/* … and arrived at @hpa. */
bool arrives(const char *device, uint64_t dma, uint64_t hpa);
/* Writes arrive there, and reads come from there. */
void reaches(const char *device, uint64_t dma, uint64_t hpa);
/* Neither does anything but a fault. */
void faults(const char *device, uint64_t dma);

#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)
#define LAB_ATS(test) \
	cmocka_unit_test_setup_teardown(test, lab_setup_ats, lab_teardown)

#endif
