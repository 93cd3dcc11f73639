/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host "ecam": configuration space that the machine has in memory (PCIe 6.0
 * §7.2.2), and its memory space. For a hypervisor, that may use both as they
 * are.
 */
#ifndef HOST_ECAM_H
#define HOST_ECAM_H

#include <holdfast/atomic.h>
#include <holdfast/host.h>

/* A part of memory space. */
struct ecam_window {
	uint64_t start, size; /* host-physical */
	volatile char *mem;   /* where it is mapped */
};

/* How often a function's configuration space was touched. */
struct ecam_count {
	hf_atomic(uint32_t) reads, writes;
};

struct ecam_host {
	struct pci_host host;
	volatile char *config; /* where function 0 of @first_bus is mapped */
	uint16_t seg;
	uint8_t first_bus, last_bus;
	const struct ecam_window *window; /* other addresses have nobody */
	unsigned int windows;
	/* Of each function from @first_bus on, @counted of them; or NULL. */
	struct ecam_count *count;
	unsigned int counted;
	void (*adding)(pci_sbdf_t sbdf); /* pci_host_ops.adding; or NULL */
};

/*
 * Fill @ecam->host; the other fields are set already. MSI and IOMMU are the
 * caller's to add, before pci_segment_add().
 */
void ecam_host_init(struct ecam_host *ecam);

#endif
