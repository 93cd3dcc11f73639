/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holds: taking, giving back, cutting off.
 *
 * A hold is listed under pdev->lock and owns a reference while it is. Whoever
 * unlinks it (its holder, or the one that cuts it off) first clears hold->pdev
 * under that lock and puts the reference after it: once, whoever was faster.
 * The holder comes with nothing but the hold; so it reads hold->pdev in a
 * section, which keeps the device's memory, and looks again under the lock.
 *
 * The hold itself is its holder's, freed by release after a grace period: an
 * ask() that was on its way runs in a section that found it listed.
 */
#include "device/internal.h"

struct pci_hold *pci_hold_alloc(enum pci_hold_kind kind, const char *who,
				const struct pci_hold_ops *ops, void *data)
{
	struct pci_hold *hold = plat_zalloc(sizeof(*hold));
	size_t i;

	if (!hold)
		return NULL;
	list_init(&hold->entry);
	hold->kind = kind;
	hold->ops = ops;
	hold->data = data;
	for (i = 0; who[i] && i < sizeof(hold->who) - 1; i++)
		hold->who[i] = who[i];
	return hold;
}

void pci_hold_link(struct pci_hold *hold, struct pci_dev *pdev)
{
	pci_assert_held(&pdev->lock);
	pcidev_get(pdev);
	hold->since = plat_now();
	hold->listed = true;
	hf_store_release(&hold->pdev, pdev);
	list_add_tail(&hold->entry, &pdev->holds);
	pdev->nholds++;
	if (hold->kind == PCI_HOLD_CHILD)
		pdev->nchildren++;
}

bool pci_hold_unlink(struct pci_hold *hold, struct pci_dev *pdev)
{
	pci_assert_held(&pdev->lock);
	if (!hold->listed)
		return false;
	hold->listed = false;
	hf_store_release(&hold->pdev, NULL);
	list_del(&hold->entry);
	pdev->nholds--;
	if (hold->kind == PCI_HOLD_CHILD)
		pdev->nchildren--;
	pci_removal_note_gone(pdev, hold);
	pci_removal_kick(pdev);
	return true;
}

static void free_after_grace(struct plat_rcu_head *head)
{
	plat_free(container_of(head, struct pci_hold, rcu));
}

void pci_hold_free(struct pci_hold *hold)
{
	plat_rcu_call(&hold->rcu, free_after_grace);
}

void pci_hold_describe(const struct pci_hold *hold, struct pci_hold_info *info)
{
	*info = (struct pci_hold_info){
		.kind = hold->kind,
		.since = hold->since,
		.can_ask = hold->ops && hold->ops->ask,
		.asked = hold->asked,
		.refused = hold->refused,
		.cut = hold->cut,
	};
	memcpy(info->who, hold->who, sizeof(info->who));
	if (hold->kind == PCI_HOLD_CHILD)
		info->child = hold->child->desc.sbdf;
}

int pci_hold_take(struct pci_dev *pdev, enum pci_hold_kind kind,
		  const char *who, const struct pci_hold_ops *ops, void *data,
		  struct pci_hold **out)
{
	struct pci_hold *hold;
	int err = 0;

	if (kind >= PCI_HOLD_KINDS || kind == PCI_HOLD_CHILD ||
	    kind == PCI_HOLD_ASSIGNED || !who)
		return -EINVAL;
	hold = pci_hold_alloc(kind, who, ops, data);
	if (!hold)
		return -ENOMEM;
	pci_lock(&pdev->lock);
	if (life_is_dead(life_state(&pdev->life)) ||
	    pcidev_marked(pdev, PCI_MARK_LOST))
		err = -ENODEV;
	else if (pdev->op == PCI_OP_REMOVE)
		err = -EBUSY;
	else
		pci_hold_link(hold, pdev);
	pci_unlock(&pdev->lock);
	if (err) {
		plat_free(hold);
		return err;
	}
	pci_event_post(PCI_EVENT_HOLD, pdev->desc.sbdf, pdev->instance,
		       hold->who);
	*out = hold;
	return 0;
}

bool pci_hold_release(struct pci_hold *hold)
{
	struct pci_dev *pdev;
	bool mine = false;

	plat_rcu_read_lock();
	pdev = hf_load_acquire(&hold->pdev);
	if (pdev) {
		pci_lock(&pdev->lock);
		mine = pci_hold_unlink(hold, pdev);
		pci_unlock(&pdev->lock);
	}
	plat_rcu_read_unlock();
	if (mine) {
		pci_event_post(PCI_EVENT_RELEASE, pdev->desc.sbdf,
			       pdev->instance, hold->who);
		pcidev_put(pdev);
	}
	pci_hold_free(hold);
	return mine;
}

void pci_hold_refuse(struct pci_hold *hold)
{
	struct pci_dev *pdev;

	plat_rcu_read_lock();
	pdev = hf_load_acquire(&hold->pdev);
	if (pdev) {
		pci_lock(&pdev->lock);
		if (hold->listed && hold->asked) {
			hold->refused = true;
			pci_removal_kick(pdev);
		}
		pci_unlock(&pdev->lock);
	}
	plat_rcu_read_unlock();
}

/*
 * Unlink the oldest hold that is not the core's own; NULL: none is left. (A
 * guest's goes with the move to dom_io, a child's with the child.)
 */
static struct pci_hold *cut_one(struct pci_dev *pdev)
{
	struct pci_hold *hold, *found = NULL;

	pci_lock(&pdev->lock);
	list_for_each(hold, &pdev->holds, struct pci_hold, entry) {
		if (hold->kind != PCI_HOLD_CHILD) {
			found = hold;
			break;
		}
	}
	if (found) {
		found->cut = true;
		pci_hold_unlink(found, pdev);
	}
	pci_unlock(&pdev->lock);
	return found;
}

void pcidev_cut_holds(struct pci_dev *pdev)
{
	struct pci_hold *hold;
	char who[PCI_WHO_LEN];

	pcidev_cut_guest(pdev);
	for (;;) {
		plat_rcu_read_lock();
		hold = cut_one(pdev);
		if (hold) {
			memcpy(who, hold->who, sizeof(who));
			if (hold->ops && hold->ops->cut_off)
				hold->ops->cut_off(hold, hold->data);
		}
		plat_rcu_read_unlock();
		if (!hold)
			return;
		pci_event_post(PCI_EVENT_CUT_OFF, pdev->desc.sbdf,
			       pdev->instance, who);
		pcidev_put(pdev);
	}
}
