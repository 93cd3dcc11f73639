/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laboratory of the fabric (host/fabric/presets/lab.json) with all of the
 * core, and guests that have testers. Time passes when somebody waits for it:
 * link with --wrap as meson.build does.
 */
#ifndef TESTS_IOMMU_STORY_H
#define TESTS_IOMMU_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "unit.h"

#define MSIX "0000:03:00.0" /* ATS, FLR; each of these is a group of its own */
#define SECOND "0000:04:00.0"
#define MULTI "0000:0f:00.0" /* MSI; and .1, one group */
#define MULTI_1 "0000:0f:00.1"
#define PHANTOM "0000:10:00.0" /* it is also */
#define PHANTOM_4 "0000:10:00.4"
#define LEGACY "0000:12:00.0" /* and 12:01.0: under one name */
#define LEGACY_1 "0000:12:01.0"
#define RESERVED "0000:13:00.0" /* a region is mapped one to one: */
#define REGION 0x7f000000ull
#define ELSEWHERE "0001:01:00.0" /* another segment, so another unit */

extern struct fabric *f;

/* @options NULL: ATS on, and no limit of faults. */
void lab_open(const struct pci_iommu_options *options);
void lab_add_segments(void);
/* An error, or how many functions could not be added. */
int lab_scan(void);
void lab_close(void); /* and the witness has seen nothing */

/* Time that passes without anybody's waiting. */
void lab_pass(uint64_t nanoseconds);
/* Called once, when somebody waits; without locks, or the order is wrong. */
extern void (*lab_on_wait)(void);
/* Do what faults have queued. */
void lab_work(void);

pci_sbdf_t at(const char *text);
uint64_t violations(void);

/* A register of the device itself, past the core. */
uint32_t config(const char *device, unsigned int reg, uint8_t size);
void poke(const char *device, unsigned int reg, uint8_t size, uint32_t val);

/* Pages of the fabric's RAM; where they are. */
uint64_t pages_of(unsigned int domid, unsigned int n);
uint32_t in_ram(uint64_t hpa);
/* The device writes @val to @address. */
int dma(const char *device, uint64_t address, uint32_t val);
/* … again and again from now on, as @device with function bits @phantom. */
void dma_without_end(const char *device, uint64_t address, uint32_t phantom);

/* pci_assign_device() to an address of its choice. */
int give(struct domain *d, const char *device, unsigned int flags);
extern struct pci_assign_report report; /* of the last one */
pci_sbdf_t seen_at(const char *device);
unsigned int owner(const char *device);
bool in_quarantine(const char *device);
/* A register in the view of whoever has it, and what follows. */
void wr(struct vpci_vcpu *vcpu, const char *device, uint16_t reg, uint8_t size,
	uint64_t val);
/*
 * As a guest's driver does: @n vectors of @device, bus mastering on. MSI-X: BAR
 * 0 is put at @bar, of 16 KiB.
 */
void enable_msix(struct vpci_vcpu *vcpu, const char *device, uint64_t bar,
		 unsigned int n);
void enable_msi(struct vpci_vcpu *vcpu, const char *device, unsigned int n);
struct pci_irq_info irqs(const char *device);

/* What there is of guests in the units, in the core's own books, and in RAM. */
struct left {
	uint64_t spaces, contexts, pages, vectors, ats, flushes;
	uint64_t core_spaces, mappings, core_contexts, core_vectors;
};

struct left left(void);
/* As @before, when all that was freed is. */
void assert_left(const struct left *before);

#endif
