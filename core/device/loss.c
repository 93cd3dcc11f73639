/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss: hardware that is not there any more.
 *
 * First the marks, without any lock: from then on nobody touches the hardware
 * who tests the mark in the section of his access. Then, device by device from
 * the highest address down (children have higher addresses than parents), the
 * bookkeeping: take the operation slot, once whoever has it has noticed; cut
 * off holds and guest; unpublish; let the stages revoke. One grace period
 * later the slots may be used again.
 *
 * New children while we mark: a child is published under its parent's segment
 * lock and then reads the parent's marks by a read-modify-write (registry.c).
 * We set the parent's mark by one, too, and walk again after it: whichever
 * came first on that word, either the child sees the mark or the second walk
 * sees the child.
 */
#include "device/internal.h"

/*
 * The last published device at or below @lead whose address is at most *@bdf,
 * which becomes its address; NULL: there is none. In a section or under the
 * segment lock.
 */
static struct pci_dev *last_below(struct pci_segment *pseg, pci_sbdf_t lead,
				  uint32_t *bdf)
{
	struct pci_dev *pdev;

	while ((pdev = pci_table_prev(&pseg->table, bdf)) && *bdf >= lead.bdf) {
		if (pcidev_is_below(pdev, lead, false))
			return pdev;
		--*bdf; /* > 0: what is at 0 is @lead or before it */
	}
	return NULL;
}

/*
 * By the object and not by its address: after an orderly removal another may
 * stand there while this section still knows the old one.
 */
static bool is_or_below(const struct pci_dev *pdev, const struct pci_dev *lead)
{
	while (pdev && pdev != lead)
		pdev = pdev->parent;
	return pdev;
}

/* Mark all below @lead, and then itself; true if one was not marked yet. */
static bool mark_all(struct pci_segment *pseg, struct pci_dev *lead)
{
	uint32_t bdf = hf_load_relaxed(&lead->last_below);
	struct pci_dev *pdev;
	bool any = false;

	while ((pdev = last_below(pseg, lead->desc.sbdf, &bdf))) {
		if (is_or_below(pdev, lead))
			any |= !(hf_fetch_or_acq_rel(&pdev->marks,
						     PCI_MARK_LOST) &
				 PCI_MARK_LOST);
		if (!bdf--)
			break;
	}
	return any;
}

/*
 * At least two walks: the first may pass an address before a child comes to it,
 * whose parent somebody else has just marked.
 */
static int mark(pci_sbdf_t sbdf, uint64_t instance)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *lead;

	if (!pseg)
		return -ENODEV;
	plat_rcu_read_lock();
	lead = pci_table_find(&pseg->table, sbdf);
	if (lead && instance && lead->instance != instance)
		lead = NULL;
	if (lead)
		mark_all(pseg, lead);
	while (lead && mark_all(pseg, lead))
		;
	plat_rcu_read_unlock();
	return lead ? 0 : -ENODEV;
}

int pci_mark_lost(pci_sbdf_t sbdf)
{
	return mark(sbdf, 0);
}

/* The same, of those that are marked: another may stand there by now. */
static struct pci_dev *last_lost(struct pci_segment *pseg, pci_sbdf_t lead,
				 uint32_t *bdf)
{
	struct pci_dev *pdev;

	while ((pdev = last_below(pseg, lead, bdf)) &&
	       !pcidev_marked(pdev, PCI_MARK_LOST))
		if (!(*bdf)--)
			return NULL;
	return pdev;
}

/*
 * The same, counted; *@bdf is where to go on. A device with children that came
 * to be published after we had passed them: from the top again. Published under
 * the segment lock, so the registry's reference is there to make another from,
 * in any state.
 */
static struct pci_dev *last_below_get(struct pci_segment *pseg, pci_sbdf_t lead,
				      uint32_t *bdf)
{
	struct pci_dev *pdev;

	pci_lock(&pseg->lock);
	pdev = last_lost(pseg, lead, bdf);
	if (pdev && pdev->nchildren) {
		*bdf = hf_load_relaxed(&pdev->last_below);
		pdev = last_lost(pseg, lead, bdf);
	}
	if (pdev)
		pcidev_get(pdev);
	pci_unlock(&pseg->lock);
	return pdev;
}

/* 0 and pdev->op is ours; -ENODEV: somebody else has finished it. */
static int take_op(struct pci_dev *pdev)
{
	int err;

	for (;;) {
		pci_lock(&pdev->lock);
		err = pci_op_begin(pdev, PCI_OP_LOSS);
		if (err)
			pci_removal_kick(pdev);
		pci_unlock(&pdev->lock);
		if (err != -EBUSY)
			return err;
		/* A removal may be waiting for the count of our reference. */
		plat_event_set(&pdev->event);
		plat_event_wait(&pdev->idle, PLAT_FOREVER);
	}
}

static void take_back(struct pci_dev *pdev)
{
	uint64_t deadline = plat_now() + PCI_QUIESCE_TIME;
	const char *why = NULL;
	unsigned int done = 0, turn = 0;
	int err;

	pcidev_cut_holds(pdev);
	(void)pcidev_unpublish(pdev, PCI_STATE_LOST);
	/*
	 * Of a lost device a stage only takes back its own, and waits for units
	 * that know of it: the next one in the slot would be taken for it. One
	 * that fails keeps no other.
	 */
	while ((err = pci_stages_quiesce(pdev, &done, deadline, &why))) {
		if (err == -EINPROGRESS && plat_now() < deadline) {
			pcidev_wait_longer(&turn);
			continue;
		}
		plat_log(PLAT_ERROR, "lost device %x: %s", pdev->desc.sbdf.sbdf,
			 why ? why : "not revoked");
		done++;
	}
	pci_lock(&pdev->lock);
	pci_op_end(pdev);
	pci_unlock(&pdev->lock);
}

static void release_slot(struct pci_dev *pdev)
{
	pcidev_revoked(pdev);
	pcidev_put(pdev); /* the registry's */
	pcidev_put(pdev); /* ours */
}

int pci_instance_lost(pci_sbdf_t sbdf, uint64_t instance)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	uint32_t bdf = 0xffff;
	struct list_head lost;
	struct pci_dev *pdev;
	int err = mark(sbdf, instance);

	if (err)
		return err;
	list_init(&lost);
	while ((pdev = last_below_get(pseg, sbdf, &bdf))) {
		if (take_op(pdev)) {
			pcidev_put(pdev);
			continue;
		}
		take_back(pdev);
		/* Off its domain's list by now; the entry is ours. */
		list_add_tail(&pdev->domain_entry, &lost);
	}
	if (list_empty(&lost))
		return -EALREADY;
	plat_rcu_synchronize();
	while (!list_empty(&lost)) {
		pdev = list_first(&lost, struct pci_dev, domain_entry);
		list_del(&pdev->domain_entry);
		release_slot(pdev);
	}
	return 0;
}

int pci_device_lost(pci_sbdf_t sbdf)
{
	return pci_instance_lost(sbdf, 0);
}
