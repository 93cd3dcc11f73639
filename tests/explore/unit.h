/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An IOMMU and an interrupt controller of the explored world, and what its card
 * does with them: DMA and messages. Both are witnesses: a message that is not
 * the card's own is delivered to nobody, a translation that the core did not
 * ask to forget is still used.
 *
 * Their tables are plain memory, and each call is one step as hardware's are;
 * the scheduler switches only between finding a vector and delivering it.
 */
#ifndef TESTS_EXPLORE_UNIT_H
#define TESTS_EXPLORE_UNIT_H

#include <holdfast/iommu.h>
#include <holdfast/irq.h>

extern const struct iommu_ops unit_iommu;
extern const struct msi_ops unit_msi;

/* At the beginning of a schedule. */
void unit_init(void);

/* Flushes are done at the @turns-th question, from now on; 0: at once. */
void unit_late(unsigned int turns);

/* Whose memory a page of host-physical memory is. */
#define UNIT_ONE 0x10000u /* guest "one" has this page, at any guest address */
#define UNIT_DMA 0x4000u  /* the guest address that scenarios use */
#define UNIT_PAGES 2      /* or the pages from there on, each to its own */

enum unit_reach {
	UNIT_NOTHING,  /* refused; the fault was reported */
	UNIT_IDENTITY, /* memory as it is: the hardware domain's device */
	UNIT_SCRATCH,
	UNIT_GUEST, /* UNIT_ONE */
};

/* The card reads UNIT_DMA: whose memory is it? Refused: a fault. */
enum unit_reach unit_dma(void);
/* The same of the @page-th from there on, below UNIT_PAGES. */
enum unit_reach unit_dma_page(unsigned int page);

/* The card raises its only MSI: true: the controller took it as the card's. */
bool unit_message(void);

/* Left over: vectors, spaces, pages mapped, requester IDs in a space. */
unsigned int unit_vectors(void);
unsigned int unit_left(void);

#endif
