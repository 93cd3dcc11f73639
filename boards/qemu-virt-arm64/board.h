/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's machine "virt" with GICv3, SMMUv3 and its high ECAM, as hw/arm/virt.c
 * lays it out. RAM's size and the CPUs come from the device tree.
 */
#ifndef BOARD_H
#define BOARD_H

#include <holdfast/types.h>

#define BOARD_UART UINT64_C(0x09000000)

/* Of a function on the root bus, from 1, INTA: SPIs 3 to 6, swizzled. */
#define BOARD_INTX(device, pin) (32u + 3 + ((device) + (pin)-1) % 4)

#define BOARD_RAM UINT64_C(0x40000000)
/* The hypervisor's own: the start of RAM, with its image (link.lds). */
#define BOARD_HYPERVISOR_SIZE UINT64_C(0x01000000)
/* Where the loader put the hardware domain's kernel. */
#define BOARD_KERNEL UINT64_C(0x50000000)

/*
 * The second guest's: RAM, and above it what the loader put there for it, a
 * kernel and an initial RAM disk, zeros after it. The hardware domain's RAM ends
 * below. Its device's INTx: of slot 5 on the root bus, INTA (hw/pci-host/gpex.c).
 */
#define BOARD_GUEST_RAM UINT64_C(0x68000000)
#define BOARD_GUEST_RAM_SIZE UINT64_C(0x10000000)
#define BOARD_GUEST_IMAGE UINT64_C(0x78000000)
#define BOARD_GUEST_IMAGE_SIZE UINT64_C(0x04000000)
#define BOARD_GUEST_INITRD UINT64_C(0x7c000000)
#define BOARD_GUEST_INITRD_SIZE UINT64_C(0x00800000)
#define BOARD_GUEST_BOOTARGS \
	"console=ttyAMA0 quiet nvme_core.io_timeout=5 story=guest"
#define BOARD_GUEST_INTID (32 + 3 + 5 % 4)

#define BOARD_GICD UINT64_C(0x08000000)
#define BOARD_GITS_TRANSLATER UINT64_C(0x08090040) /* MSIs are written there */
#define BOARD_GICR UINT64_C(0x080a0000)
#define BOARD_GICR_SIZE UINT64_C(0x00f60000)

#define BOARD_ECAM UINT64_C(0x4010000000)
#define BOARD_ECAM_SIZE UINT64_C(0x10000000)
/* PCI memory: 32-bit, among the devices, and 64-bit. */
#define BOARD_PCI_MEM32 UINT64_C(0x10000000)
#define BOARD_PCI_MEM32_SIZE UINT64_C(0x2eff0000)
#define BOARD_PCI_IO UINT64_C(0x3eff0000)
#define BOARD_PCI_IO_SIZE UINT64_C(0x10000)
#define BOARD_PCI_MEM64 UINT64_C(0x8000000000)
#define BOARD_PCI_MEM64_SIZE UINT64_C(0x8000000000)

#endif
