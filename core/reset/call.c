/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets that somebody asks for, of devices that no guest has. */
#include "reset/internal.h"

/* Which it has and could use, in a moment in which nothing else happens. */
static unsigned int usable(struct pci_dev *pdev)
{
	unsigned int has;

	if (!pdev->reset || pcidev_is_bridge(pdev) || reset_has_children(pdev))
		return 0;
	has = reset_has(pdev);
	if (reset_bus_possible(pdev))
		has |= 1u << PCI_RESET_BUS;
	return has;
}

int pci_reset_methods(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev;
	int ret = pci_lookup(NULL, sbdf, &pdev);

	if (ret)
		return ret;
	ret = (int)usable(pdev);
	pcidev_put(pdev);
	return ret;
}

/* One that its order names, or the one that is asked for. */
static bool has_one(struct pci_dev *pdev, enum pci_reset_method method)
{
	unsigned int has = usable(pdev);
	uint32_t order = has ? reset_order(pdev->reset) : 0;

	if (method != PCI_RESET_ANY)
		return has & 1u << method;
	for (; order; order >>= 4)
		if (has & 1u << ((order & 15) - 1))
			return true;
	return false;
}

/* What is in quarantine stays there; it leaves nobody, and is reset again. */
static int take_out(struct pci_dev *pdev, struct domain *from)
{
	if (from == hardware_domain)
		return pcidev_move_out(pdev, from);
	pci_lock(&pdev->lock);
	pdev->dirty = PCI_DIRTY_HOST;
	pci_unlock(&pdev->lock);
	return 0;
}

/* By the owner of pdev->op. */
static int reset(struct pci_dev *pdev, enum pci_reset_method method)
{
	struct domain *from = hf_load_acquire(&pdev->owner);
	struct list_head out;
	int err;

	if (from != hardware_domain && from != dom_io)
		return -EBUSY;
	if (from == hardware_domain && pcidev_is_broken(pdev))
		return -EBADF;
	if (!has_one(pdev, method))
		return pcidev_marked(pdev, PCI_MARK_LOST) ? -ENODEV
							  : -EOPNOTSUPP;
	err = take_out(pdev, from);
	if (err)
		return err;
	pdev->reset->asked = method;
	pdev->reset->method = PCI_RESET_METHODS;
	pdev->reset->why = NULL;
	list_init(&out);
	list_add_tail(&pdev->removal_entry, &out);
	pcidev_leave_all(&out);
	list_del(&pdev->removal_entry);
	if (from == hardware_domain)
		err = pcidev_settle(pdev);
	else
		pci_stages_rest(pdev);
	if (pcidev_marked(pdev, PCI_MARK_LOST))
		return -ENODEV;
	if (pdev->reset->why)
		return -EIO;
	/* A neighbour came into use while we looked. */
	return !err && pdev->reset->method == PCI_RESET_METHODS ? -EOPNOTSUPP
								: err;
}

static const char *reason(struct pci_dev *pdev)
{
	const char *why = pdev->reset->why;

	if (why)
		return why;
	pci_lock(&pdev->lock);
	why = pdev->broken;
	pci_unlock(&pdev->lock);
	return why;
}

int pci_reset_device(pci_sbdf_t sbdf, enum pci_reset_method method,
		     enum pci_reset_method *used, const char **why)
{
	struct pci_dev *pdev;
	int err;

	if (method > PCI_RESET_ANY)
		return -EINVAL;
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	err = pdev->reset ? pcidev_begin(pdev, PCI_OP_RESET, NULL)
			  : -EOPNOTSUPP;
	if (err)
		goto out;
	err = reset(pdev, method);
	if (used && !err)
		*used = pdev->reset->method;
	if (why && (err == -EIO || err == -EBADF))
		*why = reason(pdev);
	pcidev_end(pdev);
out:
	pcidev_put(pdev);
	return err;
}
