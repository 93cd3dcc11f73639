/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function of the fake host, given to a guest: what the guest reads and
 * writes of it, what is mapped for it, what reaches hardware.
 */
#ifndef TESTS_VPCI_GIVEN_H
#define TESTS_VPCI_GIVEN_H

#include "../config/fake_host.h"
#include "vpci/internal.h"

#define GIVEN "00:03.0"
#define BAR0_AT 0xfe000000u
#define EXPRESS 0x60 /* where the tests put capabilities */
#define MSI_CAP 0xb0
#define SCRATCH 0x40 /* a register of hardware, of 8 bytes */

extern struct given {
	struct fake_fn *fn;
	const char *name;
	struct domain *guest;
	struct vpci_vcpu vcpu;
	pci_sbdf_t vsbdf;
	uint64_t gpa, hpa, mapped; /* the last one; bytes in all */
	struct pci_vector vector;  /* told last */
} given;

int given_setup(void **state); /* an endpoint with a BAR of 64 KiB, not added */
int given_teardown(void **state);

/* Add @name (or what is there by now) and assign it; anywhere, or to @vsbdf. */
void give(const char *name);
int give_at(const char *name, pci_sbdf_t vsbdf);
void take_back(void);

/* The guest's; a write's work is left for work(). */
uint32_t rd(uint16_t reg, uint8_t size);
void wr(uint16_t reg, uint8_t size, uint32_t val);
void work(void); /* until it is done */

/* Hardware's, without being an access. */
uint32_t hw(uint16_t reg, uint8_t size);
void hw_put(uint16_t reg, uint8_t size, uint32_t val);

void add_msi(void); /* at MSI_CAP, before the function is added */

/* Of it, or of another function, as @d sees it now. */
uint64_t see(struct domain *d, pci_sbdf_t addr, uint16_t reg, uint8_t size);
uint64_t host_sees(uint16_t reg, uint8_t size);
void host_writes(uint16_t reg, uint8_t size, uint64_t val);

struct vpci *view_of(const char *name); /* while nobody moves the device */

#define GIVEN_CASE(name) \
	cmocka_unit_test_setup_teardown(name, given_setup, given_teardown)

#endif
