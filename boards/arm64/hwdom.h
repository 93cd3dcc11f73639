/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware domain and the PCI device layer: what it reaches of configuration
 * and memory space of PCI, it reaches through the core.
 */
#ifndef BOARDS_ARM64_HWDOM_H
#define BOARDS_ARM64_HWDOM_H

#include "smmuv3.h"
#include "trap.h"

/*
 * Start the core, find what is there, and give it to the hardware domain, whose
 * stage 2 @s2 is: PCI's memory space is not mapped there, BARs are as they come.
 * DMA is confined by @smmu; NULL: the machine has none. @hotplug_buses: as its
 * kernel gives each hot-plug port, at least. At boot, on one CPU.
 */
void hwdom_init(struct stage2 *s2, const struct smmu_setup *smmu,
		uint8_t hotplug_buses);

/* struct vm's: an access where stage 2 has nothing; before its guest goes on. */
enum mmio_verdict hwdom_mmio(struct cpu *cpu, struct mmio *access);
void hwdom_resume(struct cpu *cpu);

/* Its stage 2; does [start, start + size) lie in one window of PCI's memory? */
struct stage2 *hwdom_stage2(void);
bool hwdom_is_memory_space(uint64_t start, uint64_t size);

/* How often the hypervisor has touched configuration space, in all. */
void hwdom_traffic(uint64_t *reads, uint64_t *writes);
/* How often the hypervisor has touched each function, on the console. */
void hwdom_say_counts(void);

#endif
