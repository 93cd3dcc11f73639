/* SPDX-License-Identifier: BSD-2-Clause */
/* A host of nothing but counters, and short names for what tests do a lot. */
#ifndef TESTS_DEVICE_SUPPORT_H
#define TESTS_DEVICE_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../at.h"
#include "device/internal.h"

#define MSEC PLAT_NSEC_PER_MSEC

struct test_host {
	struct pci_host host;
	hf_atomic(uint32_t) reads, removed;
	/* Called by every read, inside the core's section. */
	void (*on_read)(pci_sbdf_t sbdf);
	/* What a read answers; NULL: 0, and where it was and how wide. */
	int (*answer)(pci_sbdf_t sbdf, uint16_t reg, uint8_t size,
		      uint32_t *val);
	hf_atomic(uint32_t) writes;
};

extern struct test_host test_host;

/* The stage "test": what it answers and does, how often it was called. */
extern struct test_stage {
	int attach_error, quiesce_error, enter_error;
	const char *check_says;
	void (*on_attach)(pci_sbdf_t sbdf);
	void (*on_cut_off)(pci_sbdf_t sbdf);
	void (*on_quiesce)(pci_sbdf_t sbdf);
	void (*on_enter)(pci_sbdf_t sbdf);
	int (*on_leave)(pci_sbdf_t sbdf);
	unsigned int attached, detached, cut_off, quiesced, restored;
} test_stage;

int test_setup(void **state);    /* pci_init(), segments 0 and 1, the stage */
int test_teardown(void **state); /* invariants, pci_fini(), nothing leaked */

/* Add an endpoint, or a VF or child of @parent. Fails the test if it cannot. */
void add(const char *sbdf);
void add_child(const char *sbdf, const char *parent);
void add_bridge(const char *sbdf, const char *parent, uint8_t secondary);
int try_add(const char *sbdf, const char *parent, uint16_t device);

struct domain *guest(const char *name, const struct domain_ops *ops);
void assign(struct domain *d, const char *sbdf);
void end_of(struct domain *d);         /* destroy and put */
struct pci_dev *get(const char *sbdf); /* counted */
uint32_t refs(const char *sbdf);
struct pci_dev_info info_of(const char *sbdf);
bool is_there(const char *sbdf);

/* pci_remove_device() with its report in a static place. */
int remove_dev(const char *sbdf, unsigned int flags, uint64_t timeout);
extern struct pci_removal_info report;

/*
 * What plat_bug() says when @fn runs in a child; "" if it does not stop there.
 * For programs linked with --wrap=plat_bug.
 */
const char *stops(void (*fn)(void));

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

#endif
