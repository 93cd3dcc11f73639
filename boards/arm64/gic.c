/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hypervisor does to the interrupt controller. It uses only registers
 * that set or clear single bits, bytes, or whole routes: the hardware domain
 * writes others of the same registers meanwhile, and knows of no lock.
 */
#include "board.h"
#include "gic.h"
#include "sysreg.h"

#define TYPER_AFFINITY_SHIFT 32 /* 31:0 Aff3 to Aff0, in GICR_TYPER */
#define KICK_INTID 15

uint64_t gic_read(uint64_t address, uint8_t size)
{
	switch (size) {
	case 1:
		return *(volatile uint8_t *)address;
	case 2:
		return *(volatile uint16_t *)address;
	case 4:
		return *(volatile uint32_t *)address;
	default:
		return *(volatile uint64_t *)address;
	}
}

void gic_write(uint64_t address, uint8_t size, uint64_t val)
{
	switch (size) {
	case 1:
		*(volatile uint8_t *)address = (uint8_t)val;
		break;
	case 2:
		*(volatile uint16_t *)address = (uint16_t)val;
		break;
	case 4:
		*(volatile uint32_t *)address = (uint32_t)val;
		break;
	default:
		*(volatile uint64_t *)address = val;
	}
}

/* MPIDR_EL1 has Aff3 in bits 39:32, GICR_TYPER beside the others. */
static uint32_t affinity_of(uint64_t mpidr)
{
	return (uint32_t)(mpidr & 0xffffff) | (uint32_t)(mpidr >> 32) << 24;
}

uint64_t gic_redistributor(uint64_t mpidr)
{
	uint64_t at, typer, end = BOARD_GICR + BOARD_GICR_SIZE;

	for (at = BOARD_GICR; at < end; at += 2 * GICR_FRAME) {
		typer = gic_read(at + GICR_TYPER, 8);
		if (typer >> TYPER_AFFINITY_SHIFT == affinity_of(mpidr))
			return at;
		if (typer & GICR_TYPER_LAST)
			break;
	}
	return 0;
}

void gic_set_pending(unsigned int intid)
{
	gic_write(BOARD_GICD + GICD_ISPENDR + intid / 32 * 4, 4,
		  1u << intid % 32);
}

void gic_disable(unsigned int intid)
{
	gic_write(BOARD_GICD + GICD_ICENABLER + intid / 32 * 4, 4,
		  1u << intid % 32);
}

void gic_route(unsigned int intid, uint64_t mpidr)
{
	uint64_t word = BOARD_GICD + intid / 32 * 4;
	uint32_t bit = 1u << intid % 32;

	gic_disable(intid);
	gic_write(word + GICD_ICPENDR, 4, bit);
	gic_write(word + GICD_ICACTIVER, 4, bit);
	gic_write(BOARD_GICD + GICD_IROUTER + 8 * intid, 8, mpidr);
}

void gic_kick(uint64_t mpidr, uint64_t gicr)
{
	uint64_t sgi = gicr + GICR_FRAME;
	uint32_t bit = 1u << KICK_INTID;

	gic_write(sgi + GICR_IGROUPR0, 4,
		  gic_read(sgi + GICR_IGROUPR0, 4) | bit);
	gic_write(sgi + GICR_IPRIORITYR + KICK_INTID, 1, 0);
	gic_write(sgi + GICR_ICACTIVER0, 4, bit); /* it would stay pending */
	gic_write(sgi + GICR_ISENABLER0, 4, bit);
	sysreg_write(ICC_SGI1R_EL1, SGIR_FOR(mpidr, KICK_INTID));
	isb();
}

/*
 * A kick comes through, whatever the guest has done: its group is on meanwhile, the
 * mask is the hypervisor's (guest.c), and none is waited for that something
 * keeps away: a priority that runs, or a redistributor that sleeps. As an
 * interrupt of EL1 it is not taken here; it stays pending, so that one which
 * came before the WFI ends that, too.
 */
void gic_wait(uint64_t gicr)
{
	uint64_t on = sysreg_read(ICC_IGRPEN1_EL1);

	if (sysreg_read(ICC_RPR_EL1) != ICC_RPR_IDLE ||
	    gic_read(gicr + GICR_WAKER, 4))
		return;
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb();
	dsb_sy();
	__asm__ volatile("wfi" : : : "memory");
	sysreg_write(ICC_IGRPEN1_EL1, on);
	isb();
}
