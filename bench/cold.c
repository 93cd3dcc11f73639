/* SPDX-License-Identifier: BSD-2-Clause */
#include "cold.h"
#include "device/internal.h"

#define LINE 64 /* at least so long, wherever hypervisors run */

static void cold_line(uintptr_t at)
{
#if defined(__aarch64__)
	__asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
#else
	__builtin_ia32_clflush((const void *)at);
#endif
}

void cold_wait(void)
{
#if defined(__aarch64__)
	__asm__ volatile("dsb ish" : : : "memory");
#else
	__builtin_ia32_mfence();
#endif
}

void cold_bytes(const volatile void *p, size_t size)
{
	uintptr_t at = (uintptr_t)p & ~(uintptr_t)(LINE - 1);

	for (; at < (uintptr_t)p + size; at += LINE)
		cold_line(at);
}

void cold_device(pci_sbdf_t sbdf)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *pdev;

	plat_rcu_read_lock();
	pdev = pci_table_find(&pseg->table, sbdf);
	cold_bytes(pdev, sizeof(*pdev));
	plat_rcu_read_unlock();
}

void cold_slot(pci_sbdf_t sbdf)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_bus *bus;

	plat_rcu_read_lock();
	bus = hf_load_acquire(&pseg->table.bus[sbdf.bus]);
	cold_bytes(&bus->slot[sbdf.devfn], sizeof(bus->slot[0]));
	plat_rcu_read_unlock();
}
