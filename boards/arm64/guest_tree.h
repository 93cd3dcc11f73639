/* SPDX-License-Identifier: BSD-2-Clause */
/* The second guest's machine, as its device tree says it, and as guest.c does. */
#ifndef BOARDS_ARM64_GUEST_TREE_H
#define BOARDS_ARM64_GUEST_TREE_H

#include <holdfast/types.h>

#include "gic.h"

/* Guest-physical; a layout of its own, but for the interrupt controller's. */
#define GUEST_GICD UINT64_C(0x08000000)
#define GUEST_GICR UINT64_C(0x080a0000)
#define GUEST_UART UINT64_C(0x09000000)
#define GUEST_PCI_MEM UINT64_C(0x10000000)
#define GUEST_PCI_MEM_SIZE UINT64_C(0x10000000)
#define GUEST_ECAM UINT64_C(0x30000000) /* bus 0 */
#define GUEST_ECAM_SIZE UINT64_C(0x00100000)
#define GUEST_RAM UINT64_C(0x40000000)
/* In its RAM, from its start: */
#define GUEST_KERNEL UINT64_C(0)
#define GUEST_INITRD UINT64_C(0x08000000)
#define GUEST_TREE UINT64_C(0x0e000000)
#define GUEST_TREE_SIZE UINT64_C(0x2000)

struct guest_tree {
	uint64_t mpidr;     /* of its CPU */
	unsigned int intid; /* of INTx of all its devices, an SPI */
	uint64_t ram_size;
	uint64_t initrd_size;
	const char *bootargs;
};

/*
 * Write the tree to @fdt, GUEST_TREE_SIZE bytes. 0, or -ENOSPC. Uses libfdt, which
 * uses floating point registers: only before a guest runs on this CPU.
 */
int guest_tree_write(void *fdt, const struct guest_tree *tree) __must_check;

#endif
