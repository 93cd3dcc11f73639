/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function with message interrupts, and the guest that has it: one that
 * writes down whatever it is told of vectors.
 */
#ifndef TESTS_VPCI_MESSAGE_H
#define TESTS_VPCI_MESSAGE_H

#include "../config/fake_host.h"
#include "vpci/internal.h"

#define MESSAGE_DEV "00:03.0"
#define MESSAGE_CAP 0x50 /* where the tests put the capability */

struct message {
	struct fake_fn *fn;
	struct domain *guest;
	struct vpci_vcpu vcpu;
	pci_sbdf_t vsbdf;
	unsigned int touched; /* writes to the capability in hardware */
	unsigned int ntold;
	struct pci_vector told[2 * PCI_MSIX_MAX_ENTRIES];
};

extern struct message message;

/* The function, without capabilities yet; BARs 0 and 2 have 64 KiB each. */
int message_setup(void **state);
int message_teardown(void **state);
/* Add it and give it to the guest, as it is now. */
void message_assign(void);
struct vpci *message_view(void); /* in a section, or while nobody moves it */
void message_lock(void);
void message_unlock(void);

/* The guest's accesses; at MESSAGE_CAP + @reg. */
uint32_t cap_read(uint16_t reg, uint8_t size);
void cap_write(uint16_t reg, uint8_t size, uint32_t val);

/* It was told @n times since the last call: message.told[0] to [n - 1]. */
void assert_told(unsigned int n);
void assert_vector(const struct pci_vector *v, unsigned int index, bool enabled,
		   bool masked);

#define MESSAGE_CASE(name) \
	cmocka_unit_test_setup_teardown(name, message_setup, message_teardown)

#endif
