/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laboratory of the fabric with all stages, as a daemon starts them, and
 * two guests that write down the interrupts that come to them. Messages are
 * real: a device sends what its registers say, through the IOMMU, to the
 * controller.
 */
#ifndef TESTS_IRQ_LAB_H
#define TESTS_IRQ_LAB_H

#include <string.h>

#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/event.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/stage.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "fabric.h"
#include "unit.h"

#define CARD "0000:03:00.0"  /* a tester: MSI and MSI-X of 8 vectors, masks */
#define OTHER "0000:04:00.0" /* another */
#define SPARE "0000:0a:00.0" /* an empty slot */
#define PLAIN "0000:09:00.0" /* MSI of one vector, no mask bits */
#define VF "0000:14:00.1"    /* MSI-X of 8 vectors, no MSI */
#define BARE "0000:10:00.0"  /* a tester without message interrupts */

#define ENTRIES 8             /* of MSI-X: of all that have it */
#define BAR0_AT 0x80000000ull /* where the guests put it */
#define TABLE 0x2000u
#define PBA 0x3000u

/* What guests write, which nobody is to use. */
#define GUEST_ADDRESS 0xfee12340ull
#define GUEST_DATA 0x4567u

#define MSEC PLAT_NSEC_PER_MSEC

struct guest {
	struct domain *d;
	struct vpci_vcpu vcpu;
	pci_sbdf_t slot; /* where it sees what it was last given */
	hf_atomic(uint32_t) came[ENTRIES]; /* since the last look */
	hf_atomic(uint32_t) others;        /* … of anything unexpected */
	hf_atomic(uint32_t) asked;
	bool msix; /* what it expects */
	pci_sbdf_t from;
};

extern struct lab {
	struct fabric *f;
	struct guest one, two;
	hf_atomic(uint32_t) irq_events; /* PCI_EVENT_IRQ */
	struct pci_removal_info removal;
	unsigned int handled[ENTRIES], mishandled;
	/* A guest dies: its interrupts have just been taken, its devices not. */
	void (*on_dying)(void);
} lab;

int lab_setup(void **state);
int lab_setup_options(const struct pci_irq_options *irq, bool controller);
/* Invariants, no violation seen, no vector left. */
int lab_teardown(void **state);

struct pci_dev *get(const char *sbdf); /* counted */
struct pci_irq_info info_of(const char *sbdf);
struct fabric_counts counts_of(const char *sbdf);
uint64_t vectors(void); /* the controller's; the core's count agrees */

/* Assignment, which must succeed; the guest's BAR 0 is put in place, too. */
void give(struct guest *g, const char *sbdf);
int try_give(struct guest *g, const char *sbdf);
void take(struct guest *g, const char *sbdf);
int remove_dev(const char *sbdf, unsigned int flags, uint64_t timeout);
/* It dies: once. */
void kill_guest(struct guest *g);

/* --- the guest's accesses ---------------------------------------------------- */

uint32_t rd(struct guest *g, uint16_t reg, uint8_t size);
void wr(struct guest *g, uint16_t reg, uint8_t size, uint32_t val);
uint64_t mmio_rd(struct guest *g, uint32_t offset, uint8_t size);
void mmio_wr(struct guest *g, uint32_t offset, uint8_t size, uint64_t val);
void master(struct guest *g, bool on);
/* What its writes have set going is done when this returns. */
void settle(struct guest *g);
/* A reset by its Device Control register, done when this returns. */
void flr(struct guest *g);

/* MSI; by the desc of what it was given. */
void msi_on(struct guest *g, unsigned int vectors); /* address, data, and on */
void msi_off(struct guest *g);
void msi_mask(struct guest *g, uint32_t mask);
uint32_t msi_pending(struct guest *g);
/* MSI-X: Message Control, and an entry. */
void msix_flags(struct guest *g, uint16_t flags);
void msix_entry(struct guest *g, unsigned int i); /* address, data, unmask */
void msix_mask(struct guest *g, unsigned int i, bool masked);
bool msix_pending(struct guest *g, unsigned int i);

#define MSIX_ON PCI_MSIX_FLAGS_ENABLE
#define MSIX_ALL PCI_MSIX_FLAGS_MASKALL

/* --- the device's ------------------------------------------------------------------ */

uint32_t hw(const char *sbdf, unsigned int reg, uint8_t size);
void hw_put(const char *sbdf, unsigned int reg, uint8_t size, uint32_t val);
uint64_t hw_bar0(const char *sbdf);
uint16_t msi_at(const char *sbdf);
uint16_t msix_at(const char *sbdf);
bool hw_msi_on(const char *sbdf);
uint32_t hw_msi_mask(const char *sbdf);
struct msi_message hw_msi(const char *sbdf);
bool hw_msix_on(const char *sbdf);
bool hw_msix_masked(const char *sbdf, unsigned int i);
struct msi_message hw_msix(const char *sbdf, unsigned int i);
/* The controller's, not what the guest wrote. */
void assert_hosts(struct msi_message m);

/* It raises vector @i; as fabric_interrupt(). */
int raise_irq(const char *sbdf, unsigned int i);
/* It writes @m as a device's driver could make it. */
int forge(const char *sbdf, struct msi_message m, unsigned int i);

/* --- the hypervisor's own, by address ------------------------------------------------- */

#define MSI PCI_VECTOR_MSI
#define MSIX PCI_VECTOR_MSIX

/* To a handler that notes what comes. */
int bind(const char *sbdf, enum pci_vector_kind kind, unsigned int first,
	 unsigned int count);
int unbind(const char *sbdf, enum pci_vector_kind kind, unsigned int first,
	   unsigned int count);
int mask(const char *sbdf, enum pci_vector_kind kind, unsigned int i,
	 bool masked);
void bind_unmasked(const char *sbdf, enum pci_vector_kind kind,
		   unsigned int first, unsigned int count);
/* The handler was called for @i so often, and for nothing else; and forget. */
void assert_handled(unsigned int i, unsigned int n);
void works(const char *sbdf, unsigned int i); /* it is, when it is raised */
/* Memory decoding and bus mastering, as a driver does. */
void switch_on(const char *sbdf);

/* --- what came ---------------------------------------------------------------------- */

/* Vector @i came @n times, nothing else; and forget it. */
void assert_came(struct guest *g, unsigned int i, unsigned int n);
void assert_silence(struct guest *g);

#define LAB(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)

#endif
