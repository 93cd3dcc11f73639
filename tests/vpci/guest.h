/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest: the part of an operating system that finds PCI devices, gives them
 * addresses and sets up their interrupts, written from the specifications and
 * knowing nothing of the other side but how to trap. One vCPU, one thread.
 *
 * It is also the embedder's part around that: what domain_ops.map and .vector
 * told is here, and where a BAR is mapped, an access goes to the machine's
 * memory (guest.machine) without a trap.
 */
#ifndef TESTS_VPCI_GUEST_H
#define TESTS_VPCI_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/pci_regs.h>
#include <holdfast/vpci.h>

#include "fabric.h"

enum {
	GUEST_FUNCTIONS = 64,
	GUEST_MAPPINGS = 512,
	GUEST_VECTORS = 4096,
	GUEST_CAPS = 48,      /* what fits into 192 bytes */
	GUEST_EXT_CAPS = 480, /* and into 3840 */
};

/* Where it has configuration space and what it may use for BARs. */
#define GUEST_ECAM 0xe0000000ull
#define GUEST_LOW 0xa0000000ull /* to GUEST_ECAM: BARs of 32 bits */
#define GUEST_HIGH 0x4000000000ull
#define GUEST_HIGH_SIZE 0x4000000000ull
#define GUEST_DOORBELL 0xfee00000u /* where messages are written to */

enum guest_way { GUEST_TRAP, GUEST_BY_ECAM, GUEST_BY_PIO };

struct guest_bar {
	uint8_t kind; /* enum pci_bar_kind */
	bool prefetch;
	uint64_t size, addr;
};

struct guest_fn {
	pci_sbdf_t sbdf; /* as the guest sees it */
	uint16_t vendor, device;
	uint32_t class_rev;
	uint8_t header; /* with the multi-function bit */
	struct guest_bar bar[PCI_BAR_FIRST_ROM + 1];
	unsigned int ncaps, next;
	struct {
		uint16_t id, pos;
	} cap[GUEST_CAPS], ext[GUEST_EXT_CAPS];
	const char *fault;    /* of a list that does not end well, or NULL */
	unsigned int vectors; /* set up: MSI-X or MSI */
	bool msix;
};

struct guest_vector {
	pci_sbdf_t sbdf; /* host address */
	unsigned int told;
	struct pci_vector last;
};

struct guest {
	struct domain *domain;
	struct vpci_vcpu vcpu;
	enum guest_way way;
	struct fabric *machine;
	uint64_t low, high; /* the next free address */
	uint64_t faults;    /* maps over a map, of what is no page */
	unsigned int nfn, nmappings, nvectors;
	struct guest_fn fn[GUEST_FUNCTIONS];
	struct pci_mapping mapping[GUEST_MAPPINGS];
	struct guest_vector vector[GUEST_VECTORS];
	/* While it waits for something of its own, if not NULL. */
	void (*waits)(struct guest *g);
};

/* The caller's to guest_end() and free. @maps: else all BARs trap. */
struct guest *guest_begin(const char *name, enum guest_way way,
			  struct fabric *machine, bool maps);
/* The domain goes; its devices go back. Frees. */
void guest_end(struct guest *g);
/* Give it @sbdf at @vsbdf (0xffffffff: anywhere); where it came to be. */
pci_sbdf_t guest_assign(struct guest *g, pci_sbdf_t sbdf, uint32_t vsbdf);

/* --- accesses; retried as long as the answer is "again" --- */
uint32_t guest_read(struct guest *g, pci_sbdf_t at, unsigned int reg,
		    uint8_t size);
void guest_write(struct guest *g, pci_sbdf_t at, unsigned int reg, uint8_t size,
		 uint32_t val);
/* To memory space: mapped, or by a trap. */
uint64_t guest_load(struct guest *g, uint64_t gpa, uint8_t size);
void guest_store(struct guest *g, uint64_t gpa, uint8_t size, uint64_t val);
bool guest_is_mapped(struct guest *g, uint64_t gpa);
/* Until nothing is pending. */
void guest_settle(struct guest *g);

/* --- what a boot does --- */
void guest_enumerate(struct guest *g, uint8_t first, uint8_t last);
/* Place all BARs, memory and bus mastering on. */
void guest_start(struct guest *g, struct guest_fn *fn);
/* All vectors, MSI-X before MSI; vector i gets data @base + i. */
void guest_interrupts(struct guest *g, struct guest_fn *fn, uint32_t base);
void guest_stop(struct guest *g, struct guest_fn *fn);

struct guest_fn *guest_find(struct guest *g, pci_sbdf_t at); /* or NULL */
uint16_t guest_cap(const struct guest_fn *fn, uint16_t id);  /* 0: none */
uint16_t guest_ext_cap(const struct guest_fn *fn, uint16_t id);
const struct guest_vector *guest_vector(struct guest *g, pci_sbdf_t host,
					bool msix, unsigned int index);

#endif
