/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the second guest has of the interrupt controller: a distributor with one
 * SPI, its redistributor without LPIs, and software interrupts for itself.
 * Everything that reaches hardware is filtered here.
 */
#ifndef BOARDS_ARM64_VGIC_H
#define BOARDS_ARM64_VGIC_H

#include "trap.h"

struct vgic {
	unsigned int intid; /* its SPI */
	uint64_t mpidr;     /* its CPU */
	uint64_t gicr;      /* … and its redistributor, in the machine */
};

/* Aligned accesses at an offset in the distributor; in the frame RD_base. */
void vgic_distributor(const struct vgic *vgic, uint64_t offset,
		      struct mmio *access);
void vgic_redistributor(const struct vgic *vgic, uint64_t offset,
			struct mmio *access);
/* A write to ICC_SGI1R_EL1. */
void vgic_sgi(const struct vgic *vgic, uint64_t val);

#endif
