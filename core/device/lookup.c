/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding a device and getting a reference on it: section, table, tryget,
 * owner again. The owner is tested after the tryget, because between finding
 * and getting the device may have moved to another domain.
 */
#include "device/internal.h"

static int get_found(struct pci_dev *pdev, struct pci_dev **out)
{
	if (!pdev)
		return -ENODEV;
	if (pcidev_tryget(pdev)) {
		*out = pdev;
		return 0;
	}
	return life_state(&pdev->life) == PCI_STATE_DRAINING &&
			       !pcidev_marked(pdev, PCI_MARK_LOST)
		       ? -EBUSY
		       : -ENODEV;
}

int(pci_lookup)(const struct domain *d, pci_sbdf_t sbdf, struct pci_dev **out)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *pdev = NULL;
	int err;

	if (!pseg)
		return -ENODEV;
	plat_rcu_read_lock();
	err = get_found(pci_table_find(&pseg->table, sbdf), &pdev);
	plat_rcu_read_unlock();
	if (!err && d && d != hardware_domain &&
	    hf_load_acquire(&pdev->owner) != d) {
		pcidev_put(pdev);
		err = -ENODEV;
	}
	if (!err)
		*out = pdev;
	return err;
}

struct pci_dev *(pci_get_pdev)(const struct domain *d, pci_sbdf_t sbdf)
{
	struct pci_dev *pdev = NULL;

	return (pci_lookup)(d, sbdf, &pdev) ? NULL : pdev;
}

/*
 * A device of stride s at function f also uses f + s, f + 2s, … up to 7: in
 * these the bits of 8 - s may be set that are clear in f.
 */
struct pci_dev *(pci_get_real_pdev)(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev = (pci_get_pdev)(NULL, sbdf);
	unsigned int stride;

	for (stride = 4; !pdev && stride; stride /= 2) {
		pci_sbdf_t real = sbdf;

		real.devfn &= (uint8_t) ~(8 - stride);
		if (real.sbdf == sbdf.sbdf)
			continue;
		pdev = (pci_get_pdev)(NULL, real);
		if (pdev && pdev->desc.phantom_stride != stride) {
			pcidev_put(pdev);
			pdev = NULL;
		}
	}
	return pdev;
}

struct pci_dev *(vpci_get_pdev)(struct domain *d, pci_sbdf_t vsbdf)
{
	struct pci_dev *pdev = NULL;
	int err;

	if (vsbdf.seg)
		return NULL;
	plat_rcu_read_lock();
	err = get_found(pci_table_find(&d->table, vsbdf), &pdev);
	plat_rcu_read_unlock();
	if (!err && hf_load_acquire(&pdev->owner) != d) {
		pcidev_put(pdev);
		return NULL;
	}
	return err ? NULL : pdev;
}

/*
 * By address, never by a neighbour's links: @prev may have been removed, and
 * another device may stand at its address.
 */
struct pci_dev *(pci_next_pdev)(uint16_t seg, struct pci_dev *prev)
{
	struct pci_segment *pseg = pci_segment_find(seg);
	uint32_t bdf = prev ? prev->desc.sbdf.bdf + 1u : 0;
	struct pci_dev *pdev;

	pcidev_put(prev);
	if (!pseg)
		return NULL;
	plat_rcu_read_lock();
	while ((pdev = pci_table_next(&pseg->table, &bdf)) &&
	       !pcidev_tryget(pdev))
		bdf++;
	plat_rcu_read_unlock();
	return pdev;
}

/*
 * A guest's devices are few, in no order, among very many. What is on its list
 * is referenced by it, so there is something to try for.
 */
static struct pci_dev *guest_next_pdev(struct domain *d, struct pci_dev *prev)
{
	uint64_t from = prev ? prev->desc.sbdf.sbdf + 1ull : 0;
	struct pci_dev *pdev, *next;
	bool got;

	do {
		next = NULL;
		pci_lock(&d->lock);
		list_for_each(pdev, &d->devices, struct pci_dev, domain_entry)
			if (pdev->desc.sbdf.sbdf >= from &&
			    (!next ||
			     pdev->desc.sbdf.sbdf < next->desc.sbdf.sbdf))
				next = pdev;
		got = next && pcidev_tryget(next);
		if (next)
			from = next->desc.sbdf.sbdf + 1ull;
		pci_unlock(&d->lock);
	} while (next && !got);
	pcidev_put(prev);
	return next;
}

struct pci_dev *domain_next_pdev(struct domain *d, struct pci_dev *prev)
{
	unsigned int seg = prev ? prev->desc.sbdf.seg : 0;
	struct pci_dev *pdev = prev;
	int next;

	if (!domain_is_special(d))
		return guest_next_pdev(d, prev);
	while ((next = pci_segment_next(seg)) >= 0) {
		if ((unsigned int)next != seg) {
			pcidev_put(pdev);
			pdev = NULL;
		}
		do {
			pdev = (pci_next_pdev)((uint16_t)next, pdev);
		} while (pdev && hf_load_acquire(&pdev->owner) != d);
		if (pdev)
			return pdev;
		seg = (unsigned int)next + 1;
	}
	pcidev_put(pdev);
	return NULL;
}

bool pcidev_is_below(struct pci_dev *pdev, pci_sbdf_t lead, bool slot)
{
	uint8_t mask = slot ? 0xf8 : 0xff;

	for (; pdev; pdev = pdev->parent) {
		pci_sbdf_t at = pdev->desc.sbdf;

		if (at.bus == lead.bus &&
		    (at.devfn & mask) == (lead.devfn & mask))
			return true;
	}
	return false;
}
