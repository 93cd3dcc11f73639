/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host of a few functions, each an array of bytes with the bits of it that
 * can be written. It watches four rules on its own, see struct fake.
 */
#ifndef TESTS_CONFIG_FAKE_HOST_H
#define TESTS_CONFIG_FAKE_HOST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../at.h"
#include "config/internal.h"

#define MSEC PLAT_NSEC_PER_MSEC

struct fake_fn {
	pci_sbdf_t sbdf;
	bool absent;           /* answers all-ones */
	bool unreadable;       /* the host fails */
	bool aliases;          /* each 256 bytes are the first again */
	uint16_t size;         /* 256 or 4096; all-ones above */
	unsigned int retries;  /* reads of the ID that get retry status yet */
	unsigned int sticky;   /* register whose writes are ignored; 0: none */
	unsigned int accesses; /* all there were, answered or not */
	unsigned int writes;   /* of these */
	bool told;             /* between adding() and removed() */
	uint8_t reg[4096], writable[4096];
};

extern struct fake {
	struct pci_host host;
	struct pci_host_ops ops; /* a test's own to change */
	struct fake_fn fn[40];
	unsigned int count;
	/* Before a read or write is answered. */
	void (*on_access)(struct fake_fn *fn, bool write, uint16_t reg);
	unsigned int error_at; /* the access that fails with -EIO, from 1 */
	unsigned int accesses; /* counted for error_at, absent ones too */
	uint64_t bar_size;     /* what bar_size() answers; 0: -ENODATA */
	uint16_t config_size;  /* what config_size() answers */

	unsigned int untold;   /* accesses outside adding() … removed() */
	unsigned int wide;     /* writes of more bits than their size has */
	unsigned int moved;    /* BARs written with decoding on */
	unsigned int invented; /* writes while VFs forbid them */
} fake;

int fake_setup(void **state);    /* pci_init() and segment 0, brute force */
int fake_teardown(void **state); /* invariants, leaks, the four rules */

/* An endpoint without BARs and capabilities; its pointer stays valid. */
struct fake_fn *fake_add(const char *sbdf, uint32_t id);
struct fake_fn *fake_bridge(const char *sbdf, uint8_t secondary,
			    uint8_t subordinate);
struct fake_fn *fake_at(pci_sbdf_t sbdf);

uint32_t fake_get(struct fake_fn *fn, uint16_t reg, uint8_t size);
void fake_put(struct fake_fn *fn, uint16_t reg, uint8_t size, uint32_t val);
void fake_allow(struct fake_fn *fn, uint16_t reg, uint8_t size, uint32_t bits);
/* A BAR whose @writable address bits can be written. */
void fake_bar(struct fake_fn *fn, uint16_t reg, uint32_t val,
	      uint32_t writable);
/* A capability at the end of its list. */
void fake_cap(struct fake_fn *fn, uint8_t pos, uint8_t id);
void fake_ext_cap(struct fake_fn *fn, uint16_t pos, uint16_t id);
void fake_express(struct fake_fn *fn, uint8_t pos, unsigned int type);
/* SR-IOV at 0x200 with @num VFs enabled, and those VFs as functions. */
void fake_sriov(struct fake_fn *pf, uint16_t num, uint16_t offset,
		uint16_t stride);

/* host.next() by the table of functions, for tests that want it. */
int fake_next(struct pci_host *host, pci_sbdf_t *sbdf);

/* Register or describe, and fail the test if that fails. */
void add(const char *sbdf);
struct pci_dev_desc described(const char *sbdf);
struct pci_dev_info info_of(const char *sbdf);
bool is_there(const char *sbdf);
struct pci_dev *get(const char *sbdf); /* counted */

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

#endif
