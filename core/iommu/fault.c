/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refused requests: counted without a lock, since they come from interrupts and
 * as fast as a device likes; and what is done at the limit.
 *
 * Bus mastering goes off in two steps. The fault queues the device's name, so
 * what waits there keeps nobody; pci_iommu_work() looks it up, and sets
 * PCI_MARK_NO_MASTER and writes hardware's Command, both under pdev->lock. Who
 * writes Command under that lock reads the mark there. Who writes it without
 * (the hardware domain's own writes, a restore) looks at the mark after its
 * write, conf_heed_no_master():
 *
 *     work:   mark := set;  Command := off
 *     writer: Command := on;  mark set? then Command := off
 *
 * Whichever of the two touches the mark first: either the writer sees it, or
 * the work's write of Command comes after the writer's. Marks are changed, and
 * looked at here, by read-modify-writes, which are in one order.
 */
#include "iommu/internal.h"

hf_atomic(uint64_t) iommu_faults;

/* Names of devices at the limit: SBDF << 32 | instance; 0: none. */
static hf_atomic(uint64_t) queue[16];

static const unsigned int default_limit = 10;

/* --- counting ------------------------------------------------------------------------ */

/* .recent: milliseconds of the last fault << 32 | how many. */
static uint32_t decayed(uint64_t recent, uint32_t now)
{
	uint32_t quiet = (now - (uint32_t)(recent >> 32)) /
			 (uint32_t)(PCI_FAULT_DECAY / PLAT_NSEC_PER_MSEC);

	return quiet < 32 ? (uint32_t)recent >> quiet : 0;
}

static uint32_t milliseconds(void)
{
	return (uint32_t)(plat_now() / PLAT_NSEC_PER_MSEC);
}

static uint32_t count(struct pci_iommu *iommu)
{
	uint64_t old = hf_load_relaxed(&iommu->recent), new;
	uint32_t now, n;

	do {
		now = milliseconds(); /* not before the one that it follows */
		n = decayed(old, now);
		n += n < UINT32_MAX;
		new = (uint64_t)now << 32 | n;
	} while (!hf_cas_relaxed(&iommu->recent, &old, new));
	hf_fetch_add_relaxed(&iommu->faults, 1);
	hf_fetch_add_relaxed(&iommu_faults, 1);
	return n;
}

/* One writer at a time; another one's fault is not the last one then. */
static void remember(struct pci_iommu *iommu, const struct iommu_fault *fault)
{
	uint32_t seq = hf_load_relaxed(&iommu->last_seq);

	if (seq & 1 || !hf_cas_acq_rel(&iommu->last_seq, &seq, seq + 1))
		return;
	hf_store_release(&iommu->last_rid,
			 (uint64_t)fault->reason << 32 | fault->rid.sbdf);
	hf_store_release(&iommu->last_address, fault->address);
	hf_store_release(&iommu->last_time, plat_now());
	hf_store_release(&iommu->last_seq, seq + 2);
}

static void recall(struct pci_iommu *iommu, struct pci_fault_info *info)
{
	unsigned int tries = 8;
	uint32_t seq, again;

	do { /* one that comes just now is told the next time */
		uint64_t rid;

		seq = hf_load_acquire(&iommu->last_seq);
		rid = hf_load_acquire(&iommu->last_rid);
		info->last.reason = (enum iommu_fault_reason)(rid >> 32);
		info->last.rid = pci_sbdf_from((uint32_t)rid);
		info->last.address = hf_load_acquire(&iommu->last_address);
		info->last_time = hf_load_acquire(&iommu->last_time);
		again = hf_load_acquire(&iommu->last_seq);
	} while ((seq & 1 || seq != again) && --tries);
	if (!tries)
		info->last_time = 0;
}

uint64_t iommu_fault_total(struct pci_dev *pdev)
{
	struct pci_dev *p;
	uint64_t total = 0;

	for (p = pdev; p; p = p->parent)
		if (p->iommu && (p == pdev || iommu_below(p->iommu)))
			total += hf_load_acquire(&p->iommu->faults);
	return total;
}

void iommu_fault_info(struct pci_iommu *iommu, struct pci_fault_info *info)
{
	uint64_t recent = hf_load_relaxed(&iommu->recent);

	*info = (struct pci_fault_info){
		.total = hf_load_acquire(&iommu->faults) -
			 hf_load_acquire(&iommu->forgotten),
		.recent = decayed(recent, milliseconds()),
		.master_off = pcidev_marked(iommu->pdev, PCI_MARK_NO_MASTER),
	};
	if (info->total)
		recall(iommu, info);
}

/* --- the limit ------------------------------------------------------------------------- */

static uint64_t name_of(const struct pci_dev *pdev)
{
	return (uint64_t)pdev->desc.sbdf.sbdf << 32 | (uint32_t)pdev->instance;
}

/* Where there is no room the next fault tries again. */
static void enqueue(uint64_t name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queue); i++) {
		uint64_t there = 0;

		if (hf_cas_acq_rel(&queue[i], &there, name) || there == name)
			return;
	}
}

