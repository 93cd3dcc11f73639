/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a vCPU has yet to do before its guest resumes: names of devices whose
 * views have work. Only the vCPU's own thread touches the list.
 *
 * A name is looked up again for each piece, in a section, by address and
 * instance, and the device must still be this domain's. So what was removed,
 * lost, given away or exchanged meanwhile is nobody's work any more (H2), and
 * several vCPUs may have the same device on their lists.
 *
 * The bit of a work is cleared when its step says that it is over, unless
 * somebody has asked again since before that step: view->asked counts.
 */
#include "vpci/trap.h"

void vpci_vcpu_init(struct vpci_vcpu *vcpu, struct domain *d)
{
	domain_get(d);
	*vcpu = (struct vpci_vcpu){ .domain = d };
}

void vpci_vcpu_fini(struct vpci_vcpu *vcpu)
{
	domain_put(vcpu->domain);
	*vcpu = (struct vpci_vcpu){ 0 };
}

void vpci_note_work(struct vpci_vcpu *vcpu, struct pci_dev *pdev,
		    struct vpci *view)
{
	unsigned int i;

	if (!hf_load_acquire(&view->work))
		return;
	for (i = 0; i < vcpu->npending; i++)
		if (vcpu->pending[i].instance == pdev->instance)
			return;
	HF_ASSERT(!vpci_vcpu_is_full(vcpu)); /* no write before it has room */
	vcpu->pending[i].sbdf = pdev->desc.sbdf;
	vcpu->pending[i].instance = pdev->instance;
	vcpu->npending++;
}

/* The device of entry @i, if it is still the one, and @d's; in a section. */
static struct pci_dev *find(struct vpci_vcpu *vcpu, unsigned int i)
{
	pci_sbdf_t sbdf = vcpu->pending[i].sbdf;
	/* It has had a device, so it is there, and stays. */
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *pdev = pci_table_find(&pseg->table, sbdf);

	return pdev && pdev->instance == vcpu->pending[i].instance ? pdev
								   : NULL;
}

/* One kind of work of @view, 0: none; and how often it was asked for work. */
static uint32_t next_work(struct vpci *view, uint64_t *asked)
{
	uint32_t work;

	pci_lock(&view->pdev->lock);
	work = hf_load_relaxed(&view->work);
	*asked = view->asked;
	pci_unlock(&view->pdev->lock);
	return work & -work;
}

static void is_over(struct vpci *view, uint32_t work, uint64_t asked)
{
	pci_lock(&view->pdev->lock);
	if (view->asked == asked)
		hf_fetch_and_release(&view->work, ~work);
	pci_unlock(&view->pdev->lock);
}

/* One piece of one kind; in a section, but VFS: with a reference. */
static void step(struct vpci *view, uint32_t work, uint64_t asked,
		 uint64_t *when)
{
	bool more;

	if (work == VPCI_WORK_BARS)
		more = vpci_map_step(view);
	else if (work == VPCI_WORK_FLR)
		more = vpci_flr_step(view, when);
	else
		more = vpci_vfs_step(view->pdev, view, when);
	if (!more)
		is_over(view, work, asked);
}

/*
 * One piece for entry @i. False: nothing is left of it. *@when stays 0 if the
 * next piece can follow at once. VFs come and go outside sections; only the
 * hardware domain's view has that work, and stays as long as the device.
 */
static bool advance(struct vpci_vcpu *vcpu, unsigned int i, uint64_t *when)
{
	struct vpci *view = NULL;
	struct pci_dev *pdev;
	bool owned = false, left = false;
	uint32_t work = 0;
	uint64_t asked = 0;

	plat_rcu_read_lock();
	pdev = find(vcpu, i);
	switch (pdev ? vpci_answers(vcpu->domain, pdev) : VPCI_NOBODY) {
	case VPCI_NOBODY:
		break;
	case VPCI_DRAINING:
		left = vpci_again(pdev) == PCI_AGAIN;
		break;
	case VPCI_FOUND:
		view = vpci_view(pdev, vcpu->domain);
		work = view ? next_work(view, &asked) : 0;
		left = work != 0;
		if (work == VPCI_WORK_VFS)
			owned = pcidev_tryget(pdev);
		else if (work)
			step(view, work, asked, when);
		break;
	}
	plat_rcu_read_unlock();
	if (owned) {
		step(view, work, asked, when);
		pcidev_put(pdev);
	}
	return left;
}

enum pci_verdict vpci_process_pending(struct vpci_vcpu *vcpu, uint64_t *when)
{
	uint64_t next = PLAT_FOREVER, at = PLAT_FOREVER;
	unsigned int i = 0;

	while (i < vcpu->npending && at) {
		at = 0;
		if (!advance(vcpu, i, &at)) {
			vcpu->pending[i] = vcpu->pending[--vcpu->npending];
			at = PLAT_FOREVER;
			continue;
		}
		if (at < next)
			next = at;
		i++;
	}
	if (!vcpu->npending)
		return PCI_DONE;
	if (when)
		*when = next;
	return PCI_AGAIN;
}
