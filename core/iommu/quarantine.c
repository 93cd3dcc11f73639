/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into quarantine by an administrator's word, and out of it. What is in it is
 * dom_io's and broken, with the reason; it comes home by nothing but what is
 * here, and pcidev_mend(), and to a guest if that is asked for (assign.c).
 *
 * Both own pdev->op from the look to the end. An assignment to the device's
 * group marks all of the group, so it comes before or after, never between.
 */
#include "iommu/internal.h"

/* -EALREADY is a removal's. */
static int begin(pci_sbdf_t sbdf, struct pci_dev **pdev)
{
	int err = pci_lookup(NULL, sbdf, pdev);

	if (err)
		return err;
	err = pcidev_begin(*pdev, PCI_OP_RESET, NULL);
	if (err)
		pcidev_put(*pdev);
	return err;
}

static void end(struct pci_dev *pdev)
{
	pcidev_end(pdev);
	pcidev_put(pdev);
}

/* --- in ----------------------------------------------------------------------- */

/* Until then it may be reaching what it did. */
static int wait_until_forgotten(struct pci_dev *pdev)
{
	unsigned int turn = 0;
	const char *why;
	int err = 0;

	while (pdev->iommu &&
	       (err = iommu_forgotten(pdev->iommu, &why)) == -EINPROGRESS)
		pcidev_wait_longer(&turn);
	return err;
}

/*
 * Its state is recorded before it is stopped, and it is stopped at once. The
 * reset comes on the way out.
 */
static int put_in(struct pci_dev *pdev, const char *why)
{
	int err = pcidev_move_out(pdev, hardware_domain);

	if (err)
		return err;
	plat_rcu_synchronize(); /* who was in the middle of a trap */
	(void)conf_save(pdev);  /* it is broken all the same */
	conf_stop(pdev);
	pci_stages_cut_off(pdev);
	pcidev_set_broken(pdev, why);
	err = wait_until_forgotten(pdev);
	pci_stages_rest(pdev);
	return err;
}

int pci_quarantine_device(pci_sbdf_t sbdf, const char *why)
{
	struct domain *owner;
	struct pci_dev *pdev;
	int err = begin(sbdf, &pdev);

	if (err)
		return err;
	owner = hf_load_acquire(&pdev->owner);
	if (pcidev_is_bridge(pdev))
		err = -EPERM;
	else if (owner == hardware_domain)
		err = put_in(pdev, why);
	else if (owner != dom_io)
		err = -EBUSY;
	end(pdev);
	return err;
}

/* --- out ------------------------------------------------------------------------ */

/* -EPERM: a guest has another of its group, and would have it as a neighbour. */
static int check_group(struct pci_dev *pdev)
{
	struct group g;
	unsigned int i;
	int err = group_find(&g, pdev);

	for (i = 0; i < g.n && !err; i++) {
		struct domain *d = hf_load_acquire(&g.entry[i].pdev->owner);

		if (d != hardware_domain && d != dom_io && d != dom_hidden)
			err = -EPERM;
	}
	group_put(&g);
	return err;
}

/*
 * As if the hardware domain had it until now: it is not asked whether it can
 * be reset, but it is if it can, and checked. A check that fails makes it
 * broken again, before it could go anywhere.
 */
const char *quarantine_open(struct pci_dev *pdev)
{
	const char *why;

	pci_lock(&pdev->lock);
	pdev->dirty = PCI_DIRTY_HOST;
	why = pdev->broken;
	pci_unlock(&pdev->lock);
	pcidev_set_broken(pdev, NULL);
	return why;
}

static int take_out(struct pci_dev *pdev)
{
	struct list_head out;

	(void)quarantine_open(pdev);
	list_init(&out);
	list_add_tail(&pdev->removal_entry, &out);
	pcidev_leave_all(&out);
	list_del(&pdev->removal_entry);
	return pcidev_marked(pdev, PCI_MARK_LOST) ? -ENODEV
						  : pcidev_settle(pdev);
}

int pci_unquarantine_device(pci_sbdf_t sbdf, const char **why)
{
	struct pci_dev *pdev;
	int err = begin(sbdf, &pdev);

	if (err)
		return err;
	err = hf_load_acquire(&pdev->owner) == dom_io ? check_group(pdev)
						      : -EINVAL;
	if (!err)
		err = take_out(pdev);
	if (err == -EIO && why) {
		pci_lock(&pdev->lock);
		*why = pdev->broken;
		pci_unlock(&pdev->lock);
	}
	end(pdev);
	return err;
}
