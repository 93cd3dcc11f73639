/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An arm64 Image of its own for a guest, and the exceptions that it takes: each is noted in `taken`, and the instruction skipped; a branch to where
 * nothing can be fetched returns.
 */
	.section .head, "ax"
	b	start
	.long	0
	.quad	0, image_size, 0xa, 0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:	ldr	x1, =stack_end
	mov	sp, x1
	ldr	x1, =vectors
	msr	vbar_el1, x1
	mov	x1, #(3 << 20)		// floating point does not trap
	msr	cpacr_el1, x1
	isb
	bl	hostile
1:	wfi
	b	1b

	.balign	0x800
vectors:
	.rept	16
	.balign	0x80
	b	exception
	.endr

exception:
	stp	x0, x1, [sp, #-32]!
	stp	x2, x3, [sp, #16]
	mrs	x0, esr_el1
	ldr	x1, =taken
	str	x0, [x1]
	mrs	x2, elr_el1
	add	x2, x2, #4
	lsr	x0, x0, #26
	cmp	x0, #0x21		// an instruction abort, at EL1
	csel	x2, x30, x2, eq
	msr	elr_el1, x2
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp], #32
	eret

	.bss
	.balign	16
	.skip	0x4000
stack_end:
