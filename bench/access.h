/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's access to a register, again and again: what the slices of vpci.c
 * are made of.
 */
#ifndef BENCH_ACCESS_H
#define BENCH_ACCESS_H

#include "guest.h"

/* Who accesses: a thread and its vCPU. */
struct accessor {
	struct guest *guest;
	struct vpci_vcpu vcpu;
	pci_sbdf_t sbdf;
	uint64_t gpa;
	uint16_t reg;
	uint8_t size;
	uint32_t mask;
} __attribute__((aligned(128)));

/* By whom. */
enum { OURS, ENGINE, ENGINES };

/* [by whom][is the register in an MSI-X table][is it written]; data: accessor */
extern bench_work *const access_work[ENGINES][2][2];

/* What no access can do without: section, indirect call, atomic load. */
bench_work access_floor;

#endif
