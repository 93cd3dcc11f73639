/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second guest's interrupt controller (Arm IHI 0069 §12.8 to §12.11). Its
 * frame SGI_base, with its private interrupts, is mapped for it; the rest traps,
 * because it is shared with the hardware domain, or (LPIs) names memory that the
 * controller reads and writes past stage 2. What is not named reads 0 and
 * ignores writes. The SPI's route, group and trigger stay as gic.c and the
 * hardware domain have made them.
 */
#include "board.h"
#include "gic.h"
#include "sysreg.h"
#include "vgic.h"

/* Registers with a bit for each INTID, that a 1 sets or clears. */
static bool is_bitmap(uint64_t offset)
{
	return offset >= GICD_ISENABLER && offset < GICD_IPRIORITYR;
}

static uint32_t own_bit(const struct vgic *vgic, const struct mmio *access,
			uint64_t offset)
{
	if (access->size != 4 || offset % 0x80 != vgic->intid / 32 * 4)
		return 0;
	return 1u << vgic->intid % 32;
}

static void pass(struct mmio *access, uint64_t at)
{
	if (access->write)
		gic_write(at, access->size, access->value);
	else
		access->value = gic_read(at, access->size);
}

static uint64_t distributor_read(const struct vgic *vgic, uint64_t offset,
				 const struct mmio *access)
{
	uint64_t at = BOARD_GICD + offset;

	if (offset >= GIC_PIDR || offset == GICD_CTLR || offset == GICD_IIDR)
		return gic_read(at, access->size);
	if (offset == GICD_TYPER && access->size == 4)
		return gic_read(at, 4) & ~(GICD_TYPER_MBIS | GICD_TYPER_LPIS);
	if (is_bitmap(offset) && own_bit(vgic, access, offset))
		return gic_read(at, 4) & own_bit(vgic, access, offset);
	return 0;
}

static void distributor_write(const struct vgic *vgic, uint64_t offset,
			      const struct mmio *access)
{
	uint64_t priority = GICD_IPRIORITYR + vgic->intid;
	uint32_t mine = own_bit(vgic, access, offset);

	if (is_bitmap(offset) && access->value & mine)
		gic_write(BOARD_GICD + offset, 4, mine);
	else if (offset <= priority && priority < offset + access->size)
		gic_write(BOARD_GICD + priority, 1,
			  access->value >> 8 * (priority - offset) & 0xff);
}

void vgic_distributor(const struct vgic *vgic, uint64_t offset,
		      struct mmio *access)
{
	if (access->write)
		distributor_write(vgic, offset, access);
	else
		access->value = distributor_read(vgic, offset, access);
}

void vgic_redistributor(const struct vgic *vgic, uint64_t offset,
			struct mmio *access)
{
	const uint64_t none = GICR_TYPER_PLPIS | GICR_TYPER_VLPIS |
			      GICR_TYPER_DIRECTLPI;

	if (offset == GICR_WAKER && access->size == 4) {
		access->value &= GICR_WAKER_PROCESSORSLEEP;
		pass(access, vgic->gicr + offset);
	} else if (access->write) {
		return;
	} else if (offset == GICR_TYPER) {
		access->value = gic_read(vgic->gicr + offset, access->size);
		access->value = (access->value & ~none) | GICR_TYPER_LAST;
	} else if (offset == GICR_TYPER + 4 || offset == GICR_CTLR ||
		   offset == GICR_IIDR || offset >= GIC_PIDR) {
		pass(access, vgic->gicr + offset);
	} else {
		access->value = 0;
	}
}

/* It has one CPU, so "all but me" is nobody. */
void vgic_sgi(const struct vgic *vgic, uint64_t val)
{
	uint64_t own = SGIR_FOR(vgic->mpidr, val >> SGIR_INTID_SHIFT & 0xf);

	if (val & SGIR_IRM || (val & SGIR_AFFINITY) != (own & SGIR_AFFINITY) ||
	    !(val & own & SGIR_TARGETS))
		return;
	sysreg_write(ICC_SGI1R_EL1, own);
	isb();
}
