/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's SMMUv3 (IHI 0070), which the hypervisor owns: the core's IOMMU.
 * No guest sees it.
 */
#ifndef BOARDS_ARM64_SMMUV3_H
#define BOARDS_ARM64_SMMUV3_H

#include <holdfast/host.h>

#define SMMU_REGISTERS_SIZE UINT64_C(0x20000) /* two pages of 64 KiB (§6.1) */

struct smmu_memory {
	uint64_t start, size; /* whole pages */
	bool device;          /* registers; else RAM */
};

struct smmu_setup {
	volatile char *registers; /* where its two pages are mapped */
	uint16_t segment;
	uint32_t stream;   /* StreamID of requester ID 0; the others follow */
	uint64_t doorbell; /* where MSIs are written, which no guest may map */
	/*
	 * What the hardware domain's devices reach: the doorbell is in it, the
	 * hypervisor's memory and its devices are not.
	 */
	const struct smmu_memory *memory;
	unsigned int memories;
};

/*
 * Once, at boot: from then on every request is refused that @host's core has
 * not let through, which it can from now on: @host->iommu. 0; -EOPNOTSUPP it
 * lacks what is needed (the log says what); -ENOMEM; -EIO it does not answer.
 */
int smmu_init(struct pci_host *host, const struct smmu_setup *setup)
	__must_check;

/*
 * Tell the core of refused requests, a bounded number; often. No lock, no
 * section; any CPU. Nothing before smmu_init().
 */
void smmu_poll(void);
/* How many it has recorded, also of requesters that the core does not know. */
uint64_t smmu_refused(void);

#endif
