/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * References and states of a device. The counting itself, with its proof, is
 * in counter.h; here is what follows from an answer of it.
 *
 * A put that leaves the last two references of a draining device wakes the
 * removal. The putter owns nothing any more by then, so it could find the
 * device freed under its hands: therefore subtraction and wake-up are in one
 * read-side section. The device is freed by an RCU callback that was queued,
 * at the earliest, after the subtraction, hence after the section began; it
 * runs after the section ended. The event is the device's own and not the
 * removal's, which may be over.
 */
#include "device/internal.h"

bool(pcidev_tryget)(struct pci_dev *pdev)
{
	switch (life_tryget(&pdev->life)) {
	case LIFE_NOT_LIVE:
		return false;
	case LIFE_SATURATED:
		pci_stat_add(PCI_STAT_SATURATED, 1);
		plat_log(PLAT_ERROR, "reference count saturated, device %x",
			 pdev->desc.sbdf.sbdf);
		break;
	case LIFE_TAKEN:
		break;
	}
	tracker_get(&pdev->tracker);
	if (!pcidev_marked(pdev, PCI_MARK_LOST))
		return true;
	pcidev_put(pdev);
	return false;
}

void(pcidev_get)(struct pci_dev *pdev)
{
	tracker_get(&pdev->tracker);
	if (life_get(&pdev->life))
		return;
	pci_stat_add(PCI_STAT_SATURATED, 1);
	plat_log(PLAT_ERROR, "reference count saturated, device %x",
		 pdev->desc.sbdf.sbdf);
}

static void free_after_grace(struct plat_rcu_head *head)
{
	struct pci_dev *pdev = container_of(head, struct pci_dev, rcu);

	pci_stages_detach(pdev);
	pcidev_free(pdev);
}

void pcidev_put(struct pci_dev *pdev)
{
	if (!pdev)
		return;
	tracker_put(&pdev->tracker);
	plat_rcu_read_lock();
	switch (life_put(&pdev->life)) {
	case LIFE_KEPT:
		break;
	case LIFE_DRAINED:
		plat_event_set(&pdev->event);
		break;
	case LIFE_FREE:
		plat_rcu_call(&pdev->rcu, free_after_grace);
		break;
	case LIFE_NO_REFERENCE:
		plat_bug("put of device %x without a reference",
			 pdev->desc.sbdf.sbdf);
	}
	plat_rcu_read_unlock();
}

void pcidev_put_final(struct pci_dev *pdev)
{
	HF_ASSERT(life_read(&pdev->life) == life_word(PCI_STATE_GONE, 2));
	pcidev_put(pdev);
}

void pcidev_set_state(struct pci_dev *pdev, enum pci_state to)
{
	static const bool allowed[PCI_STATE_COUNT][PCI_STATE_COUNT] = {
		[PCI_STATE_NEW] = { [PCI_STATE_LIVE] = true },
		[PCI_STATE_LIVE] = { [PCI_STATE_DRAINING] = true,
				     [PCI_STATE_LOST] = true },
		[PCI_STATE_DRAINING] = { [PCI_STATE_LIVE] = true,
					 [PCI_STATE_GONE] = true,
					 [PCI_STATE_LOST] = true },
	};
	enum pci_state from = life_state(&pdev->life);

	pci_assert_held(&pdev->lock);
	if (!allowed[from][to])
		plat_bug("device %x: no way from %s to %s",
			 pdev->desc.sbdf.sbdf, pci_state_name(from),
			 pci_state_name(to));
	life_set_state(&pdev->life, to);
}

/* --- operations -------------------------------------------------------------- */

int pci_op_begin(struct pci_dev *pdev, enum pci_op op)
{
	enum pci_state state = life_state(&pdev->life);

	pci_assert_held(&pdev->lock);
	if (life_is_dead(state))
		return -ENODEV;
	if (pdev->op != PCI_OP_NONE)
		return op == pdev->op && op == PCI_OP_REMOVE ? -EALREADY
							     : -EBUSY;
	if (op != PCI_OP_LOSS && pcidev_marked(pdev, PCI_MARK_LOST))
		return -ENODEV;
	pdev->op = (uint8_t)op;
	pdev->op_since = plat_now();
	pdev->op_for = NULL;
	plat_event_clear(&pdev->idle);
	return 0;
}

/*
 * The owner's event is set under pdev->lock, which keeps the owner: a domain
 * that dies waits there for its devices' operations to end.
 */
void pci_op_end(struct pci_dev *pdev)
{
	struct domain *d = hf_load_relaxed(&pdev->owner);
	struct pci_hold *hold;

	pci_assert_held(&pdev->lock);
	list_for_each(hold, &pdev->holds, struct pci_hold, entry)
		hold->asked = hold->refused = false;
	pdev->op = PCI_OP_NONE;
	pdev->op_for = NULL;
	plat_event_set(&pdev->idle);
	if (d)
		plat_event_set(&d->event);
}
