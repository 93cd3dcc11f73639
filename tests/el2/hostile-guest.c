/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel that means no good, in the second guest's place. It writes all that
 * there is of the interrupt controller, sends software interrupts to everybody, and
 * then keeps its CPU: which way, and in which order it writes, goes by the CPU.
 */
#include "gic.h"
#include "guest_tree.h"
#include "hostile.h"

#define ALL_ONES 0xffffffffu
#define GICR_PROPBASER 0x70
#define GICR_PENDBASER 0x78
#define GICR_ICENABLER0 0x180
#define GICR_ISPENDR0 0x200
#define GICR_ISACTIVER0 0x300

#define SGIR_INTID(n) ((uint64_t)(n) << 24)
#define SGIR_ALL_BUT_ME (1ul << 40)
#define CPUS 4
#define GUEST_LAST 0x0ffffff8ul /* of its memory */
#define UNUSED_IPI 4u /* to Linux: "timer broadcast", which it has no need of */

static void write(uint64_t at, uint32_t val)
{
	*(volatile uint32_t *)at = val;
}

static uint32_t read(uint64_t at)
{
	return *(volatile uint32_t *)at;
}

/* In one order registers that set have the last word, in the other those that clear. */
static void distributor(int up)
{
	uint64_t i;

	for (i = 0; i < GICD_SIZE; i += 4)
		write(GUEST_GICD + (up ? i : GICD_SIZE - 4 - i), ALL_ONES);
	say_exception("distributor");
}

static void redistributors(void)
{
	uint64_t i;

	for (i = 0; i < GICR_FRAME; i += 4)
		if (i != GICR_WAKER)
			write(GUEST_GICR + i, ALL_ONES);
	say_exception("redistributor");
	say_value("tables", read(GUEST_GICR + GICR_PROPBASER) |
				    read(GUEST_GICR + GICR_PENDBASER));
	/* Others lie behind it in the machine. */
	for (i = 1; i < CPUS; i++)
		write(GUEST_GICR + 2 * i * GICR_FRAME, ALL_ONES);
	say_exception("another redistributor");
}

static void sgi(uint64_t val)
{
	__asm__ volatile("msr s3_0_c12_c11_5, %0\n\tisb"
			 :
			 : "r"(val)); /* SGI1R */
}

static void interrupts(unsigned int own)
{
	sgi(SGIR_INTID(UNUSED_IPI) | SGIR_ALL_BUT_ME);
	sgi(SGIR_INTID(UNUSED_IPI) | ((1u << CPUS) - 1));
	sgi(SGIR_INTID(UNUSED_IPI) | (((1u << CPUS) - 1) & ~(1u << own)));
	say_exception("sgi");
	TRY("group 0 sgi", "msr s3_0_c12_c11_7, %0", "r"(SGIR_ALL_BUT_ME));
	TRY("alias sgi", "msr s3_0_c12_c11_6, %0", "r"(SGIR_ALL_BUT_ME));
	say_value("own sgi",
		  read(GUEST_GICR + GICR_FRAME + GICR_ISPENDR0) & 0xffff);
}

/*
 * Nothing wakes a CPU that listens to no group and no priority, or is at work for
 * the highest one; and nothing needs to wake one that does not sleep.
 */
static void keep_cpu(unsigned int own)
{
	write(GUEST_GICR + GICR_FRAME + GICR_ICENABLER0, ALL_ONES);
	write(GUEST_GICR + GICR_FRAME + GICR_ISACTIVER0, ALL_ONES);
	switch (own) {
	case 1:
		put("story: it spins\n");
		for (;;)
			;
	case 2:
		__asm__ volatile("msr s3_0_c12_c12_7, xzr\n\t"    /* IGRPEN1 */
				 "msr s3_0_c4_c6_0, xzr\n\tisb"); /* PMR */
		break;
	default:
		__asm__ volatile("msr s3_0_c12_c9_0, %0\n\tisb" /* AP1R0 */
				 :
				 : "r"(1ul));
	}
	put("story: it sleeps\n");
	for (;;)
		__asm__ volatile("wfi");
}

/* What the one before it wrote, it must not read. */
static void memory(void)
{
	volatile uint64_t *last = (volatile uint64_t *)(GUEST_RAM + GUEST_LAST);

	say_value("left of the last guest", *last);
	*last = ALL_ONES;
}

void hostile(void)
{
	uint64_t mpidr;
	unsigned int own;

	__asm__ volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
	own = mpidr & 0xff;
	say_value("guest on cpu", own);
	memory();
	distributor(own % 2);
	redistributors();
	interrupts(own);
	keep_cpu(own);
}