bool pci_iommu_fault(struct pci_host *host, const struct iommu_fault *fault)
{
	unsigned int limit = iommu_options.fault_limit
				     ? iommu_options.fault_limit
				     : default_limit;
	struct pci_dev *pdev;
	bool queued = false;

	plat_rcu_read_lock();
	pdev = iommu_find(host, fault->rid);
	if (pdev && pdev->iommu) {
		queued = count(pdev->iommu) >= limit &&
			 !pcidev_marked(pdev, PCI_MARK_NO_MASTER);
		remember(pdev->iommu, fault);
		if (queued)
			enqueue(name_of(pdev));
	}
	plat_rcu_read_unlock();
	return queued;
}

static void master_off(struct pci_dev *pdev)
{
	uint32_t marks;

	pci_lock(&pdev->lock);
	marks = hf_fetch_or_acq_rel(&pdev->marks, PCI_MARK_NO_MASTER);
	if (!pdev->pseg->host->ops->may_block)
		conf_update(pdev, PCI_COMMAND, PCI_COMMAND_MASTER, 0);
	pci_unlock(&pdev->lock);
	if (pdev->pseg->host->ops->may_block) /* no view: nobody is to see both */
		conf_update(pdev, PCI_COMMAND, PCI_COMMAND_MASTER, 0);
	if (marks & PCI_MARK_NO_MASTER)
		return;
	pci_event_post(PCI_EVENT_FAULT, pdev->desc.sbdf, pdev->instance,
		       "its DMA faults: bus mastering is off");
}

static void work_on(uint64_t name)
{
	struct pci_dev *pdev;

	if (pci_lookup(NULL, pci_sbdf_from((uint32_t)(name >> 32)), &pdev))
		return;
	if (name_of(pdev) == name)
		master_off(pdev);
	pcidev_put(pdev);
}

void pci_iommu_work(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queue); i++) {
		uint64_t name = hf_load_acquire(&queue[i]);

		while (name && !hf_cas_acq_rel(&queue[i], &name, 0))
			;
		if (name)
			work_on(name);
	}
}

/* --- for people -------------------------------------------------------------------------- */

int pci_faults_clear(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, sbdf, &pdev);

	if (err)
		return err;
	if (pdev->iommu) {
		pci_lock(&pdev->lock);
		hf_store_release(&pdev->iommu->recent, 0);
		hf_store_release(&pdev->iommu->forgotten,
				 hf_load_acquire(&pdev->iommu->faults));
		hf_fetch_and_release(&pdev->marks,
				     ~(uint32_t)PCI_MARK_NO_MASTER);
		pci_unlock(&pdev->lock);
	}
	pcidev_put(pdev);
	return 0;
}

const char *iommu_fault_name(enum iommu_fault_reason reason)
{
	static const char *const name[IOMMU_FAULTS] = {
		[IOMMU_FAULT_BLOCKED] = "blocked",
		[IOMMU_FAULT_READ] = "read",
		[IOMMU_FAULT_WRITE] = "write",
		[IOMMU_FAULT_ATS] = "ats",
		[IOMMU_FAULT_INTERRUPT] = "interrupt",
	};

	return reason < IOMMU_FAULTS ? name[reason] : "unknown";
}
