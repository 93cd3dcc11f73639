/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's address space: what space.c (claims, windows) and ecam.c
 * (configuration space) keep of it.
 *
 * Both lists only grow: an element is complete before a release store makes it
 * the first, and stays until the domain is freed. So any context may walk them,
 * with acquire loads and no section.
 */
#ifndef CORE_VPCI_SPACE_H
#define CORE_VPCI_SPACE_H

#include "vpci/internal.h"

/* Where BARs may be. Fixed. */
struct vpci_window {
	struct vpci_window *next;
	uint64_t start, last;
};

/* Memory-mapped configuration space. Fixed. */
struct vpci_ecam {
	struct vpci_ecam *next;
	uint64_t start, last;
	uint16_t seg;
	uint8_t first_bus, last_bus;
};

struct vpci_claims;

struct vpci_space {
	struct pci_lock lock; /* LOCK_LEAF: writers of all below */
	uint64_t serial;      /* of the last claim; lock */
	hf_atomic(struct vpci_claims *) claims; /* readers: a section */
	hf_atomic(struct vpci_window *) windows;
	hf_atomic(struct vpci_ecam *) ecam;
};

/* @d's; made if there is none. NULL: no memory. No lock. */
struct vpci_space *vpci_space_of(struct domain *d) __must_check;

static inline bool vpci_overlap(uint64_t a, uint64_t a_last, uint64_t b,
				uint64_t b_last)
{
	return a <= b_last && b <= a_last;
}

#endif
