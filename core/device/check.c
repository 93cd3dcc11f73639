/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invariants of the device layer, checked from outside while nothing runs.
 * Each function counts and logs what is broken.
 */
#include "device/internal.h"

static unsigned int broken_rule(pci_sbdf_t at, const char *text)
{
	char name[PCI_SBDF_LEN];

	plat_log(PLAT_ERROR, "invariant, %s: %s", pci_sbdf_print(name, at),
		 text);
	return 1;
}

/* Under pdev->lock. */
static unsigned int check_holds(struct pci_dev *pdev)
{
	unsigned int n = 0, children = 0, assigned = 0, broken = 0;
	pci_sbdf_t sbdf = pdev->desc.sbdf;
	struct pci_hold *hold;

	list_for_each(hold, &pdev->holds, struct pci_hold, entry) {
		n++;
		children += hold->kind == PCI_HOLD_CHILD;
		assigned += hold->kind == PCI_HOLD_ASSIGNED;
		if (!hold->listed || hf_load_relaxed(&hold->pdev) != pdev)
			broken +=
				broken_rule(sbdf, "a hold that is not its own");
		if (hold->kind == PCI_HOLD_CHILD &&
		    (hold->child->parent != pdev ||
		     pci_table_find(&pdev->pseg->table,
				    hold->child->desc.sbdf) != hold->child))
			broken +=
				broken_rule(sbdf, "a child that is not there");
	}
	if (n != pdev->nholds || children != pdev->nchildren)
		broken += broken_rule(sbdf, "holds miscounted");
	if (assigned != (pdev->assigned ? 1u : 0u))
		broken += broken_rule(sbdf, "assigned more or less than once");
	if (life_count(&pdev->life) < n + 1)
		broken += broken_rule(sbdf, "fewer references than holds");
	return broken;
}

/* Under pdev->lock. */
static unsigned int check_owner(struct pci_dev *pdev)
{
	struct domain *d = hf_load_relaxed(&pdev->owner);
	pci_sbdf_t sbdf = pdev->desc.sbdf;
	unsigned int broken = 0;

	if (!d)
		return broken_rule(sbdf, "nobody's");
	if (!domain_is_special(d) != !!pdev->assigned)
		broken += broken_rule(sbdf, "a guest's without a hold");
	if (domain_is_special(d) && !pdev->broken &&
	    hf_load_relaxed(&pdev->view))
		broken += broken_rule(sbdf, "a guest's view is left over");
	if (pdev->has_vsbdf && pci_table_find(&d->table, pdev->vsbdf) != pdev)
		broken += broken_rule(sbdf, "not where its owner sees it");
	if (pdev->returning != PCI_RETURN_NONE)
		broken += broken_rule(sbdf, "left in quarantine by a removal");
	return broken;
}

static unsigned int check_device(struct pci_segment *pseg, struct pci_dev *pdev,
				 uint32_t bdf)
{
	pci_sbdf_t sbdf = pdev->desc.sbdf;
	unsigned int broken = 0, stage = 0;
	const char *why;

	pci_lock(&pdev->lock);
	if (sbdf.bdf != bdf || sbdf.seg != pseg->number || pdev->pseg != pseg)
		broken += broken_rule(sbdf, "at another's address");
	if (life_state(&pdev->life) != PCI_STATE_LIVE)
		broken += broken_rule(sbdf, "published and not live");
	if (pdev->op != PCI_OP_NONE || pdev->op_for)
		broken += broken_rule(sbdf, "an operation is left over");
	if (!list_empty(&pdev->removal_entry) ||
	    !list_empty(&pdev->revoking_entry))
		broken += broken_rule(sbdf, "on a list of the departing");
	if (!pdev->parent && !pcidev_marked(pdev, PCI_MARK_ASTRAY) &&
	    !pci_bus_is_root(pseg, sbdf.bus))
		broken += broken_rule(sbdf, "behind a bridge, on its own");
	broken += check_holds(pdev) + check_owner(pdev);
	while ((why = pci_stages_check(pdev, &stage)))
		broken += broken_rule(sbdf, why);
	pci_unlock(&pdev->lock);
	return broken;
}

static unsigned int check_segment(struct pci_segment *pseg, uint64_t *devices)
{
	unsigned int broken = 0;
	struct pci_dev *pdev;
	uint32_t bdf = 0;

	plat_rcu_read_lock();
	for (; (pdev = pci_table_next(&pseg->table, &bdf)); bdf++) {
		broken += check_device(pseg, pdev, bdf);
		++*devices;
	}
	plat_rcu_read_unlock();
	pci_lock(&pseg->lock);
	if (!list_empty(&pseg->revoking))
		broken += broken_rule(pci_sbdf(pseg->number, 0, 0, 0),
				      "slots are still being revoked");
	pci_unlock(&pseg->lock);
	return broken;
}

/*
 * What is on @d's list is published and @d's; adds its number. If the numbers
 * agree in the end, every published device is on exactly its owner's list.
 */
static unsigned int check_domain(struct domain *d, uint64_t *listed)
{
	unsigned int n = 0, broken = 0;
	struct pci_dev *pdev;

	pci_lock(&d->lock);
	list_for_each(pdev, &d->devices, struct pci_dev, domain_entry) {
		n++;
		if (hf_load_relaxed(&pdev->owner) != d)
			broken += broken_rule(
				pdev->desc.sbdf,
				"on a list that is not its owner's");
		if (pci_table_find(&pdev->pseg->table, pdev->desc.sbdf) != pdev)
			broken += broken_rule(pdev->desc.sbdf,
					      "on a list and not published");
	}
	if (n != d->ndevices) {
		plat_log(PLAT_ERROR, "invariant, domain %s: %u devices, not %u",
			 d->name, n, d->ndevices);
		broken++;
	}
	pci_unlock(&d->lock);
	*listed += n;
	return broken;
}

unsigned int pci_check_invariants(void)
{
	uint64_t devices = 0, listed = 0;
	unsigned int broken = 0, id = 0;
	struct domain *d;
	int seg;

	for (seg = 0; (seg = pci_segment_next((unsigned int)seg)) >= 0; seg++)
		broken += check_segment(pci_segment_find((unsigned int)seg),
					&devices);
	for (d = domain_get_by_id(0); d; d = domain_next(&id)) {
		broken += check_domain(d, &listed);
		domain_put(d);
	}
	if (devices != listed) {
		plat_log(PLAT_ERROR, "invariant: %llu devices, %llu listed",
			 (unsigned long long)devices,
			 (unsigned long long)listed);
		broken++;
	}
	return broken;
}
