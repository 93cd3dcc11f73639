/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the SMMUv3 share.
 *
 *   smmuv3.c         the unit's start, and the core's struct iommu_ops
 *   smmuv3_cmdq.c    commands, and when they are over
 *   smmuv3_events.c  refused requests
 *   smmuv3_stream.c  the stream table: who goes where
 */
#ifndef BOARDS_ARM64_SMMUV3_UNIT_H
#define BOARDS_ARM64_SMMUV3_UNIT_H

#include <holdfast/atomic.h>
#include <holdfast/iommu.h>
#include <holdfast/platform.h>

#include "dma_tables.h"
#include "smmuv3.h"
#include "smmuv3_regs.h"

typedef hf_atomic(uint64_t) smmu_word_t; /* of a structure that the unit reads */

/* Where requests may go: the first words of an STE, and what they lead to. */
struct smmu_context {
	uint64_t ste[STE_CHANGES];
	uint16_t id;     /* ASID or VMID: what the TLB knows it by */
	smmu_word_t *cd; /* stage 1; owned */
	struct dma_tables tables;
};

struct iommu_space {
	struct smmu_context context;
};

struct smmu_unit {
	volatile char *registers; /* NULL: not started */
	struct pci_host *host;
	uint16_t segment;
	uint32_t stream;
	uint64_t doorbell;
	bool stage2;
	unsigned int oas; /* bits of an output address */
	struct smmu_context blocked, identity, scratch;

	/* smmuv3_stream.c */
	plat_lock_t lock;      /* new tables, and ids */
	bool id_taken[256];    /* lock */
	smmu_word_t *table;    /* fixed: of level 1, or all STEs */
	bool two_level;        /* fixed */
	unsigned int sid_bits; /* fixed: StreamIDs below 1 << this */

	/* smmuv3_cmdq.c */
	struct {
		plat_lock_t lock;
		uint64_t (*entry)[2];
		unsigned int log2;   /* fixed: of the entries */
		uint64_t prod, cons; /* lock; since the start, without wrap */
		bool failed;         /* lock; for good */
	} cmdq;

	/* smmuv3_events.c */
	struct {
		hf_atomic(uint32_t) busy; /* a CPU reads it */
		hf_atomic(uint64_t) count;
		const smmu_word_t *entry;
		unsigned int log2; /* fixed */
		uint32_t cons; /* who is busy; with the wrap bit and OVACKFLG */
	} events;
};

extern struct smmu_unit smmu;

static inline uint32_t smmu_read(uint32_t reg)
{
	return *(volatile uint32_t *)(smmu.registers + reg);
}

static inline void smmu_write(uint32_t reg, uint64_t val)
{
	*(volatile uint32_t *)(smmu.registers + reg) = (uint32_t)val;
}

static inline void smmu_write64(uint32_t reg, uint64_t val)
{
	*(volatile uint64_t *)(smmu.registers + reg) = val;
}

/* --- smmuv3_cmdq.c ------------------------------------------------------------- */

/* Memory and registers, before CMDQEN. @idr1 says how large. 0 or -ENOMEM. */
int smmu_cmdq_init(uint32_t idr1) __must_check;
/*
 * Hand over @n commands and a CMD_SYNC; *@ticket is over when that is. 0; -EBUSY
 * no room; -EIO the unit has failed.
 */
int smmu_begin(const uint64_t (*cmd)[2], unsigned int n, uint64_t *ticket)
	__must_check;
/* 0 it is over; -EINPROGRESS; -EIO. */
int smmu_done(uint64_t ticket) __must_check;
/*
 * Both, for who cannot go on before: spins for PCI_FLUSH_TIME at most. 0; -EIO,
 * and the unit counts as failed.
 */
int smmu_execute(const uint64_t (*cmd)[2], unsigned int n) __must_check;

/* --- smmuv3_events.c ------------------------------------------------------------- */

/* Memory and registers, before EVENTQEN. */
int smmu_events_init(uint32_t idr1) __must_check;

/* --- smmuv3_stream.c ------------------------------------------------------------- */

/* All three contexts are made. Memory and registers, before SMMUEN. */
int smmu_stream_init(uint32_t idr0, uint32_t idr1) __must_check;
/* Of @rid, which goes to @to from now on. 0; -ENOMEM; -EIO. To blocked: 0. */
int smmu_stream_set(pci_sbdf_t rid, const struct smmu_context *to);
bool smmu_stream_is_blocked(pci_sbdf_t rid);
/* Its StreamID. False: the unit has none for it. */
bool smmu_stream_of(pci_sbdf_t rid, uint32_t *sid);

/* An id that no context has; -ENOMEM: all are taken. */
int smmu_id_get(void) __must_check;
void smmu_id_put(unsigned int id);

#endif
