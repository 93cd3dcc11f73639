/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab, with a core that binds vectors, and two guests that count what they
 * are told. Messages are the fabric's: its controller judges who sends them.
 */
#ifndef TESTS_IRQ_SUPPORT_H
#define TESTS_IRQ_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/event.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "fabric.h"
#include "unit.h"

#define DEV "0000:03:00.0"   /* MSI of 8 with masks, MSI-X of 8 */
#define OTHER "0000:04:00.0" /* the same */
#define PLAIN "0000:12:00.0" /* MSI of 1 without masks */
#define ENTRIES 8u
#define VECTORS 8u

struct guest {
	struct domain *d;
	struct vpci_vcpu vcpu;
	pci_sbdf_t vsbdf;
	unsigned int msi[VECTORS], msix[ENTRIES], all;
};

extern struct fabric *f;
extern struct guest one, two;
extern unsigned int failures; /* PCI_EVENT_IRQ since the start */

int set_up(void **state);
int tear_down(void **state); /* no vector, no violation is left */

pci_sbdf_t at(const char *text);
struct pci_dev *get(const char *device); /* counted */
uint16_t cap(const char *device, uint8_t id);
struct pci_irq_info info(const char *device);
/* Hardware's, from outside. */
uint32_t hw(const char *device, uint16_t reg, uint8_t size);
void hw_put(const char *device, uint16_t reg, uint8_t size, uint32_t val);
uint32_t hw_entry(const char *device, unsigned int i, unsigned int reg);
uint64_t vectors(void); /* the controller's, and the core says so, too */

/* To a guest, with bus mastering and BAR 0 at GUEST_BAR. */
#define GUEST_BAR 0x80000000u
int give(struct guest *g, const char *device);
void take(struct guest *g, const char *device);
uint32_t rd(struct guest *g, uint16_t reg, uint8_t size);
void wr(struct guest *g, uint16_t reg, uint8_t size, uint32_t val);
void work(struct guest *g);
/* Its MSI-X: address and data of the guest's own, then the mask. */
void entry(struct guest *g, unsigned int i, bool masked);
void msix(struct guest *g, uint16_t flags);
uint64_t pba(struct guest *g);
/* MSI with 1 << @log2 vectors; UINT_MAX: off. */
void msi(struct guest *g, unsigned int log2);
void msi_mask(struct guest *g, uint32_t mask);

#define IRQ_CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
