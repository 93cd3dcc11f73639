/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the fabric share: opening one, and registers as software
 * on the other side of the host interface sees them.
 */
#ifndef TESTS_FABRIC_SUPPORT_H
#define TESTS_FABRIC_SUPPORT_H

#include <holdfast/errno.h>
#include <holdfast/pci_regs.h>

#include "../at.h"
#include "fabric.h"

/* By spec, or from JSON text; the test fails if that does. */
struct fabric *open_spec(const char *spec);
struct fabric *open_text(const char *text);
/* The error of JSON text that must not open. */
const char *open_error(const char *text);

/*
 * A machine of one root port 00:01.0, which has a hot-plug slot, with the card
 * of these functions at 01:00. @functions: the elements of the array.
 */
struct fabric *open_card(const char *functions);

uint32_t rd(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg, uint8_t size);
void wr(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg, uint8_t size,
	uint32_t val);
bool there(struct fabric *f, pci_sbdf_t sbdf);

/* Where a capability is; the test fails without it. */
unsigned int cap(struct fabric *f, pci_sbdf_t sbdf, uint8_t id);
unsigned int ext(struct fabric *f, pci_sbdf_t sbdf, uint16_t id);

/* As the core does. */
void core_adding(struct fabric *f, pci_sbdf_t sbdf);
void core_removed(struct fabric *f, pci_sbdf_t sbdf);

uint64_t violations(struct fabric *f);

#endif
