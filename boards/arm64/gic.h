/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller, a GICv3 (Arm IHI 0069). The hardware domain owns it;
 * the hypervisor touches single SPIs, and what the second guest needs: one of
 * them, and its CPU's redistributor.
 */
#ifndef BOARDS_ARM64_GIC_H
#define BOARDS_ARM64_GIC_H

#include <holdfast/types.h>

/* Of the distributor; n is an INTID (IHI 0069 §12.8). */
#define GICD_SIZE 0x10000
#define GICD_CTLR 0x0000
#define GICD_TYPER 0x0004
#define GICD_TYPER_MBIS (1u << 16)
#define GICD_TYPER_LPIS (1u << 17)
#define GICD_IIDR 0x0008
#define GICD_ISENABLER 0x0100
#define GICD_ICENABLER 0x0180
#define GICD_ISPENDR 0x0200
#define GICD_ICPENDR 0x0280
#define GICD_ICACTIVER 0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_IROUTER 0x6000

/* Of a redistributor's two frames (§12.10, §12.11). */
#define GICR_FRAME 0x10000
#define GICR_CTLR 0x0000
#define GICR_IIDR 0x0004
#define GICR_TYPER 0x0008
#define GICR_TYPER_PLPIS (1u << 0)
#define GICR_TYPER_VLPIS (1u << 1)
#define GICR_TYPER_DIRECTLPI (1u << 3)
#define GICR_TYPER_LAST (1u << 4)
#define GICR_IGROUPR0 0x0080 /* these of the second frame */
#define GICR_ISENABLER0 0x0100
#define GICR_ICACTIVER0 0x0380
#define GICR_IPRIORITYR 0x0400
#define GICR_WAKER 0x0014
#define GICR_WAKER_PROCESSORSLEEP (1u << 1)

#define GIC_PIDR 0xffd0 /* to the end: identification, of all frames */

/* 1, 2, 4 or 8 bytes, aligned. */
uint64_t gic_read(uint64_t address, uint8_t size);
void gic_write(uint64_t address, uint8_t size, uint64_t val);

/* The redistributor of the CPU with these affinity fields; 0: none. */
uint64_t gic_redistributor(uint64_t mpidr);
/* Make SPI @intid pending, as if its wire had moved. */
void gic_set_pending(unsigned int intid);
/* SPI @intid does not come any more. */
void gic_disable(unsigned int intid);
/* SPI @intid: not enabled, pending or active; to that CPU from now on. */
void gic_route(unsigned int intid, uint64_t mpidr);
/*
 * A software interrupt for that CPU, which ends gic_wait(): its redistributor
 * @gicr lets it through, whatever its guest has switched off there, which it
 * cannot reach any more.
 */
void gic_kick(uint64_t mpidr, uint64_t gicr);
/* WFI for the guest of this CPU, whose redistributor is @gicr. */
void gic_wait(uint64_t gicr);

#endif
