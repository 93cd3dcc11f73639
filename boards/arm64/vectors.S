/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's vector table, and the way into a guest. What a guest has in x0 to x30
 * lies in a struct regs on the CPU's stack meanwhile; the hypervisor is built
 * without floating point, so those registers stay the guest's.
 */
#include "sysreg.h"

	.macro	save
	sub	sp, sp, #0x100
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #0x10]
	stp	x4, x5, [sp, #0x20]
	stp	x6, x7, [sp, #0x30]
	stp	x8, x9, [sp, #0x40]
	stp	x10, x11, [sp, #0x50]
	stp	x12, x13, [sp, #0x60]
	stp	x14, x15, [sp, #0x70]
	stp	x16, x17, [sp, #0x80]
	stp	x18, x19, [sp, #0x90]
	stp	x20, x21, [sp, #0xa0]
	stp	x22, x23, [sp, #0xb0]
	stp	x24, x25, [sp, #0xc0]
	stp	x26, x27, [sp, #0xd0]
	stp	x28, x29, [sp, #0xe0]
	stp	x30, xzr, [sp, #0xf0]
	.endm

	.macro	restore
	ldp	x2, x3, [sp, #0x10]
	ldp	x4, x5, [sp, #0x20]
	ldp	x6, x7, [sp, #0x30]
	ldp	x8, x9, [sp, #0x40]
	ldp	x10, x11, [sp, #0x50]
	ldp	x12, x13, [sp, #0x60]
	ldp	x14, x15, [sp, #0x70]
	ldp	x16, x17, [sp, #0x80]
	ldp	x18, x19, [sp, #0x90]
	ldp	x20, x21, [sp, #0xa0]
	ldp	x22, x23, [sp, #0xb0]
	ldp	x24, x25, [sp, #0xc0]
	ldp	x26, x27, [sp, #0xd0]
	ldp	x28, x29, [sp, #0xe0]
	ldr	x30, [sp, #0xf0]
	ldp	x0, x1, [sp]
	add	sp, sp, #0x100
	.endm

	.macro	entry to
	.balign	0x80
	b	\to
	.endm

	.text
	.balign	0x800
	.global vectors
vectors:
	.rept	8			// from EL2 itself: our own mistake
	entry	own
	.endr
	.rept	2			// from a guest in AArch64, in AArch32
	entry	guest			// synchronous
	entry	own			// IRQ: not routed to EL2
	entry	fiq
	entry	own			// SError: neither
	.endr

guest:	save
	mov	x0, sp
	bl	trap_from_guest
	restore
	eret

fiq:	save
	bl	trap_fiq
	restore
	eret

own:	save
	mov	x0, sp
	bl	trap_from_self

	.global guest_enter
guest_enter:
	msr	elr_el2, x0
	mov	x2, #(SPSR_DAIF | SPSR_M_EL1H)
	msr	spsr_el2, x2
	mov	x0, x1
	mov	x1, #0			// the boot protocol wants x1 to x3 zero
	mov	x2, #0
	mov	x3, #0
	// What the hypervisor had in the others is not the guest's to see.
	.irp	n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	mov	x\n, #0
	.endr
	eret
