/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions that can be reset, on the fake host. Every write is logged, and the
 * IOMMU's count of refused requests is theirs (--wrap=iommu_fault_total).
 */
#ifndef TESTS_RESET_SUPPORT_H
#define TESTS_RESET_SUPPORT_H

#include <holdfast/iommu.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "../config/fake_host.h"
#include "clock.h"

#define PORT "0000:00:01.0" /* a root port; its bus is 1 */
#define CARD "0000:01:00.0"
#define OTHER "0000:01:00.1"
#define LEGACY "0000:00:02.0" /* a bridge to conventional PCI; its bus is 2 */
#define OLD "0000:02:00.0"

#define PM 0x40
#define MSI 0x50
#define MSIX 0x60
#define EXPRESS 0x70
#define AF 0xb0
#define DEVCTL (EXPRESS + PCI_EXP_DEVCTL)

#define BAR0_AT 0xa0000000u
#define BAR1_AT 0xb0000000u
#define HOST_DEVCTL 0x2927

/* What a function does when it is reset. */
struct unit {
	unsigned int resets;
	bool ignores, dies, masters, pends, changes, faults;
	uint64_t absent_for;    /* all-ones so long, or */
	unsigned int retries;   /* retry status for so many reads of the ID */
	uint64_t pending_for;   /* Transactions Pending before it */
	uint64_t back, quiet;   /* when it answers, and pends nothing */
	uint64_t faulted;       /* requests refused */
	uint8_t power_on[4096]; /* registers after a reset */
};

struct write {
	uint64_t time;
	struct fake_fn *fn;
	uint16_t reg;
	uint32_t val;
};

extern struct given {
	struct domain *one, *two;
	struct pci_assign_report report;
	struct unit unit[ARRAY_SIZE(fake.fn)];
	struct write write[4096];
	unsigned int writes;
	unsigned int in_reset; /* accesses behind a bridge that resets: a fault */
} given;

int given_setup(void **state); /* all stages but iommu; two guests */
int given_teardown(void **state);

/* Capabilities of a function to be: bits (1 << method), and */
enum {
	HAS_FLR = 1 << PCI_RESET_FLR,
	HAS_AF = 1 << PCI_RESET_AF,
	HAS_PM = 1 << PCI_RESET_PM,
	HAS_BUS = 1 << PCI_RESET_BUS,
	HAS_NOTHING = 0,
};

void ports(void); /* PORT and LEGACY, registered */
/* An endpoint that firmware has set up, registered; on @sbdf. */
struct fake_fn *card(const char *sbdf, unsigned int has);
struct unit *unit_of(const char *sbdf);
void reset_now(struct fake_fn *fn);
/* fake.on_access, for a test that has one of its own. */
void units_go_on(struct fake_fn *fn, bool is_write, uint16_t reg);

/* The first write since @from of @reg with a bit of @bits; NULL: none. */
const struct write *wrote(unsigned int from, struct fake_fn *fn, uint16_t reg,
			  uint32_t bits);
/* … without one. */
const struct write *cleared(unsigned int from, struct fake_fn *fn, uint16_t reg,
			    uint32_t bits);

uint32_t hw(const char *sbdf, uint16_t reg, uint8_t size);
int give(struct domain *d, const char *sbdf);
int take(struct domain *d, const char *sbdf);
const char *owner(const char *sbdf);
const char *broken(const char *sbdf); /* "" if it is not */
/* By any method; the method, or the error. */
int reset_any(const char *sbdf);

#define GIVEN(name) \
	cmocka_unit_test_setup_teardown(name, given_setup, given_teardown)

#endif
