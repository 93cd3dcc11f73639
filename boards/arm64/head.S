/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image's first bytes and each CPU's first instructions. The header is that
 * of an arm64 Linux Image (Documentation/arm64/booting.rst), so that what boots
 * a Linux boots the hypervisor, and gives it the device tree in x0.
 *
 * Nothing is written to memory before the MMU is on: it would pass by caches
 * that may hold older lines.
 */
#include "arch.h"
#include "sysreg.h"

	.section .head, "ax"
	.global image_head
image_head:
	b	boot
	.long	0
	.quad	0			// text_offset: 2 MiB after RAM's start
	.quad	image_size
	.quad	0xa			// little-endian, 4 KiB pages, anywhere
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
boot:	mov	x19, x0
	adr	x0, image_head		// runs where it was linked, or not at all
	ldr	x1, =image_head
	cmp	x0, x1
	b.ne	stop
	bl	mmu_enable
	ldr	x0, =bss_start
	ldr	x1, =bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ldr	x0, =cpus + CPU_STACK_SIZE
	mov	sp, x0
	mov	x0, x19
	bl	board_main

	.global cpu_start
cpu_start:
	mov	x19, x0
	bl	mmu_enable
	add	sp, x19, #CPU_STACK_SIZE
	mov	x0, x19
	bl	cpu_main

stop:	wfi
	b	stop

mmu_enable:
	mrs	x0, CurrentEL
	cmp	x0, #CURRENTEL_EL2
	b.ne	stop
	ldr	x0, =(MAIR_DEVICE_nGnRE << 8 * MAIR_INDEX_DEVICE | \
		MAIR_NORMAL_WB << 8 * MAIR_INDEX_NORMAL)
	msr	mair_el2, x0
	ldr	x0, =(TCR_EL2_RES1_HIGH | TCR_EL2_RES1_LOW | TCR_PS_40 | \
		TCR_SH0_INNER | TCR_ORGN0_WB | TCR_IRGN0_WB | TCR_T0SZ_40)
	msr	tcr_el2, x0
	ldr	x0, =mmu_root
	msr	ttbr0_el2, x0
	ldr	x0, =vectors
	msr	vbar_el2, x0
	dsb	sy
	tlbi	alle2
	tlbi	alle1
	dsb	sy
	isb
	ldr	x0, =(SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I)
	msr	sctlr_el2, x0
	isb
	ret
