/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree that the hardware domain gets, edited in place. */
#ifndef BOARDS_ARM64_DEVICETREE_H
#define BOARDS_ARM64_DEVICETREE_H

#include <holdfast/types.h>

struct smmu_setup;

struct fdt_memory {
	uint64_t start, size;
};

/* What is no device tree ends the boot (plat_bug). */
void fdt_check(const void *fdt);
/* The machine's RAM, one range; else -EINVAL. */
int fdt_get_memory(const void *fdt, struct fdt_memory *memory) __must_check;
int fdt_set_memory(void *fdt, const struct fdt_memory *memory) __must_check;
/* cpu_add() for each CPU. 0 or -EINVAL. */
int fdt_add_cpus(const void *fdt) __must_check;
/*
 * The SMMUv3 of the PCI host bridge is the hypervisor's: @smmu->registers and
 * .stream are set, and the tree has no trace of it any more. 0; -ENOENT there is
 * none; -EINVAL there is, but not for all requester IDs in a row.
 */
int fdt_take_smmu(void *fdt, struct smmu_setup *smmu) __must_check;
/* Linux's pci=hpbussize=N (1 unless told): the buses of a hot-plug port. */
uint8_t fdt_hotplug_buses(const void *fdt);
/* Nothing that is @compatible is there any more. 0 or -EINVAL. */
int fdt_hide(void *fdt, const char *compatible) __must_check;

#endif
