/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event queue (IHI 0070 §7.2-7.4). One CPU reads it at a time, the others
 * leave it alone; a bounded number of records at once, so that a device that
 * floods it keeps no CPU. What did not fit is counted by nobody: the threshold
 * of the core has been passed long before.
 */
#include <holdfast/errno.h>

#include "smmuv3_unit.h"

#define MAX_LOG2 8
#define AT_ONCE 32

/* Who may not be told apart from a write counts as one. */
static enum iommu_fault_reason reason_of(uint32_t type, pci_sbdf_t rid,
					 bool read)
{
	switch (type) {
	case F_BAD_ATS_TREQ:
	case F_TRANSL_FORBIDDEN:
		return IOMMU_FAULT_ATS;
	case F_TRANSLATION:
	case F_ADDR_SIZE:
	case F_ACCESS:
	case F_PERMISSION:
		if (!smmu_stream_is_blocked(rid))
			return read ? IOMMU_FAULT_READ : IOMMU_FAULT_WRITE;
		return IOMMU_FAULT_BLOCKED;
	default:
		return IOMMU_FAULT_BLOCKED;
	}
}

/* True: the core has something to do. */
static bool report(const smmu_word_t *event)
{
	uint64_t word0 = hf_load_relaxed(&event[0]);
	uint64_t word1 = hf_load_relaxed(&event[1]);
	uint32_t stream = EVENT_STREAM(word0) - smmu.stream;
	struct iommu_fault fault = {
		.rid = pci_sbdf_from((uint32_t)smmu.segment << 16 |
				     (stream & UINT16_MAX)),
		.address = hf_load_relaxed(&event[2]),
	};

	if (EVENT_TYPE(word0) == E_PAGE_REQUEST)
		return false; /* a hint */
	hf_fetch_add_relaxed(&smmu.events.count, 1);
	if (stream > UINT16_MAX)
		return false; /* nobody that the core could know */
	fault.reason =
		reason_of(EVENT_TYPE(word0), fault.rid, word1 & EVENT1_READ);
	return pci_iommu_fault(smmu.host, &fault);
}

/* Who is busy. */
static bool read_some(void)
{
	uint32_t ring = (2u << smmu.events.log2) - 1, cons = smmu.events.cons;
	uint32_t prod = smmu_read(SMMU_EVENTQ_PROD);
	unsigned int left = AT_ONCE;
	bool work = false;

	if (prod == cons)
		return false;
	plat_device_barrier(); /* the index before the records */
	while (left-- && ((prod ^ cons) & ring)) {
		work |= report(
			&smmu.events.entry[EVENT_WORDS * (cons & ring >> 1)]);
		cons = (cons & ~ring) | ((cons + 1) & ring);
	}
	cons = (cons & ring) | (prod & EVENTQ_PROD_OVFLG);
	plat_device_barrier(); /* read before the unit writes them again */
	smmu.events.cons = cons;
	smmu_write(SMMU_EVENTQ_CONS, cons);
	return work;
}

void smmu_poll(void)
{
	uint32_t free = 0;
	bool work;

	if (!smmu.registers || !hf_cas_acquire(&smmu.events.busy, &free, 1))
		return;
	work = read_some();
	hf_store_release(&smmu.events.busy, 0);
	if (work)
		pci_iommu_work();
}

uint64_t smmu_refused(void)
{
	return hf_load_relaxed(&smmu.events.count);
}

int smmu_events_init(uint32_t idr1)
{
	unsigned int log2 = IDR1_EVENTQS(idr1);
	smmu_word_t *entry;

	smmu.events.log2 = log2 < MAX_LOG2 ? log2 : MAX_LOG2;
	entry = plat_zalloc(EVENT_WORDS * sizeof(*entry) << smmu.events.log2);
	if (!entry)
		return -ENOMEM;
	smmu.events.entry = entry;
	smmu_write64(SMMU_EVENTQ_BASE,
		     (uint64_t)(uintptr_t)entry | BASE_RA | smmu.events.log2);
	smmu_write(SMMU_EVENTQ_PROD, 0);
	smmu_write(SMMU_EVENTQ_CONS, 0);
	return 0;
}
